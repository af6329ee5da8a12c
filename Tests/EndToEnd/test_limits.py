# SPDX-License-Identifier: Apache-2.0
"""Too many senders, too slow ones, messages too long, and rubbish on every port, with figures."""
import contextlib
import json
import os
import random
import resource
import socket
import struct
import subprocess
import time

import pytest
import support
from receiving import (MIB, arrived, connect, dropped, events, is_closed, message, processor_time, received, refused,
                       resident, settings, tls_of, together)
from relp import RelpClient

# ---------------------------------------------------------------- too many, too slow, too long


def test_connection_limits(factory):
    service = factory.start(settings(factory, {"tcp": {
        "transport": "tcp", "max_connections": 5, "max_connections_per_peer": 3}}, lanes=2))

    def opened(source):
        connection = connect(service.tcp, source)
        connection.sendall(message("limit-%s." % source) + b"\n")
        return connection
    with contextlib.ExitStack() as stack:
        ones = [stack.enter_context(opened("127.0.0.1")) for _ in range(3)]
        support.becomes(lambda: service.count("penstock_connections", listener="tcp"), 3, "connections")
        assert is_closed(stack.enter_context(connect(service.tcp)))
        support.becomes(lambda: refused(service, "tcp", "peer_connection_limit"), 1, "refusals")
        for _ in range(2):
            stack.enter_context(opened("127.0.0.2"))
        support.becomes(lambda: service.count("penstock_connections", listener="tcp"), 5, "connections")
        assert is_closed(stack.enter_context(connect(service.tcp, "127.0.0.3")))
        support.becomes(lambda: refused(service, "tcp", "connection_limit"), 1, "refusals")
        ones[0].close()
        support.becomes(lambda: service.count("penstock_connections", listener="tcp"), 4, "connections")
        stack.enter_context(opened("127.0.0.3"))
        arrived(service, "limit-127.0.0.3.")
        assert not is_closed(ones[1], 0.1)
    support.becomes(lambda: received(service, "tcp"), 6, "messages")
    assert service.stop() == 0, service.log()


def test_idle_connections_are_closed_and_busy_ones_are_not(factory, certificates):
    service = factory.start(settings(factory, {
        "tcp": {"transport": "tcp", "idle_timeout": "2s"},
        "tls": {"transport": "tls", "idle_timeout": "2s", "tls": tls_of(certificates)}}))
    with connect(service.tcp) as idle, connect(service.tcp) as busy, support.tls_connection(service.tls, certificates) as tls:
        def closed():
            return [refused(service, name, "idle") for name in ("tcp", "tls")]
        sent, end = 0, time.monotonic() + 60
        # Twice the time after which it would be idle, and for as long as the others are open.
        while sent < 16 or closed() != [1, 1] and time.monotonic() < end:
            busy.sendall(message("busy-%d." % sent) + b"\n")
            sent += 1
            time.sleep(0.25)
        assert closed() == [1, 1]
        assert is_closed(idle) and is_closed(tls)
        arrived(service, "busy-", sent)
    assert service.stop() == 0, service.log()


def test_half_open_handshakes_are_closed_in_time(factory, certificates):
    service = factory.start(settings(factory, {
        "tls": {"transport": "tls", "handshake_timeout": "5s", "tls": tls_of(certificates)},
        "proxied": {"transport": "tcp", "handshake_timeout": "5s", "proxies": ["127.0.0.1"]}}))
    hello = bytes.fromhex("16030100f8010000f40303") + bytes(20)  # the beginning of a ClientHello
    count = 100
    with contextlib.ExitStack() as stack:
        start = time.monotonic()
        silent = [stack.enter_context(connect(service.tls)) for _ in range(count)]
        halves = [stack.enter_context(connect(service.tls)) for _ in range(count)]
        for connection in halves:
            connection.sendall(hello)
        proxied = stack.enter_context(connect(service.proxied))
        proxied.sendall(b"PROXY TC")
        # Who makes a whole handshake meanwhile is served.
        with support.tls_connection(service.tls, certificates) as good:
            good.sendall(support.octets([message("whole")]))
            arrived(service, "whole")
            assert time.monotonic() - start < 5, "not before the others were closed"
            assert all(is_closed(connection) for connection in (*silent, *halves, proxied))
            took = time.monotonic() - start
            assert took > 4.9, took
            good.sendall(support.octets([message("after-them")]))
            arrived(service, "after-them")
    support.becomes(lambda: refused(service, "tls", "handshake_timeout"), 2 * count, "refusals")
    support.becomes(lambda: refused(service, "proxied", "handshake_timeout"), 1, "refusals of the proxied")
    print("%d half-open handshakes closed after %.2f s" % (2 * count, took))
    assert service.stop() == 0, service.log()


def test_slow_loris(factory, certificates):
    """200 connections send a byte a second, half of them inside TLS; others are served as if they were not there."""
    service = factory.start(settings(factory, {"tcp": {"transport": "tcp"},
                                               "tls": {"transport": "tls", "tls": tls_of(certificates)}}))
    before = resident(service)
    text = support.octets([message("loris")])
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(service.tcp)) for _ in range(100)]
        slow += [stack.enter_context(support.tls_connection(service.tls, certificates)) for _ in range(100)]
        begun = time.monotonic()
        longest, total = 0.0, 0
        for second in range(4):
            for connection in slow:
                connection.sendall(text[second:second + 1])
            while time.monotonic() - begun < second + 1:
                start = time.monotonic()
                support.send_tcp(service.tcp, support.octets(message("quick-%d." % n) for n in range(500)))
                total += 500
                support.eventually(lambda: received(service, "tcp") == total, 60, "the others' messages", 0.005)
                longest = max(longest, time.monotonic() - start)
        grown = resident(service) - before
        # One byte more than another is no reason to lose the message: the rest comes at once.
        for connection in slow:
            connection.sendall(text[4:])
        arrived(service, "loris", 200)
    print("slow loris: %d messages of others meanwhile, the slowest 500 took %.0f ms, memory +%.1f MiB" % (
        total, longest * 1000, grown / MIB))
    assert longest < 20 and grown < 48 * MIB
    assert service.stop() == 0, service.log()


def test_ten_thousand_connections(factory):
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + 500:
        pytest.skip("the limit of file descriptors is %d" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = []
    try:
        service = factory.start(settings(factory, {"tcp": {
            "transport": "tcp", "max_connections": count, "max_connections_per_peer": 0}}, lanes=2))
        before, start = resident(service), time.monotonic()
        for n in range(count):
            # Many source addresses: neither their number nor the ports of one must be the bound.
            connections.append(connect(service.tcp, "127.0.%d.%d" % (1 + n // 5000, 1 + n % 20)))
            # An end without TIME_WAIT: ten thousand ports would be missing to the tests that follow.
            connections[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        support.becomes(lambda: service.count("penstock_connections", listener="tcp"), count, "connections")
        took, idle = time.monotonic() - start, resident(service)
        connections[-1].sendall(message("through-the-last") + b"\n")
        connections[0].sendall(message("through-the-first") + b"\n")
        arrived(service, "through-the-last")
        arrived(service, "through-the-first")
        assert is_closed(connect(service.tcp)), "one more than allowed"
        worked, begun = processor_time(service), time.monotonic()
        time.sleep(1)
        worked = (processor_time(service) - worked) / (time.monotonic() - begun)
        print("10,000 connections in %.1f s: %.1f MiB, %.0f bytes each; idle %.0f %% of a core" % (
            took, idle / MIB, (idle - before) / count, worked * 100))
        assert idle - before < 64 * MIB and worked < 0.5
        for connection in connections:
            connection.close()
        support.becomes(lambda: service.count("penstock_connections", listener="tcp"), 0, "connections")
        assert service.stop() == 0, service.log()
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_messages_over_the_limit(factory):
    service = factory.start(settings(factory, {
        "cut": {"transport": "tcp", "max_message_bytes": 1024},
        "split": {"transport": "tcp", "max_message_bytes": 1024, "oversize": "split"},
        "udp": {"transport": "udp", "max_message_bytes": 1024}}))
    long = message(b"long " + b"x" * 3000)
    for framing in (support.octets, support.lines):
        support.send_tcp(service.cut, framing([long, message("behind-cut")]))
        support.send_tcp(service.split, framing([long, message("behind-split")]))
    support.send_udp(service.udp, [long, message("behind-udp")])
    for name, count in (("cut", 2), ("split", 2), ("udp", 1)):
        arrived(service, "behind-" + name, count)
    kept = arrived(service, " long ", 5)
    assert all(e["raw_data"] == long[:1024].decode() for e in kept)
    # Cut: the beginning, marked, and nothing else. Split: every byte.
    assert sorted(e["unmapped"].get("penstock", {}).get("cut", False) for e in kept) == [False] * 2 + [True] * 3
    support.becomes(lambda: received(service, "cut"), 4, "messages at `cut`")
    support.becomes(lambda: received(service, "udp"), 2, "messages at `udp`")
    pieces = -(-len(long) // 1024)
    support.becomes(lambda: received(service, "split"), 2 * (pieces + 1), "messages at `split`")
    support.becomes(lambda: service.count("penstock_received_bytes_total", listener="split"),
                    2 * (len(long) + len(message("behind-split"))), "bytes at `split`")
    support.becomes(lambda: dropped(service, "oversize"), 3, "messages over the limit")
    assert service.stop() == 0, service.log()


def test_frames_that_never_end_are_bounded(factory):
    # With a journal: an output that takes its time with such lines is not shed, it comes later.
    service = factory.start(settings(factory, {
        "line": {"transport": "tcp"}, "big": {"transport": "tcp", "max_message_bytes": "4MiB"}}, journal={}))
    before = resident(service)
    # 64 MiB without an end: cut once, the rest skipped; what comes behind is whole again.
    block = b"x" * MIB
    with connect(service.line) as sender:
        sender.sendall(message("endless "))
        for _ in range(64):
            sender.sendall(block)
        sender.sendall(b"\n" + message("behind-endless") + b"\n")
        arrived(service, "behind-endless")
    event, = arrived(service, "endless ")
    assert len(event["raw_data"]) == 65_536 and event["unmapped"]["penstock"]["cut"]
    endless = resident(service, peak=True) - before
    # Twenty that each hold 3 MiB of one message are more than a lane keeps: some are refused, the others go on.
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(connect(service.big)) for _ in range(20)]
        for n, sender in enumerate(senders):
            with contextlib.suppress(OSError):
                sender.sendall(message("held-%d. " % n) + b"y" * (3 * MIB))
        support.eventually(lambda: refused(service, "big", "memory_limit"), 60, "a refusal")
        peak = resident(service, peak=True) - before
        with connect(service.line) as sender:
            sender.sendall(message("meanwhile") + b"\n")
            arrived(service, "meanwhile")
        # Those that were not refused end their message, and it is whole.
        for sender in senders:
            with contextlib.suppress(OSError):
                sender.sendall(b"\n")
        whole = [e for e in support.eventually(
            lambda: len(events(service, " held-")) == 20 and events(service, " held-"), 60, "all beginnings")
            if not e["unmapped"].get("penstock", {}).get("cut")]
        lost = 20 - len(whole)
        support.becomes(lambda: refused(service, "big", "memory_limit"), lost, "refusals")
        support.becomes(lambda: dropped(service, "memory_limit"), lost, "refusals in all")
        assert 0 < lost < 20 and all(len(e["raw_data"]) > 3 * MIB for e in whole)
    print("64 MiB without an end: +%.1f MiB; 20 x 3 MiB unfinished: +%.1f MiB at most, %d of 20 refused" % (
        endless / MIB, peak / MIB, lost))
    assert endless < 32 * MIB and peak < 128 * MIB
    assert service.stop() == 0, service.log()


# ---------------------------------------------------------------- rubbish


def test_garbage_floods_on_every_port(factory, certificates):
    configuration = settings(factory, {
        "udp": {"transport": "udp"}, "tcp": {"transport": "tcp"}, "relp": {"transport": "relp"},
        "tls": {"transport": "tls", "tls": tls_of(certificates)},
        "dtls": {"transport": "dtls", "tls": tls_of(certificates)}}, lanes=2)
    service = factory.start(configuration)
    before = resident(service)
    seconds = float(os.environ.get("PENSTOCK_FUZZ_SECONDS", 3))
    seed = random.randrange(1 << 32)
    print("seed", seed)
    end = time.monotonic() + seconds
    sent = {}

    def flood(name, attack):
        draw = random.Random(seed ^ len(name) << 8)

        def work():
            sent[name] = 0
            while time.monotonic() < end:
                with contextlib.suppress(OSError):
                    attack(draw)
                    sent[name] += 1
        return work

    def datagrams(port, prefix=b""):
        def attack(draw):
            with socket.socket(type=socket.SOCK_DGRAM) as sender:
                for _ in range(50):
                    sender.sendto(prefix + draw.randbytes(draw.randrange(1, 1400)), ("127.0.0.1", port))
            time.sleep(0.002)
        return attack

    def stream(port, prefix=b""):
        def attack(draw):
            with connect(port, timeout=2) as sender:
                sender.sendall(prefix + draw.randbytes(draw.randrange(1, 20_000)))
        return attack

    def inside_tls(draw):
        with support.tls_connection(service.tls, certificates) as secured:
            secured.sendall(draw.randbytes(draw.randrange(1, 20_000)))
    together(
        flood("udp", datagrams(service.udp)), flood("dtls", datagrams(service.dtls)),
        flood("dtls records", datagrams(service.dtls, b"\x16\xfe\xff" + bytes(8))),
        flood("tcp", stream(service.tcp)), flood("tls", stream(service.tls)), flood("inside tls", inside_tls),
        flood("tls records", stream(service.tls, b"\x16\x03\x01\x40\x00\x01")), flood("relp", stream(service.relp)),
        flood("relp frames", stream(service.relp, b"1 open 30 relp_version=0\ncommands=syslog\n2 syslog 999 ")))
    assert service.process.poll() is None, service.log()[-4000:]
    assert service.get("/healthz")[0] == 200
    grown = resident(service, peak=True) - before
    for name in ("udp", "tcp"):
        support.eventually(lambda: received(service, name) > 0, 60, "messages of rubbish at " + name)
    for name, reason in (("tls", "handshake_failed"), ("relp", "relp_error")):
        support.eventually(lambda: refused(service, name, reason) > 0, 60, "a refusal at " + name)
    support.eventually(lambda: dropped(service, "not_dtls") > 0, 60, "datagrams that are none of DTLS")
    # Every datagram has an outcome.
    support.eventually(lambda: received(service, "udp") + dropped(service, "empty") + service.count(
        "penstock_kernel_dropped_datagrams_total", listener="udp") >= 50 * sent["udp"], 60, "an account of the datagrams")
    support.send_udp(service.udp, [message("good-udp")])
    support.send_tcp(service.tcp, support.octets([message("good-tcp")]))
    support.send_tls(service.tls, certificates, support.octets([message("good-tls")]))
    client = RelpClient(service.relp)
    assert client.send(message("good-relp")) and client.wait()
    client.close()
    subprocess.run(["openssl", "s_client", "-dtls1_2", "-connect", "127.0.0.1:%d" % service.dtls],
                   input=message("good-dtls") + b"\n", capture_output=True, timeout=60)
    for transport in ("udp", "tcp", "tls", "relp", "dtls"):
        arrived(service, "good-" + transport)
    print("garbage for %.0f s: %s; memory +%.1f MiB" % (seconds, json.dumps(sent), grown / MIB))
    assert grown < 160 * MIB
    assert service.stop() == 0, service.log()[-4000:]
