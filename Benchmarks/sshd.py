# SPDX-License-Identifier: Apache-2.0
"""What sshd and PAM write on a dozen hosts under attack, and fifty threshold rules over it: for SEC and in Sigma."""
import datetime
import random
import sys
from dataclasses import dataclass

HOSTS = ["jump%d" % n for n in range(1, 5)] + ["eng%d" % n for n in range(1, 5)] + ["hist%d" % n for n in range(1, 5)]
# Whom attackers try. Each of the first has a rule of its own.
WATCHED = ("root admin administrator operator engineer scada plc hmi historian backup oracle postgres mysql "
           "tomcat nginx jenkins gitlab ansible vagrant docker ubuntu debian centos ec2-user pi nagios "
           "zabbix prometheus grafana ftpuser www-data support guest test").split()
OTHERS = ("alice bob carol dave erin frank user1 user2 demo info sales office web mail news games student teacher "
          "db2inst1 hadoop spark kafka redis steam minecraft deploy").split()
STAFF = ["a.kowalski", "m.weber", "j.smith", "l.rossi", "p.novak", "s.dubois", "k.jensen", "t.nowak"]
# Seconds by the lines' own times, by which Penstock counts. No attacker is longer at it, and none comes back from the same
# address: so all its lines are in one window.
WINDOW = 600
# SEC counts by the clock at which it reads: it passes what takes ten minutes of the lines' time in about a second. With a
# window as long as Penstock's it would keep what it counts of every address to the end, which costs it twice the time.
CLOCK_WINDOW = 10


@dataclass(frozen=True)
class Rule:
    """So many lines of one form from one address within WINDOW seconds."""
    name: str
    pattern: str    # Perl's; its first group is the address
    selection: str  # Sigma's, as a YAML flow mapping over OCSF
    threshold: int
    category: str = "authentication"


def rules():
    """Fifty rules: a user's name, a kind of line, or a group of hosts each."""
    failed = "class_uid: 3002, status_id: 2, unmapped.ssh.method: password"
    found = [Rule("user_" + user, r"sshd\[\d+\]: Failed password for (?:invalid user )?%s from (\S+) port" % user,
                  "{%s, user.name: %s}" % (failed, user), 6) for user in WATCHED]
    found += [Rule("hosts_" + group, r" %s\d sshd\[\d+\]: Failed password for .*? from (\S+) port" % group,
                   "{%s, device.hostname|startswith: %s}" % (failed, group), 20) for group in ("jump", "eng", "hist")]

    def kind(name, pattern, message, threshold, more="", category="authentication", number=3002):
        found.append(Rule(name, r"sshd\[\d+\]: " + pattern, "{class_uid: %d, message|startswith: '%s'%s}" % (
            number, message, ", " + more if more else ""), threshold, category))

    kind("invalid_user", r"Invalid user \S* from (\S+) port", "Invalid user ", 8)
    kind("pam_failure", r"pam_unix\(sshd:auth\): authentication failure;.* rhost=(\S+)",
         "pam_unix(sshd:auth): authentication failure;", 25)
    kind("pam_root", r"pam_unix\(sshd:auth\): authentication failure;.* rhost=(\S+)  user=root",
         "pam_unix(sshd:auth): authentication failure;", 10, "user.name: root")
    kind("attempts", r"error: maximum authentication attempts exceeded for .*? from (\S+) port",
         "error: maximum authentication attempts exceeded", 3)
    kind("password", r"Accepted password for \S+ from (\S+) port", "Accepted password ", 5)
    kind("password_root", r"Accepted password for root from (\S+) port", "Accepted password ", 3, "user.name: root")
    kind("publickey", r"Failed publickey for .*? from (\S+) port", "Failed publickey ", 10)
    ssh = {"category": "ssh_activity", "number": 4007}
    kind("closed_user", r"Connection closed by (?:authenticating|invalid) user \S* (\S+) port", "Connection closed by ",
         30, "actor.user.name|exists: true", **ssh)
    kind("closed", r"Connection closed by (\d\S+) port", "Connection closed by ", 12, "actor.user.name: null", **ssh)
    kind("reset", r"Connection reset by (\d\S+) port", "Connection reset by ", 12, "actor.user.name: null", **ssh)
    kind("identification", r"Did not receive identification string from (\S+) port",
         "Did not receive identification string ", 10, **ssh)
    kind("negotiation", r"Unable to negotiate with (\S+) port", "Unable to negotiate with ", 8, **ssh)
    kind("banner", r"error: kex_exchange_identification: banner .* from (\S+) port",
         "error: kex_exchange_identification: banner", 6, **ssh)
    return found


def correlation_id(number):
    """The id of the correlation of rule number `number`, from 1."""
    return "7d1c0000-0000-4000-9000-%012d" % number


def sec(chosen):
    """SEC's configuration: every rule sees every line, as all of Penstock's do."""
    return "".join("type=SingleWithThreshold\ncontinue=TakeNext\nptype=RegExp\npattern=%s\ndesc=%s $1\n"
                   "action=write - %%s\nwindow=%d\nthresh=%d\n\n" % (r.pattern, r.name, CLOCK_WINDOW, r.threshold)
                   for r in chosen)


def sigma(chosen):
    """The same as detections and correlations of Sigma."""
    return "".join("---\ntitle: %s\nid: 7d1c0000-0000-4000-8000-%012d\nname: %s_line\nstatus: stable\n"
                   "logsource: {product: ocsf, category: %s}\ndetection:\n  line: %s\n  condition: line\nlevel: low\n"
                   "---\ntitle: %s\nid: %s\nname: %s\nstatus: stable\n"
                   "correlation:\n  type: event_count\n  rules: [%s_line]\n  group-by: [src_endpoint.ip]\n"
                   "  timespan: %ds\n  condition: {gte: %d}\nlevel: high\n" % (
                       r.name, n, r.name, r.category, r.selection, r.name, correlation_id(n), r.name, r.name, WINDOW,
                       r.threshold)
                   for n, r in enumerate(chosen, 1))


class Stream:
    """Lines in the order of their times: sessions of the staff, attempts of many addresses that stay below every
    threshold, and a few bursts. The same every time but for the date, which is yesterday's: a header without a year
    must not lie ahead."""
    # Of a hundred episodes.
    MIX = (("session", 65), ("guess", 24), ("probe", 9), ("password", 1), ("burst", 1))
    SPAN = 72_000

    def __init__(self, seed=1):
        self.random, self.lines, self.addresses = random.Random(seed), [], 0

    def write(self, path, count):
        """Writes `count` lines of twenty hours."""
        kinds = [getattr(self, name) for name, share in self.MIX for _ in range(share)]
        while len(self.lines) < count:
            self.time, self.pid = self.random.random() * self.SPAN, self.random.randrange(400, 99_999)
            self.host, self.port = self.random.choice(HOSTS), self.random.randrange(32_768, 60_999)
            self.random.choice(kinds)()
        self.lines = sorted(self.lines[:count], key=lambda line: line[0])
        today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0)
        begin, last, stamp = today - datetime.timedelta(days=1), -1, ""
        with open(path, "w") as f:
            for time, text in self.lines:
                if int(time) != last:
                    last = int(time)
                    stamp = (begin + datetime.timedelta(seconds=last)).strftime("%b %e %H:%M:%S")
                f.write("<38>%s %s\n" % (stamp, text))

    def fresh(self):
        """An address that nobody else has."""
        self.addresses += 1
        return "10.%d.%d.%d" % (128 + (self.addresses >> 16), self.addresses >> 8 & 255, self.addresses & 255)

    def say(self, text, after=0.05):
        self.time += after * self.random.random()
        self.lines.append((self.time, "%s sshd[%d]: %s" % (self.host, self.pid, text)))

    def session(self):
        user = self.random.choice(STAFF)
        address = "10.1.%d.%d" % (self.random.randrange(8), self.random.randrange(1, 255))
        self.say("Accepted publickey for %s from %s port %d ssh2: ED25519 SHA256:n3bB5mX0q8Vt7yK1cR6wZ4hL9sD2fJ" % (
            user, address, self.port))
        self.opened(user, address)

    def opened(self, user, address):
        self.say("pam_unix(sshd:session): session opened for user %s(uid=1017) by (uid=0)" % user)
        self.say("Received disconnect from %s port %d:11: disconnected by user" % (address, self.port), 3000)
        self.say("Disconnected from user %s %s port %d" % (user, address, self.port))
        self.say("pam_unix(sshd:session): session closed for user %s" % user)

    def guess(self):
        address = self.fresh()
        for _ in range(self.random.randrange(1, 5)):
            self.attempt(self.random.choice(WATCHED + OTHERS), address, 20)

    def attempt(self, user, address, pause):
        """What one wrong password leaves behind; the users of watched names that hosts have are few."""
        known, at = user in ("root", "backup", "operator", "engineer"), "%s port %d" % (address, self.port)
        self.time += pause * self.random.random()
        if not known:
            self.say("Invalid user %s from %s" % (user, at))
            self.say("pam_unix(sshd:auth): check pass; user unknown")
        self.say("pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=%s%s" % (
            address, "  user=" + user if known else ""))
        self.say("Failed password for %s%s from %s ssh2" % ("" if known else "invalid user ", user, at), 2)
        self.say("Connection closed by %s user %s %s [preauth]" % (
            "authenticating" if known else "invalid", user, at), 1)

    PROBES = (
        "Did not receive identification string from %s port %d", "Connection closed by %s port %d [preauth]",
        "Connection reset by %s port %d [preauth]",
        "error: kex_exchange_identification: banner line contains invalid characters from %s port %d",
        "Unable to negotiate with %s port %d: no matching key exchange method found. Their offer: "
        "diffie-hellman-group1-sha1 [preauth]")

    def probe(self, most=3):
        address, text = self.fresh(), self.random.choice(self.PROBES)
        for _ in range(self.random.randrange(1, most + 1)):
            self.say(text % (address, self.port), 10)

    def password(self, times=1, user=""):
        address = self.fresh()
        user = user or self.random.choice(STAFF)
        self.say("Failed password for %s from %s port %d ssh2" % (user, address, self.port))
        for _ in range(times):
            self.say("Accepted password for %s from %s port %d ssh2" % (user, address, self.port), 20)
        self.opened(user, address)

    def burst(self):
        """An address that goes on until some rule fires, most times."""
        kind, address = self.random.randrange(8), self.fresh()
        if kind < 3:
            user = self.random.choice(WATCHED)
            for _ in range(self.random.randrange(4, 36)):
                self.attempt(user, address, 5)
        elif kind == 3:
            for _ in range(self.random.randrange(10, 30)):
                self.attempt(self.random.choice(WATCHED + OTHERS), address, 5)
        elif kind == 4:
            self.probe(20)
        elif kind == 5:
            self.password(self.random.randrange(3, 9), self.random.choice(STAFF + ["root"] * 8))
        elif kind == 6:
            for _ in range(self.random.randrange(5, 16)):
                self.say("Failed publickey for root from %s port %d ssh2: RSA SHA256:n3bB5mX0q8" % (
                    address, self.port), 9)
        else:
            for _ in range(self.random.randrange(2, 6)):
                self.say("error: maximum authentication attempts exceeded for invalid user test from %s port %d ssh2 "
                         "[preauth]" % (address, self.port), 30)


if __name__ == "__main__":
    Stream().write(sys.argv[1], int(sys.argv[2]))
