# SPDX-License-Identifier: Apache-2.0
"""Several events a record through the whole service: each delivered once under a uid of its own, each judged by itself."""
import contextlib
import datetime as dt
import json
import random
import re
import socket
import time

import support
from test_journal import configuration

START = dt.datetime.now(dt.timezone.utc).replace(microsecond=0) - dt.timedelta(minutes=40)
RULES = """\
title: trail stopped
name: STOPPED
logsource: {product: aws, service: cloudtrail}
detection: {stopped: {api.operation: StopLogging}, condition: stopped}
level: high
---
title: needle
logsource: {product: aws, service: cloudtrail}
detection: {words: [needle-in-it], condition: words}
level: high
"""
# All that were sent, and one more: what is lost shows by the one, what comes twice by the other.
COUNTS = """\
---
title: all of them
name: ALL
level: high
correlation: {type: event_count, rules: [STOPPED], group-by: [cloud.account.uid], timespan: 2h, condition: {gte: %d}, generate: false}
---
title: one too many
name: MORE
level: high
correlation: {type: event_count, rules: [STOPPED], group-by: [cloud.account.uid], timespan: 2h, condition: {gte: %d}, generate: false}
"""


def record(number, operation, **parameters):
    return {"eventVersion": "1.09", "userIdentity": {"type": "IAMUser", "userName": "jane", "accountId": "111122223333"},
            "eventTime": (START + dt.timedelta(milliseconds=100 * number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "eventSource": "cloudtrail.amazonaws.com", "eventName": operation, "awsRegion": "eu-central-1",
            "sourceIPAddress": "203.0.113.8", "requestParameters": parameters, "eventID": "id-%d" % number,
            "eventType": "AwsApiCall", "recipientAccountId": "111122223333", "eventCategory": "Management"}


def message(records):
    return b"<134>1 2026-11-20T10:00:00Z aws-relay cloudtrail - - - " + json.dumps({"Records": records}).encode()


def events(file):
    """The events in the lines of a file output; every line must be whole."""
    lines = file.read_bytes().split(b"\n") if file.exists() else [b""]
    return [event for event in map(json.loads, lines[:-1]) if event["metadata"].get("original_event_uid")]


def test_a_batch_of_cloudtrail(factory):
    rules = factory.folder / "rules.yml"
    rules.write_text(RULES)
    settings = configuration(factory, lanes=1)
    settings["rules"] = str(rules)
    service, file = factory.start(settings), factory.folder / "events.ndjson"
    records = [record(1, "ListTrails"), record(2, "GetTrail", name="t"), record(3, "StopLogging", name="needle-in-it"),
               record(4, "ListTrails"), record(5, "ListTrails")]
    support.send_tcp(service.tcp, support.octets([message(records), message(records[:1])]))
    support.eventually(lambda: len(events(file)) == 6, 60, "the events")
    made = events(file)
    assert [event["metadata"]["original_event_uid"] for event in made] == ["id-%d" % n for n in [1, 2, 3, 4, 5, 1]]
    assert [event["api"]["operation"] for event in made[:3]] == ["ListTrails", "GetTrail", "StopLogging"]
    uids = [event["metadata"]["uid"] for event in made]
    first = re.fullmatch(r"(.*/\d+-)(\d+)", uids[0])
    assert uids[1:5] == [uids[0] + "-%d" % n for n in [2, 3, 4, 5]]
    assert uids[5] == first[1] + str(int(first[2]) + 1)
    assert [json.loads(event["raw_data"]) for event in made[:5]] == records
    # Both rules match the third of them, none of its neighbours, though the line has the word for all.
    support.eventually(lambda: support.incidents(service.lake), 60, "the incident")
    support.eventually(
        lambda: {uid for incident in support.incidents(service.lake).values()
                 for uid in re.findall(r'"event_?[uU]id": ?"([^"]+)"', json.dumps(incident))} == {uids[2]},
        60, "the detections on the third event, and on no other")
    evidence = [path.read_bytes() for path in (service.lake / "evidence").rglob("*") if path.is_file()]
    assert [json.loads(text) for text in evidence] == [records[2]]
    # The lake has the same events.
    support.eventually(lambda: sorted(
        row["metadata"]["uid"] for row in map(support.event, support.rows(service.lake))
        if row["metadata"].get("uid") in uids) == sorted(uids), 60, "the lake")
    assert service.stop() == 0, service.log()


def test_kills_neither_lose_nor_repeat_events_of_a_record(factory):
    generator, number, frames = random.Random(5), 0, []
    for _ in range(3_000):
        count = generator.choice([1, 2, 3, 8, 40])
        frames.append(message([record(number + n, "StopLogging", n=number + n) for n in range(count)]))
        number += count
    # Without further parts: nothing of a record stands beside them.
    ordered = ["id-%d" % n for n in range(number)]
    rules, file = factory.folder / "rules.yml", factory.folder / "events.ndjson"
    rules.write_text(RULES + COUNTS % (number, number + 1))
    settings = configuration(factory, lanes=1)
    settings["rules"] = str(rules)
    settings["correlation"] = {"out_of_order": "180s", "lateness": "5m"}
    sent = 0
    for cut in [700, 1_400, 2_300]:
        service = factory.start(settings)
        with socket.create_connection(("127.0.0.1", service.tcp), timeout=60) as sender, \
                contextlib.suppress(ConnectionError):
            there = len(events(file))
            while sent < cut:
                part = frames[sent:min(sent + 20, cut)]
                sender.sendall(support.octets(part))
                sent += len(part)
                time.sleep(0.002)
            support.eventually(lambda: len(events(file)) > there + 2_000, 120, "some of the events")
            service.kill()
        # What the journal has not is lost with the process: a sender that can sends it again.
        answer = support.penstock("replay", "--raw", "-c", service.file, timeout=600)
        assert answer.returncode == 0, answer.stderr.decode()
        sent = answer.stdout.count(b"\n")
        assert sent <= cut
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets(frames[sent:]))
    support.eventually(lambda: len(events(file)) >= number, 300, "all events", interval=1)
    # An event after all of them, so that the last is judged.
    support.send_tcp(service.tcp, support.octets([message([record(number + 3_600 * 10, "End")])]))
    support.eventually(lambda: len(events(file)) > number, 60, "the last event")
    assert service.stop() == 0, service.log()
    made = events(file)[:-1]
    assert [event["metadata"]["original_event_uid"] for event in made] == ordered
    uids = [event["metadata"]["uid"] for event in made]
    assert len(set(uids)) == number
    # The same frames have the same uids when they are read again.
    fired = json.dumps(support.incidents(service.lake))
    assert '"all of them"' in fired and '"one too many"' not in fired
