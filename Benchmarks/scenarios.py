# SPDX-License-Identifier: Apache-2.0
"""What is sent, and which receivers stand it by default."""
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Load:
    """What the generator sends in one run; `rate` 0 is a flood."""
    transport: str
    senders: int
    rate: float = 0
    count: int = 0
    seconds: float = 0
    threads: int = 1
    spread: bool = False
    line_feed: bool = False
    segments: int = 1
    lines: str = "plain"  # what the generator's --lines names: RFC 5424, a product, or the mix of ten
    rules: str = ""       # rsyslog's rule base, where it is not the one that is called as the lines

    def at(self, rate, seconds):
        """The same at another rate, for so long."""
        return replace(self, rate=rate, seconds=seconds, count=0, threads=2 if rate > 150_000 else 1)

    def part(self, factor):
        """A part of it."""
        return replace(self, count=int(self.count * factor), seconds=self.seconds * factor)


@dataclass(frozen=True)
class Scenario:
    """One comparison."""
    name: str
    about: str
    load: Load
    receivers: tuple
    quick: tuple = ()
    # Or "search": the highest rate; "overload": more than can be taken; "correlation": rules over a file.
    kind: str = "cost"
    rules: int = 0


UDP = ("penstock", "penstock-full", "rsyslog-1", "rsyslog-2", "rsyslog-direct", "syslog-ng", "syslog-ng-2", "bare")
TCP = ("penstock", "penstock-full", "rsyslog-1", "rsyslog-2", "rsyslog-direct", "syslog-ng", "bare")
TLS = ("penstock", "penstock-full", "rsyslog-1", "rsyslog-direct", "syslog-ng")
FIELDS = ("penstock-ocsf", "rsyslog-1", "rsyslog-direct")
FEW = ("penstock", "penstock-full", "rsyslog-1", "bare")
ENGINES = ("penstock-replay", "penstock-replay-1", "penstock-run", "sec")
ON_REQUEST = ("rsyslog-sd", "rsyslog-null")

ALL = (
    Scenario("udp-max", "highest UDP rate with less than 0.1 % loss, 16 senders", Load(
        "udp", 16, threads=2, segments=4), tuple(name for name in UDP if name != "penstock-full"),
        ("penstock", "rsyslog-1", "bare"), kind="search"),
    Scenario("udp-flood", "UDP at a rate that rsyslog still takes, 16 senders", Load(
        "udp", 16, rate=400_000, count=1_200_000, threads=2, segments=4), UDP, FEW),
    Scenario("udp-50k", "UDP, 50,000/s, single messages evenly in time, 16 senders", Load(
        "udp", 16, rate=50_000, count=200_000, spread=True), UDP + ("bare-1ms",), FEW + ("bare-1ms",)),
    Scenario("tcp-50k", "TCP, 50,000/s, single messages evenly in time, 64 connections", Load(
        "tcp", 64, rate=50_000, count=200_000, spread=True), TCP + ("bare-1ms",), FEW),
    Scenario("tcp-50k-1", "TCP, 50,000/s, single messages evenly in time, 1 connection", Load(
        "tcp", 1, rate=50_000, count=200_000, spread=True), TCP + ("bare-1ms",)),
    Scenario("tcp-1", "TCP flood, octet counting, 1 connection", Load("tcp", 1, count=1_500_000), TCP),
    Scenario("tcp-64", "TCP flood, octet counting, 64 connections", Load(
        "tcp", 64, count=1_500_000, threads=2), TCP, FEW),
    Scenario("tcp-64-lf", "TCP flood, LF, 64 connections", Load(
        "tcp", 64, count=1_500_000, threads=2, line_feed=True), TCP),
    Scenario("tls-1", "TLS 1.3 flood, octet counting, 1 connection", Load("tls", 1, count=1_000_000), TLS),
    Scenario("tls-64", "TLS 1.3 flood, octet counting, 64 connections", Load(
        "tls", 64, count=1_000_000, threads=2), TLS, ("penstock", "penstock-full", "rsyslog-1")),
    Scenario("udp-overload", "UDP flood far above what can be taken, 16 senders: memory", Load(
        "udp", 16, seconds=3, threads=2, segments=8), ("penstock", "penstock-full", "rsyslog-1"),
        ("penstock", "penstock-full"),
        kind="overload"),
    Scenario("mix", "lines of ten products to OCSF, TCP flood, 16 connections, one lane", Load(
        "tcp", 16, count=400_000, line_feed=True, lines="mix"), ("penstock-ocsf",), ("penstock-ocsf",)),
    Scenario("fortigate", "key-value firewall lines of 40 fields to JSON (Penstock: OCSF), TCP flood, 16 connections",
             Load("tcp", 16, count=400_000, line_feed=True, lines="fortigate"), FIELDS + ("syslog-ng",),
             ("penstock-ocsf", "rsyslog-direct")),
    Scenario("iptables", "key-value firewall lines of 20 fields to JSON (Penstock: OCSF), TCP flood, 16 connections",
             Load("tcp", 16, count=800_000, line_feed=True, lines="iptables"), FIELDS + ("syslog-ng",)),
    Scenario("iptables-fixed", "the same lines as two fixed patterns to JSON (Penstock: OCSF)", Load(
        "tcp", 16, count=800_000, line_feed=True, lines="iptables", rules="iptables-fixed"), FIELDS),
    Scenario("openssh", "lines of five fixed patterns to JSON (Penstock: OCSF), TCP flood, 16 connections",
             Load("tcp", 16, count=800_000, line_feed=True, lines="openssh"), FIELDS,
             ("penstock-ocsf", "rsyslog-direct")),
    Scenario("sshd-50", "50 threshold rules over a file of a million sshd lines", Load("file", 1, count=1_000_000),
             ENGINES, kind="correlation", rules=50),
    Scenario("sshd-1", "the first of these rules over the same lines", Load("file", 1, count=1_000_000),
             ENGINES, kind="correlation", rules=1),
)

# Where a search begins, and the rate that a cost run must not exceed: what was seen on a quiet machine.
GUESS = {"bare": 900_000, "penstock": 700_000, "rsyslog": 450_000, "syslog-ng": 120_000}


def guess(receiver):
    """The rate where the search for a receiver's highest one begins."""
    return next(rate for name, rate in GUESS.items() if receiver.startswith(name))
