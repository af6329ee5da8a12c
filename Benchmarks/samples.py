# SPDX-License-Identifier: Apache-2.0
"""Whether a receiver's output is what it should be: read from lines all over the file, after a run."""
import json
import os
import re
import subprocess
import sys

from receivers import ROOT, Failure

# The cases that the tests use lie beside the repository, or where the variable says; without them nothing is validated.
CASES = os.environ.get("PENSTOCK_CASES", os.path.join(os.path.dirname(ROOT), "shared", "cases"))
PLAIN = ("hostname", "appname", "message", "timestamp", "severity", "facility", "structured_data")

# What a peer's JSON must hold of a product's line: fields by a pattern of their values. A value may keep its quotes.
ADDRESS, NUMBER, TEXT = r'\d+\.\d+\.\d+\.\d+', r'\d+', r'"?[^"]+"?'
FIELDS = {
    "fortigate": {"srcip": ADDRESS, "srcport": NUMBER, "dstip": ADDRESS, "dstport": NUMBER, "proto": NUMBER,
                  "action": TEXT, "policyid": NUMBER, "policyname": TEXT, "devname": TEXT, "sentbyte": NUMBER,
                  "eventtime": NUMBER},
    "iptables": {"IN": TEXT, "OUT": TEXT, "SRC": ADDRESS, "DST": ADDRESS, "PROTO": "TCP|UDP", "SPT": NUMBER,
                 "DPT": NUMBER, "LEN": NUMBER, "TTL": NUMBER, "MAC": TEXT},
    "openssh": {"user": TEXT, "src": ADDRESS, "port": NUMBER},
}
SOURCE = {"fortigate": "srcip", "iptables": "SRC", "openssh": "src"}

# By metadata.product.name: the classes that the generator's lines of it become, and where in the line an address stands
# that one end of the event must have.
PRODUCTS = {
    "FortiGate": ({4001, 4002}, r'\bsrcip=([\d.]+)'),
    "PAN-OS": ({4001}, r',TRAFFIC,[^,]*,[^,]*,[^,]*,([\d.]+),'),
    "Adaptive Security Appliance": ({4001, 4014}, r'(?:outside:|IP <)([\d.]+)'),
    "netfilter": ({4001}, r' SRC=([\d.]+)'),
    "OpenSSH": ({3002}, r' ([\d.]+) port '),
    "Suricata": ({2004, 4001, 4002, 4003}, r'"src_ip":"([\d.]+)"'),
    "Firewall": ({4001}, r' src:"([\d.]+)"'),
    "Gateway": ({4001}, r' src=([\d.]+)'),
    "Windows": ({3002}, r'<Data Name="IpAddress">([\d.]+)<'),
    "Zeek": ({4001, 4003}, r'"id\.orig_h":"([\d.]+)"'),
}
BY_LINES = {"fortigate": "FortiGate", "iptables": "netfilter", "openssh": "OpenSSH"}


def lines_of(path, count=400):
    """Whole lines from the beginning and from evenly spaced places of a file."""
    size, found = os.path.getsize(path), []
    with open(path, "rb") as f:
        for place in range(count):
            f.seek(size * place // count)
            if place:
                f.readline()
            line = f.readline()
            if line.endswith(b"\n"):
                found.append(line[:-1])
    return found


def check(receiver):
    """Reads a sample of the output and complains about what it should not be."""
    lines, values = lines_of(receiver.output), []
    if not lines:
        raise Failure("%s wrote nothing" % receiver.name)
    for line in lines:
        try:
            values.append(json.loads(line))
        except ValueError as error:
            raise Failure("%s: a line is no JSON: %s: %r" % (receiver.name, error, line[:300]))
    if receiver.load.lines == "plain":
        if receiver.name not in ("penstock-full", "penstock-ocsf"):
            check_plain(receiver, values)
    elif receiver.name == "penstock-ocsf":
        check_events(receiver, lines, values)
    elif receiver.name != "penstock":
        check_fields(receiver, values)


def check_plain(receiver, values):
    for value in values:
        lacking = [k for k in PLAIN if k not in value]
        if lacking or not value["message"]:
            raise Failure("%s: a line lacks %s: %.300s" % (receiver.name, ", ".join(lacking) or "its message", value))


def check_fields(receiver, values):
    """A peer's lines hold the product's fields, and not always the same ones."""
    for value in values:
        fields = value["fields"] = flat(value.get("fields", {}))
        for name, pattern in FIELDS[receiver.load.lines].items():
            if not re.fullmatch(pattern, str(fields.get(name))):
                raise Failure("%s: a line's %s is %r: %.400s" % (receiver.name, name, fields.get(name), value))
    check_variety(receiver, {value["fields"][SOURCE[receiver.load.lines]] for value in values}, len(values))


def flat(fields):
    """liblognorm puts what it finds by itself into an object of its own."""
    return dict(fields, **fields.get("pairs", {}))


def check_variety(receiver, sources, count):
    if len(sources) < count / 8:
        raise Failure("%s: only %d sources in %d lines" % (receiver.name, len(sources), count))


def check_events(receiver, lines, events):
    """Penstock's events are of the line's product and class, hold the line and its address, and validate."""
    products, sources = set(), set()
    for event in events:
        name = event.get("metadata", {}).get("product", {}).get("name")
        classes, pattern = PRODUCTS.get(name, ((), ""))
        if event.get("class_uid") not in classes:
            raise Failure("%s: class %s of product %s: %.400s" % (receiver.name, event.get("class_uid"), name, event))
        found = re.search(pattern, event.get("raw_data", ""))
        if not found or found.group(1) not in addresses(event):
            raise Failure("%s: an event lacks its line or its address: %.400s" % (receiver.name, event))
        products.add(name)
        sources.add(found.group(1))
    wanted = set(PRODUCTS) if receiver.load.lines == "mix" else {BY_LINES[receiver.load.lines]}
    if products != wanted:
        raise Failure("%s: products %s instead of %s" % (receiver.name, sorted(products), sorted(wanted)))
    check_variety(receiver, sources, len(events))
    validate(receiver, lines)


def addresses(event):
    """The addresses of both ends, of the event or of its evidence."""
    holders = [event] + event.get("evidences", [])
    return {holder.get(end, {}).get("ip") for holder in holders for end in ("src_endpoint", "dst_endpoint")}


def validate(receiver, lines):
    """All of the sample against the schema of OCSF 1.8.0."""
    validator = os.path.join(CASES, "ocsf", "validate.py")
    if not os.path.exists(validator):
        print("  note: %s is not there: the events are not validated" % validator, file=sys.stderr)
        return
    done = subprocess.run([sys.executable, validator, "--max", "1"], input=b"\n".join(lines) + b"\n",
                          capture_output=True, timeout=120)
    if done.returncode != 0:
        raise Failure("%s: an event is not valid: %s" % (receiver.name, done.stdout.decode()[:600]))
