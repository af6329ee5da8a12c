# SPDX-License-Identifier: Apache-2.0
"""Windows over any order: what is correlated does not depend on lanes, connections, or which event comes first.

PENSTOCK_EVENTS makes it longer.
"""
import collections
import json
import os
import random

import pytest

from conftest import Factory
from correlation_stream import CORRELATION, OUT_OF_ORDER, RULES, connect, facts, finish, same, shuffled, stream
from support import eventually, penstock

EVENTS = int(os.environ.get("PENSTOCK_EVENTS", "6000"))
# Event time that is sent at a time, in seconds: about so far a lane may run ahead of another.
SLICE = OUT_OF_ORDER / 6


class Found:
    """What came of a stream: incidents, events that came after their windows were judged, and frames by lane."""


def run(folder, certificates, made, lanes=1, senders=1, each=1, **correlation):
    """Sends events in their order over `each` connections of so many senders."""
    folder.mkdir()
    factory, found = Factory(folder, certificates), Found()
    rules = folder / "rules.yml"
    rules.write_text(RULES)
    try:
        service = factory.start(factory.configuration(
            rules=str(rules), lanes=lanes, correlation=CORRELATION | correlation))
        stack, connections = connect(service, senders, each)
        with stack:
            send(service, connections, made)
            finish(service, connections, made)
            found.incidents = facts(service)
        found.late = service.count("penstock_correlation_late_events_total")
        assert service.count("penstock_dropped_total", stage="correlate", reason="late") == 0
        assert service.stop() == 0, service.log()
        frames = penstock("replay", "-c", service.file, timeout=600).stdout.splitlines()
        found.lanes = collections.Counter(json.loads(frame)["log"] for frame in frames)
        return found
    finally:
        factory.close()


def send(service, connections, made):
    """Deals events out over connections, so that none runs far ahead of the others."""
    slices, sent = collections.defaultdict(list), 0
    highest = 0
    for event in made:
        highest = max(highest, event.second)
        slices[int(highest / SLICE)].append(event.line)
    for lines in slices.values():
        dealt = ["".join(lines[number::len(connections)]) for number in range(len(connections))]
        for connection, text in zip(connections, dealt):
            connection.sendall(text.encode())
        sent += len(lines)
        eventually(lambda: service.count("penstock_journal_appended_frames_total") >= sent, 600, "all messages", 0.005)


@pytest.fixture(scope="module")
def made():
    return stream(5, EVENTS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, certificates, made):
    """One lane, one connection, no more disorder than sshd's: what all others must find too."""
    found = run(tmp_path_factory.mktemp("order") / "whole", certificates, made)
    assert found.late == 0
    assert len(found.incidents) > 10
    assert len({len(record["rules"]) for record in found.incidents.values()}) > 1
    return found.incidents


@pytest.mark.parametrize("lanes, senders, each", [(1, 4, 2), (2, 1, 8), (4, 4, 3)])
def test_lanes_and_connections_change_no_incident(tmp_path, certificates, made, whole, lanes, senders, each):
    found = run(tmp_path / "lanes", certificates, made, lanes=lanes, senders=senders, each=each)
    assert len(found.lanes) == 1 if lanes == 1 else len(found.lanes) > 1, found.lanes
    same(whole, found.incidents)


def test_disorder_that_is_waited_for_changes_no_incident(tmp_path, certificates, made, whole):
    found = run(tmp_path / "shuffled", certificates, shuffled(made, OUT_OF_ORDER / 2), lanes=2, each=4)
    same(whole, found.incidents)


# How much of the stream is enough where nearly every event revises something.
PART = 3000


@pytest.fixture(scope="module")
def revised(tmp_path_factory, certificates, made):
    """A part of the stream in its order, and shuffled far beyond what is waited for but inside the lateness."""
    folder, part = tmp_path_factory.mktemp("revised"), made[:PART]
    ordered = run(folder / "ordered", certificates, part)
    late = run(folder / "late", certificates, shuffled(part, 200), out_of_order="2s")
    assert ordered.late == 0
    assert late.late > PART / 4
    return ordered.incidents, late.incidents


def test_disorder_within_the_lateness_ends_in_the_same_incidents(revised):
    ordered, late = revised
    assert len(ordered) > 5
    # What differs are the firings' ids, which of them founded the incident, and how often it was revised.
    for name, record in ordered.items():
        assert late[name]["severity"] == record["severity"], name
        assert late[name]["actor"] == record["actor"], name
        assert {rule["rule"] for rule in late[name]["rules"]} == {rule["rule"] for rule in record["rules"]}, name
    assert set(late) == set(ordered)


def firings(record):
    """What an incident's firings say in the end, those left out that late events undid."""
    return sorted((firing["rule"], firing["time"], firing["first"], firing["last"], firing["count"])
                  for firing in record["detections"] if firing["count"])


def test_disorder_within_the_lateness_ends_in_the_same_firings(revised):
    ordered, late = revised
    assert {name: firings(record) for name, record in late.items()} == \
        {name: firings(record) for name, record in ordered.items()}


def test_detect_finds_the_same_in_any_order(tmp_path, made, whole):
    (tmp_path / "rules.yml").write_text(RULES)
    lines = [event.json for event in made]

    def detected(lines):
        answer = penstock("detect", "--correlate", "--rules", tmp_path / "rules.yml", stdin="".join(lines), timeout=600)
        assert answer.returncode == 0, answer.stderr.decode()
        return sorted(answer.stdout.splitlines())
    ordered = detected(lines)
    # The service tells the same firings, as many as an incident lists.
    told = sum(len(record["detections"]) for record in whole.values())
    assert len(ordered) == told > 50
    for seed in (1, 2):
        mixed = list(lines)
        random.Random(seed).shuffle(mixed)
        assert detected(mixed) == ordered
    assert detected(lines[::-1]) == ordered
