# SPDX-License-Identifier: Apache-2.0
"""Datagrams by every way and what the kernel drops of them, and the PROXY protocol in front of TCP and TLS."""
import contextlib
import os
import re
import shutil
import signal
import socket
import struct
import subprocess

import pytest
import support
from receiving import arrived, connect, dropped, events, is_closed, message, received, refused, settings, tls_of


# ---------------------------------------------------------------- datagrams


def test_ipv6_and_both_families_on_one_port(factory):
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this host has no IPv6")
    configuration = settings(factory, {"udp": {"transport": "udp"}, "tcp": {"transport": "tcp"}})
    for listener, address in zip(configuration["listeners"], ("[::]", "[::1]")):
        listener["address"] = "%s:%s" % (address, listener["address"].rpartition(":")[2])
    service = factory.start(configuration)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        sender.sendto(message("six-udp"), ("::1", service.udp))
    with socket.create_connection(("::1", service.tcp)) as sender:
        sender.sendall(support.octets([message("six-tcp")]))
    support.send_udp(service.udp, [message("four-udp")])
    peers = {m: arrived(service, m)[0]["unmapped"]["peer"]["ip"] for m in ("six-udp", "six-tcp", "four-udp")}
    assert peers == {"six-udp": "::1", "six-tcp": "::1", "four-udp": "127.0.0.1"}
    assert service.stop() == 0, service.log()


def test_multicast(factory):
    """Two lanes have the port, and yet each datagram of the group is received once."""
    group = "239.255.77.7"
    configuration = settings(factory, {"group": {"transport": "udp", "groups": [group], "interface": "lo"}}, lanes=2)
    port = int(configuration["listeners"][0]["address"].rpartition(":")[2])
    configuration["listeners"][0]["address"] = "%s:%d" % (group, port)
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((group, 0))
                probe.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                 struct.pack("4s4s", socket.inet_aton(group), socket.inet_aton("127.0.0.1")))
                probe.settimeout(10)
                sender.sendto(b"?", (group, probe.getsockname()[1]))
                probe.recv(10)
            except OSError as error:
                pytest.skip("no multicast on the loopback interface: %s" % error)
        service = factory.start(configuration)
        for n in range(50):
            sender.sendto(message("group-%d." % n), (group, port))
    arrived(service, "group-", 50)
    support.becomes(lambda: received(service, "group"), 50, "messages")
    assert service.stop() == 0, service.log()


def test_a_heavy_sender_is_shared_out_at_random(factory):
    """One socket sends all; with `spread: random` both lanes get their share, with `spread: sender` one has it all."""
    configuration = settings(factory, {"random": {"transport": "udp", "spread": "random"},
                                       "sender": {"transport": "udp", "spread": "sender"}}, lanes=2)
    configuration["journal"] = {"commit_interval": "50ms"}
    service = factory.start(configuration)
    if "takes no program" in service.log():
        pytest.skip("the kernel takes no program that spreads datagrams")
    for name in ("random", "sender"):
        support.send_udp(getattr(service, name), [message("%s-%d." % (name, n)) for n in range(400)])
        arrived(service, name + "-", 400)
    assert service.stop() == 0, service.log()
    answer = support.penstock("replay", "--journal", factory.folder / "data/journal")
    shares = {}
    for frame in support.ndjson(answer.stdout):
        for name in ("random", "sender"):
            if name + "-" in frame["raw"]:
                shares[name, frame["log"]] = shares.get((name, frame["log"]), 0) + 1
    print("shares of the lanes:", shares)
    # 400 fair coins: fewer than 120 on one side happen once in 10^16 times.
    assert min(shares.get(("random", log), 0) for log in (0, 1)) > 120
    assert sorted(value for (name, _), value in shares.items() if name == "sender") == [400]


@pytest.mark.parametrize("lanes", [1, 2])
def test_every_datagram_is_received_or_counted_as_dropped_by_the_kernel(factory, lanes):
    service = factory.start(settings(factory, {"udp": {"transport": "udp", "receive_buffer": "8KiB"}}, lanes=lanes))
    sent = 5_000
    service.signal(signal.SIGSTOP)
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for n in range(sent):
            sender.sendto(message("burst-%d." % n), ("127.0.0.1", service.udp))
    service.signal(signal.SIGCONT)

    def balance():
        return received(service, "udp"), service.count("penstock_kernel_dropped_datagrams_total", listener="udp")
    support.eventually(lambda: sum(balance()) >= sent, 60, "an account of all datagrams")
    got, lost = balance()
    print("sent %d, received %d, dropped by the kernel %d" % (sent, got, lost))
    assert got + lost == sent and got > 0 and lost > sent / 2
    support.becomes(lambda: dropped(service, "kernel"), lost, "datagrams that the kernel dropped")
    arrived(service, "burst-", got)
    support.eventually(lambda: re.search("the kernel dropped .*more lanes", service.log()), 60, "the log line")
    assert service.stop() == 0, service.log()


@pytest.mark.skipif(not shutil.which("logger"), reason="util-linux's logger is not installed")
def test_the_logger_of_util_linux_through_ipv6(factory):
    configuration = settings(factory, {"udp": {"transport": "udp"}, "tcp": {"transport": "tcp"}})
    for listener in configuration["listeners"]:
        listener["address"] = "[::]:%s" % listener["address"].rpartition(":")[2]
    service = factory.start(configuration)
    for name, option in (("udp", "--udp"), ("tcp", "--tcp")):
        subprocess.run(["logger", "--server", "::1", "--port", str(getattr(service, name)), option, "--tag", "plant",
                        "logger-six-" + name], check=True, timeout=60)
        assert arrived(service, "logger-six-" + name)[0]["unmapped"]["peer"]["ip"] == "::1"
    assert service.stop() == 0, service.log()


# ---------------------------------------------------------------- PROXY protocol

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def version_2(command, source, destination, ports=(5555, 514), extension=b""):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    body = socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack(">HH", *ports) + extension
    kind = 0x21 if family == socket.AF_INET6 else 0x11
    return SIGNATURE + bytes([0x20 | command, kind]) + struct.pack(">H", len(body)) + body


HEADERS = {
    "v1-ipv4": (b"PROXY TCP4 192.0.2.77 198.51.100.1 5555 514\r\n", "192.0.2.77"),
    "v1-ipv6": (b"PROXY TCP6 2001:db8::77 2001:db8::1 5555 514\r\n", "2001:db8::77"),
    "v1-unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "v2-ipv4": (version_2(1, "192.0.2.78", "198.51.100.1"), "192.0.2.78"),
    "v2-ipv6": (version_2(1, "2001:db8::78", "2001:db8::1", extension=b"\x04\x00\x03abc"), "2001:db8::78"),
    "v2-local": (version_2(0, "192.0.2.79", "198.51.100.1"), "127.0.0.1"),
    "v2-bare": (SIGNATURE + b"\x20\x00\x00\x00", "127.0.0.1"),
}


def test_proxy_headers_of_a_trusted_peer(factory, certificates):
    trusted = ["127.0.0.1/32"]
    service = factory.start(settings(factory, {
        "tcp": {"transport": "tcp", "proxies": trusted},
        "tls": {"transport": "tls", "proxies": trusted, "tls": tls_of(certificates)}}))
    for name, (header, peer) in HEADERS.items():
        with connect(service.tcp) as sender:
            # The header byte by byte, its last one together with the message.
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in header[:-1]:
                sender.send(bytes([byte]))
            sender.sendall(header[-1:] + support.octets([message("tcp-%s." % name)]))
        with connect(service.tls) as plain:
            plain.sendall(header)
            with support.tls_context(certificates).wrap_socket(plain, server_hostname="localhost") as secured:
                secured.sendall(support.octets([message("tls-%s." % name)]))
        for transport in ("tcp", "tls"):
            event, = arrived(service, "%s-%s." % (transport, name))
            assert event["unmapped"]["peer"]["ip"] == peer, name
            assert event["unmapped"]["origin"]["proxy"]["ip"] == "127.0.0.1", name
    assert dropped(service, "proxy_header") == 0
    assert service.stop() == 0, service.log()


@pytest.mark.parametrize("wrong", [
    b"<13>no header at all\n", b"PROXY TCP4 " + b"1" * 200, b"PROXY NONSENSE\r\n", SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12),
    SIGNATURE + b"\x21\x11\x00\x04" + bytes(4), SIGNATURE + b"\x21\x11\xff\xff" + bytes(5000)],
    ids=["none", "endless", "protocol", "version", "short", "long"])
def test_a_wrong_header_of_a_trusted_peer_closes_and_counts(factory, wrong):
    service = factory.start(settings(factory, {"tcp": {"transport": "tcp", "proxies": ["127.0.0.1/32"]}}))
    with connect(service.tcp) as sender:
        with contextlib.suppress(OSError):
            sender.sendall(wrong + message("never") + b"\n")
        assert is_closed(sender)
    support.becomes(lambda: refused(service, "tcp", "proxy_header"), 1, "refusals")
    with connect(service.tcp) as sender:
        sender.sendall(HEADERS["v1-ipv4"][0] + message("good-one") + b"\n")
    assert arrived(service, "good-one")[0]["unmapped"]["peer"]["ip"] == "192.0.2.77"
    assert not events(service, "never")
    assert service.stop() == 0, service.log()


def test_an_address_that_is_none_is_marked_and_the_proxy_s_own_stands_in(factory):
    """A header in the right form from a trusted proxy: its messages are worth more than its slip."""
    service = factory.start(settings(factory, {"tcp": {"transport": "tcp", "proxies": ["127.0.0.1/32"]}}))
    for number, header in enumerate((b"PROXY TCP4 192.0.2.77 198.51.100.1 99999 514\r\n", b"PROXY TCP4 ::1 ::2 1 2\r\n")):
        with connect(service.tcp) as sender:
            sender.sendall(header + message("slip-%d." % number) + b"\n")
        event, = arrived(service, "slip-%d." % number)
        assert event["unmapped"]["peer"]["ip"] == "127.0.0.1"
        support.becomes(lambda: service.count("penstock_proxy_marks_total", listener="tcp"), number + 1, "marks")
    assert dropped(service, "proxy_header") == 0
    assert service.stop() == 0, service.log()


def test_nobody_else_s_header_is_believed(factory, certificates):
    """From other addresses no header is expected: on TCP it is a line like any, in front of TLS it is no TLS."""
    trusted = ["127.0.0.1/32"]
    service = factory.start(settings(factory, {
        "tcp": {"transport": "tcp", "proxies": trusted},
        "tls": {"transport": "tls", "proxies": trusted, "tls": tls_of(certificates)}}))
    with connect(service.tcp, "127.0.0.2") as sender:
        sender.sendall(HEADERS["v1-ipv4"][0] + message("untrusted-1") + b"\n")
    event, = arrived(service, "untrusted-1")
    assert event["unmapped"]["peer"]["ip"] == "127.0.0.2" and "origin" not in event["unmapped"]
    line, = arrived(service, "PROXY TCP4")
    assert line["unmapped"]["peer"]["ip"] == "127.0.0.2"
    with connect(service.tls, "127.0.0.2") as plain:
        plain.sendall(HEADERS["v1-ipv4"][0])
        assert is_closed(plain)
    support.becomes(lambda: refused(service, "tls", "handshake_failed"), 1, "refusals")
    with connect(service.tls, "127.0.0.2") as plain:
        with support.tls_context(certificates).wrap_socket(plain, server_hostname="localhost") as secured:
            secured.sendall(support.octets([message("untrusted-2")]))
    assert arrived(service, "untrusted-2")[0]["unmapped"]["peer"]["ip"] == "127.0.0.2"
    assert service.stop() == 0, service.log()
