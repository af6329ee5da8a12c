# SPDX-License-Identifier: Apache-2.0
"""Penstock beside rsyslog and syslog-ng: CPU, highest UDP rate, memory. See docs/benchmarks.md."""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time

import correlation
import measure
import report
import scenarios
import thresholds
from receivers import Failure, make

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


class Setup:
    """Where things are, and what runs now."""

    def __init__(self, options):
        build = os.path.join(ROOT, ".build-bench")
        self.tools = os.path.join(build, "tools")
        self.peers = os.path.join(build, "peers")
        self.certificates = os.path.join(build, "certs")
        self.penstock = os.path.abspath(options.penstock)
        self.port = options.port
        self.running = []
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) >= 4:
            receiver, generator = cores[:2], cores[2:4]
        else:
            receiver, generator = cores[:1], cores[-1:]
        self.receiver_cores, self.generator_cores = (",".join(map(str, part)) for part in (receiver, generator))
        self.generator_threads = len(generator)
        self.lanes = options.lanes or len(receiver)
        os.makedirs(build, exist_ok=True)
        remove_remains("/dev/shm", "penstock-bench-")
        remove_remains(build, "work-")
        self.shared = tempfile.mkdtemp(prefix="penstock-bench-%d-" % os.getpid(), dir="/dev/shm")
        self.work = tempfile.mkdtemp(prefix="work-%d-" % os.getpid(), dir=build)
        # The journal is on a disk, as it is in use.
        self.journal = os.path.join(self.work, "data")

    def clean(self):
        """Ends what runs and removes what was written."""
        for one in list(self.running):
            one.stop()
        for folder in (self.shared, self.work):
            shutil.rmtree(folder, ignore_errors=True)


def alive(number):
    try:
        with open("/proc/%s/stat" % number) as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def remove_remains(folder, prefix):
    """Removes the folders of drivers that were killed: their names hold the process number."""
    for name in os.listdir(folder):
        number = name[len(prefix):].partition("-")[0]
        if name.startswith(prefix) and number.isdigit() and not alive(number):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def say(text):
    print(text, file=sys.stderr, flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about four minutes: fewer receivers, one run each")
    parser.add_argument("--scenario", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--receiver", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--runs", type=int, help="runs of each, of which the median counts (default 3; --quick: 1)")
    parser.add_argument("--scale", type=float, help="factor on the messages of a run (default 1; --quick: 0.5)")
    parser.add_argument("--flood-rate", type=float, help="the rate of udp-flood (default 400000)")
    parser.add_argument("--lanes", type=int, help="Penstock's lanes (default: as many as it has cores)")
    parser.add_argument("--port", type=int, default=5599)
    parser.add_argument("--penstock", metavar="FILE", help="the program (default: PENSTOCK_BIN, or the release build)",
                        default=os.environ.get("PENSTOCK_BIN", os.path.join(ROOT, ".build/release/penstock")))
    parser.add_argument("--json", metavar="FILE", help="every run's figures, too")
    parser.add_argument("--markdown", metavar="FILE", help="write the report there instead of standard output")
    parser.add_argument("--thresholds", action="store_true",
                        help="check mallocs and instructions per message; nothing else")
    parser.add_argument("--update", action="store_true",
                        help="with --thresholds: write the instructions measured as the new ones")
    parser.add_argument("--list", action="store_true", help="name the scenarios and their receivers")
    options = parser.parse_args()
    names = [s.name for s in scenarios.ALL]
    for name in options.scenario or []:
        if name not in names:
            parser.error("no scenario is called '%s': %s" % (name, ", ".join(names)))
    known = sorted({name for s in scenarios.ALL for name in s.receivers + s.quick} | set(scenarios.ON_REQUEST))
    for name in options.receiver or []:
        if name not in known:
            parser.error("no receiver is called '%s': %s" % (name, ", ".join(known)))
    if options.update and not options.thresholds:
        parser.error("--update goes with --thresholds")
    options.runs = options.runs or (1 if options.quick else 3)
    options.scale = options.scale or (0.5 if options.quick else 1.0)
    return options


def plan(options):
    """(scenario, receivers) that were asked for."""
    for scenario in scenarios.ALL:
        if options.scenario and scenario.name not in options.scenario:
            continue
        receivers = scenario.quick if options.quick and not options.scenario else scenario.receivers
        if options.receiver:
            receivers = [r for r in options.receiver if measurable(r, scenario)]
        if receivers:
            yield scenario, receivers


def measurable(receiver, scenario):
    """Whether the receiver can be in the scenario: the bare one knows no TLS and needs no overload, products' lines
    are for those that take them apart, and rules for those that have any."""
    if scenario.kind == "correlation" or receiver in scenarios.ENGINES:
        return scenario.kind == "correlation" and receiver in scenarios.ENGINES
    if receiver.startswith("bare"):
        return scenario.load.transport != "tls" and scenario.kind != "overload"
    if scenario.load.lines != "plain":
        # A peer is there where it has a configuration for the lines.
        if receiver.startswith("penstock"):
            return receiver == "penstock-ocsf"
        kind = "syslog-ng" if receiver.startswith("syslog-ng") else "rsyslog"
        return receiver != "rsyslog-sd" and any(name.startswith(kind) for name in scenario.receivers)
    return scenario.kind != "search" or receiver not in ("penstock-full", "penstock-ocsf", "rsyslog-null")


def load_for(scenario, receiver, options, highest):
    """The scenario's load, within what the receiver can take and the output may fill."""
    load = scenario.load.part(options.scale if scenario.kind != "search" else 1)
    if scenario.name == "udp-flood":
        rate = options.flood_rate or load.rate
        # A slow one is measured near its own highest rate; its cost is still by delivered messages.
        unknown = scenarios.guess(receiver) if receiver.startswith("syslog-ng") else rate / 0.9
        most = 0.9 * highest.get(receiver, unknown)
        if most < rate:
            load = load.part(most / rate)
            rate = most
        load = scenarios.replace(load, rate=rate)
    if receiver in ("penstock-full", "penstock-ocsf") and load.count > 500_000:
        load = load.part(0.5)  # an OCSF event is some 1.5 KB
    if receiver.startswith("syslog-ng") and not load.rate:
        load = load.part(0.5)
    return load


def run(options, setup):
    """Every scenario; {scenario: {receiver: [result]}} and complaints."""
    results, complaints, highest = {}, [], {}
    for scenario, receivers in plan(options):
        say("== %s: %s" % (scenario.name, scenario.about))
        results[scenario.name] = {name: [] for name in receivers}
        for turn in range(options.runs):
            # The receivers take turns, so that a noisy minute hits all of them.
            for name in receivers:
                if (scenario.name, name) in {c[:2] for c in complaints}:
                    continue
                receiver = None
                try:
                    if scenario.kind == "correlation":
                        found = correlation.measure(setup, scenario, name, int(scenario.load.count * options.scale))
                        say("  %-17s %6.2f s/M  %8.0f/s  %d firings of %d rules  %d MiB" % (
                            name, found["cpu"] / found["lines"] * 1e6, found["rate"], sum(found["firings"].values()),
                            len(found["firings"]), found["peak"] >> 20))
                        results[scenario.name][name].append(found)
                        continue
                    receiver = make(name, setup, scenario.load)
                    receiver.start()
                    load = load_for(scenario, name, options, highest)
                    if scenario.kind != "overload":
                        measure.warm_up(setup, receiver, load)
                    if scenario.kind == "search":
                        found = measure.search(setup, receiver, load, 1.5 if options.quick else 2.5,
                                               0.10 if options.quick else 0.04, 1 if options.quick else 2, say)
                        highest[name] = found["highest"]
                        say("  %-15s %9.0f/s%s" % (
                            name, found["highest"], " (the generator's limit)" if found["limited"] else ""))
                    else:
                        found = measure.measure(setup, receiver, load)
                        say("  %-15s %6.2f s/M  %8.0f/s  lost %d  doubled %s  out of order %s  %d MiB" % (
                            name, found["cost"], found["rate"], found["lost"], found.get("duplicated", "-"),
                            found.get("out_of_order", "-"), found["peak"] >> 20))
                    results[scenario.name][name].append(found)
                except Failure as failure:
                    say("  %-15s %s" % (name, failure))
                    complaints.append((scenario.name, name, str(failure)))
                finally:
                    if receiver:
                        receiver.stop()
                    shutil.rmtree(os.path.join(setup.journal, name), ignore_errors=True)
    return results, complaints


def main():
    options = parse_arguments()
    if options.list:
        for scenario in scenarios.ALL:
            print("%-15s %s\n                %s" % (scenario.name, scenario.about, " ".join(scenario.receivers)))
        print("on request: %s" % " ".join(scenarios.ON_REQUEST))
        return 0

    def ended(number, _):
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, ended)
    signal.signal(signal.SIGHUP, ended)
    setup = Setup(options)
    began = time.time()
    try:
        if options.thresholds:
            return thresholds.check(setup, options, say)
        results, complaints = run(options, setup)
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    finally:
        setup.clean()
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"results": results, "complaints": complaints, "machine": report.machine(setup)}, f, indent=1)
    text, failed = report.markdown(results, complaints, setup, options, time.time() - began)
    if options.markdown:
        with open(options.markdown, "w") as f:
            f.write(text)
    else:
        print(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
