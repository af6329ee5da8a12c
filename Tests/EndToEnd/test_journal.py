# SPDX-License-Identifier: Apache-2.0
"""The journal: what was acknowledged is there after a kill, outputs go on where they were, a full disk loses nothing."""
import base64
import contextlib
import json
import os
import random
import re
import socket
import subprocess
import threading
import time

import pytest
import support
from relp import RelpClient

NUMBER = re.compile(rb'n="(\w+)-(\d+)"')


def message(stream, number, size=180):
    text = b"<134>1 2026-11-20T10:00:00Z plc-7 app - - [t@32473 n=\"%s-%d\"] " % (stream.encode(), number)
    return text + b"x" * max(0, size - len(text) + number % 61)


def replayed(folder, *options):
    """The frames in the journal of a service that has stopped: {(stream, number): times}, and the frames."""
    answer = support.penstock("replay", "--journal", folder / "data/journal", *options)
    assert answer.returncode == 0, answer.stderr.decode()
    frames = support.ndjson(answer.stdout)
    counts = {}
    for frame in frames:
        raw = base64.b64decode(frame["raw_b64"]) if "raw_b64" in frame else frame["raw"].encode()
        found = NUMBER.search(raw)
        if found:
            key = (found[1].decode(), int(found[2]))
            counts[key] = counts.get(key, 0) + 1
    return counts, frames


def assert_unbroken(frames):
    """Every log's numbers follow each other without a gap."""
    last = {}
    for frame in frames:
        log, sequence = frame["log"], frame["sequence"]
        if log in last:
            assert sequence == last[log] + 1, "log %d: %d after %d" % (log, sequence, last[log])
        last[log] = sequence


def written(file):
    """{(stream, number): times} in the lines of a file output; every line must be whole."""
    counts = {}
    if not file.exists():
        return counts
    for line in file.read_bytes().split(b"\n")[:-1]:
        event = json.loads(line)
        found = NUMBER.search(event.get("raw_data", "").encode())
        if found:
            key = (found[1].decode(), int(found[2]))
            counts[key] = counts.get(key, 0) + 1
    return counts


def configuration(factory, **changes):
    made = factory.configuration(lanes=2)
    relp, = support.free_ports(1)
    made["listeners"].append({"name": "relp", "transport": "relp", "address": "127.0.0.1:%d" % relp})
    made["outputs"]["lines"] = [{"name": "events", "path": str(factory.folder / "events.ndjson")}]
    made.update(changes)
    return made


def test_kill_in_a_flood_loses_nothing_acknowledged(factory):
    """kill -9 in the middle of a TCP and RELP flood, twenty times in a row, with restarts."""
    settings = configuration(factory)
    rounds = int(os.environ.get("PENSTOCK_KILLS", "20"))
    acknowledged, sent, number = set(), {"relp": 0, "tcp": 0}, {"relp": 0, "tcp": 0}
    for round_ in range(rounds):
        service = factory.start(settings)
        stop, clients = threading.Event(), []

        def flood_relp():
            with contextlib.suppress(OSError, ConnectionError, AssertionError):
                client = RelpClient(service.relp)
                clients.append(client)
                while not stop.is_set() and client.send(message("relp", number["relp"])):
                    number["relp"] += 1
                stop.wait(0.2)
                acknowledged.update(NUMBER.search(m)[2] for m in list(client.acknowledged))
                client.socket.close()

        def flood_tcp():
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", service.tcp), timeout=60) as sender:
                    while not stop.is_set():
                        batch = [message("tcp", number["tcp"] + n) for n in range(50)]
                        # Before they are sent: a part of them may arrive although sending fails.
                        number["tcp"] += 50
                        sender.sendall(support.octets(batch))
                        # Some 10,000 a second: what is tested is the kill, and every line is read again below.
                        stop.wait(0.005)

        threads = [threading.Thread(target=flood_relp), threading.Thread(target=flood_tcp)]
        for thread in threads:
            thread.start()
        support.eventually(lambda: clients and len(clients[0].acknowledged) > 20, 60, "acknowledgements")
        time.sleep(random.uniform(0.3, 0.9))
        service.kill()
        stop.set()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()
        number["relp"] += 1
    sent = dict(number)
    service = factory.start(settings)
    there = set(replayed(factory.folder)[0])
    support.eventually(lambda: there <= set(written(factory.folder / "events.ndjson")), 240,
                       "outputs that caught up", interval=1)
    assert service.stop() == 0, service.log()
    counts, frames = replayed(factory.folder)
    missing = [n for n in acknowledged if ("relp", int(n)) not in counts]
    assert len(acknowledged) > 20 * rounds, "the flood was no flood: %d" % len(acknowledged)
    assert not missing, "%d of %d acknowledged messages are not in the journal" % (len(missing), len(acknowledged))
    assert_unbroken(frames)
    # Each number was sent once: the client never repeats, so nothing may be there twice.
    assert not [key for key, times in counts.items() if times > 1]
    # TCP has no acknowledgement: what is there is a beginning of each connection's stream, without holes inside it.
    lines = written(factory.folder / "events.ndjson")
    assert set(counts) <= set(lines), "%d messages in the journal never reached the output" % len(set(counts) - set(lines))
    repeats = sum(times - 1 for times in lines.values())
    print("rounds %d, relp sent %d acknowledged %d, tcp sent %d, in the journal %d, output repeats %d" % (
        rounds, sent["relp"], len(acknowledged), sent["tcp"], len(counts), repeats))
    answer = support.penstock("verify", "--journal", factory.folder / "data/journal")
    assert answer.returncode == 0, answer.stdout.decode() + answer.stderr.decode()


def test_outputs_go_on_where_they_were(factory):
    """A receiver that is away for a while, over a kill and a restart, gets every event; another output is not slowed."""
    sink_port, = support.free_ports(1)
    settings = configuration(factory)
    settings["outputs"]["feeds"] = [{
        "name": "siem", "format": "ocsf", "transport": "tcp", "address": "127.0.0.1:%d" % sink_port, "framing": "lf",
        "queue_bytes": "256KiB"}]
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(20_000)]))
    support.eventually(lambda: len(written(factory.folder / "events.ndjson")) == 20_000, 120, "the file's events")
    support.eventually(lambda: service.count("penstock_journal_lag_frames", consumer="feed/siem") >= 15_000, 60, "lag")
    assert service.count("penstock_dropped_total", stage="feed") == 0
    service.kill()
    sink = support.LineSink(sink_port)
    try:
        service = factory.start(settings)
        support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(20_000, 21_000)]))

        def numbers():
            return {int(found[2]) for line in sink.lines() for found in [NUMBER.search(
                json.loads(line).get("raw_data", "").encode())] if found}
        support.eventually(lambda: len(numbers()) == 21_000, 240, "all events at the sink that was away",
                           interval=0.5)
        assert service.stop() == 0, service.log()
    finally:
        sink.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_full_disk_stops_senders_that_can_wait(factory, tmp_path):
    """The journal's disk fills: TCP waits, UDP is shed with a count, nothing is corrupt; with room it goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no tmpfs can be mounted: %s" % mounted.stderr.decode())
    try:
        settings = configuration(factory, journal={
            "directory": str(disk / "journal"), "segment_bytes": "4MiB", "retain_bytes": "1GiB", "reserve_bytes": 0})
        # The consumer that never takes anything keeps the segments.
        settings["outputs"]["feeds"] = [{
            "name": "away", "format": "ocsf", "transport": "tcp", "address": "127.0.0.1:9", "framing": "lf",
            "queue_bytes": "64KiB"}]
        ballast = disk / "ballast"
        service = factory.start(settings)
        ballast.write_bytes(bytes(16 << 20))
        noise = random.Random(7)
        # More than fits beside the ballast, less than the disk: random bytes do not compress.
        total = 20_000

        def flood():
            with socket.create_connection(("127.0.0.1", service.tcp)) as sender:
                # The kernel must not hold on this side what the service does not take.
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
                for start in range(0, total, 50):
                    batch = []
                    for n in range(start, start + 50):
                        batch.append(message("tcp", n) + b" " + noise.randbytes(300).hex().encode())
                    sender.sendall(support.octets(batch))
        thread = threading.Thread(target=flood)
        thread.start()
        support.becomes(lambda: service.count("penstock_journal_full"), 1, "a full journal", 120)

        def shed():
            # Again and again: a small batch may still fit after a large one did not, and those datagrams are not lost.
            support.send_udp(service.udp, [message("udp", n) for n in range(200)])
            return service.count("penstock_dropped_total", stage="journal", reason="disk_full") > 0
        support.eventually(shed, 60, "counted datagrams", 0.2)
        assert thread.is_alive(), "the TCP sender was not stopped"
        support.eventually(lambda: "the journal takes nothing" in service.log(), 60, "the log line")
        assert service.get("/healthz")[0] == 200
        ballast.unlink()
        thread.join(120)
        assert not thread.is_alive(), "the sender did not go on after there was room"
        support.becomes(lambda: service.count("penstock_journal_full"), 0, "a journal that takes frames again")
        support.eventually(
            lambda: sum(1 for k in written(factory.folder / "events.ndjson") if k[0] == "tcp") == total, 120,
            "every TCP message in the output")
        assert service.stop() == 0, service.log()
        answer = support.penstock("verify", "--journal", disk / "journal")
        assert answer.returncode == 0, answer.stdout.decode() + answer.stderr.decode()
    finally:
        for service in factory.services:
            service.kill()
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_verify_finds_one_changed_byte(factory):
    settings = configuration(factory)
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(2_000)]))
    support.eventually(lambda: len(written(factory.folder / "events.ndjson")) == 2_000, 60, "the events")
    assert service.stop() == 0
    journal = factory.folder / "data/journal"
    assert support.penstock("verify", "--journal", journal).returncode == 0
    file = max(journal.glob("log-*/*"), key=lambda path: path.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    answer = support.penstock("verify", "--journal", journal)
    assert answer.returncode == 1
    assert file.name in (answer.stdout + answer.stderr).decode()


def test_a_torn_tail_is_cut_and_said(factory):
    settings = configuration(factory, lanes=1)
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(500)]))
    support.eventually(lambda: len(written(factory.folder / "events.ndjson")) == 500, 60, "the events")
    service.kill()
    file = max((factory.folder / "data/journal").glob("log-0/*"), key=lambda path: path.stat().st_size)
    with open(file, "ab") as torn:
        torn.write(os.urandom(777))
    service = factory.start(settings)
    assert re.search(r"; \d+ bytes were cut off", service.log()), service.log()
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(500, 600)]))
    support.eventually(lambda: len(written(factory.folder / "events.ndjson")) == 600, 60, "the events after the cut")
    assert service.stop() == 0
    counts, frames = replayed(factory.folder)
    assert_unbroken(frames)
    assert counts == {("tcp", n): 1 for n in range(600)}


def test_lost_positions_repeat_instead_of_losing(factory):
    """A damaged file of positions: the outputs begin at the start of the journal, and the log says so."""
    settings = configuration(factory, lanes=1)
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(300)]))
    support.eventually(lambda: len(written(factory.folder / "events.ndjson")) == 300, 60, "the events")
    assert service.stop() == 0
    (factory.folder / "data/journal/positions").write_bytes(b"no positions")
    service = factory.start(settings)
    support.eventually(lambda: set(written(factory.folder / "events.ndjson").values()) == {2}, 60, "every event again")
    assert "positions is damaged" in service.log()
    assert service.stop() == 0
