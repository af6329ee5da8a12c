# SPDX-License-Identifier: Apache-2.0
"""Running it: configuration faults, reload, stopping, garbage on every port, a full disk, a sink that is away."""
import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import time

import cefp
import pytest
import support

PLACE = re.compile(r"(?m)^(\S+?):(\d+):(\d+): (.+)$")


def seen(service, marker):
    return support.rows(service.lake, "raw_data", "raw_data like '%%%s%%'" % marker)


# ---------------------------------------------------------------- configuration

FAULTY = """\
# a comment
data: /tmp/somewhere
lanse: 4
listeners:
  - {name: udp, transport: carrier-pigeon, address: "127.0.0.1:5514"}
  - {name: tcp, transport: tcp, address: "not an address"}
correlation: {lateness: soon}
http: {address: "127.0.0.1:9514"}
"""


def test_check_reports_all_faults_at_their_places(tmp_path):
    file = tmp_path / "faulty.yaml"
    file.write_text(FAULTY)
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 1
    places = {(int(line), message) for name, line, column, message in PLACE.findall(answer.stderr.decode())
              if name.endswith("faulty.yaml") and int(column) > 0}
    for line, word in ((3, "lanse"), (5, "transport"), (6, "not an address"), (7, "lateness")):
        assert any(at == line and word in message for at, message in places), (line, word, answer.stderr.decode())


def test_check_of_the_embedded_defaults():
    answer = support.penstock("check")
    assert answer.returncode == 0, answer.stderr.decode()


def test_check_opens_no_port_and_writes_nothing(factory):
    configuration = factory.configuration()
    held = [socket.create_server(("127.0.0.1", int(configuration["listeners"][1]["address"].rpartition(":")[2])))]
    file = factory.folder / "penstock.yaml"
    file.write_text(json.dumps(configuration))
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 0, answer.stderr.decode()
    assert sorted(p.name for p in factory.folder.iterdir()) == ["penstock.yaml"]
    held[0].close()


def test_check_finds_what_is_wrong_with_certificates(factory, foreign_certificates):
    configuration = factory.configuration()
    configuration["listeners"][2]["tls"]["key"] = str(foreign_certificates / "server.key")
    file = factory.folder / "penstock.yaml"
    file.write_text(json.dumps(configuration, indent=1))
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 1
    assert PLACE.search(answer.stderr.decode()), answer.stderr.decode()


@pytest.mark.parametrize("text", ["", "data: [", "- a list", "listeners: 7\n", "data: x\ndata: y\n", "\x00\x01\x02", "a: " * 500])
def test_check_of_nonsense_is_a_fault_not_a_crash(tmp_path, text):
    file = tmp_path / "nonsense.yaml"
    file.write_text(text)
    assert support.penstock("check", "-c", file).returncode in (0, 1)
    if text:
        assert support.penstock("check", "-c", file).returncode == 1


def test_a_service_with_a_bad_configuration_does_not_start(factory):
    configuration = factory.configuration()
    configuration["no_such_key"] = True
    service = factory.start(configuration, wait=False)
    assert service.process.wait(60) == 1
    assert re.search(r"penstock\.yaml:\d+:\d+: .*no_such_key", service.log())


def test_a_service_without_its_port_does_not_start(factory):
    configuration = factory.configuration()
    with socket.create_server(("127.0.0.1", int(configuration["listeners"][1]["address"].rpartition(":")[2]))):
        service = factory.start(configuration, wait=False)
        assert service.process.wait(60) == 1
    assert configuration["listeners"][1]["address"] in service.log()


def test_the_example_in_the_documents_is_right(tmp_path, certificates):
    """The configuration that docs/operations.md shows passes the check, with its files in place."""
    text = (support.ROOT / "docs/operations.md").read_text()
    example = re.search(r"```yaml\n# /etc/penstock/penstock.yaml\n(.*?)```", text, re.S)
    assert example
    for name in ("server.pem", "server.key", "ca.pem"):
        (tmp_path / name).write_bytes((certificates / name).read_bytes())
    file = tmp_path / "penstock.yaml"
    file.write_text(example[1].replace("/etc/penstock/", str(tmp_path) + "/").replace("/var/lib/penstock", str(tmp_path)))
    (tmp_path / "zones.yaml").write_text((support.ROOT / "mappings/zones.example.yaml").read_text())
    (tmp_path / "intelligence").mkdir()
    (tmp_path / "intelligence/botnet.csv").write_text("indicator\n192.0.2.66\n")
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 0, answer.stderr.decode()


# ---------------------------------------------------------------- reload and stop

def test_a_wrong_reload_keeps_the_old_configuration(service):
    good = service.file.read_text()
    service.write(good.replace('"lanes"', '"lanse"'))
    service.signal(signal.SIGHUP)
    support.eventually(lambda: re.search(r"penstock\.yaml:\d+:\d+: .*lanse", service.log()), 60, "a complaint")
    assert service.process.poll() is None
    assert service.get("/readyz")[0] == 200
    support.send_udp(service.udp, [b"<13>1 - h a - - - still-here-1"])
    support.eventually(lambda: seen(service, "still-here-"), 60, "the line in the lake")
    service.write(good)
    service.signal(signal.SIGHUP)
    support.send_udp(service.udp, [b"<13>1 - h a - - - still-here-2"])
    support.eventually(lambda: len(seen(service, "still-here-")) == 2, 60, "both lines in the lake")


RULE = """\
title: Marker
id: 6f0ac0c3-7d3c-4f0f-9d7e-3f1f6a4f5b11
status: test
level: high
logsource: {product: linux, service: sshd}
detection:
  selection: {user.name: reload-marker}
  condition: selection
"""


def test_a_right_reload_brings_new_rules(factory):
    rules = factory.folder / "rules"
    rules.mkdir()
    (rules / "other.yml").write_text(RULE.replace("reload-marker", "nobody"))
    configuration = factory.configuration(rules=[str(rules)])
    service = factory.start(configuration)
    line = b"<38>1 %s host sshd 1 - - Failed password for reload-marker from 192.0.2.7 port 4711 ssh2"

    def send():
        support.send_udp(service.udp, [line % time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()).encode()])

    def findings():
        return support.rows(service.lake, "1", "class_uid = 2004")
    send()
    support.eventually(lambda: seen(service, "reload-marker"), 60, "the line")
    assert not findings()
    (rules / "marker.yml").write_text(RULE.replace("5b11", "5b12"))
    service.signal(signal.SIGHUP)
    # Published atomically, at some moment after the signal: lines before it may see the old rules.
    def fired():
        send()
        time.sleep(0.5)
        return findings()
    support.eventually(fired, 60, "a finding by the new rule")
    assert service.stop() == 0


def test_stopping_drains(factory):
    """Everything that was received when SIGTERM comes is in the lake when the process ends."""
    configuration = factory.configuration()
    configuration["outputs"]["lake"]["flush_interval"] = "10m"
    service = factory.start(configuration)
    messages = [b"<13>1 - h a - - - drained-%d" % n for n in range(5000)]
    support.send_tcp(service.tcp, support.octets(messages))
    support.eventually(lambda: service.count("penstock_received_messages_total") == 5000, 60, "reception")
    assert not seen(service, "drained-")
    assert service.stop() == 0
    assert len(seen(service, "drained-")) == 5000


def test_sigint_ends_it_too(factory):
    service = factory.start()
    service.signal(signal.SIGINT)
    assert service.process.wait(60) == 0


def test_health_ready_and_metrics(service):
    assert service.get("/healthz")[0] == 200
    assert service.get("/readyz")[0] == 200
    assert service.get("/no-such-page")[0] == 404
    support.send_udp(service.udp, [b"<13>1 - h a - - - counted-1"])
    support.eventually(lambda: service.count("penstock_received_messages_total", listener="udp") == 1, 60, "a count")
    # The stages behind reception have their first samples when they have done their part.
    for name in ("penstock_events_total", "penstock_stage_lag_milliseconds"):
        support.eventually(lambda: name in {known for known, _ in service.metrics()}, 60, name)


# ---------------------------------------------------------------- hostile input

def garbage(draw):
    kind = draw.randrange(6)
    if kind == 0:
        return draw.randbytes(draw.randrange(1, 2000))
    if kind == 1:
        return b"<%d>%s" % (draw.randrange(1000), draw.randbytes(draw.randrange(200)))
    if kind == 2:
        return b"%d %s" % (draw.choice((0, 5, 10**6, 10**18, 2**64)), draw.randbytes(100))
    if kind == 3:
        return b"<13>1 " + b" ".join(draw.randbytes(draw.randrange(20)) for _ in range(8))
    if kind == 4:
        return b"<13>1 - h a - - [" + b"a=\"]\\" * draw.randrange(60) + b"]"
    return b"{" * draw.randrange(3000) + b"\"a\":"


def test_any_bytes_on_any_port(factory):
    service = factory.start()
    seconds, seed = float(os.environ.get("PENSTOCK_FUZZ_SECONDS", 6)), random.randrange(2**32)
    print("seed", seed)
    draw, end, sent = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        piece = garbage(draw)
        support.send_udp(service.udp, [piece[:60000]])
        for port in (service.tcp, service.tls, service.http_port):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as sender:
                sender.settimeout(0.2)
                sender.sendall(piece)
                if draw.randrange(4) == 0:
                    sender.recv(100)
        with contextlib.suppress(OSError):
            support.send_tls(service.tls, service.certificates, piece)
        sent += 1
        assert service.process.poll() is None, "died of seed %d:\n%s" % (seed, service.log()[-4000:])
    support.send_udp(service.udp, [b"<13>1 - h a - - - alive-udp"])
    support.send_tcp(service.tcp, support.octets([b"<13>1 - h a - - - alive-tcp"]))
    support.send_tls(service.tls, service.certificates, support.octets([b"<13>1 - h a - - - alive-tls"]))
    support.eventually(lambda: len(seen(service, "alive-")) == 3, 60, "the good lines in the lake")
    support.eventually(
        lambda: service.count("penstock_received_messages_total", listener="udp")
        + service.count("penstock_dropped_total", stage="receive") >= sent + 1, 60, "an account of all datagrams")
    assert service.stop() == 0, service.log()[-4000:]


def test_nothing_that_cannot_be_parsed_is_lost(service):
    pieces = [b"not syslog at all 1", b"<999>bad priority 2", b"<13>1 2026-13-45T99:99:99Z h a - - - bad time 3",
              bytes(range(1, 32)) + b" control 4", b"\xff\xfe\xfd invalid 5", b"<13>", b"<>"]
    support.send_udp(service.udp, pieces)
    support.eventually(lambda: support.rows(service.lake, "count(*) as n")[:1] and
                       support.rows(service.lake, "count(*) as n")[0]["n"] == len(pieces), 60, "all of it in the lake")


def test_an_empty_datagram_is_counted(service):
    before = service.count("penstock_received_messages_total") + service.count("penstock_dropped_total")
    support.send_udp(service.udp, [b""])
    support.eventually(lambda: service.count("penstock_received_messages_total")
                       + service.count("penstock_dropped_total") > before, 60, "a count")


def test_an_oversized_message_has_an_outcome(service):
    support.send_tcp(service.tcp, b"<13>1 - h a - - - oversized " + b"x" * (4 << 20) + b"\n")
    support.send_tcp(service.tcp, b"<13>1 - h a - - - after-oversized\n")
    support.eventually(lambda: seen(service, "after-oversized"), 60, "the next line")
    support.becomes(lambda: service.count("penstock_dropped_total", stage="receive", reason="oversize"), 1,
                    "messages that are cut")
    support.eventually(lambda: seen(service, "oversized xxx"), 60, "its beginning")


# ---------------------------------------------------------------- outputs in trouble

@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here: %s" % mounted.stderr.decode().strip())
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_under_the_lake(factory, small_disk):
    configuration = factory.configuration()
    configuration["outputs"]["lake"]["directory"] = str(small_disk / "lake")
    service = factory.start(configuration)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), open(filler, "wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    support.send_tcp(service.tcp, support.octets(b"<13>1 - h a - - - full-%d" % n for n in range(200)))
    support.eventually(lambda: service.count("penstock_received_messages_total") == 200, 60, "reception")
    support.eventually(lambda: "No space left on device" in service.log(), 60, "a word in the log")
    assert service.get("/healthz")[0] == 200 and service.process.poll() is None
    assert not support.objects(service.lake), "a half-written object"
    filler.unlink()
    support.eventually(lambda: len(seen(service, "full-")) == 200, 60, "the events after there is space again")
    assert service.stop() == 0


def test_a_disk_that_stays_full_is_no_silent_loss(factory, small_disk):
    configuration = factory.configuration()
    configuration["outputs"]["lake"]["directory"] = str(small_disk / "lake")
    service = factory.start(configuration)
    with contextlib.suppress(OSError), open(small_disk / "filler", "wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    support.send_tcp(service.tcp, support.octets(b"<13>1 - h a - - - lost-%d" % n for n in range(50)))
    support.eventually(lambda: service.count("penstock_received_messages_total") == 50, 60, "reception")
    service.stop()
    assert re.search(r"\b50 events of \S+ come again from the journal", service.log()), service.log()[-3000:]


def test_a_sink_that_comes_late_gets_everything(factory):
    port, = support.free_ports(1)
    configuration = factory.configuration()
    configuration["outputs"]["feeds"] = [{"name": "siem", "format": "cef", "transport": "tcp",
                                          "address": "127.0.0.1:%d" % port, "framing": "lf", "header": "rfc5424"}]
    service = factory.start(configuration)
    messages = [b"<13>1 - h a - - - late-sink-%d" % n for n in range(300)]
    support.send_tcp(service.tcp, support.octets(messages))
    support.eventually(lambda: len(seen(service, "late-sink-")) == 300, 60,
                       "the lake, which does not wait for the sink")
    sink = support.LineSink(port)
    got = support.eventually(
        lambda: len(sink.lines()) + service.count("penstock_dropped_total") >= 300 and sink.lines(), 60, "the feed")
    assert len(got) == 300, "%d arrived, the rest was dropped with a count" % len(got)
    # The sink goes away and comes back.
    sink.close()
    support.send_tcp(service.tcp, support.octets(b"<13>1 - h a - - - away-%d" % n for n in range(100)))
    support.eventually(lambda: len(seen(service, "away-")) == 100, 60, "the lake")
    again = support.LineSink(port)
    support.eventually(
        lambda: len({line for line in again.lines() if b"away-" in line}) + service.count("penstock_dropped_total")
        >= 100, 60, "the rest of the feed, or its count")
    for line in again.lines():
        assert cefp.parse(line[line.index(b"CEF:"):].decode())
    again.close()
    assert service.stop() == 0


def test_a_webhook_that_fails_is_tried_again(factory, exported):
    soc = support.WebhookSink(answers=[503])
    configuration = factory.configuration()
    configuration["sensors"] = [{"name": "replay", "file": str(exported / "attack.pcap")}]
    configuration["outputs"]["webhooks"] = [{"name": "soc", "url": "http://127.0.0.1:%d/sns" % soc.port,
                                             "topic_arn": "arn:aws:sns:eu-central-1:000000000000:ot"}]
    service = factory.start(configuration)
    def failed():
        return {json.loads(body)["MessageId"] for status, _, body in list(soc.requests) if status != 200}
    support.eventually(failed, 120, "a notification that fails")
    support.eventually(lambda: failed() <= {note["MessageId"] for note in soc.notifications()}, 120,
                       "the same again under its id")
    assert service.stop() == 0
    soc.close()
