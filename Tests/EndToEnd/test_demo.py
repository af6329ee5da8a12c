# SPDX-License-Identifier: Apache-2.0
"""The first five minutes: the demonstration, and what the attack leaves in each output."""
import contextlib
import hashlib
import re
import sqlite3
import struct
import subprocess

import conftest
import pytest
import support


def test_demo_once_shows_one_incident(tmp_path):
    """Two at the same time, because one must not disturb another; neither leaves anything where it was started."""
    runs = [subprocess.Popen([str(support.BINARY), "demo", "--once"], cwd=tmp_path, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    try:
        answers = [run.communicate(timeout=400) for run in runs]
    finally:
        for run in runs:
            run.kill()
    for run, (output, errors) in zip(runs, answers):
        text = output.decode()
        assert run.returncode == 0, text + errors.decode()
        for detection in support.DETECTIONS:
            assert detection in text
        for technique in ("T0886", "T0855", "T0836", "T0831", "T0846", "T0888"):
            assert technique in text
        assert len(set(re.findall(r"OT Incident (INC-[0-9A-F]+)", text))) == 1, text
    assert list(tmp_path.iterdir()) == []


def test_export_is_a_capture_and_a_log(exported):
    for name in ("attack.pcap", "normal.pcap"):
        data = (exported / name).read_bytes()
        magic, major, minor = struct.unpack("<IHH", data[:8])
        assert magic in (0xA1B2C3D4, 0xA1B23C4D) and (major, minor) == (2, 4)
        count, position = 0, 24
        while position < len(data):
            position += 16 + struct.unpack("<I", data[position + 8:position + 12])[0]
            count += 1
        assert position == len(data) and count > 100
    assert all(line.startswith(b"<") for line in (exported / "attack.log").read_bytes().splitlines())


def test_the_service_ends_well_after_the_attack(attacked):
    assert attacked.status == 0


def test_there_is_one_incident(attacked):
    records = support.incidents(attacked.lake)
    assert len(records) == 1
    (name, record), = records.items()
    assert record["id"] == name
    text = str(record)
    for detection in support.DETECTIONS:
        assert detection in text
    for address in ("172.24.0.10", "172.21.0.10"):
        assert address in text


def test_the_scanner_is_the_one_who_asked(attacked):
    """Exceptions travel from the controller: it must not be named as the scanner."""
    findings = support.rows(attacked.lake, "*", "class_uid = 2004")
    scans = [f for f in findings if "OT_BRUTE_FORCE_SCAN" in str(f)]
    assert scans
    for scan in scans:
        assert "172.24.0.10" in str(scan)


def test_the_record_is_complete_without_an_analyst(attacked):
    record, = support.incidents(attacked.lake).values()
    for key in ("id", "status", "summary", "severity", "timeline", "affected", "evidence", "recommended", "times"):
        assert record.get(key), "%s is missing in %s" % (key, sorted(record))


def hashes(thing):
    if isinstance(thing, dict):
        for value in thing.values():
            yield from hashes(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from hashes(value)
    elif isinstance(thing, str) and re.fullmatch(r"[0-9a-f]{64}", thing):
        yield thing


def test_evidence_hashes_are_those_of_the_bytes_sent(attacked):
    record, = support.incidents(attacked.lake).values()
    named = set(hashes(record["evidence"]))
    assert named
    sent = {hashlib.sha256(message).hexdigest() for message in attacked.messages}
    assert named & sent, "no evidence is one of the log lines that were sent"


def test_the_store_has_incident_and_evidence(attacked):
    """SQLite keeps the record and the bytes themselves: each hashes to what the incident names."""
    record, = support.incidents(attacked.lake).values()
    named = set(hashes(record["evidence"]))
    with contextlib.closing(sqlite3.connect(attacked.service.folder / "data/penstock.sqlite")) as store:
        (identity, uid), = store.execute("select id, uid from incidents")
        assert record["id"] in (identity, uid)
        kept = store.execute("select sha256, kind, bytes from evidence").fetchall()
        assert store.execute("select count(*) from outbox").fetchone()[0] == 0, "notifications were all delivered"
    assert named <= {sha256 for sha256, _, _ in kept}
    for sha256, _, data in kept:
        assert hashlib.sha256(data).hexdigest() == sha256
    packets = {bytes(data) for _, kind, data in kept if kind == "packet"}
    sent = {frame for _, frame in support.packets(attacked.exported / "attack.pcap")[0]}
    assert packets and packets <= sent, "evidence that was never on the wire"


def test_later_detections_revised_the_incident(attacked):
    record, = support.incidents(attacked.lake).values()
    assert record["revision"] > 1
    subjects = [note["Subject"] for note in attacked.soc.notifications()]
    assert len({re.search(r"INC-[0-9A-F]+", subject)[0] for subject in subjects}) == 1


def test_a_restart_makes_no_second_incident(tmp_path, certificates, exported):
    """The same capture again, after a restart on the same folder."""
    factory = conftest.Factory(tmp_path, certificates)
    configuration = factory.configuration(sensors=[{"name": "replay", "file": str(exported / "attack.pcap")}])
    found = []
    try:
        for _ in range(2):
            service = factory.start(configuration)
            support.eventually(lambda: service.count("penstock_firings_total") > 0 and
                               all(d in str(support.incidents(service.lake)) for d in support.DETECTIONS), 120, "incident")
            assert service.stop() == 0, service.log()
            found.append(set(support.incidents(service.lake)))
        assert found[0] == found[1] and len(found[0]) == 1
    finally:
        factory.close()


def test_everything_sent_was_received_and_counted(attacked):
    received = sum(v for (name, _), v in attacked.metrics.items() if name == "penstock_received_messages_total")
    assert received == len(attacked.messages)
    dropped = {labels: v for (name, labels), v in attacked.metrics.items() if name == "penstock_dropped_total" and v}
    assert not dropped


def test_the_same_attack_gives_the_same_incident(attacked, exported, tmp_path, certificates):
    """The id depends on what happened, not on when it was processed or on the number of lanes."""
    again = conftest.attack(tmp_path, certificates, exported, lanes=2)
    assert again.status == 0
    assert set(support.incidents(again.lake)) == set(support.incidents(attacked.lake))


@pytest.mark.parametrize("arguments", [["demo", "--help"], ["run", "--help"], ["check", "--help"], ["parse", "--help"],
                                       ["normalize", "--help"], ["read", "--help"], ["detect", "--help"],
                                       ["format", "--help"], ["lake", "write", "--help"], ["test", "--help"]])
def test_each_command_explains_itself(arguments):
    answer = support.penstock(*arguments)
    assert answer.returncode == 0
    assert b"penstock" in answer.stdout.lower()


def test_wrong_usage_is_exit_2():
    assert support.penstock("parse", "--no-such-option").returncode == 2
    assert support.penstock("no-such-command").returncode == 2
