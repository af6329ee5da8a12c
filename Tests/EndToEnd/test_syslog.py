# SPDX-License-Identifier: Apache-2.0
"""Syslog from real clients: Python's own handler, raw sockets with each framing, TLS with and without certificates."""
import contextlib
import logging
import logging.handlers
import shutil
import socket
import ssl
import subprocess
import time

import pytest
import support


def seen(service, marker):
    """The raw lines in the lake that hold `marker`."""
    return [row["raw_data"] for row in support.rows(service.lake, "raw_data", "raw_data like '%%%s%%'" % marker)]


def wait_for(service, marker, count):
    found = support.eventually(lambda: len(seen(service, marker)) >= count and seen(service, marker), 60,
                               "%d lines with %s in the lake" % (count, marker))
    assert len(found) == count
    return found


@pytest.mark.parametrize("kind,name", [(socket.SOCK_DGRAM, "udp"), (socket.SOCK_STREAM, "tcp")])
def test_the_handler_of_python(service, kind, name):
    handler = logging.handlers.SysLogHandler(("127.0.0.1", getattr(service, name)), socktype=kind,
                                             facility=logging.handlers.SysLogHandler.LOG_LOCAL3)
    # The handler's default frame over TCP ends in NUL; that is what it sends.
    log = logging.Logger("python")
    log.addHandler(handler)
    for number in range(20):
        log.warning("handler-%s number %d äöü", name, number)
    handler.close()
    found = wait_for(service, "handler-" + name, 20)
    assert all("äöü" in line for line in found)
    support.becomes(lambda: service.count("penstock_received_messages_total", transport=name), 20, "messages")


@pytest.mark.skipif(not shutil.which("logger"), reason="util-linux's logger is not installed")
@pytest.mark.parametrize("options", [["--udp"], ["--tcp"], ["--tcp", "--octet-count"], ["--udp", "--rfc3164"],
                                     ["--tcp", "--octet-count", "--rfc5424=notime"]], ids=" ".join)
def test_the_logger_of_util_linux(service, options):
    port = service.udp if "--udp" in options else service.tcp
    for number in range(3):
        subprocess.run(["logger", "--server", "127.0.0.1", "--port", str(port), *options, "--id=4711", "--tag", "plant",
                        "logger-line-%d" % number], check=True)
    wait_for(service, "logger-line-", 3)


def test_octet_counting_with_line_feeds_inside(service):
    messages = [b"<13>1 2026-01-02T03:04:05.678Z host app 7 ID - octets-%d first\nsecond" % n for n in range(50)]
    data = support.octets(messages)
    with socket.create_connection(("127.0.0.1", service.tcp)) as sender:
        for start in range(0, len(data), 37):  # cut anywhere
            sender.sendall(data[start:start + 37])
    found = wait_for(service, "octets-", 50)
    assert all("first\nsecond" in line for line in found)


def test_line_feeds(service):
    support.send_tcp(service.tcp, support.lines(b"<13>Jan  2 03:04:05 host app: lines-%d" % n for n in range(50)))
    wait_for(service, "lines-", 50)


def test_a_last_line_without_its_line_feed_is_not_lost(service):
    support.send_tcp(service.tcp, b"<13>Jan  2 03:04:05 host app: unended-1\n<13>Jan  2 03:04:05 host app: unended-2")
    wait_for(service, "unended-", 2)


def test_both_framings_on_one_port(service):
    support.send_tcp(service.tcp, support.octets([b"<13>1 - h a - - - both-1"]))
    support.send_tcp(service.tcp, support.lines([b"<13>1 - h a - - - both-2"]))
    wait_for(service, "both-", 2)


def test_tls_without_a_client_certificate(service):
    support.send_tls(service.tls, service.certificates, support.octets(
        b"<13>1 - h a - - - tls-plain-%d" % n for n in range(30)))
    wait_for(service, "tls-plain-", 30)
    support.becomes(lambda: service.count("penstock_received_messages_total", transport="tls"), 30, "messages")


def test_tls_with_a_client_certificate(service):
    support.send_tls(service.tls, service.certificates, support.octets([b"<13>1 - h a - - - tls-client-1"]), "client")
    wait_for(service, "tls-client-", 1)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_versions(service, version):
    context = support.tls_context(service.certificates)
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", service.tls)) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secured:
            assert secured.version() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
            secured.sendall(support.octets([b"<13>1 - h a - - - tls-version-1"]))
            with contextlib.suppress(OSError):
                secured.unwrap()
    wait_for(service, "tls-version-", 1)


def test_a_required_client_certificate_keeps_others_out(factory, foreign_certificates):
    configuration = factory.configuration()
    configuration["listeners"][2]["tls"]["client_certificate"] = "required"
    service = factory.start(configuration)

    def refused(context):
        # In TLS 1.3 the client hears of the refusal with its first read.
        try:
            with socket.create_connection(("127.0.0.1", service.tls), timeout=60) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as secured:
                    secured.sendall(support.octets([b"<13>1 - h a - - - stranger-1"]))
                    return secured.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    nobody = support.tls_context(service.certificates)
    stranger = support.tls_context(service.certificates)
    stranger.load_cert_chain(foreign_certificates / "client.pem", foreign_certificates / "client.key")
    assert refused(nobody) and refused(stranger)
    support.send_tls(service.tls, service.certificates, support.octets([b"<13>1 - h a - - - known-1"]), "client")
    wait_for(service, "known-", 1)
    assert not seen(service, "stranger-")
    assert service.stop() == 0


def test_many_connections_at_once(service):
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(socket.create_connection(("127.0.0.1", service.tcp))) for _ in range(50)]
        for turn in range(4):
            for number, sender in enumerate(senders):
                sender.sendall(support.octets([b"<13>1 - h a - - - crowd-%d-%d" % (number, turn)]))
    wait_for(service, "crowd-", 200)


def test_receive_time_is_now_and_event_time_is_the_message_s(service):
    before = time.time()
    support.send_udp(service.udp, [b"<13>1 2020-02-03T04:05:06.789Z host app 1 - - old-clock-1"])
    wait_for(service, "old-clock-", 1)
    row, = support.rows(service.lake, "time, metadata.logged_time as logged, date", "raw_data like '%old-clock-%'")
    assert row["time"] == 1_580_702_706_789
    assert before * 1000 - 1000 <= row["logged"] <= time.time() * 1000 + 1000
    assert str(row["date"]) == "2020-02-03"
