# SPDX-License-Identifier: Apache-2.0
"""Events in an older version of OCSF: `--ocsf-version` and `ocsf_version`."""
import json
import re
import subprocess
import sys

import conftest
import pyarrow.parquet
import pytest
import support

OLDER = "1.1.0"


def validate(cases, events, schema="schema-1.1.0.json"):
    """Ends when an event is not valid, or says another version than the schema's."""
    validator = [sys.executable, str(cases / "ocsf/validate.py"), "--schema", str(cases / "ocsf" / schema), "--max", "5"]
    answer = subprocess.run(validator, input=events, capture_output=True)
    assert answer.returncode == 0, answer.stdout.decode() + answer.stderr.decode()
    versions = {event["metadata"]["version"] for event in support.ndjson(events)}
    assert versions == {json.loads((cases / "ocsf" / schema).read_text())["version"]}


@pytest.mark.parametrize("command,name", [("normalize", "attack.log"), ("read", "attack.pcap")])
def test_events_of_the_demonstration(cases, exported, command, name):
    older = support.penstock(command, "--ocsf-version", OLDER, exported / name)
    assert older.returncode == 0, older.stderr.decode()
    validate(cases, older.stdout)
    usual = support.penstock(command, exported / name)
    classes = [[event["class_uid"] for event in support.ndjson(answer.stdout)] for answer in (older, usual)]
    assert classes[0] == classes[1], "all their classes are in both versions"


@pytest.mark.parametrize("version,schema", [("1.1.0", "schema-1.1.0.json"), ("1.8.0", "schema.json")])
def test_lines_of_vendors(cases, version, schema):
    inputs = sorted((cases / "vendor").glob("*/*input.jsonl"))
    assert inputs
    events = []
    for file in inputs:
        answer = support.penstock("normalize", "--jsonl", "--ocsf-version", version, file)
        assert answer.returncode == 0, answer.stderr.decode()
        records = support.ndjson(answer.stdout)
        assert len(records) == len(file.read_bytes().splitlines())
        events += [json.dumps(record["event"]) for record in records]
    validate(cases, "\n".join(events).encode(), schema)


def test_nothing_is_lost():
    """What 1.1.0 has no attribute for stands at the same path below `unmapped`."""
    line = b'<13>Nov 21 10:00:01 host app: whatever'
    usual, older = (support.ndjson(support.penstock("normalize", "--ocsf-version", version, stdin=line).stdout)[0]
                    for version in ("1.8.0", "1.1.0"))
    assert usual["device"]["hostname"] == older["unmapped"]["device"]["hostname"] == "host"
    assert "device" not in older and usual["raw_data"] == older["raw_data"]


def test_samples_hold_in_both_versions():
    usual = support.penstock("test")
    older = support.penstock("test", "--ocsf-version", OLDER)
    assert older.returncode == 0, older.stderr.decode()
    assert older.stdout == usual.stdout


@pytest.mark.parametrize("command", ["normalize", "read", "test"])
def test_another_version_is_refused(command):
    answer = support.penstock(command, "--ocsf-version", "1.2.0", "-")
    assert answer.returncode == 2
    assert b"1.8.0" in answer.stderr and b"1.1.0" in answer.stderr


def test_another_version_is_refused_in_the_configuration(tmp_path):
    file = tmp_path / "penstock.yaml"
    file.write_text("data: %s\nocsf_version: 1.2.0\nlisteners: [{transport: udp, address: '127.0.0.1:0'}]\n" % tmp_path)
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 1
    assert ":2:15: ocsf_version must be one of 1.8.0, 1.1.0" in answer.stderr.decode()


def test_a_reload_keeps_the_version(factory):
    """The version is read at a start: a reload says so and goes on with the old one."""
    configuration = factory.configuration(ocsf_version=OLDER)
    service = factory.start(configuration)
    service.write({**configuration, "ocsf_version": "1.8.0"})
    support.send_udp(service.udp, [b"<13>Nov 21 10:00:01 host app: before"])
    service.signal(support.signal.SIGHUP)
    support.eventually(lambda: re.search("ocsf_version.*: changed in the configuration", service.log()), 60, "the warning")
    support.send_udp(service.udp, [b"<13>Nov 21 10:00:01 host app: after"])
    support.eventually(lambda: service.count("penstock_received_messages_total") == 2, 60, "both messages")
    assert service.stop() == 0, service.log()
    assert {row["version"] for row in support.rows(service.lake, "metadata.version as version")} == {OLDER}


@pytest.fixture(scope="module")
def attacked_older(tmp_path_factory, certificates, exported):
    folder = tmp_path_factory.mktemp("older")
    return conftest.attack(folder, certificates, exported, ocsf_version=OLDER)


def test_the_service_detects_and_writes_in_that_version(cases, attacked_older):
    """The attack is found as in the usual version; events, findings and incidents are valid, and say their version."""
    assert attacked_older.status == 0
    events, classes = [], set()
    for file in support.objects(attacked_older.lake):
        table = pyarrow.parquet.ParquetFile(file)
        assert table.metadata.metadata[b"ocsf.version"] == OLDER.encode()
        for row in table.read().to_pylist():
            event = support.event(row)
            classes.add(event["class_uid"])
            events.append(json.dumps(event))
    assert {2004, 2005, 4001, 3002} <= classes
    validate(cases, "\n".join(events).encode())
