# SPDX-License-Identifier: Apache-2.0
"""DTLS by openssl s_client: messages, certificates, senders that begin anew, limits, and rubbish on the port."""
import contextlib
import signal
import socket
import ssl
import subprocess
import time

import authority
import pytest
import support
from authority import LOCALHOST, Authority
from receiving import arrived, dropped, events, message, notices, refused, s_client, settings


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    return authority.plant(tmp_path_factory.mktemp("plant"))


@contextlib.contextmanager
def dtls_client(port, *options):
    """openssl s_client, connected; what is written to it in one piece is one record."""
    with subprocess.Popen(["openssl", "s_client", "-dtls1_2", "-quiet", "-no_ign_eof", "-connect", "127.0.0.1:%d" % port, *options],
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def record(process, data):
    process.stdin.write(data)
    process.stdin.flush()


def test_dtls_messages_and_identities(factory, plant):
    tls = plant.server(client_ca=plant["ca.pem"])
    service = factory.start(settings(factory, {
        "may": {"transport": "dtls", "tls": {**tls, "client_certificate": "optional"}},
        "must": {"transport": "dtls", "tls": {**tls, "client_certificate": "required", "crl": [plant["ca.crl"]]}},
    }, lanes=2))
    with dtls_client(service.may) as sender:
        record(sender, message("dtls-plain-1"))
        arrived(service, "dtls-plain-1")
        record(sender, message("dtls-line-2") + b"\n")
        arrived(service, "dtls-line-2")
        record(sender, support.octets([message("dtls-counted-3")]))
        arrived(service, "dtls-counted-3")
        record(sender, support.octets([message("dtls-pair-4"), message("dtls-pair-5")]))
        first, second = arrived(service, "dtls-pair-", 2)
        assert first["raw_data"] == message("dtls-pair-4").decode()
        assert second["raw_data"] == message("dtls-pair-5").decode()
        support.becomes(lambda: service.count("penstock_connections", listener="may"), 1, "sessions")
    event, = arrived(service, "dtls-line-2")
    assert event["raw_data"] == message("dtls-line-2").decode() and "origin" not in event["unmapped"]
    assert event["unmapped"]["peer"]["ip"] == "127.0.0.1"
    for name in ("may", "must"):
        with dtls_client(getattr(service, name), "-cert", plant["gateway.pem"], "-key", plant["gateway.key"]) as sender:
            record(sender, message("dtls-known-" + name))
            event, = arrived(service, "dtls-known-" + name)
            assert event["unmapped"]["origin"]["tls"]["subject"] == "CN=gateway,O=Plant"
    support.becomes(lambda: service.count("penstock_received_messages_total", transport="dtls"), 7, "messages")
    # Those who are kept out are counted and told.
    with dtls_client(service.must) as sender:
        support.becomes(lambda: refused(service, "must", "certificate_refused"), 1, "a refusal")
    with dtls_client(service.must, "-cert", plant["stolen.pem"], "-key", plant["stolen.key"]):
        support.becomes(lambda: refused(service, "must", "certificate_refused"), 2, "a second refusal")
    support.eventually(lambda: notices(service, "certificate_revoked"), 60, "the notice")
    # A close_notify ends a session at once.
    support.becomes(lambda: service.count("penstock_connections", listener="may"), 0, "sessions left")
    assert service.stop() == 0, service.log()


def test_dtls_restart_of_a_sender_and_of_the_service(factory, plant):
    """A sender that begins anew from the same port replaces its session; one from before a restart is counted."""
    configuration = settings(factory, {"dtls": {"transport": "dtls", "tls": plant.server()}})
    service = factory.start(configuration)
    port, = support.free_ports(1)
    for turn in range(3):
        with dtls_client(service.dtls, "-bind", "127.0.0.1:%d" % port) as sender:
            record(sender, message("dtls-turn-%d" % turn))
            arrived(service, "dtls-turn-%d" % turn)
            sender.kill()  # without close_notify: the service still has the session
    support.becomes(lambda: service.count("penstock_connections", listener="dtls"), 1, "sessions of one sender")
    with dtls_client(service.dtls) as sender:
        record(sender, message("dtls-before"))
        arrived(service, "dtls-before")
        service.kill()
        service = factory.start(configuration)
        record(sender, message("dtls-lost"))
        support.eventually(lambda: dropped(service, "no_session") > 0, 60, "a count")
    with dtls_client(service.dtls) as sender:
        record(sender, message("dtls-again"))
        arrived(service, "dtls-again")
    assert not events(service, "dtls-lost")
    assert service.stop() == 0, service.log()


def test_dtls_garbage_is_counted_and_harms_nobody(factory, plant):
    service = factory.start(settings(factory, {"dtls": {"transport": "dtls", "tls": plant.server()}}))
    with dtls_client(service.dtls) as sender, socket.socket(type=socket.SOCK_DGRAM) as stranger:
        record(sender, message("dtls-good-1"))
        arrived(service, "dtls-good-1")
        stranger.connect(("127.0.0.1", service.dtls))
        # No record; an application record of nobody; ClientHellos cut anywhere; a message in the clear.
        hello = bytes.fromhex("16feff000000000000000000360100002a000000000000002afefd") + bytes(34)
        for n in range(100):
            stranger.send(bytes([n % 256]) * (n + 1))
            stranger.send(b"\x17\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x10" + bytes(16))
            stranger.send(hello[:10 + n % len(hello)])
            stranger.send(message("in-the-clear"))
            if n % 10 == 9:
                time.sleep(0.002)
        support.eventually(lambda: dropped(service, "no_session") >= 100, 60, "records of no session")
        support.eventually(lambda: dropped(service, "not_dtls") >= 200, 60, "datagrams that are none of DTLS")
        record(sender, message("dtls-good-2"))
        arrived(service, "dtls-good-2")
    assert not events(service, "in-the-clear")
    assert service.stop() == 0, service.log()


def test_dtls_limits_and_reload(factory, plant, tmp_path):
    own = Authority(tmp_path / "own")
    own.issue("server", LOCALHOST, usage="serverAuth").issue("next", LOCALHOST, usage="serverAuth")
    service = factory.start(settings(factory, {"dtls": {
        "transport": "dtls", "max_connections_per_peer": 2, "idle_timeout": "5s",
        "tls": own.server()}}))

    def serial():
        text = s_client(service.dtls, "-dtls1_2").stdout
        return ssl.PEM_cert_to_DER_cert(text[text.index(b"-----BEGIN"):text.index(b"-----END")].decode() +
                                        "-----END CERTIFICATE-----\n")
    first = serial()
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(dtls_client(service.dtls)) for _ in range(2)]
        for n, sender in enumerate(senders):
            record(sender, message("limit-%d" % n))
            arrived(service, "limit-%d" % n)
        third = stack.enter_context(dtls_client(service.dtls))

        def is_refused():
            for sender in senders:  # or their sessions end, and the third is none too many
                record(sender, message("alive"))
            return refused(service, "dtls", "peer_connection_limit") > 0
        support.eventually(is_refused, 60, "a refusal", interval=0.2)
        third.kill()
        for kind in (".pem", ".key"):
            (own.folder / ("server" + kind)).write_bytes((own.folder / ("next" + kind)).read_bytes())
        service.signal(signal.SIGHUP)
        record(senders[1], message("after-reload"))
        arrived(service, "after-reload")
        # Who says nothing for five seconds loses the session, and its place is free.
        support.becomes(lambda: service.count("penstock_connections", listener="dtls"), 0, "sessions left")
        support.eventually(lambda: serial() != first, 60, "the new certificate")
    assert service.stop() == 0, service.log()


def test_dtls_messages_over_the_limit(factory, plant):
    """They are cut and marked, also when the record is longer than the limit; the session goes on."""
    service = factory.start(settings(factory, {"dtls": {
        "transport": "dtls", "max_message_bytes": 1024, "tls": plant.server()}}))
    with dtls_client(service.dtls) as sender:
        for size in (1000, 1024, 1025, 1100, 3000, 8000):
            record(sender, message("size-%d. " % size).ljust(size, b"x"))
            event, = arrived(service, "size-%d. " % size)
            assert len(event["raw_data"]) == min(size, 1024)
            assert event["unmapped"].get("penstock", {}).get("cut", False) == (size > 1024), size
    assert service.stop() == 0, service.log()
