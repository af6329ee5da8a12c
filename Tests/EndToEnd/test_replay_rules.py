# SPDX-License-Identifier: Apache-2.0
"""`penstock replay --rules`: what rules would have found in the journal, and what is different from those in force."""
import json
import re
import shutil

import pytest
import support
from conftest import Factory

RULES = {
    "failure.yml": """\
title: failed login
id: 00000000-0000-4000-8000-000000000001
name: FAILURE
logsource: {product: ocsf, category: authentication}
detection: {failed: {status_id: 2, auth_protocol: SSH}, condition: failed}
level: low
---
title: guessing
id: 00000000-0000-4000-8000-000000000002
name: GUESSING
level: high
correlation: {type: event_count, rules: [FAILURE], group-by: [src_endpoint.ip], timespan: 1m, condition: {gte: 5}}
""",
    "root.yml": """\
title: login as root
id: 00000000-0000-4000-8000-000000000003
name: ROOT_LOGIN
logsource: {product: ocsf, category: authentication}
detection: {passed: {status_id: 1, user.name: root}, condition: passed}
level: medium
""",
    "night.yml": """\
title: any login
id: 00000000-0000-4000-8000-000000000004
name: LOGIN
logsource: {product: ocsf, category: authentication}
detection: {passed: {status_id: 1, user.name: backup}, condition: passed}
level: low
""",
}
RECEIVED = re.compile(r"received \S+ to \S+")
# Of a segment and of its first block, in bytes.
HEADERS = 60 + 92


def login(second, passed, user, address):
    what = "Accepted" if passed else "Failed"
    return b"<38>1 2026-11-20T10:%02d:%02dZ bastion sshd 4711 - - %s password for %s from %s port 4000 ssh2" % (
        second // 60, second % 60, what.encode(), user.encode(), address.encode())


def logins():
    """Six failures of one address in a minute, four of another, a login as root, and the nightly backup's."""
    made = [login(4 * n, False, "admin", "198.51.100.1") for n in range(6)]
    made += [login(60 + 5 * n, False, "plc", "198.51.100.2") for n in range(4)]
    made += [login(300, True, "root", "198.51.100.3"), login(400, True, "backup", "198.51.100.4")]
    return made


def write(folder, rules):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, text in rules.items():
        (folder / name).write_text(text)
    return folder


class Recorded:
    """A service that has taken the logins in over two lanes, and still runs."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, certificates):
    made, factory = Recorded(), Factory(tmp_path_factory.mktemp("recorded"), certificates)
    made.folder = factory.folder
    made.rules = write(factory.folder / "rules", RULES)
    settings = factory.configuration(rules=str(made.rules), lanes=2, correlation={"out_of_order": "2s"})
    made.service = factory.start(settings)
    # One connection a line, so that both lanes get some.
    for line in logins():
        support.send_tcp(made.service.tcp, support.octets([line]))
    support.becomes(lambda: made.service.count("penstock_received_messages_total"), len(logins()), "all lines")
    made.file, made.journal = made.service.file, factory.folder / "data/journal"
    yield made
    made.service.stop()
    factory.close()


@pytest.fixture
def changed(tmp_path):
    """The rules with a lower threshold, one without its match, one taken out and one put in."""
    rules = dict(RULES)
    rules["failure.yml"] = rules["failure.yml"].replace("gte: 5", "gte: 4")
    rules["root.yml"] = rules["root.yml"].replace("user.name: root", "user.name: toor")
    del rules["night.yml"]
    rules["plc.yml"] = """\
title: login of a controller's user
id: 00000000-0000-4000-8000-000000000005
name: PLC_USER
logsource: {product: ocsf, category: authentication}
detection: {plc: {user.name: plc}, condition: plc}
level: medium
"""
    return write(tmp_path / "changed", rules)


def replay(recorded, *options, code):
    answer = support.penstock("replay", "-c", recorded.file, *options)
    assert answer.returncode == code, answer.stdout.decode() + answer.stderr.decode()
    return answer.stdout.decode(), answer.stderr.decode()


def test_the_same_rules_find_what_the_service_found(recorded):
    """Firing by firing, beside the running service, whatever lane a line came by."""
    out, _ = replay(recorded, "--rules", recorded.rules, code=0)
    found = support.ndjson(out)
    assert [(f["rule"][-1], f["count"]) for f in sorted(found, key=lambda f: f["first"])] == [
        ("2", 6), ("3", 1), ("4", 1)]

    def detections():
        answer = support.penstock("incident", "list", "--all", "--json", "-c", recorded.file)
        made = [d for r in support.ndjson(answer.stdout) for d in r["detections"]]
        return made if len(made) == len(found) and sum(d["count"] for d in made) == 8 else None
    made = support.eventually(detections, 60, "the service's own detections")
    assert sorted(map(spans, made)) == sorted(map(spans, found))
    for workers in ("1", "5"):
        again, _ = replay(recorded, "--rules", recorded.rules, "--workers", workers, code=0)
        assert again == out
    out, _ = replay(recorded, "--rules", recorded.rules, "--diff", code=0)
    assert out.endswith("\n4 rules as before: 12 matched events, 3 firings\nBoth find the same.\n"), out


def spans(found):
    """First, last and count of a firing, or of what an incident tells of it."""
    def microseconds(time):
        if isinstance(time, str):
            time = support.dt.datetime.fromisoformat(time).timestamp()
        return round(time * 1e6)
    return microseconds(found["first"]), microseconds(found["last"]), found["count"]


GOLDEN = """\
12 frames, 12 events, received A to B
rules: 1 same, 2 changed, 1 added, 1 removed

removed: LOGIN (rules/night.yml:1)
  matched events: 1 before, 0 after (1 gone, 0 new)
  firings: 1 before, 0 after (1 gone, 0 new)
  - 2026-11-20T10:06:40.000Z to 2026-11-20T10:06:40.000Z  src_endpoint.ip=198.51.100.4  1 event
      <38>1 2026-11-20T10:06:40Z bastion sshd 4711 - - Accepted password for backup from 198.51.100.4 port 4000 ssh2

changed: ROOT_LOGIN (changed/root.yml:1)
  matched events: 1 before, 0 after (1 gone, 0 new)
  firings: 1 before, 0 after (1 gone, 0 new)
  - 2026-11-20T10:05:00.000Z to 2026-11-20T10:05:00.000Z  src_endpoint.ip=198.51.100.3  1 event
      <38>1 2026-11-20T10:05:00Z bastion sshd 4711 - - Accepted password for root from 198.51.100.3 port 4000 ssh2

changed: GUESSING (changed/failure.yml:8)
  firings: 1 before, 2 after (0 gone, 1 new)
  + 2026-11-20T10:01:00.000Z to 2026-11-20T10:01:15.000Z  src_endpoint.ip=198.51.100.2  4 events
      <38>1 2026-11-20T10:01:15Z bastion sshd 4711 - - Failed password for plc from 198.51.100.2 port 4000 ssh2

added: PLC_USER (changed/plc.yml:1)
  matched events: 0 before, 4 after (0 gone, 4 new)
  firings: 0 before, 1 after (0 gone, 1 new)
  + 2026-11-20T10:01:00.000Z to 2026-11-20T10:01:15.000Z  src_endpoint.ip=198.51.100.2  4 events
      <38>1 2026-11-20T10:01:00Z bastion sshd 4711 - - Failed password for plc from 198.51.100.2 port 4000 ssh2

1 rule as before: 10 matched events, 0 firings
They find different things.
"""


def test_changed_rules_are_told_apart(recorded, changed):
    """Text for people, as a whole; the same numbers for programs."""
    out, err = replay(recorded, "--rules", changed, "--diff", code=1)
    text = RECEIVED.sub("received A to B", out)
    for folder in (changed, recorded.rules):
        text = text.replace(str(folder), folder.name)
    assert text == GOLDEN
    assert re.search(r"^12 frames in [\d.]+ s, [\d,]+/s$", err, re.M), err

    out, err = replay(recorded, "--rules", changed, "--diff", "--json", "--quiet", code=1)
    answer = json.loads(out)
    assert err == "" and answer["differs"] and answer["frames"] == 12
    rules = {rule["name"]: rule for rule in answer["rules"]}
    assert {name: rule["change"] for name, rule in rules.items()} == {
        "LOGIN": "removed", "ROOT_LOGIN": "changed", "GUESSING": "changed", "PLC_USER": "added"}
    assert rules["GUESSING"]["firings"] == {"before": 1, "after": 2, "gone": 0, "new": 1}
    assert rules["GUESSING"]["new"][0]["group"] == {"src_endpoint.ip": "198.51.100.2"}
    assert rules["PLC_USER"]["events"] == {"before": 0, "after": 4, "gone": 0, "new": 4}
    assert answer["unchanged"] == {"rules": 1, "events": 10, "firings": 0}


def test_what_is_left_out_is_counted(recorded, tmp_path):
    """Per rule a bound on what is listed, not on what is counted."""
    rules = write(tmp_path / "each", {"each.yml": """\
title: each
name: EACH
logsource: {product: ocsf, category: authentication}
detection: {all: {auth_protocol: SSH}, condition: all}
level: low
penstock: {group-by: [src_endpoint.ip, user.name], timespan: 1s}
"""})
    out, _ = replay(recorded, "--rules", rules, "--diff", "--limit", "2", code=1)
    assert out.count("\n  + ") == 3 and "\n  + 10 firings more\n" in out, out


def test_what_a_sensor_saw_is_replayed_too(tmp_path, certificates, exported):
    """The rehearsed attack from a capture, with the rules in the program: what the service found, out of the journal."""
    factory = Factory(tmp_path, certificates)
    service = factory.start(factory.configuration(
        sensors=[{"name": "span", "file": str(exported / "attack.pcap")}], rules="embedded"))
    try:
        def detections():
            answer = support.penstock("incident", "list", "--all", "--json", "-c", service.file)
            return [d for record in support.ndjson(answer.stdout) for d in record["detections"]]
        support.eventually(lambda: len(detections()) >= 3, 60, "detections")
        assert service.stop() == 0, service.log()
        answer = support.penstock("replay", "-c", service.file, "--rules", "embedded", "--workers", "3")
        assert answer.returncode == 0, answer.stderr.decode()
        found, made = support.ndjson(answer.stdout), detections()
        assert sorted(map(spans, made)) == sorted(map(spans, found))
        answer = support.penstock("replay", "-c", service.file, "--rules", "embedded", "--diff")
        assert answer.returncode == 0 and b"Both find the same." in answer.stdout, answer.stdout.decode()
    finally:
        factory.close()


def test_only_a_time_of_receipt(recorded):
    out, _ = replay(recorded, "--rules", recorded.rules, "--to", "2026-01-01T00:00:00Z", "--quiet", code=0)
    assert out == ""
    out, _ = replay(recorded, "--rules", recorded.rules, "--diff", "--from", "2099-01-01T00:00:00Z", code=0)
    assert out.startswith("0 frames, 0 events\n"), out


def test_faulty_rules_are_told_and_the_others_run(recorded, tmp_path):
    rules = dict(RULES)
    rules["root.yml"] = rules["root.yml"].replace("condition: passed", "condition: nothing")
    folder = write(tmp_path / "faulty", rules)
    out, err = replay(recorded, "--rules", folder, "--diff", code=1)
    assert re.search(r"faulty/root\.yml:5:\d+: ", err), err
    assert "removed: ROOT_LOGIN" in out and "3 rules as before" in out, out
    out, err = replay(recorded, "--rules", folder, code=0)
    assert re.search(r"faulty/root\.yml:5:\d+: ", err), err
    assert len(out.splitlines()) == 2


def test_what_goes_wrong_is_no_difference(recorded, tmp_path):
    """With --diff 1 means a difference: everything else is 2."""
    good = ("--rules", recorded.rules)
    empty = tmp_path / "empty"
    empty.mkdir()
    for options, reason in [
        (("--rules", tmp_path / "missing", "--diff"), "missing: cannot be read"),
        (("--rules", empty, "--diff"), "no .yaml or .yml file is there"),
        ((*good, "--diff", "--journal", tmp_path / "nowhere"), "nowhere"),
        (("--diff",), "need --rules"),
        ((*good, "--json"), "--json goes with --diff"),
        ((*good, "--raw"), "--raw shows frames"),
    ]:
        _, err = replay(recorded, *options, code=2)
        assert reason in err, err


def test_a_torn_tail_and_a_hole(recorded, tmp_path):
    """What was being written when the power went is no fault; damage inside is told, and is no verdict."""
    rules = ("--rules", recorded.rules, "--diff")
    torn = tmp_path / "torn"
    shutil.copytree(recorded.journal, torn)
    for segment in torn.glob("log-*/*.seg"):
        # A segment that is being written has room behind its last block: there is the beginning of the next one.
        data = segment.read_bytes()
        with open(segment, "r+b") as file:
            file.seek(len(data.rstrip(b"\0")))
            file.write(data[HEADERS - 92:HEADERS + 5])
    out, err = replay(recorded, *rules, "--journal", torn, code=0)
    assert "cannot be read" not in err and out.startswith("12 frames"), out + err

    holed = tmp_path / "holed"
    shutil.copytree(recorded.journal, holed)
    for segment in holed.glob("log-*/*.seg"):
        # In the middle of the first block; others follow it.
        with open(segment, "r+b") as file:
            file.seek(HEADERS + 8)
            file.write(b"\xff" * 8)
    out, err = replay(recorded, *rules, "--journal", holed, code=2)
    assert re.search(r"^[1-9]\d* frames cannot be read", err, re.M) and "Both find the same." in out, out + err
