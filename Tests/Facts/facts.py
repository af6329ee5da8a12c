# SPDX-License-Identifier: Apache-2.0
"""The facts that a peer extracts, the fields it names them with, and where an OCSF event may legitimately hold them."""

import dataclasses
import re
from typing import Callable

import values
import verdicts


def sides(prefix, *ends):
    """Attributes of an endpoint, in the event itself and in the evidence of a finding."""
    return [f"{where}{prefix}.{end}" for where in ("", "evidences.") for end in ends]


@dataclasses.dataclass(frozen=True)
class Fact:
    """One fact: `ecs` and `ocsf` are the peer's fields, best first; `held` Penstock's attributes for it."""

    name: str
    ecs: list
    ocsf: list
    held: list
    same: Callable = lambda a, b: values.word(a) == values.word(b)
    carried: Callable = values.carries_text
    core: bool = True


def ip(a, b):
    """Equality of addresses; a name of a host may be short on one side."""
    return values.address(a) == values.address(b) or values.same_host(a, b)


def num(a, b):
    """Equality of numbers."""
    return values.number(a) is not None and values.number(a) == values.number(b)


def mac(a, b):
    """Equality of hardware addresses, whatever separates their digits."""
    return re.sub(r"[^0-9a-f]", "", str(a).lower()) == re.sub(r"[^0-9a-f]", "", str(b).lower())


def always(line, value):
    """Names of vendor and product follow from recognising the line; they need not stand in it."""
    return True


RULES = ["firewall_rule.name", "firewall_rule.uid", "policy.name", "policy.uid", "policies.name", "policies.uid",
         "finding_info.analytic.name", "finding_info.analytic.uid", "finding_info.related_analytics.name",
         "finding_info.related_analytics.uid", "finding_info.title", "authorizations.policy.name"]
USER_ENDS = ["name", "email_addr", "full_name", "display_name", "uid"]
ACTORS = [f"{where}{who}.{end}" for where in ("", "evidences.")
          for who in ("actor.user", "src_endpoint.owner", "actor.process.user") for end in USER_ENDS]
TARGETS = [f"{where}{who}.{end}" for where in ("", "evidences.") for who in
           ("user", "user_result", "dst_endpoint.owner", "process.user", "device.owner") for end in USER_ENDS]
TIMES = ["time", "start_time", "end_time", "query_time", "response_time", "metadata.logged_time",
         "metadata.original_time", "finding_info.created_time", "finding_info.first_seen_time",
         "finding_info.last_seen_time"]
TRAFFIC = ["traffic", "cumulative_traffic", "proxy_traffic"]
ENDS = ("ip", "hostname", "name", "domain", "intermediate_ips")
INTERFACES = ("interface_name", "interface_uid", "zone", "vlan_uid")

# The table: fact | the peer's fields (ECS; OCSF) | Penstock's attributes | equality | whether the line carries it.
# 4004 adds relay.ip, 3002 and base events device.ip (an administrator's login reaches the device itself); findings
# (2004) hold endpoints in evidences[]; NAT (proxy_endpoint) is a fact of its own and never satisfies an address.
FACTS = [
    Fact("source address", ["source.ip", "client.ip", "source.address", "source.domain"],
         sides("src_endpoint", "ip", "hostname"), sides("src_endpoint", *ENDS), ip, values.carries_address),
    Fact("source port", ["source.port", "client.port"], sides("src_endpoint", "port"), sides("src_endpoint", "port"),
         num, values.carries_number),
    Fact("destination address", ["destination.ip", "server.ip", "destination.address", "destination.domain"],
         sides("dst_endpoint", "ip", "hostname"), sides("dst_endpoint", *ENDS), ip, values.carries_address),
    Fact("destination port", ["destination.port", "server.port"], sides("dst_endpoint", "port"),
         sides("dst_endpoint", "port"), num, values.carries_number),
    Fact("user", ["user.name", "source.user.name"], [], ACTORS + TARGETS, values.same_user),
    Fact("target user", ["user.target.name", "destination.user.name"], ["user.name", "evidences.user.name"], TARGETS,
         values.same_user),
    Fact("actor", [], ["actor.user.name"], ACTORS, values.same_user),
    Fact("rule", ["rule.name", "cisco.asa.rule_name", "fortinet.fortigate.policyname", "action.properties.signature"],
         ["firewall_rule.name", "finding_info.analytic.name", "policy.name"], RULES),
    Fact("rule id", ["rule.id", "rule.uuid", "fortinet.fortigate.policyid", "netscreen.policy_id",
                     "action.properties.signature_id"],
         ["firewall_rule.uid", "finding_info.analytic.uid"], RULES),
    Fact("transport", ["network.transport", "network.iana_number", "cisco.asa.network.transport",
                       "netscreen.protocol_number"],
         [f"{w}connection_info.{a}" for w in ("", "evidences.") for a in ("protocol_num", "protocol_name")],
         [f"{w}connection_info.{a}" for w in ("", "evidences.") for a in ("protocol_num", "protocol_name")],
         lambda a, b: values.protocol(a) == values.protocol(b), values.carries_protocol),
    Fact("bytes out", ["source.bytes"], ["traffic.bytes_out"], [f"{t}.{a}" for t in TRAFFIC
         for a in ("bytes_out", "bytes")] + ["evidences.data.bytes_out", "http_request.length"],
         num, values.carries_number),
    Fact("bytes in", ["destination.bytes", "http.response.bytes"], ["traffic.bytes_in"], [f"{t}.{a}" for t in TRAFFIC
         for a in ("bytes_in", "bytes")] + ["http_response.length", "http_response.body_length",
         "evidences.http_response.length", "evidences.http_response.body_length", "evidences.data.bytes_in"],
         num, values.carries_number),
    Fact("bytes", ["network.bytes"], ["traffic.bytes"], [f"{t}.bytes" for t in TRAFFIC] + ["evidences.data.bytes"],
         num, values.carries_number),
    Fact("time", ["@timestamp", "timestamp"], ["time"], TIMES, values.same_instant, values.carries_time),
    Fact("observer", ["observer.hostname", "observer.name", "log.hostname", "log.syslog.hostname", "host.hostname",
                      "host.name"], ["device.hostname", "device.name"],
         [f"{d}.{a}" for d in ("device", "metadata.loggers.device", "metadata.reporter") for a in
          ("hostname", "name", "ip", "uid")] + ["metadata.loggers.name"], values.same_host),
    Fact("observer serial", ["observer.serial_number"], [], ["device.uid", "device.uid_alt", "device.instance_uid",
         "device.hw_info.serial_number", "metadata.loggers.device.uid", "metadata.loggers.uid",
         "metadata.product.uid", "metadata.reporter.uid"]),
    Fact("observer version", ["observer.version"], [], ["metadata.product.version", "device.os.version",
         "device.os.build", "metadata.log_version"]),
    Fact("product", ["observer.product", "observer.vendor"], ["metadata.product.name"],
         [f"metadata.{a}" for a in ("product.name", "product.vendor_name", "product.feature.name", "log_provider",
                                    "log_source", "log_name")], values.same_label, always),
    Fact("ingress", ["observer.ingress.interface.name", "observer.ingress.interface.alias", "observer.ingress.zone",
                     "observer.ingress.vlan.name"], sides("src_endpoint", "interface_name", "zone"),
         sides("src_endpoint", *INTERFACES) + ["device.interface_name"]),
    Fact("egress", ["observer.egress.interface.name", "observer.egress.interface.alias", "observer.egress.zone",
                    "observer.egress.vlan.name"], sides("dst_endpoint", "interface_name", "zone"),
         sides("dst_endpoint", *INTERFACES) + ["device.interface_name"]),
    Fact("source NAT address", ["source.nat.ip"], ["src_endpoint.proxy_endpoint.ip"],
         sides("src_endpoint", "proxy_endpoint.ip") + ["proxy_endpoint.ip"], ip, values.carries_address, False),
    Fact("source NAT port", ["source.nat.port"], ["src_endpoint.proxy_endpoint.port"],
         sides("src_endpoint", "proxy_endpoint.port") + ["proxy_endpoint.port"], num, values.carries_number, False),
    Fact("destination NAT address", ["destination.nat.ip"], [], sides("dst_endpoint", "proxy_endpoint.ip")
         + ["proxy_endpoint.ip"], ip, values.carries_address, False),
    Fact("destination NAT port", ["destination.nat.port"], [], sides("dst_endpoint", "proxy_endpoint.port")
         + ["proxy_endpoint.port"], num, values.carries_number, False),
    Fact("source MAC", ["source.mac"], ["src_endpoint.mac"], sides("src_endpoint", "mac"), mac, core=False,
         carried=lambda line, v: mac(v, v) and re.sub(r"[^0-9a-f]", "", str(v).lower()) in
         re.sub(r"[^0-9a-z ]", "", line.lower())),
]
EXTRA_PATHS = {4004: {"source address": ["relay.ip", "dst_endpoint.ip"],
                      "destination address": ["relay.ip", "src_endpoint.ip", "relay.hostname"]}}
TO_THE_DEVICE = {"destination address": ["device.ip", "device.hostname"]}
PLACEHOLDERS = {"unknown"}


@dataclasses.dataclass(frozen=True)
class Finding:
    """One fact of one line: what the peer has, what the event has, and the judgement."""

    fact: str
    core: bool
    field: str
    expected: object
    had: list
    state: str  # found, unmapped, wrong, missing, absent (the line does not carry it)


def unmapped_has(event, fact, expected, line):
    """Whether the value is only among what the mapping did not map."""
    for leaf in values.leaves(event.get("unmapped") or {}):
        if fact.name == "time":
            if values.same_instant(expected, leaf, line):
                return True
        elif fact.same(expected, leaf):
            return True
    return False


def byte_counts(fact, event, expected_all, wanted):
    """Counts of bytes beyond the attribute itself: a sum of both directions, or the only direction a peer counts."""
    into, out = values.at(event, "traffic.bytes_in"), values.at(event, "traffic.bytes_out")
    if fact.name == "bytes":
        return [i + o for i in into[:1] for o in out[:1] if isinstance(i, int) and isinstance(o, int)] + into + out
    other = {"bytes out": "destination.bytes", "bytes in": "source.bytes"}[fact.name]
    return [] if values.at(expected_all, other) else into + out


def sum_carried(fields, line):
    """Whether a total is the sum of two counts that the line has."""
    pairs = (("source.bytes", "destination.bytes"), ("traffic.bytes_in", "traffic.bytes_out"))
    return any(all(any(values.carries_number(line, v) for v in values.at(fields, p)) for p in pair) for pair in pairs)


def judge(fact, fields, schema, event, line):
    """The finding for one fact of one line, or None when the peer has no such fact."""
    path, wanted = values.first(fields, fact.ecs if schema == "ecs" else fact.ocsf)
    if not wanted:
        return None
    wanted = [w for w in wanted if fact.carried(line, w)] or wanted
    expected = wanted[0]
    if not fact.carried(line, expected) and not (fact.name == "bytes" and sum_carried(fields, line)):
        return Finding(fact.name, fact.core, path, expected, [], "absent")
    held = fact.held + EXTRA_PATHS.get(event.get("class_uid"), {}).get(fact.name, [])
    if event.get("category_uid") != 4 and not values.at(event, "dst_endpoint.ip"):
        held = held + TO_THE_DEVICE.get(fact.name, [])
    had = [v for p in held for v in values.at(event, p)]
    if fact.name in ("observer", "product", "destination address"):
        had = [v for v in had if str(v).lower() not in PLACEHOLDERS]
    if fact.name.startswith("bytes"):
        had += byte_counts(fact, event, fields, expected)
    same = (lambda e, h: fact.same(e, h, line)) if fact.name == "time" else fact.same
    clean = [h for h in had if str(h) == str(h).strip()]  # "10.0.0.1\n " is no address
    if any(same(w, h) for w in wanted for h in clean):
        state = "found"
    elif unmapped_has(event, fact, expected, line):
        state = "unmapped"
    else:
        state = "wrong" if had else "missing"
    return Finding(fact.name, fact.core, path, expected, list(dict.fromkeys(map(str, had)))[:6], state)


TURN = {"source address": "destination address", "source port": "destination port",
        "destination address": "source address", "destination port": "source port",
        "ingress": "egress", "egress": "ingress"}


def turned(fields, schema, event, line):
    """Peers disagree which end of a built or torn-down connection is the source (Cisco writes the interfaces in the
    order of security level, not of the initiator), and whether a DHCP reply's source is its sender or the client. An
    event that has both ends exchanged, whole, is right too."""
    if not re.search(r"\b(Built|Teardown) .*(connection|translation)|\"event_type\":\"dhcp\"", line):
        return False
    by_name = {f.name: f for f in FACTS}
    for name in ("source address", "source port", "destination address", "destination port"):
        _, wanted = values.first(fields, by_name[name].ecs if schema == "ecs" else by_name[name].ocsf)
        had = [v for p in by_name[TURN[name]].held for v in values.at(event, p)]
        if wanted and not any(by_name[name].same(wanted[0], h) for h in had):
            return False
    return True


def compare(fields, schema, event, line, captions=None):
    """All findings of one line."""
    schema = "ecs" if schema == "ecs" else "ocsf"
    findings = [f for f in (judge(fact, fields, schema, event, line) for fact in FACTS) if f]
    if any(f.fact in TURN and f.state == "wrong" for f in findings) and turned(fields, schema, event, line):
        findings = [dataclasses.replace(f, state="found") if f.fact in TURN and f.state == "wrong" else f
                    for f in findings]
    caption = (captions or {}).get((event.get("class_uid"), event.get("activity_id")))
    verdict = verdicts.judge(fields, schema, event, line, caption)
    if verdict:
        had = [f"{p}={v}" for p in ["action_id", "disposition_id", "activity_id", "status_id", *verdicts.WORDS]
               for v in values.at(event, p)]
        findings.append(Finding("action", True, "action/outcome", verdict[0], had, verdict[1]))
    return findings
