# SPDX-License-Identifier: Apache-2.0
"""Thresholds that do not depend on the machine: mallocs and instructions per message (Benchmarks/thresholds.json)."""
import json
import mmap
import os
import re
import struct
import subprocess
import time

import measure
from receivers import FEW, LEASH, Failure, Penstock
from scenarios import Load

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "thresholds.json")
SITES, DEPTH = 512, 24  # as in mallocs/mallocs.c
SITE = struct.Struct("%dQ" % (2 + DEPTH))

# A rate that a busy machine still takes. TLS is a flood: libssl 3.0 allocates once a record, and only a sender that
# always has more to say fills its records (16 KiB, about 60 messages) alike on every machine. What a full pipeline
# allocates for its journal's commits and positions goes with the time that the load takes, not with its messages.
STEADY = {
    "udp-parse": ("penstock", Load("udp", 8, rate=100_000, count=300_000)),
    "tcp-parse": ("penstock", Load("tcp", 8, rate=100_000, count=300_000)),
    "tls-parse": ("penstock", Load("tls", 8, count=300_000)),
    "udp-full": ("penstock-full", Load("udp", 8, rate=50_000, count=150_000)),
    "mix-ocsf": ("penstock-ocsf", Load("tcp", 8, rate=20_000, count=100_000, line_feed=True, lines="mix")),
}
# What callgrind counts: the command and the generator's lines.
COUNTED = {
    "parse": (["parse"], "plain"),
    "normalize": (["normalize"] + [word for path in FEW for word in ("--mappings", path)], "plain"),
    "normalize-mix": (["normalize"], "mix"),
}
SMALL, LARGE = 2_000, 12_000


class Counted(Penstock):
    """Penstock with the counting shim in front of its allocations."""

    def __init__(self, name, setup, load):
        super().__init__(name, setup, load)
        self.counters = os.path.join(setup.shared, name + ".mallocs")

    def command(self):
        return ["env", "LD_PRELOAD=" + os.path.join(self.setup.tools, "mallocs.so"), "MALLOCS_FILE=" + self.counters
                ] + super().command()

    def start(self):
        super().start()
        with open(self.counters, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def stop(self):
        super().stop()
        if os.path.exists(self.counters):
            os.remove(self.counters)

    def allocations(self):
        return struct.unpack_from("Q", self.map, 0)[0]

    def arm(self, every):
        struct.pack_into("Q", self.map, 16, every)

    def sites(self):
        """(count, [address]) of the sampled callers, most frequent first."""
        found = []
        for i in range(SITES):
            count, _, *frames = SITE.unpack_from(self.map, 32 + i * SITE.size)
            if count:
                found.append((count, [f for f in frames if f]))
        return sorted(found, reverse=True)


def traffic(setup, receiver, load):
    """(allocations, seconds) while the messages of one load pass; the connections are made before."""
    generator = measure.Generator(setup, load)
    time.sleep(0.5)
    began, before = time.monotonic(), receiver.allocations()
    generator.run(load.count / (load.rate or 50_000) * 3 + 20)
    measure.settle(receiver, 0.3, 20)
    return receiver.allocations() - before, time.monotonic() - began


def symbols(pid, addresses):
    """{address: name}, as far as the symbol tables of the process's files tell."""
    binary = os.readlink("/proc/%d/exe" % pid)
    first, ranges = {}, []
    with open("/proc/%d/maps" % pid) as f:
        for line in f:
            parts = line.split(None, 5)
            if len(parts) == 6 and parts[5].startswith("/"):
                path = parts[5].strip()
                low, high = (int(x, 16) for x in parts[0].split("-"))
                first.setdefault(path, low)
                ranges.append((low, high, path))
    by_file = {}
    for address in addresses:
        for low, high, path in ranges:
            if low <= address < high:
                # The return address belongs to the next instruction: one back is inside the call.
                by_file.setdefault(path, []).append((address, address - first[path] - 1))
                break
    names = {}
    for path, pairs in by_file.items():
        answer = subprocess.run(["addr2line", "-f", "-e", path] + [hex(offset) for _, offset in pairs],
                                capture_output=True, text=True, timeout=120).stdout.split("\n")[::2]
        for (address, _), name in zip(pairs, answer):
            # A library without its full symbol table gives the nearest name that it exports.
            names[address] = name if path == binary else "%s (%s)" % (name, os.path.basename(path))
    mangled = "\n".join(names.values())
    try:
        plain = subprocess.run(["swift", "demangle", "--simplified"], input=mangled, capture_output=True, text=True,
                               timeout=120).stdout.rstrip("\n").split("\n")
        if len(plain) == len(names):
            names = dict(zip(names, plain))
    except (OSError, subprocess.TimeoutExpired):
        pass
    return names


def tell_sites(setup, receiver, load, allocations, say):
    """Runs the load again with sampling, and names the call sites that allocate most."""
    every = max(1, allocations // 2000)
    receiver.arm(every)
    traffic(setup, receiver, load)
    receiver.arm(0)
    found = receiver.sites()[:40]
    names = symbols(receiver.process.pid, {a for _, frames in found for a in frames[:12]})
    stacks = {}
    for count, frames in found:
        stack = tuple(names.get(address, hex(address)) for address in frames[:12])
        stacks[stack] = stacks.get(stack, 0) + count
    enough = sum(stacks.values()) * 0.02
    for stack, count in [pair for pair in sorted(stacks.items(), key=lambda pair: -pair[1]) if pair[1] > enough][:4]:
        say("    %d × %d at:" % (count, every))
        for name in stack:
            say("        %s" % name)


def idle_rate(receiver, most=500, patience=20):
    """Allocations a second of the idle service; it may first have to work off what it got."""
    end = time.monotonic() + patience
    while True:
        before = receiver.allocations()
        time.sleep(2)
        rate = (receiver.allocations() - before) / 2
        if rate <= most:
            return rate
        if time.monotonic() > end:
            raise Failure("%s: %.0f allocations a second without traffic" % (receiver.name, rate))


def mallocs(setup, name, limit, say):
    """Allocations per message in the steady state, without those that an idle service makes anyway."""
    variant, load = STEADY[name]
    receiver = Counted(variant, setup, load)
    try:
        receiver.start()
        traffic(setup, receiver, load)
        receiver.reset()
        idle = idle_rate(receiver)
        found, seconds = traffic(setup, receiver, load)
        value = max(0.0, found - idle * seconds) / load.count
        say("%-24s %12.5f mallocs per message (limit %g; idle: %.1f a second)" % (name, value, limit, idle))
        if value > limit:
            tell_sites(setup, receiver, load, found, say)
        return value
    finally:
        receiver.stop()


def instructions(setup, name):
    """Instructions per message of a command: the difference of two sizes, so that the start cancels out."""
    command, kind = COUNTED[name]
    # Debian 12's valgrind gives up at the debug information of newer compilers.
    binary = os.path.join(setup.work, "stripped-penstock")
    if not os.path.exists(binary):
        subprocess.run(["objcopy", "--strip-debug", setup.penstock, binary], check=True)
    # Seeded hashing would make every run another one.
    environment = dict(os.environ, SWIFT_DETERMINISTIC_HASHING="1")
    runs, counts = [], []
    try:
        # Both at once: most of it is the start, and nothing that runs beside changes what is counted.
        for size in (SMALL, LARGE):
            lines = os.path.join(setup.shared, "%s-%d" % (kind, size))
            subprocess.run([os.path.join(setup.tools, "generator"), "--transport", "file", "--output", lines,
                            "--lines", kind, "--count", str(size)], check=True, stdout=subprocess.DEVNULL)
            runs.append(subprocess.Popen(
                LEASH + ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary] + command + [lines],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment))
        for run in runs:
            told = run.communicate(timeout=600)[1]
            found = re.search(r"Collected : (\d+)", told)
            if not found or run.returncode != 0:
                raise Failure("callgrind: %s" % told[-500:])
            counts.append(int(found.group(1)))
    finally:
        for run in runs:
            if run.poll() is None:
                run.kill()
                run.wait()
    return (counts[1] - counts[0]) / (LARGE - SMALL)


def check(setup, options, say):
    """0 when all are kept, 1 when one is not; with --update the instructions measured become the committed ones."""
    with open(FILE) as f:
        committed = json.load(f)
    failed = []
    for name, limit in committed["mallocs_per_message"].items():
        try:
            if mallocs(setup, name, limit, say) > limit:
                failed.append(name)
        except Failure as failure:
            say("%-24s %s" % (name, failure))
            failed.append(name)
    tolerance = committed["tolerance"]
    for name, limit in committed["instructions_per_message"].items():
        try:
            value = instructions(setup, name)
        except Failure as failure:
            say("%-24s %s" % (name, failure))
            failed.append(name)
            continue
        change = value / limit - 1
        say("%-24s %12.0f instructions per message (committed %d, %+.1f %%)" % (name, value, limit, 100 * change))
        if options.update:
            committed["instructions_per_message"][name] = round(value)
        elif change > tolerance:
            failed.append(name)
        elif change < -tolerance:
            say("    fewer than committed: scripts/bench --thresholds --update keeps it that way")
    if options.update:
        with open(FILE, "w") as f:
            json.dump(committed, f, indent=2)
            f.write("\n")
    if failed:
        say("thresholds exceeded: " + ", ".join(failed))
    return 1 if failed else 0
