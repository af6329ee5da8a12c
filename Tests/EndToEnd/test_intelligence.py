# SPDX-License-Identifier: Apache-2.0
"""Threat-intelligence lists: what an operator configures, reloads and gets in events, rules, metrics and incidents."""
import json
import os
import re
import signal
import subprocess
import sys

import pytest
import support

BUNDLE = {"type": "bundle", "id": "bundle--1", "objects": [
    {"type": "identity", "spec_version": "2.1", "id": "identity--1", "name": "CERT Example"},
    {"type": "indicator", "spec_version": "2.1", "id": "indicator--1", "created_by_ref": "identity--1", "confidence": 90,
     "pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z"},
    {"type": "indicator", "spec_version": "2.1", "id": "indicator--2", "pattern_type": "stix",
     "pattern": "[ipv4-addr:value = '203.0.113.9']", "valid_from": "2020-01-01T00:00:00Z",
     "valid_until": "2021-01-01T00:00:00Z"}]}


@pytest.fixture
def lists(tmp_path):
    (tmp_path / "botnet.csv").write_text("first_seen,dst_ip,malware\n2026-01-02,198.51.100.0/24,Test C2\n")
    (tmp_path / "own.txt").write_text("# ours\n192.0.2.66\n")
    (tmp_path / "cert.json").write_text(json.dumps(BUNDLE))
    return [{"path": str(tmp_path / "botnet.csv"), "source": "feed.example", "confidence": "high", "severity": "high"},
            {"name": "own", "path": str(tmp_path / "own.txt"), "confidence": "low"},
            {"name": "cert", "path": str(tmp_path / "cert.json"), "format": "stix"}]


def packet(source, destination):
    return b"<4>Nov 21 10:00:01 fw kernel: IN=eth0 OUT=eth1 SRC=%s DST=%s LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF " \
        b"PROTO=TCP SPT=40000 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0" % (source.encode(), destination.encode())


def events(path):
    return [json.loads(line) for line in path.read_text().splitlines(True) if line.endswith("\n")] if path.exists() else []


def start(factory, tmp_path, lists):
    configuration = factory.configuration(
        intelligence=lists, rules=str(support.ROOT / "mappings/rules/intelligence_match.yml"))
    path = tmp_path / "events.ndjson"
    configuration["outputs"]["lines"] = [{"name": "archive", "path": str(path)}]
    return factory.start(configuration), path


def test_events_tell_what_lists_know(factory, tmp_path, lists):
    service, path = start(factory, tmp_path, lists)
    support.send_tcp(service.tcp, support.octets([
        packet("172.22.0.10", "198.51.100.7"), packet("172.22.0.10", "192.0.2.66"), packet("172.22.0.10", "203.0.113.9"),
        packet("172.24.0.9", "172.21.0.10")]))
    made = support.eventually(
        lambda: (found := [e for e in events(path) if e["class_uid"] == 4001]) and len(found) == 4 and found, 60, "events")
    known, weak, expired, inside = made
    assert known["osint"][0]["value"] == "198.51.100.0/24" and known["osint"][0]["desc"] == "Test C2"
    assert known["osint"][0]["vendor_name"] == "feed.example" and known["osint"][0]["confidence_id"] == 3
    assert "osint" in known["metadata"]["profiles"]
    assert known["enrichments"][0]["name"] == "dst_endpoint.ip"
    assert known["enrichments"][0]["data"]["list"] == "botnet" and known["enrichments"][0]["data"]["age_days"] > 0
    assert known["unmapped"]["intelligence"]["attribute"] == "dst_endpoint.ip"
    assert known["connection_info"]["direction_id"] == 2
    assert weak["unmapped"]["intelligence"]["list"] == "own" and weak["unmapped"]["intelligence"]["confidence"] == "low"
    assert "osint" not in expired and "intelligence" not in expired["unmapped"], "valid_until has passed"
    assert inside["connection_info"]["direction_id"] == 3 and "osint" not in inside
    assert inside["unmapped"]["asset"] == {"dst": "plc-1", "dst_role": "plc", "dst_criticality": "critical"}
    for name, count in [("botnet", 1), ("own", 1), ("cert", 2)]:
        assert service.count("penstock_intelligence_indicators", list=name) == count
    assert service.count("penstock_intelligence_matches_total", list="botnet") == 1
    assert service.count("penstock_intelligence_matches_total", list="own") == 1
    # The rule fires for the list that is believed, and not for the weak one.
    record = support.eventually(lambda: "INTELLIGENCE_MATCH" in str(found := support.incidents(service.lake)) and found,
                                60, "the incident")
    assert "198.51.100.0/24" in str(record) and "192.0.2.66" not in str(record)
    assert service.stop() == 0
    validate(path, "schema.json")


def validate(path, schema):
    folder = support.CASES / "ocsf"
    if (folder / "validate.py").exists():
        lines = "".join(json.dumps(e) + "\n" for e in events(path) if e["class_uid"] == 4001)
        answer = subprocess.run([sys.executable, str(folder / "validate.py"), "--schema", str(folder / schema)],
                                input=lines.encode(), capture_output=True)
        assert answer.returncode == 0, answer.stdout.decode()[:2000]


def test_an_older_version_has_no_osint(factory, tmp_path, lists):
    """OCSF 1.1.0 has no such profile: the match is in `enrichments`, and the events validate."""
    configuration = factory.configuration(intelligence=lists, ocsf_version="1.1.0")
    path = tmp_path / "events.ndjson"
    configuration["outputs"]["lines"] = [{"name": "archive", "path": str(path)}]
    service = factory.start(configuration)
    support.send_tcp(service.tcp, support.octets([packet("172.22.0.10", "198.51.100.7"), packet("172.21.0.10", "172.21.0.10")]))
    made = support.eventually(
        lambda: (found := [e for e in events(path) if e["class_uid"] == 4001]) and len(found) == 2 and found, 60, "events")
    assert "osint" not in made[0] and "osint" not in made[0]["metadata"].get("profiles", [])
    assert made[0]["enrichments"][0]["data"]["list"] == "botnet"
    assert made[1]["connection_info"]["direction_id"] == 0, "Local is newer than 1.1.0"
    support.eventually(lambda: "INTELLIGENCE_MATCH" in str(support.incidents(service.lake)), 60, "the incident")
    assert service.stop() == 0
    validate(path, "schema-1.1.0.json")


def test_a_reload_takes_new_lists_and_keeps_the_old_ones_when_they_are_wrong(factory, tmp_path, lists):
    service, path = start(factory, tmp_path, lists)

    def reload(outcome, wanted):
        service.signal(signal.SIGHUP)
        support.becomes(lambda: service.count("penstock_reloads_total", outcome=outcome), wanted, "the reload")

    def matched(address):
        before = len(events(path))
        support.send_tcp(service.tcp, support.octets([packet("172.22.0.10", address)]))
        support.eventually(lambda: len([e for e in events(path)[before:] if e["class_uid"] == 4001]) == 1, 60, "the event")
        return "intelligence" in [e for e in events(path)[before:] if e["class_uid"] == 4001][0]["unmapped"]

    assert not matched("192.0.2.77")
    (tmp_path / "own.txt").write_text("192.0.2.77\n192.0.2.78\n")
    reload("done", 1)
    assert matched("192.0.2.77") and not matched("192.0.2.66")
    assert service.count("penstock_intelligence_indicators", list="own") == 2
    # A page that says that there is no such list, and a bundle that ends too early.
    (tmp_path / "own.txt").write_text("<html>\n<body>\n404 not found\n")
    (tmp_path / "cert.json").write_text(json.dumps(BUNDLE)[:-20])
    reload("refused", 1)
    assert matched("192.0.2.77")
    log = service.log()
    assert re.search(r"reload: .*own\.txt: list 'own': 3 entries hold no indicator", log), log
    assert re.search(r"reload: .*cert\.json:1:\d+: list 'cert': JSON: the file ends inside a value", log), log
    assert "the old configuration stays" in log
    assert service.count("penstock_intelligence_indicators", list="own") == 2
    # A file that was not written for an hour is an hour old.
    (tmp_path / "own.txt").write_text("192.0.2.79\n")
    (tmp_path / "cert.json").write_text(json.dumps(BUNDLE))
    moment = os.stat(tmp_path / "own.txt").st_mtime - 3600
    os.utime(tmp_path / "own.txt", (moment, moment))
    reload("done", 2)
    assert 3600 <= service.count("penstock_intelligence_age_seconds", list="own") < 7200
    assert service.stop() == 0


@pytest.mark.parametrize("text,wanted", [
    ("intelligence: [{path: own.txt, format: xml}]", r":2:40: intelligence\[0\].format must be one of auto, plain, csv, stix"),
    ("intelligence: [{path: nowhere.txt}]", r":2:23: .*nowhere.txt"),
    ("intelligence: [{path: own.txt}, {path: own.txt}]", r":2:33: the name 'own' is given twice"),
    ("intelligence: [{path: own.txt, confidence: 5}]", r":2:44: .*must be one of low, medium, high"),
    ("intelligence: [{path: bad.txt}]", r"bad.txt: list 'bad': 2 entries hold no indicator and 1 do"),
    ("intelligence: [{path: bad.csv}]", r"bad.csv:1:1: list 'bad': which column holds the indicators"),
])
def test_check_tells_what_is_wrong(tmp_path, text, wanted):
    (tmp_path / "own.txt").write_text("192.0.2.66\n")
    (tmp_path / "bad.txt").write_text("192.0.2.66\nx\ny\n")
    (tmp_path / "bad.csv").write_text("a,b\nc,d\n")
    file = tmp_path / "penstock.yaml"
    file.write_text('listeners: [{transport: udp, address: "127.0.0.1:0"}]\n' + text + "\n")
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 1 and re.search(wanted, answer.stderr.decode()), answer.stderr.decode()


def test_check_warns_of_single_lines(tmp_path):
    (tmp_path / "own.txt").write_text("192.0.2.66\nnonsense\n")
    file = tmp_path / "penstock.yaml"
    file.write_text('listeners: [{transport: udp, address: "127.0.0.1:0"}]\nintelligence: [{path: own.txt}]\n')
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 0, answer.stderr.decode()
    assert re.search(r"own.txt:2:1: warning: 'nonsense' is no address", answer.stderr.decode())
