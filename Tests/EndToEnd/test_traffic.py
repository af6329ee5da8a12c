# SPDX-License-Identifier: Apache-2.0
"""An hour of normal traffic, the parser's vectors, captures whole and broken, detection from the command line."""
import os
import random
import shutil
import socket
import subprocess
import sys
import time

import pytest
import support


def test_nothing_fires_on_a_normal_hour(factory, exported):
    configuration = factory.configuration()
    configuration["sensors"] = [{"name": "replay", "file": str(exported / "normal.pcap")}]
    service = factory.start(configuration)
    messages = (exported / "normal.log").read_bytes().splitlines()
    support.send_tcp(service.tcp, support.octets(messages))
    support.eventually(lambda: service.count("penstock_received_messages_total") == len(messages), 60, "reception")
    expected = len(support.ndjson(support.penstock("read", exported / "normal.pcap").stdout))
    assert expected > 3000
    support.eventually(
        lambda: support.rows(service.lake, "count(*) as n")[:1] and
        support.rows(service.lake, "count(*) as n")[0]["n"] >= expected + len(messages), 120, "everything in the lake")
    assert service.stop() == 0
    # Stopping drains, so a finding that was still under way would be here now.
    assert not support.rows(service.lake, "*", "source = 'penstock'")
    assert not support.incidents(service.lake)


@pytest.fixture
def wire():
    """A pair of joined interfaces: what is sent into one is captured at the other."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("a pair of interfaces needs root and iproute2")
    names = ("pstest%d" % (os.getpid() % 10000), "psspan%d" % (os.getpid() % 10000))
    made = subprocess.run(["ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1]], capture_output=True)
    if made.returncode != 0:
        pytest.skip("no pair of interfaces can be made here: %s" % made.stderr.decode().strip())
    for name in names:
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    yield names
    subprocess.run(["ip", "link", "delete", names[0]], check=True)


def test_a_live_interface(factory, exported, wire):
    """The wire part of the attack, sent as frames through a real interface twenty times as fast."""
    configuration = factory.configuration()
    configuration["sensors"] = [{"name": "span", "interface": wire[1], "filter": "tcp port 502 or arp"}]
    service = factory.start(configuration)
    frames, _ = support.packets(exported / "attack.pcap")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((wire[0], 0))
        begin, start = frames[0][0], time.monotonic()
        for moment, frame in frames:
            time.sleep(max(0, start + (moment - begin) / 20 - time.monotonic()))
            sender.send(frame)
    support.eventually(
        lambda: all(d in str(support.incidents(service.lake)) for d in support.DETECTIONS), 120, "the incident")
    assert service.stop() == 0


def test_an_interface_that_is_not_there(factory):
    configuration = factory.configuration()
    configuration["sensors"] = [{"name": "span", "interface": "nosuchif0"}]
    service = factory.start(configuration, wait=False)
    assert service.process.wait(60) == 1
    assert "nosuchif0" in service.log()


@pytest.mark.parametrize("name", ["rfc5424-crewjam", "rfc5424-go-syslog", "rfc5424-rust-syslog"])
def test_rfc5424_vectors(cases, tmp_path, name):
    score, vectors = cases / "syslog/score.py", cases / ("syslog/%s.jsonl" % name)
    emitted = subprocess.run([sys.executable, str(score), "--emit", str(vectors)], check=True, capture_output=True)
    answer = support.penstock("parse", "--jsonl", stdin=emitted.stdout)
    results = tmp_path / "results.jsonl"
    results.write_bytes(answer.stdout)
    verdict = subprocess.run([sys.executable, str(score), str(results), str(vectors)], capture_output=True, text=True)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def test_parse_reads_lines():
    answer = support.penstock("parse", stdin=b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - hello\n"
                                             b"<13>Oct 11 22:14:15 mymachine su: hello again\n")
    assert answer.returncode == 0
    first, second = support.ndjson(answer.stdout)
    assert (first["format"], first["facility"], first["severity"], first["message"]) == ("rfc5424", 4, 2, "hello")
    assert (second["format"], second["hostname"]) == ("rfc3164", "mymachine")


def test_summary_of_the_attack(exported):
    answer = support.penstock("read", "--summary", exported / "attack.pcap")
    assert answer.returncode == 0
    summary, = support.ndjson(answer.stdout)
    modbus = next(value for name, value in summary["protocols"].items() if "modbus" in name.lower())
    functions = {int(code): count for code, count in modbus["functions"].items()}
    # Requests and answers: eight writes by the attacker, one by the operator.
    assert (functions[5], functions[15], functions[16], functions[22], functions[23]) == (2, 2, 2, 2, 2)
    assert functions[6] == 8
    assert modbus["pdus"] == sum(functions.values())
    assert summary["packets"] > 200


def test_workers_do_not_change_the_answer(exported):
    one = support.penstock("read", "--workers", 1, exported / "attack.pcap", exported / "normal.pcap").stdout
    three = support.penstock("read", "--workers", 3, exported / "attack.pcap", exported / "normal.pcap").stdout
    assert sorted(one.splitlines()) == sorted(three.splitlines())


BROKEN = {
    "empty": lambda data: b"",
    "half-a-header": lambda data: data[:11],
    "no-packets": lambda data: data[:24],
    "cut-in-a-packet": lambda data: data[:len(data) // 2 + 3],
    "wrong-magic": lambda data: b"\x00\x01\x02\x03" + data[4:],
    "a-huge-packet": lambda data: data[:24 + 8] + b"\xff\xff\xff\x7f\xff\xff\xff\x7f" + data[24 + 16:],
    "text": lambda data: b"this is not a capture\n" * 100,
    "zeros": lambda data: data[:24] + bytes(4096),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_captures_have_a_clear_outcome(exported, tmp_path, kind):
    file = tmp_path / (kind + ".pcap")
    file.write_bytes(BROKEN[kind]((exported / "attack.pcap").read_bytes()))
    answer = support.penstock("read", "--summary", file)
    assert answer.returncode in (0, 1), "ended by signal or usage: %s" % answer.returncode
    if kind != "no-packets" and kind != "zeros":
        assert answer.returncode == 1
        assert file.name.encode() in answer.stderr
    if kind == "cut-in-a-packet":
        assert support.ndjson(answer.stdout)[0]["packets"] > 50, "what is whole must be read"


def test_mutated_captures_never_crash(exported, tmp_path):
    data, seed = (exported / "attack.pcap").read_bytes(), 20260102
    draw = random.Random(seed)
    files = []
    for number in range(40):
        mutated = bytearray(data)
        for _ in range(draw.choice((1, 10, 200))):
            mutated[draw.randrange(24, len(mutated))] = draw.randrange(256)
        files.append(tmp_path / ("mutated-%d.pcap" % number))
        files[-1].write_bytes(mutated)
    answer = support.penstock("read", "--summary", *files)
    assert answer.returncode in (0, 1), answer.stderr.decode()
    assert len(answer.stdout.splitlines()) == len(files)


@pytest.mark.parametrize("kind", ["cut-in-a-packet", "text"])
def test_the_service_outlives_a_broken_capture(factory, exported, kind):
    file = factory.folder / "broken.pcap"
    file.write_bytes(BROKEN[kind]((exported / "attack.pcap").read_bytes()))
    configuration = factory.configuration()
    configuration["sensors"] = [{"name": "replay", "file": str(file)}]
    service = factory.start(configuration)
    support.send_udp(service.udp, [b"<13>1 - h a - - - after-the-broken-capture"])
    support.eventually(lambda: support.rows(service.lake, "1", "raw_data like '%after-the-broken%'"), 60, "the line")
    support.eventually(lambda: "broken.pcap" in service.log(), 60, "a word in the log")
    assert service.stop() == 0


def test_detect_over_files(exported):
    """Log and wire together: all four detections from the command line, none on the normal hour."""
    rules = support.ROOT / "mappings/rules"
    def firings(name):
        events = support.penstock("normalize", exported / (name + ".log")).stdout + \
            support.penstock("read", exported / (name + ".pcap")).stdout
        return support.penstock("detect", "--rules", rules, "--correlate", stdin=events)
    attack, normal = firings("attack"), firings("normal")
    assert attack.returncode in (0, 1) and normal.returncode in (0, 1), attack.stderr.decode() + normal.stderr.decode()
    assert attack.stdout.strip()
    assert not normal.stdout.strip(), normal.stdout.decode()[:2000]


def test_the_samples_in_mappings_and_rules():
    answer = support.penstock("test")
    assert answer.returncode == 0, answer.stdout.decode() + answer.stderr.decode()
    folder = support.penstock("test", support.ROOT / "mappings/sources", support.ROOT / "mappings/rules")
    assert folder.returncode == 0, folder.stdout.decode() + folder.stderr.decode()
