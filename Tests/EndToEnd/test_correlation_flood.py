# SPDX-License-Identifier: Apache-2.0
"""A flood of keys against a slow attacker: five tries in fifty minutes among five million other addresses.

It takes minutes and gigabytes of disk: PENSTOCK_FLOOD=1 runs it, PENSTOCK_FLOOD_EVENTS makes it another number.
"""
import datetime as dt
import json
import os
import pathlib
import random
import resource
import socket
import subprocess
import time

import pytest

from correlation_stream import START
from support import BINARY, eventually, penstock

EVENTS = int(os.environ.get("PENSTOCK_FLOOD_EVENTS", "5000000"))
SECONDS = 50 * 60
ATTACKER = "203.0.113.66"
MARKER = "192.0.2.1"
CHUNK = 20_000
RULES = """\
title: failure
name: FAILURE
logsource: {product: ocsf, category: authentication}
detection: {failed: {status_id: 2, auth_protocol: SSH}, condition: failed}
level: low
---
title: slow guessing
name: SLOW
level: high
correlation: {type: event_count, rules: [FAILURE], group-by: [src_endpoint.ip], timespan: 1h, condition: {gte: 5}}
"""

pytestmark = pytest.mark.skipif(not os.environ.get("PENSTOCK_FLOOD"),
                                reason="takes minutes and gigabytes; PENSTOCK_FLOOD=1 runs it")


def chunks():
    """The flood in parts, each with the seconds of its events: a new address with each of them."""
    generator = random.Random(17)
    for start in range(0, EVENTS, CHUNK):
        numbers = range(start, min(start + CHUNK, EVENTS))
        bits = generator.getrandbits
        yield [(number * SECONDS / EVENTS, "%d.%d.%d.%d" % (1 + bits(6), bits(8), bits(8), bits(8)))
               for number in numbers]


def tries():
    """When the attacker tries: five times, the last at the end of the flood."""
    return [round(number * (SECONDS - 1) / 4, 3) for number in range(5)]


def syslog(second, address):
    stamp = START + dt.timedelta(seconds=second)
    return "<38>1 %s.%06dZ bastion sshd 4711 - - Failed password for root from %s port 4022 ssh2\n" % (
        stamp.strftime("%Y-%m-%dT%H:%M:%S"), stamp.microsecond, address)


def ocsf(second, address):
    return '{"time":%d,"auth_protocol":"SSH","status_id":2,"src_endpoint":{"ip":"%s"}}\n' % (
        (START.timestamp() + second) * 1000, address)


def interleaved(form):
    """The flood's parts as text, and between them the attacker's tries."""
    waiting = tries()
    for part in chunks():
        while waiting and waiting[0] <= part[0][0]:
            yield True, form(waiting.pop(0), ATTACKER)
        yield False, "".join(form(second, address) for second, address in part)
    for second in waiting:
        yield True, form(second, ATTACKER)


def peak(process):
    """The most memory that a process has had, in MiB."""
    status = pathlib.Path("/proc/%d/status" % process).read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) // 1024


@pytest.mark.parametrize("attacker", ["127.0.0.1", "127.0.0.2"], ids=["the same sender", "another sender"])
def test_a_flood_of_keys_hides_no_slow_attacker(factory, attacker, capsys):
    rules = factory.folder / "rules.yml"
    rules.write_text(RULES)
    service = factory.start(factory.configuration(rules=str(rules)))
    begun, sent = time.monotonic(), 0

    def connect(address):
        return socket.create_connection(("127.0.0.1", service.tcp), timeout=600, source_address=(address, 0))

    def arrived():
        eventually(lambda: service.count("penstock_journal_appended_frames_total") >= sent, 1800, "all messages", 0.01)
    with connect("127.0.0.1") as flood, connect(attacker) as other:
        for is_attack, text in interleaved(syslog):
            # In the order of time: what comes on one connection waits until the other's is in.
            if is_attack:
                arrived()
            (other if is_attack else flood).sendall(text.encode())
            sent += text.count("\n")
            if is_attack:
                arrived()
        # Hours later one that is not hidden; what comes after it takes event time past it.
        for second in [SECONDS + 7200 + number for number in range(5)] + [SECONDS + 14400]:
            flood.sendall(syslog(second, MARKER).encode())

        def told():
            answer = penstock("incident", "list", "--all", "--json", "-c", service.file, timeout=600)
            return [json.loads(line)["actor"]["value"] for line in answer.stdout.splitlines()]
        eventually(lambda: MARKER in told(), 1800, "the end of the flood", 0.5)
    counted = {reason: service.count("penstock_dropped_total", stage="correlate", reason=reason)
               for reason in ("group_quota", "evidence_limit", "late", "reorder_full")}
    with capsys.disabled():
        print("\n%d events in %.0f s, %d MiB at most, lost: %r" % (
            sent, time.monotonic() - begun, peak(service.process.pid), counted))
    assert counted["late"] == counted["reorder_full"] == 0
    assert sorted(told()) == sorted([ATTACKER, MARKER])


def test_detect_finds_the_slow_attacker_in_a_file(tmp_path, capsys):
    (tmp_path / "rules.yml").write_text(RULES)
    file = tmp_path / "flood.ndjson"
    with file.open("w") as out:
        for _, text in interleaved(ocsf):
            out.write(text)
    begun = time.monotonic()
    with file.open() as lines:
        answer = subprocess.run([BINARY, "detect", "--correlate", "--rules", tmp_path / "rules.yml"], stdin=lines,
                                capture_output=True, timeout=3600)
    with capsys.disabled():
        print("\n%d events in %.0f s, %d MiB at most" % (
            EVENTS, time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))
    assert answer.returncode == 0, answer.stderr.decode()
    file.unlink()
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [(firing["rule"], firing["group"], firing["count"]) for firing in found] == [
        ("SLOW", {"src_endpoint.ip": ATTACKER}, 5)]
