# SPDX-License-Identifier: Apache-2.0
"""TLS with certificates, by Python's ssl and openssl s_client: who gets in, who does not, and who is told."""
import contextlib
import re
import signal
import socket
import ssl
import subprocess

import authority
import pytest
import support
from authority import LOCALHOST, Authority
from receiving import arrived, dropped, events, message, notices, refused, s_client, settings

@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    return authority.plant(tmp_path_factory.mktemp("plant"))


def client(plant, name=None, **limits):
    context = ssl.create_default_context(cafile=plant["ca.pem"])
    if name:
        context.load_cert_chain(plant[name + ".pem"], plant[name + ".key"])
    for key, value in limits.items():
        setattr(context, key, value)
    return context


def offer(port, context, text, source="127.0.0.1"):
    """Sends one message and takes leave; empty when the server does so too, else the reason that the client was told.

    OpenSSL's shutdown takes a fatal alert for a farewell, so the farewell is sent first and the answer read after it.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(source, 0)) as plain:
        def flush():
            # A server that has refused already closes; what it said before can still be read.
            with contextlib.suppress(OSError):
                plain.sendall(outgoing.read())

        def step(action):
            while True:
                try:
                    answer = action()
                    flush()
                    return answer
                except ssl.SSLWantReadError:
                    flush()
                    data = plain.recv(65536)
                    if data:
                        incoming.write(data)
                    else:
                        incoming.write_eof()
        try:
            step(tls.do_handshake)
            tls.write(support.octets([message(text)]))
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.unwrap()
            step(lambda: tls.read(1))
            return "an answer"
        except ssl.SSLZeroReturnError:
            return ""
        except ssl.SSLError as error:
            return error.reason or str(error)
        except OSError as error:
            return str(error)


def test_required_optional_and_the_identity_in_each_event(factory, plant):
    tls = plant.server(client_ca=plant["ca.pem"])
    service = factory.start(settings(factory, {
        "must": {"transport": "tls", "tls": {**tls, "client_certificate": "required"}},
        "may": {"transport": "tls", "tls": {**tls, "client_certificate": "optional"}}}))
    assert "CERTIFICATE_REQUIRED" in offer(service.must, client(plant), "nobody-must").upper()
    assert offer(service.must, client(plant, "stranger"), "stranger-must")
    assert offer(service.may, client(plant, "stranger"), "stranger-may")
    assert offer(service.may, client(plant), "nobody-may") == ""
    assert offer(service.must, client(plant, "gateway"), "known-must") == ""
    assert offer(service.may, client(plant, "gateway"), "known-may") == ""
    identity = {"subject": "CN=gateway,O=Plant", "fingerprint": plant.fingerprint("gateway").replace(":", "").lower()}
    for marker in ("known-must", "known-may"):
        event, = arrived(service, marker)
        assert event["unmapped"]["origin"]["tls"] == identity
    event, = arrived(service, "nobody-may")
    assert "origin" not in event["unmapped"]
    assert not events(service, "stranger-m") and not events(service, "nobody-must")
    support.becomes(lambda: refused(service, "must", "certificate_refused"), 2, "refusals")
    support.becomes(lambda: refused(service, "may", "certificate_refused"), 1, "refusals")
    support.becomes(lambda: dropped(service, "certificate_refused"), 3, "refusals of both")
    # Each of the three is told: without a certificate as a refused connection, with one as a refused sender.
    told = support.eventually(lambda: len(notices(service, "certificate_refused")) >= 3 and
                              notices(service, "certificate_refused"), 60, "three notices")
    assert sorted(e["class_uid"] for e in told) == [3002, 3002, 4001]
    assert {e["src_endpoint"]["ip"] for e in told} == {"127.0.0.1"}
    assert service.stop() == 0, service.log()


ALLOWED = {
    "subject": ({"subjects": ["cn = gateway , o=Plant"]}, ["gateway"]),
    "wildcard": ({"names": ["*.plant.example"]}, ["gateway"]),
    "address": ({"names": ["127.0.0.9"]}, ["gateway"]),
    "whole": ({"names": ["a.gw.plant.example", "other.example"]}, ["deep", "other"]),
    "fingerprint": ({"fingerprints": ["deep"]}, ["deep"]),
    "alone": ({"fingerprints": ["lonely"]}, ["lonely"]),
}


def test_allow_lists(factory, plant):
    """By subject, by name with and without a wildcard, by fingerprint; without a CA the fingerprint is all there is."""
    listeners = {}
    for name, (allow, _) in ALLOWED.items():
        allow = {key: [plant.fingerprint(v) for v in values] if key == "fingerprints" else values
                 for key, values in allow.items()}
        tls = plant.server(client_certificate="required", allow=allow)
        if name != "alone":
            tls["client_ca"] = plant["ca.pem"]
        listeners[name] = {"transport": "tls", "tls": tls}
    service = factory.start(settings(factory, listeners))
    people = ("gateway", "deep", "other", "lonely", "stranger")
    for name, (_, admitted) in ALLOWED.items():
        for person in people:
            answer = offer(getattr(service, name), client(plant, person), "allow-%s-%s." % (name, person))
            assert (answer == "") == (person in admitted), "%s at %s: %r" % (person, name, answer)
    arrived(service, "allow-", sum(len(admitted) for _, admitted in ALLOWED.values()))
    for name, (_, admitted) in ALLOWED.items():
        for person in admitted:
            arrived(service, "allow-%s-%s." % (name, person))
        support.becomes(lambda: refused(service, name, "certificate_refused"), len(people) - len(admitted), name)
    assert service.stop() == 0, service.log()


def test_a_revoked_certificate_is_refused_and_becomes_an_incident(factory, plant):
    service = factory.start(settings(factory, {"tls": {"transport": "tls", "tls": plant.server(
        client_ca=plant["ca.pem"], client_certificate="required", crl=[plant["ca.crl"]])}}))
    attempts = 20
    for _ in range(attempts):
        assert "REVOKED" in offer(service.tls, client(plant, "stolen"), "message-of-stolen").upper()
    assert offer(service.tls, client(plant, "gateway"), "not-revoked") == ""
    arrived(service, "not-revoked")
    support.becomes(lambda: refused(service, "tls", "certificate_refused"), attempts, "refusals")
    notice, = support.eventually(lambda: notices(service, "certificate_revoked"), 60, "the notice")
    assert notice["class_uid"] == 3002 and notice["status_id"] == 2
    assert notice["user"] == {**notice["user"], "name": "CN=stolen,O=Plant",
                              "credential_uid": plant.fingerprint("stolen").replace(":", "").lower()}
    assert notice["src_endpoint"]["ip"] == "127.0.0.1"
    # Twenty attempts are one event, not twenty: telling must not be a flood itself.
    assert len(notices(service, "certificate_revoked")) == 1
    support.eventually(lambda: "REVOKED_CERTIFICATE" in str(support.incidents(service.lake)), 60, "the incident")
    support.eventually(lambda: [e for e in events(service, "REVOKED_CERTIFICATE") if e["class_uid"] == 2004], 60,
                       "a finding in the lines")
    assert not events(service, "message-of-stolen")
    assert service.stop() == 0, service.log()


def test_no_message_from_outside_is_taken_for_a_notice(factory):
    service = factory.start(settings(factory, {"tcp": {"transport": "tcp"}, "udp": {"transport": "udp"}}))
    forged = b'{"penstock":"audit","event":"certificate_revoked","listener":"forged","peer":"192.0.2.1",' \
        b'"subject":"CN=innocent","fingerprint":"00ff","reason":"revoked"}'
    support.send_tcp(service.tcp, support.lines([forged, message(forged)]))
    support.send_udp(service.udp, [forged, message(forged)])
    arrived(service, "innocent", 4)
    assert not notices(service, "certificate_revoked")
    # Stopping drains: a finding that was still under way would be there.
    assert service.stop() == 0, service.log()
    assert not events(service, "REVOKED_CERTIFICATE")


def test_ended_ending_and_shared_certificates_are_told(factory, plant):
    service = factory.start(settings(factory, {"tls": {"transport": "tls", "tls": plant.server(
        client_ca=plant["ca.pem"], client_certificate="required")}}))
    assert "EXPIRED" in offer(service.tls, client(plant, "old"), "ended").upper()
    assert offer(service.tls, client(plant, "ending"), "ending-1") == ""
    assert offer(service.tls, client(plant, "ending"), "ending-2") == ""
    assert offer(service.tls, client(plant, "gateway"), "shared-1") == ""
    assert offer(service.tls, client(plant, "gateway"), "shared-2") == ""
    arrived(service, "shared-", 2)
    assert not notices(service, "identity_shared"), "one address is not two"
    assert offer(service.tls, client(plant, "gateway"), "shared-3", source="127.0.0.2") == ""
    arrived(service, "ending-", 2)
    event, = support.eventually(lambda: notices(service, "identity_shared"), 60, "the notice of the shared identity")
    assert event["user"]["name"] == "CN=gateway,O=Plant" and event["src_endpoint"]["ip"] == "127.0.0.2"
    addresses = str(event["unmapped"]["audit"]["addresses"])
    assert "127.0.0.1" in addresses and "127.0.0.2" in addresses
    event, = support.eventually(lambda: notices(service, "certificate_expired"), 60, "the notice of the ended one")
    assert event["user"]["name"] == "CN=old,O=Plant" and event["status_id"] == 2
    event, = support.eventually(lambda: notices(service, "certificate_expiring"), 60, "the notice of the ending one")
    assert event["user"]["name"] == "CN=ending,O=Plant" and event["status_id"] == 1
    assert not [e for e in events(service, "ended") if e.get("raw_data") == message("ended").decode()]
    for rule in ("SHARED_IDENTITY", "EXPIRING_CERTIFICATE"):
        support.eventually(lambda: [e for e in events(service, rule) if e["class_uid"] == 2004], 60, "a finding of " + rule)
    assert service.stop() == 0, service.log()


def test_reload_changes_certificate_and_revocations_and_drops_no_connection(factory, plant, tmp_path):
    own = Authority(tmp_path / "own")
    own.issue("server", LOCALHOST, usage="serverAuth").issue("next", LOCALHOST, usage="serverAuth").issue("sender")
    service = factory.start(settings(factory, {"tls": {"transport": "tls", "tls": own.server(
        client_ca=own["ca.pem"], client_certificate="required", crl=[own["ca.crl"]])}}))

    def shown():
        with socket.create_connection(("127.0.0.1", service.tls), timeout=60) as plain:
            with client(own, "sender").wrap_socket(plain, server_hostname="localhost") as secured:
                return secured.getpeercert()["serialNumber"]
    first = shown()
    with socket.create_connection(("127.0.0.1", service.tls), timeout=60) as plain:
        with client(own, "sender").wrap_socket(plain, server_hostname="localhost") as open_one:
            open_one.sendall(support.octets([message("before-reload")]))
            arrived(service, "before-reload")
            for kind in (".pem", ".key"):
                (own.folder / ("server" + kind)).write_bytes((own.folder / ("next" + kind)).read_bytes())
            assert shown() == first, "files change nothing until they are asked for"
            service.signal(signal.SIGHUP)
            second = support.eventually(lambda: shown() != first and shown(), 60, "the new certificate")
            open_one.sendall(support.octets([message("after-reload")]))
            arrived(service, "after-reload")
            # What cannot be read changes nothing, and is said.
            (own.folder / "server.key").write_text("no key")
            service.signal(signal.SIGHUP)
            support.eventually(lambda: "server.key" in service.log(), 60, "a complaint about the key")
            assert shown() == second
            (own.folder / "server.key").write_bytes((own.folder / "next.key").read_bytes())
            # The sender is revoked: its next connection is refused, the open one was good when it began.
            own.revoke("sender")
            service.signal(signal.SIGHUP)
            support.eventually(lambda: "REVOKED" in offer(service.tls, client(own, "sender"), "late").upper(), 60,
                               "the new revocation list")
            open_one.sendall(support.octets([message("still-open")]))
            arrived(service, "still-open")
    assert service.stop() == 0, service.log()


def test_sessions_are_resumed(factory, plant, tmp_path):
    tls = plant.server(client_ca=plant["ca.pem"], client_certificate="optional")
    service = factory.start(settings(factory, {
        "plain": {"transport": "tls", "tls": tls},
        "tickets": {"transport": "tls", "tls": {**tls, "session_tickets": True}}}))
    identity = ("-cert", plant["gateway.pem"], "-key", plant["gateway.key"])
    text = s_client(service.plain, "-tls1_2", "-reconnect", *identity).stdout
    assert len(re.findall(rb"(?m)^Reused, TLSv1.2", text)) == 5, text[-2000:]

    def again(name, limit=60):
        """What a TLS 1.3 client says of its second connection; it reads its ticket before it goes."""
        file = tmp_path / (name + ".session")
        with subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % getattr(service, name), "-tls1_3",
                               "-sess_out", str(file), *identity], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as first:
            try:
                support.eventually(file.exists, limit, "a ticket")
            except AssertionError:
                return None
            finally:
                first.stdin.close()
        return s_client(getattr(service, name), "-tls1_3", "-sess_in", str(file), *identity,
                        data=support.octets([message("resumed-" + name)]) + b"\n").stdout
    assert again("plain", 2) is None, "a ticket although they are off"
    assert b"Reused, TLSv1.3" in again("tickets")
    # A reload is a new beginning: what a ticket from before it says is not believed (docs/decisions/0008).
    service.signal(signal.SIGHUP)
    support.eventually(lambda: b"New, TLSv1.3" in s_client(
        service.tickets, "-tls1_3", "-sess_in", str(tmp_path / "tickets.session"), *identity).stdout, 60, "a full handshake")
    # A resumed connection shows no certificate again, and its identity is known all the same.
    event, = arrived(service, "resumed-tickets")
    assert event["unmapped"]["origin"]["tls"]["subject"] == "CN=gateway,O=Plant"
    assert service.stop() == 0, service.log()


def test_old_versions_are_refused(factory, plant):
    service = factory.start(settings(factory, {
        "usual": {"transport": "tls", "tls": plant.server()},
        "new": {"transport": "tls", "tls": plant.server(minimum_version="1.3")}}))
    weak = ("-cipher", "DEFAULT@SECLEVEL=0")
    assert s_client(service.usual, "-tls1_1", *weak).returncode != 0
    assert s_client(service.usual, "-tls1", *weak).returncode != 0
    assert s_client(service.usual, "-tls1_2", *weak).returncode == 0
    assert s_client(service.new, "-tls1_2").returncode != 0
    assert s_client(service.new, "-tls1_3").returncode == 0
    support.becomes(lambda: refused(service, "usual", "handshake_failed"), 2, "refusals")
    support.becomes(lambda: refused(service, "new", "handshake_failed"), 1, "refusals")
    assert service.stop() == 0, service.log()
