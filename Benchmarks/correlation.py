# SPDX-License-Identifier: Apache-2.0
"""Threshold rules over a file of sshd lines: Penstock beside SEC, the Simple Event Correlator."""
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import sshd
from measure import Child
from receivers import LEASH, NO_RULES, Failure, Penstock, cpu_seconds


class Case:
    """The lines and the rules of a scenario, in the words of both engines."""

    def __init__(self, setup, scenario, count):
        self.setup, self.count = setup, count
        self.rules = sshd.rules()[:scenario.rules]
        self.lines = os.path.join(setup.shared, "sshd-%d.log" % count)
        self.folder = os.path.join(setup.work, "%s-%d" % (scenario.name, count))
        self.journal = os.path.join(setup.work, "sshd-%d" % count)
        if not os.path.exists(self.lines):
            # In a process of its own: a program's peak of memory begins with that of the process that starts it.
            subprocess.run([sys.executable, sshd.__file__, self.lines, str(count)], check=True)
        os.makedirs(self.folder, exist_ok=True)
        self.sigma = self.keep("rules.yml", sshd.sigma(self.rules))
        self.sec = self.keep("rules.sec", sshd.sec(self.rules))

    def keep(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def configuration(self, name, data, rules, journal):
        """A service that reads the lines once."""
        return self.keep(name, "\n".join([
            "data: %s" % data, "journal: %s" % journal, "rules: [%s]" % rules,
            "files: [{name: sshd, path: %s, mode: once}]" % self.lines,
            "http: {address: '127.0.0.1:%d'}" % Penstock.port_http, "log: {level: warning}", ""]))

    def named(self, counts):
        """Counts by a correlation's id as counts by its rule's name, without those that are none."""
        names = {sshd.correlation_id(n): rule.name for n, rule in enumerate(self.rules, 1)}
        return {names[key]: int(count) for key, count in counts.items() if key in names and count}


class Process(Child):
    """A program from its start to its end: what it took, and what it wrote."""

    def __init__(self, setup, command, output):
        self.setup, self.output = setup, output
        with open(output, "wb") as out, open(output + ".log", "wb") as log:
            self.began = time.monotonic()
            self.process = subprocess.Popen(LEASH + command, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                                            start_new_session=True)
        setup.running.append(self)

    def end(self):
        """Waits for the end; (CPU seconds, wall-clock seconds, peak bytes)."""
        try:
            _, status, used = os.wait4(self.process.pid, 0)
            seconds = time.monotonic() - self.began
            self.process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            self.stop()
        if self.process.returncode != 0:
            with open(self.output + ".log", errors="replace") as f:
                raise Failure("exit %d: %s" % (self.process.returncode, f.read()[-1000:].strip()))
        return used.ru_utime + used.ru_stime, seconds, used.ru_maxrss * 1024


def metrics():
    """The service's counters by name and labels; none while it starts."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % Penstock.port_http, timeout=5) as answer:
            text = answer.read().decode()
    except (OSError, urllib.error.URLError):
        return {}
    return {name: float(value) for name, value in re.findall(r"^(penstock_\S+) (\S+)$", text, re.M)}


def service(case, name, rules, journal, data):
    """Runs the service until it has made events of all lines and nothing more fires; ((CPU seconds, wall-clock seconds,
    peak bytes), firings by rule). CPU and wall-clock time are those at the last event or firing."""
    path = case.configuration(name + ".yaml", data, rules, journal)
    run = Process(case.setup, [case.setup.penstock, "run", "-c", path], os.path.join(case.folder, name))
    try:
        seen, since, cpu, limit = None, time.monotonic(), 0.0, time.monotonic() + 60 + case.count / 2_000
        while True:
            time.sleep(0.1)
            if run.process.poll() is not None or time.monotonic() > limit:
                raise Failure("%s: the service ended too early, or did not come to an end" % name)
            found = metrics()
            state = {key: value for key, value in found.items()
                     if key.startswith(("penstock_events_total", "penstock_firings_total"))}
            if state != seen:
                seen, since, cpu = state, time.monotonic(), cpu_seconds(run.process.pid)
            done = sum(value for key, value in state.items() if key.startswith("penstock_events_total"))
            # Event time goes on by itself a second after the last line, and windows wait for two more.
            if done >= case.count and time.monotonic() - since > 5:
                break
        os.kill(run.process.pid, signal.SIGTERM)
        peak = run.end()[2]
    finally:
        run.stop()
    fired = re.compile(r'penstock_firings_total\{rule="([^"]+)"\}')
    firings = {fired.match(key)[1]: value for key, value in seen.items() if fired.match(key)}
    return (cpu, since - run.began, peak), firings


def journal(case):
    """A journal that holds the lines, written by a service without a rule for them; the configuration that names it."""
    rest = "{directory: %s/journal, retain_bytes: 4294967296}" % case.journal
    if not os.path.exists(case.journal):
        try:
            service(case, "filling", NO_RULES, rest, case.journal)
        except BaseException:
            shutil.rmtree(case.journal, ignore_errors=True)
            raise
    return case.configuration("replay.yaml", case.journal, NO_RULES, rest)


def replay(case, workers):
    """`penstock replay`: journal to events, matches, firings."""
    command = [case.setup.penstock, "replay", "-c", journal(case), "--rules", case.sigma, "--quiet"]
    run = Process(case.setup, command + (["--workers", str(workers)] if workers else []),
                  os.path.join(case.folder, "replay"))
    used = run.end()
    with open(run.output) as f:
        return used, collections.Counter(json.loads(line)["rule"] for line in f)


def sec(case):
    """SEC, reading the file from its beginning to its end."""
    program = shutil.which("sec")
    if not program:
        raise Failure("sec is not installed")
    run = Process(case.setup, [program, "--conf=" + case.sec, "--input=" + case.lines, "--fromstart", "--notail",
                               "--bufsize=1"], os.path.join(case.folder, "sec"))
    used = run.end()
    with open(run.output) as f:
        written = collections.Counter(line.partition(" ")[0] for line in f)
    return used, {rule.name: written[rule.name] for rule in case.rules if written[rule.name]}


def measure(setup, scenario, name, count):
    """One run; a dictionary of what came of it."""
    case = Case(setup, scenario, count)
    if name == "sec":
        (cpu, seconds, peak), firings = sec(case)
    elif name == "penstock-run":
        data = os.path.join(case.folder, "data")
        shutil.rmtree(data, ignore_errors=True)
        (cpu, seconds, peak), firings = service(case, "run", case.sigma, "off", data)
        firings = case.named(firings)
    else:
        (cpu, seconds, peak), firings = replay(case, 1 if name == "penstock-replay-1" else None)
        firings = case.named(firings)
    return {"lines": count, "cpu": cpu, "seconds": seconds, "peak": peak, "rate": count / seconds,
            "cpu_rate": count / cpu, "firings": dict(firings)}


def version():
    """SEC's."""
    program = shutil.which("sec")
    told = subprocess.run([program, "--version"], capture_output=True, text=True).stdout if program else ""
    found = re.search(r"\) (\d[\d.]*)", told)
    return "SEC " + found[1] if found else ""
