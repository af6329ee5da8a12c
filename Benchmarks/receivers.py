# SPDX-License-Identifier: Apache-2.0
"""The receivers that are measured: how each is configured, started, watched and ended."""
import glob
import mmap
import os
import re
import signal
import struct
import subprocess
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
# A rule that asks for Penstock's own audit only: no line of a product is looked at.
# The generator's plain lines are of no product, but have words of many: with all mappings each would be tried as what it is not.
FEW = [os.path.join(ROOT, "mappings/sources", name)
       for name in ("generic/cef.yaml", "linux/iptables.yaml", "linux/openssh.yaml", "suricata/eve.yaml", "penstock")]
# Of every thousand plain lines seven are sign-ins by SSH, hits of the rule pack, which are no part of what a message costs.
SEED_RULES = sorted(glob.glob(os.path.join(ROOT, "mappings/rules/*.yml")))
NO_RULES = os.path.join(ROOT, "mappings/rules/revoked_certificate.yml")
# What is started ends with the driver, even when that is killed.
LEASH = ["setpriv", "--pdeathsig", "KILL"]


class Failure(Exception):
    """A receiver that did not do what the benchmark needs."""


def cpu_seconds(pid):
    """User and system time of all threads of a process, those that ended among them, in nanosecond resolution.

    The same sum as utime + stime in /proc/PID/stat, which counts in hundredths of a second: the process's CPU clock
    (clock_getcpuclockid(3)).
    """
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid):
    """(VmHWM, VmRSS) in bytes."""
    found = {}
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            name, _, rest = line.partition(":")
            if name in ("VmHWM", "VmRSS"):
                found[name] = int(rest.split()[0]) * 1024
    return found.get("VmHWM", 0), found.get("VmRSS", 0)


def bound(transport, port):
    """Whether a socket listens on the port (IPv4 or IPv6)."""
    kind = "udp" if transport == "udp" else "tcp"
    for suffix in ("", "6"):
        try:
            with open("/proc/net/%s%s" % (kind, suffix)) as f:
                for line in list(f)[1:]:
                    parts = line.split()
                    if int(parts[1].rsplit(":", 1)[1], 16) == port and (kind == "udp" or parts[3] == "0A"):
                        return True
        except FileNotFoundError:
            pass
    return False


def kernel_drops(port):
    """(datagrams that the kernel dropped on the port's sockets, bytes that wait in them)."""
    drops = waiting = 0
    with open("/proc/net/udp") as f:
        for line in list(f)[1:]:
            parts = line.split()
            if int(parts[1].rsplit(":", 1)[1], 16) == port:
                drops += int(parts[-1])
                waiting += int(parts[4].split(":")[1], 16)
    return drops, waiting


class Receiver:
    """A program that receives; `writes` says that it writes JSON lines to `self.output`."""
    writes = True
    environment = {}

    def __init__(self, name, setup, load):
        self.name, self.setup, self.load, self.transport = name, setup, load, load.transport
        self.folder = os.path.join(setup.work, name)
        self.output = os.path.join(setup.shared, name + ".jsonl")
        self.process = None

    def command(self):
        raise NotImplementedError

    def ready(self):
        return bound(self.transport, self.setup.port)

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        if bound(self.transport, self.setup.port):
            raise Failure("port %d is in use" % self.setup.port)
        if self.writes:
            open(self.output, "w").close()
            os.chmod(self.output, 0o644)
        pinned = LEASH + ["taskset", "-c", self.setup.receiver_cores] + self.command()
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(
            pinned, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=self.folder, start_new_session=True,
            env=dict(os.environ, **self.environment))
        self.setup.running.append(self)
        limit = time.monotonic() + 30
        while not self.ready():
            if self.process.poll() is not None:
                raise Failure("%s ended at the start: %s" % (self.name, self.complaint()))
            if time.monotonic() > limit:
                raise Failure("%s is not ready after 30 s: %s" % (self.name, self.complaint()))
            time.sleep(0.05)
        time.sleep(0.2)

    def complaint(self):
        with open(os.path.join(self.folder, "log"), "rb") as f:
            return f.read()[-2000:].decode("utf-8", "replace").strip()

    def cpu(self):
        return cpu_seconds(self.process.pid)

    def memory(self):
        return memory(self.process.pid)

    def progress(self):
        """A number that grows as long as messages come out."""
        return os.stat(self.output).st_size

    def reset(self):
        """Forgets what was written so far."""
        if self.writes:
            os.truncate(self.output, 0)

    def stop(self):
        if self.process is None:
            return
        for sent, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            if self.process.poll() is None:
                try:
                    os.killpg(self.process.pid, sent)
                    self.process.wait(patience)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    pass
        self.log.close()
        self.process = None
        if self in self.setup.running:
            self.setup.running.remove(self)
        if os.path.exists(self.output):
            os.remove(self.output)


class Bare(Receiver):
    """Takes the bytes and counts them: `bare`, and `bare-1ms` with wake-ups coalesced to a millisecond."""
    writes = False

    def command(self):
        self.counters = os.path.join(self.setup.shared, self.name + ".counters")
        return [os.path.join(self.setup.tools, "bare"), "udp" if self.transport == "udp" else "tcp", "--port",
                str(self.setup.port), "--counters", self.counters] + (
                    ["--coalesce", "1000"] if self.name.endswith("-1ms") else [])

    def start(self):
        self.began = (0, 0)
        super().start()
        with open(self.counters, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 32)

    def counted(self):
        return struct.unpack("QQ", self.map[:16])

    def progress(self):
        return sum(self.counted())

    def reset(self):
        self.began = self.counted()

    def stop(self):
        super().stop()
        if os.path.exists(getattr(self, "counters", "")):
            os.remove(self.counters)


def filled(path, values):
    with open(path) as f:
        text = f.read()
    return re.sub(r"@([A-Z_]+)@", lambda m: str(values[m.group(1)]), text)


class Peer(Receiver):
    """A receiver of the distribution, from its unpacked packages."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        root = self.setup.peers
        parts = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/syslog-ng")
        self.environment = {"LD_LIBRARY_PATH": ":".join(os.path.join(root, part) for part in parts)}

    def write_configuration(self, text):
        path = os.path.join(self.folder, "conf")
        with open(path, "w") as f:
            f.write(text)
        return path


class Rsyslog(Peer):
    """Variants: rsyslog-1, rsyslog-2 (input threads), rsyslog-direct, rsyslog-sd, rsyslog-null."""

    def command(self):
        variant = self.name.partition("-")[2]
        parsed = variant == "sd"
        values = {
            "WORK": self.folder, "CERTS": self.setup.certificates, "PORT": self.setup.port,
            "OUTPUT": "/dev/null" if variant == "null" else self.output, "THREADS": 2 if variant == "2" else 1,
            "QUEUE": 'queue.type="Direct"' if variant == "direct" else (
                'queue.type="FixedArray" queue.size="500000" queue.dequeueBatchSize="4096" queue.workerThreads="1"'),
            "SD_MODULE": 'module(load="mmpstrucdata")' if parsed else "",
            "SD_ACTION": 'action(type="mmpstrucdata")' if parsed else "",
            "SD_FIELD": "%$!rfc5424-sd%" if parsed else '\\"%structured-data:::json%\\"',
        }
        folder = os.path.join(HERE, "peers", "rsyslog")
        if self.load.lines != "plain":
            values["RULES"] = os.path.join(folder, (self.load.rules or self.load.lines) + ".rulebase")
            # A FortiGate writes no header: what follows the priority is the text.
            values["VARIABLE"] = "rawmsg-after-pri" if self.load.lines == "fortigate" else "msg"
        values["INPUT"] = filled(os.path.join(folder, self.transport + ".conf"), values)
        main = "rsyslog.conf" if self.load.lines == "plain" else "fields.conf"
        path = self.write_configuration(filled(os.path.join(folder, main), values))
        self.writes = variant != "null"
        return [os.path.join(self.setup.peers, "usr/sbin/rsyslogd"), "-n", "-f", path,
                "-i", os.path.join(self.folder, "pid"),
                "-M", os.path.join(self.setup.peers, "usr/lib/x86_64-linux-gnu/rsyslog")]

    def start(self):
        self.writes = not self.name.endswith("-null")
        super().start()

    def progress(self):
        return super().progress() if self.writes else int(self.cpu() * 50)


class SyslogNG(Peer):
    """Variants: syslog-ng, syslog-ng-2 (two UDP sources)."""

    def command(self):
        values = {"CERTS": self.setup.certificates, "PORT": self.setup.port, "OUTPUT": self.output,
                  "FLAGS": "" if self.transport == "udp" else "flags(flow-control);"}
        folder = os.path.join(HERE, "peers", "syslog-ng")
        source = "udp-2" if self.transport == "udp" and self.name.endswith("-2") else self.transport
        main = "syslog-ng.conf"
        if self.load.lines != "plain":
            source, main = source + "-fields", "fields.conf"
            values["HEADER"] = "flags(no-header)" if self.load.lines == "fortigate" else ""
            # The kernel's flags and the prefix are words without a key.
            values["WORDS"] = 'extract-stray-words-into("fields.words")' if self.load.lines == "iptables" else ""
        values["INPUT"] = filled(os.path.join(folder, source + ".conf"), values)
        path = self.write_configuration(filled(os.path.join(folder, main), values))
        return [os.path.join(self.setup.peers, "usr/sbin/syslog-ng"), "-F", "-f", path, "--module-path",
                os.path.join(self.setup.peers, "usr/lib/syslog-ng/3.38"), "-R", os.path.join(self.folder, "persist"),
                "-c", os.path.join(self.folder, "control"), "-p", os.path.join(self.folder, "pid"), "--no-caps"]


class Penstock(Receiver):
    """Variants: penstock (receive, parse, JSON lines; no journal), penstock-full (journal on, OCSF lines),
    penstock-ocsf (OCSF lines by one lane; no journal, no rules)."""
    port_http = 9599

    def command(self):
        full, alone = self.name.endswith("-full"), self.name.endswith("-ocsf")
        data = os.path.join(self.setup.journal, self.name)
        os.makedirs(data, exist_ok=True)
        tls = "" if self.transport != "tls" else ", tls: {certificate: %s/server.pem, key: %s/server.key}" % (
            self.setup.certificates, self.setup.certificates)
        buffer = ", receive_buffer: 33554432" if self.transport == "udp" else ""
        text = "\n".join([
            "data: %s" % data,
            "lanes: %d" % (1 if alone else self.setup.lanes),
            "pipeline: %s" % ("full" if full or alone else "parse"),
            "journal: {directory: %s/journal, retain_bytes: 536870912, segment_bytes: 67108864}" % data if full
            else "journal: off",
            "listeners: [{name: in, transport: %s, address: '127.0.0.1:%d'%s%s}]" % (
                self.transport, self.setup.port, buffer, tls),
            "outputs: {lines: [{name: out, path: %s, content: %s}]}" % (
                self.output, "ocsf" if full or alone else "parsed"),
            "http: {address: '127.0.0.1:%d'}" % self.port_http,
            "log: {level: warning}"]
            + (["mappings: [%s]" % ", ".join(FEW)] if full and self.load.lines == "plain" else [])
            + (["rules: [%s]" % NO_RULES] if alone else
               ["rules: [%s]" % ", ".join(SEED_RULES)] if full and self.load.lines == "plain" else []) + [""])
        path = os.path.join(self.folder, "penstock.yaml")
        with open(path, "w") as f:
            f.write(text)
        return [self.setup.penstock, "run", "-c", path]

    def ready(self):
        if not super().ready():
            return False
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/readyz" % self.port_http, timeout=2) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def metrics(self):
        """What the service itself counted, for a look at its drops."""
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.port_http, timeout=5) as answer:
            return answer.read().decode()


KINDS = {"bare": Bare, "rsyslog": Rsyslog, "syslog-ng": SyslogNG, "penstock": Penstock}


def make(name, setup, load):
    """The receiver of that name."""
    kind = next((k for k in sorted(KINDS, key=len, reverse=True) if name == k or name.startswith(k + "-")), None)
    if kind is None:
        raise Failure("no receiver is called '%s'" % name)
    return KINDS[kind](name, setup, load)
