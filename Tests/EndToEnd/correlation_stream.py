# SPDX-License-Identifier: Apache-2.0
"""What the tests of windows share: sshd lines with attacks in them, rules over them, and what incidents say."""
import contextlib
import datetime as dt
import json
import os
import random
import socket
import sqlite3

from support import eventually, penstock

EVENTS = int(os.environ.get("PENSTOCK_EVENTS", "12000"))
START = dt.datetime.now(dt.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=2)
# How far an event's own time may lie behind what came before it, in seconds: sshd's lines are never quite in order.
DISORDER = 0.9
# How long windows wait, in seconds of event time. A sender that is silent for longer than a second is no longer waited
# for, and a busy machine's pauses look like that: up to this they change nothing (docs/decisions/0012).
OUT_OF_ORDER = int(os.environ.get("PENSTOCK_OUT_OF_ORDER", "180"))
CORRELATION = {"out_of_order": "%ds" % OUT_OF_ORDER, "lateness": "5m"}
RULES = """\
title: failure
name: FAILURE
logsource: {product: ocsf, category: authentication}
detection: {failed: {status_id: 2, auth_protocol: SSH, unmapped.ssh.method: password}, condition: failed}
level: low
---
title: success
name: SUCCESS
logsource: {product: ocsf, category: authentication}
detection: {passed: {status_id: 1, auth_protocol: SSH}, condition: passed}
level: low
---
title: many failures
name: MANY
level: high
correlation: {type: event_count, rules: [FAILURE], group-by: [src_endpoint.ip], timespan: 1m, condition: {gte: 5}, generate: false}
---
title: many names
name: NAMES
level: high
correlation: {type: value_count, rules: [FAILURE], group-by: [src_endpoint.ip], timespan: 5m, condition: {field: user.name, gte: 6}}
---
title: guessed
name: GUESSED
level: critical
correlation: {type: temporal_ordered, rules: [MANY_STEP, SUCCESS], group-by: [src_endpoint.ip], timespan: 10m}
---
title: step
name: MANY_STEP
level: low
correlation: {type: event_count, rules: [FAILURE], group-by: [src_endpoint.ip], timespan: 1m, condition: {gte: 4}}
"""
# What the end of a stream is told by.
MARKERS = "192.0.2."


class Event:
    """A login: when (in seconds since the start of the stream), from where, by whom, and whether it succeeded."""

    __slots__ = ("second", "address", "user", "passed", "port")

    def __init__(self, second, address, user, passed, port):
        self.second, self.address, self.user, self.passed, self.port = second, address, user, passed, port

    @property
    def line(self):
        """As sshd tells it, in RFC 5424."""
        stamp = START + dt.timedelta(seconds=self.second)
        return "<38>1 %s bastion sshd 4711 - - %s password for %s from %s port %d ssh2\n" % (
            stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "Accepted" if self.passed else "Failed", self.user, self.address,
            self.port)

    @property
    def json(self):
        """As OCSF, with what the rules look at."""
        return json.dumps({
            "time": round((START.timestamp() + self.second) * 1000), "auth_protocol": "SSH",
            "status_id": 1 if self.passed else 2, "unmapped": {"ssh": {"method": "password"}},
            "user": {"name": self.user}, "src_endpoint": {"ip": self.address, "port": self.port}}) + "\n"


def stream(seed, events=EVENTS):
    """Logins of very many addresses, three of which at a time try passwords, in the order of time but for DISORDER."""
    generator, made = random.Random(seed), []
    # All in one day: the day of its first event is part of an incident's id. At most some 20,000 revisions of incidents.
    step = min(0.22, 20 * 3600 / events)
    share = min(0.12, 50_000 / events)
    second, attackers, attacks, tries = 0.0, [], 0, 0
    while len(made) < events:
        second += generator.uniform(0.1, 1.9) * step
        if generator.random() < share:
            if tries % 40 == 0:
                attackers = attackers[-2:] + ["198.51.%d.%d" % (attacks // 250, 1 + attacks % 250)]
                attacks += 1
            tries += 1
            address = generator.choices(attackers, (1, 3, 8)[:len(attackers)])[0]
        else:
            address = "100.%d.%d.%d" % tuple(generator.randrange(*ends) for ends in ((64, 128), (0, 256), (0, 256)))
        made.append(Event(
            round(second - generator.uniform(0, DISORDER) + DISORDER, 3), address, "user%d" % generator.randrange(12),
            generator.random() < 0.04, generator.randrange(1024, 65000)))
    return made


def attack(address, second):
    """What makes an incident of its own, from `second` on."""
    return [Event(round(second + number / 10, 3), address, "last", False, 5) for number in range(5)]


def shuffled(made, seconds, seed=11):
    """The events as they come when each is delayed by up to `seconds`."""
    generator = random.Random(seed)
    return [event for _, event in sorted(((event.second + generator.uniform(0, seconds), event) for event in made),
                                         key=lambda pair: pair[0])]


# What belongs to one run: times of receipt, and what is made of them or of the order of arrival. What the service lost
# is told of the time between the receipts of an incident's first and last event, on the clock of the wall.
OWN = {"clocks", "collected", "custody", "event_uid", "first_received", "hash", "is_complete", "last_received",
       "losses", "peer", "prev_hash", "received"}


def facts(service, left_out=frozenset()):
    """What incidents say, whole, without what belongs to one run; by id."""
    def plain(value):
        if isinstance(value, dict):
            return {key: plain(member) for key, member in value.items() if key not in OWN | left_out}
        if isinstance(value, list):
            return [plain(member) for member in value]
        return value

    found = {}
    for record in records(service):
        if record["actor"]["value"].startswith(MARKERS):
            continue
        # Equal times stand in the order of uids, which are numbers of frames.
        record["timeline"].sort(key=lambda entry: (entry["time"], entry["text"]))
        record["evidence"].sort(key=lambda item: item["sha256"])
        record["summary"] = record["summary"].partition(" Coverage is ")[0]
        found[record["id"]] = plain(record)
    return found


def records(service, limit=1_000_000):
    answer = penstock("incident", "list", "--all", "--json", "--limit", limit, "-c", service.file, timeout=600)
    assert answer.returncode == 0, answer.stderr.decode()
    return [json.loads(line) for line in answer.stdout.splitlines()]


def checkpoint(service):
    """The next frame of the first log that the checkpoint of windows is exact for; 0 without one."""
    path = service.folder / "data/penstock.sqlite"
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=60)) as store:
        row = store.execute("SELECT value FROM checkpoints WHERE name = 'correlator'").fetchone()
    # How many logs, then the number of each and its frame: big endian.
    return int.from_bytes(row[0][8:16], "big") if row else 0


@contextlib.contextmanager
def held_up(service):
    """Another process writes to the service's store: the correlator waits for it, and no checkpoint is made."""
    path = service.folder / "data/penstock.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def differences(whole, other):
    """Where the facts of two runs differ, each as `incident.path: one != other`."""
    found = []

    def compare(path, one, two):
        if isinstance(one, dict) and isinstance(two, dict):
            for key in sorted(set(one) | set(two)):
                compare("%s.%s" % (path, key), one.get(key), two.get(key))
        elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
            for number, pair in enumerate(zip(one, two)):
                compare("%s[%d]" % (path, number), *pair)
        elif one != two:
            found.append("%s: %r != %r" % (path, one, two))
    compare("", whole, other)
    return found


def same(whole, other):
    """Fails with what differs, in short."""
    found = differences(whole, other)
    incidents = {text.split(".")[1].split(":")[0] for text in found}
    assert not found, "%d facts of %d incidents of %d differ:\n%s" % (
        len(found), len(incidents), len(whole), "\n".join(text[:300] for text in found[:20]))


def connect(service, senders, each):
    """Connections of so many senders, each with its own address, taken in turn."""
    stack, made = contextlib.ExitStack(), []
    for _ in range(each):
        for sender in range(senders):
            made.append(stack.enter_context(socket.create_connection(
                ("127.0.0.1", service.tcp), timeout=60, source_address=("127.0.0.%d" % (1 + sender), 0))))
    return stack, made


def finish(service, connections, made):
    """Takes event time past all windows once all is in, and waits for the last incident."""
    last = max(event.second for event in made)

    def attacked(second, addresses, timeout=1800):
        for connection, address in zip(connections, addresses):
            for event in attack(address, second):
                connection.sendall(event.line.encode())
        # What lets these be judged, from every sender.
        for connection in connections:
            connection.sendall(Event(second + OUT_OF_ORDER + 10, MARKERS + "0", "last", False, 5).line.encode())
        eventually(lambda: set(addresses) <= {r["actor"]["value"] for r in records(service, len(connections))}, timeout,
                   "the last incidents", 0.2)

    # First on each connection behind all that it carried: when this is an incident, all of that was judged. Only then
    # what comes hours later, and ends what is open.
    attacked(last, ["%s%d" % (MARKERS, 1 + number) for number in range(len(connections))])
    attacked(last + 3 * 3600, ["%s%d" % (MARKERS, 100 + number) for number in range(len(connections))])
