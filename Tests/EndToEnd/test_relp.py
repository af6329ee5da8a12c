# SPDX-License-Identifier: Apache-2.0
"""RELP with rsyslog's omrelp, which is what people have, and with a client that counts acknowledgements."""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time

import pytest
import support
from receiving import is_closed, refused
from relp import RelpClient
from test_journal import NUMBER, configuration, message, written

RSYSLOGD = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"
needs_rsyslog = pytest.mark.skipif(not os.path.exists(RSYSLOGD), reason="rsyslog is not installed")


class Rsyslog:
    """An rsyslogd of its own that reads a TCP port and forwards by omrelp."""

    def __init__(self, folder, relp_port, options=""):
        self.port, = support.free_ports(1)
        spool = folder / "rsyslog"
        spool.mkdir(exist_ok=True)
        file = spool / "rsyslog.conf"
        file.write_text("""
global(workDirectory="%(spool)s" maxMessageSize="64k")
module(load="imptcp")
module(load="omrelp")
template(name="raw" type="string" string="%%rawmsg%%")
input(type="imptcp" port="%(port)d" address="127.0.0.1" ruleset="out")
ruleset(name="out" queue.type="LinkedList" queue.size="200000" queue.timeoutEnqueue="60000") {
  action(type="omrelp" target="127.0.0.1" port="%(relp)d" template="raw" timeout="5"
         action.resumeRetryCount="-1" action.resumeInterval="1" %(options)s)
}
""" % {"spool": spool, "port": self.port, "relp": relp_port, "options": options})
        self.log = open(spool / "stderr.log", "ab")
        self.process = subprocess.Popen([RSYSLOGD, "-n", "-f", str(file), "-i", str(spool / "pid")],
                                        stdout=self.log, stderr=self.log)
        support.eventually(self.listens, 60, "rsyslog's port")

    def listens(self):
        assert self.process.poll() is None, "rsyslogd ended"
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(60)
        self.log.close()


@needs_rsyslog
def test_omrelp_delivers_everything_in_order(factory):
    service = factory.start(configuration(factory, lanes=1))
    rsyslog = Rsyslog(factory.folder, service.relp)
    try:
        support.send_tcp(rsyslog.port, support.lines([message("relp", n) for n in range(10_000)]))
        file = factory.folder / "events.ndjson"
        support.eventually(lambda: len(written(file)) == 10_000, 120, "10,000 messages by omrelp")
        order = [int(NUMBER.search(json.loads(line)["raw_data"].encode())[2]) for line in open(file, "rb")]
        assert order == sorted(order)
        assert len(order) == 10_000, "%d repeats without a fault" % (len(order) - 10_000)
    finally:
        rsyslog.close()
    assert service.stop() == 0, service.log()


@needs_rsyslog
def test_omrelp_over_kills_loses_nothing(factory):
    """rsyslog keeps what was not acknowledged and repeats it: every message arrives although the service is killed."""
    settings = configuration(factory, lanes=1)
    service = factory.start(settings)
    rsyslog = Rsyslog(factory.folder, service.relp)
    total = 30_000
    try:
        with socket.create_connection(("127.0.0.1", rsyslog.port)) as sender:
            for part in range(6):
                batch = [message("relp", n) for n in range(part * total // 6, (part + 1) * total // 6)]
                sender.sendall(support.lines(batch))
                if part < 5:
                    time.sleep(0.3)
                    service.kill()
                    service = factory.start(settings)
        file = factory.folder / "events.ndjson"
        support.eventually(lambda: len(written(file)) == total, 240, "all messages by omrelp")
    finally:
        rsyslog.close()
    assert service.stop() == 0, service.log()


@needs_rsyslog
def test_omrelp_over_tls(factory, certificates):
    settings = configuration(factory, lanes=1)
    settings["listeners"][-1]["tls"] = {
        "certificate": str(certificates / "server.pem"), "key": str(certificates / "server.key"),
        "client_ca": str(certificates / "ca.pem"), "client_certificate": "required"}
    service = factory.start(settings)
    rsyslog = Rsyslog(factory.folder, service.relp, options=(
        'tls="on" tls.caCert="%s/ca.pem" tls.myCert="%s/client.pem" tls.myPrivKey="%s/client.key" '
        'tls.authmode="certvalid"' % (certificates, certificates, certificates)))
    try:
        support.send_tcp(rsyslog.port, support.lines([message("relp", n) for n in range(1_000)]))
        file = factory.folder / "events.ndjson"
        support.eventually(lambda: len(written(file)) == 1_000, 60, "1,000 messages by omrelp over TLS")
        event = json.loads(open(file, "rb").readline())
        assert "CN=" in json.dumps(event["unmapped"]), "the client certificate's identity is not in the event"
    finally:
        rsyslog.close()
    assert service.stop() == 0, service.log()


def test_nothing_is_acknowledged_that_is_not_on_disk(factory):
    service = factory.start(configuration(factory, lanes=1))
    client = RelpClient(service.relp)
    for n in range(3_000):
        assert client.send(message("relp", n))
    assert client.wait(), "not everything was acknowledged"
    assert not client.refused
    # The journal's files have it all at this moment: a second reader needs no help of the running service.
    answer = support.penstock("replay", "--journal", factory.folder / "data/journal")
    there = {int(found[2]) for found in NUMBER.finditer(answer.stdout.replace(b'\\"', b'"'))}
    assert there >= set(range(3_000))
    client.close()
    assert service.stop() == 0, service.log()


@pytest.mark.parametrize("garbage", [b"\x00" * 64, b"1 open 99999999999 x\n", b"GET / HTTP/1.1\r\n\r\n",
                                     b"1 syslog 5 hello\n", b"0 open 0\n", b"1 open 5 abc\n" * 3])
def test_garbage_closes_the_conversation_and_counts(factory, garbage):
    service = factory.start(configuration(factory, lanes=1))
    with socket.create_connection(("127.0.0.1", service.relp), timeout=60) as sender:
        sender.sendall(garbage)
        with contextlib.suppress(OSError):
            sender.shutdown(socket.SHUT_WR)
        assert is_closed(sender)
    support.becomes(lambda: refused(service, "relp", "relp_error"), 1, "refusals")
    client = RelpClient(service.relp)
    assert client.send(message("relp", 1)) and client.wait()
    client.close()
    assert service.stop() == 0, service.log()


def test_a_second_of_silence_in_a_frame_is_no_fault(factory):
    service = factory.start(configuration(factory, lanes=1))
    with socket.create_connection(("127.0.0.1", service.relp), timeout=60) as sender:
        sender.sendall(b"1 open 30 relp_version=0\ncommands=syslog\n")
        assert re.match(rb"1 rsp \d+ 200 OK", sender.recv(4096))
        text = message("relp", 5)
        frame = b"2 syslog %d %s\n" % (len(text), text)
        for byte in range(0, len(frame), 40):
            sender.sendall(frame[byte:byte + 40])
            time.sleep(0.05)
        assert sender.recv(4096).startswith(b"2 rsp 6 200 OK")
        sender.sendall(b"3 close 0\n")
        assert sender.recv(4096).startswith(b"3 rsp ")
    assert service.stop() == 0, service.log()
