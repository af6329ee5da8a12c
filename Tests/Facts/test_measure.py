# SPDX-License-Identifier: Apache-2.0
"""The measure measured: hand-made peers' fields against hand-made events."""

import argparse
import copy
import json
import pathlib
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import detect  # noqa: E402
import facts  # noqa: E402
import measure  # noqa: E402
import values  # noqa: E402
import verdicts  # noqa: E402

LINE = ('<134>Nov 21 10:00:01 fw7 gate: action=drop proto=6 src=192.0.2.10 spt=50001 dst=2001:db8:0:0:0:0:0:5 dpt=502 '
        'user="PLANT\\anna" rule="plc-in" sent=120 rcvd=64 total=184 in=eth1 nat=198.51.100.7')
ECS = {
    "source": {"ip": "192.0.2.10", "port": 50001, "bytes": 120, "nat": {"ip": "198.51.100.7"}},
    "destination": {"ip": "2001:db8::5", "port": "502", "bytes": 64}, "network": {"transport": "TCP", "bytes": 184},
    "user": {"name": "anna"}, "rule": {"name": "plc-in"}, "event": {"action": "Drop"}, "timestamp": "Nov 21 10:00:01",
    "observer": {"hostname": "fw7", "ingress": {"interface": {"name": "eth1"}}, "vendor": "Example Networks"},
}
EVENT = {
    "class_uid": 4001, "category_uid": 4, "activity_id": 5, "action_id": 2, "disposition_id": 6,
    "time": values.instant("2026-11-21T10:00:01Z"), "device": {"hostname": "fw7"},
    "metadata": {"product": {"name": "Gate", "vendor_name": "Example"}},
    "src_endpoint": {"ip": "192.0.2.10", "port": 50001, "interface_name": "eth1",
                     "proxy_endpoint": {"ip": "198.51.100.7"}},
    "dst_endpoint": {"ip": "2001:db8:0:0:0:0:0:5", "port": 502}, "actor": {"user": {"name": "PLANT\\anna"}},
    "connection_info": {"protocol_num": 6}, "firewall_rule": {"name": "plc-in"},
    "traffic": {"bytes_in": 64, "bytes_out": 120},
}


def states(event, fields=None, line=LINE, schema="ecs"):
    """{fact: state} of one line."""
    return {f.fact: f.state for f in facts.compare(fields or ECS, schema, event, line)}


def changed(**parts):
    """The event with some attributes replaced; None removes."""
    event = copy.deepcopy(EVENT)
    for key, value in parts.items():
        if value is None:
            event.pop(key)
        else:
            event[key] = value
    return event


def test_everything_found():
    got = states(EVENT)
    assert set(got.values()) == {"found"}, got
    assert {"source address", "destination port", "user", "rule", "transport", "bytes", "time", "observer", "product",
            "ingress", "action", "source NAT address"} <= set(got)


@pytest.mark.parametrize("change, fact, state", [
    ({"src_endpoint": {"ip": "192.0.2.11", "port": 50001}}, "source address", "wrong"),
    ({"src_endpoint": {"proxy_endpoint": {"ip": "192.0.2.10"}}}, "source address", "missing"),
    ({"src_endpoint": {"ip": "192.0.2.10\n ", "port": 1}}, "source address", "wrong"),
    ({"src_endpoint": {"ip": "192.0.2.10", "port": 502}}, "source port", "wrong"),
    ({"dst_endpoint": None}, "destination address", "missing"),
    ({"dst_endpoint": {"ip": "192.0.2.10"}}, "destination address", "wrong"),
    ({"actor": None, "unmapped": {"suser": "anna"}}, "user", "unmapped"),
    ({"actor": None, "raw_data": LINE, "message": LINE}, "user", "missing"),
    ({"connection_info": {"protocol_name": "tcp"}}, "transport", "found"),
    ({"connection_info": {"protocol_name": "udp"}}, "transport", "wrong"),
    ({"traffic": {"bytes": 184}}, "bytes", "found"),
    ({"traffic": {"bytes_in": 120, "bytes_out": 64}}, "bytes out", "wrong"),
    ({"time": values.instant("2026-11-21T08:00:01Z")}, "time", "found"),
    ({"time": values.instant("2019-11-21T10:00:01Z")}, "time", "found"),
    ({"time": values.instant("2026-11-22T10:00:03Z")}, "time", "wrong"),
    ({"device": {"hostname": "unknown"}}, "observer", "missing"),
    ({"action_id": 1, "disposition_id": 1, "activity_id": 6}, "action", "wrong"),
    ({"action_id": None, "disposition_id": None, "activity_id": 6}, "action", "missing"),
    ({"action_id": 2, "disposition_id": 2}, "action", "found"),
])
def test_each_fault_is_seen(change, fact, state):
    change = {k: v for k, v in change.items() if v is not None or k in EVENT}
    assert states(changed(**change))[fact] == state


def test_a_finding_holds_its_ends_in_evidence():
    event = changed(class_uid=2004, category_uid=2, src_endpoint=None, dst_endpoint=None,
                    evidences=[{"src_endpoint": EVENT["src_endpoint"], "dst_endpoint": EVENT["dst_endpoint"]}])
    got = states(event)
    assert got["source address"] == got["destination port"] == "found"


def test_what_the_line_does_not_carry_is_not_asked():
    line = "Nov 21 10:00:01 fw7 gate: dropped"
    got = states({}, line=line)
    assert got["source address"] == got["rule"] == got["transport"] == got["bytes"] == "absent"
    assert got["time"] == "missing" and got["action"] == "missing" and got["product"] == "missing"


def test_outcomes():
    fields = {"event": {"outcome": "failure"}, "user": {"name": "anna"}}
    line = "login failed for anna"
    login = {"class_uid": 3002, "activity_id": 1, "user": {"name": "Anna"}}
    assert states({**login, "status_id": 2}, fields, line) == {"user": "found", "action": "found"}
    assert states({**login, "status_id": 1}, fields, line)["action"] == "wrong"
    assert states(login, fields, line)["action"] == "missing"
    assert states({"class_uid": 4007, "activity_id": 4}, fields, line)["action"] == "found"
    assert verdicts.judge({"event": {"outcome": "success"}}, "ecs", {}, "heartbeat") == ("success", "absent")
    # A drop that the peer calls a success is judged as a drop.
    fields = {"event": {"action": "drop", "outcome": "success"}}
    assert states({"status_id": 1, "action_id": 2}, fields, "kernel: DROP IN=eth0")["action"] == "found"
    assert states({"status_id": 1, "action_id": 1}, fields, "kernel: DROP IN=eth0")["action"] == "wrong"


def test_words_of_an_action():
    fields = {"event": {"action": "Begin configuration"}}
    line = "%X: Begin configuration: 10.0.0.1 reading from http"
    assert states({"message": line}, fields, line)["action"] == "missing"  # the whole line says nothing
    assert states({"message": "Begin configuration"}, fields, line)["action"] == "found"
    assert states({"status_detail": "begin configuration"}, fields, line)["action"] == "found"
    caption = {(6003, 3): "Begin Configuration"}
    event = {"class_uid": 6003, "activity_id": 3}
    assert any(f.fact == "action" and f.state == "found" for f in facts.compare(fields, "ecs", event, line, caption))


def test_an_exchanged_connection_is_right_only_as_a_whole():
    line = "Built outbound TCP connection 7 for out:192.0.2.1/80 to in:192.0.2.2/1772"
    fields = {"source": {"ip": "192.0.2.1", "port": 80}, "destination": {"ip": "192.0.2.2", "port": 1772}}
    event = {"category_uid": 4, "src_endpoint": {"ip": "192.0.2.2", "port": 1772},
             "dst_endpoint": {"ip": "192.0.2.1", "port": 80}}
    assert set(states(event, fields, line).values()) == {"found"}
    event["src_endpoint"]["port"] = 80
    assert states(event, fields, line)["source address"] == "wrong"
    assert states({"src_endpoint": {"ip": "192.0.2.2"}, "dst_endpoint": {"ip": "192.0.2.1"}}, fields,
                  "deny 192.0.2.1/80 192.0.2.2/1772")["source address"] == "wrong"


def test_ocsf_peer():
    fields = {"class_uid": 4001, "src_endpoint": {"ip": "192.0.2.10", "port": None}, "disposition_id": 2,
              "status_id": 0, "time": values.instant("2026-11-21T10:00:01Z"), "connection_info": {"protocol_num": 6},
              "unmapped": {"dst": "192.0.2.99"}, "metadata": {"product": {"name": "Gate"}}}
    got = states(EVENT, fields, schema="ocsf-1.8.0")
    assert got == {"source address": "found", "time": "found", "transport": "found", "product": "found",
                   "action": "found"}


@pytest.mark.parametrize("a, b, line, equal", [
    ("2024-03-01T10:00:00Z", 1709287200000, "2024-03-01T10:00:00Z", True),
    ("2024-03-01T10:00:00Z", 1709287200000 + 3_600_000, "2024-03-01T10:00:00Z", False),
    ("2024-03-01T10:00:00Z", 1709287200000 + 3_600_000, "2024-03-01 10:00:00", True),
    ("2024-03-01T10:00:00Z", 1709287200000 + 60_000, "2024-03-01 10:00:00", False),
    ("1709287200.5", 1709287200500, "1709287200.5", True),
    (1709287200, 1709287200000, "1709287200", True),
    ("2024-02-29T10:00:00Z", "2028-02-29T10:00:00Z", "Feb 29 10:00:00", True),
    ("2024-02-29T10:00:00Z", "2026-03-01T10:00:00Z", "Feb 29 10:00:00", False),
    ("2024-03-01T10:00:00Z", "2025-03-01T10:00:00Z", "Mar  1 10:00:00", True),
    ("2024-03-01T10:00:00+02:00", "2024-03-01T08:00:00Z", "2024-03-01T10:00:00+02:00", True),
    ("nonsense", 1709287200000, "", False),
])
def test_instants(a, b, line, equal):
    assert values.same_instant(a, b, line) is equal


def test_values():
    assert values.address("2001:DB8::1%eth0") == values.address("[2001:db8:0::1]")
    assert values.address("::ffff:192.0.2.1") == "192.0.2.1"
    assert values.number("0x1bb") == values.number("443") == values.number(443.0) == 443
    assert values.number("inf") is None and values.number("1.5") is None
    assert values.protocol("ipv6-icmp") == values.protocol("58") == values.protocol("ICMP6")
    assert values.same_user("DOMAIN\\login", "login") and not values.same_user("root", "admin")
    assert values.same_host("fw.example.org", "fw") and not values.same_host("fw.a", "fw.b")
    assert not values.same_host("192.0.2.1", "192.0.2.2")
    assert values.carries_number("port 502,", 502) and not values.carries_number("port 5020", 502)
    assert values.carries_time("10:30:07", "2024-01-01T03:00:07Z")
    assert not values.carries_time("10:31:07", "2024-01-01T03:00:07Z")
    assert values.carries_text('{"u": "Syst\\u00e8me"}', "Système")
    assert values.at({"a": [{"b": 1}, {"b": "-"}, {"b": [2, None, {}]}]}, "a.b") == [1, 2]


def test_table_names_no_attribute_twice():
    names = [f.name for f in facts.FACTS]
    assert len(names) == len(set(names))
    for fact in facts.FACTS:
        assert fact.held and (fact.ecs or fact.ocsf), fact.name
        assert not any(p.startswith(("unmapped", "raw_data", "message")) for p in fact.held), fact.name
        if fact.core:
            assert not any("proxy_endpoint" in p for p in fact.held), fact.name


@pytest.mark.parametrize("sourcetype, line, mapping, verdict", [
    ("cisco:asa", "", "cisco_asa", "right"), ("cisco:asa", "", "cisco_ios", "wrong"),
    ("cisco:asa", "", "unknown", "generic"), ("pan:traffic", "", "paloalto_panos", "right"),
    ("imperva:waf:firewall:cef", "", "cef", "unlisted"), ("dell:ome", "", "sonicwall", "taken"),
    ("cisco:xr", "", "cisco_ios", "kin"), ("nix:syslog", "cron[1]: (root) CMD", "cron", "right"),
    ("nix:syslog", "something", "unknown", "unlisted"), ("nix:syslog", "something", "squid", "taken"),
    ("cef", "", "cef", "right"), ("infoblox:dns", "", "bind", "right"),
    ("alcatel:switch", "", "generic_kv", "unlisted"),
])
def test_detection(sourcetype, line, mapping, verdict):
    assert detect.judgement(sourcetype, line, mapping) == verdict


def test_detection_prints(capsys):
    cases = [{"id": str(n), "input": "x", "expect": {"sourcetype": s}} for n, s in
             enumerate(["cisco:asa", "cisco:asa", "dell:ome"])]
    answers = {"0": ("cisco_asa", [{}]), "1": ("cisco_ios", [{}]), "2": ("unknown", [{}])}
    assert detect.run(cases, lambda lines: answers, argparse.Namespace(misses=None)) == 0
    assert "| 3 | 2 | 1 | 50.0 | 0 | 1 | 0 | 33.33 | 0 | 0 |" in capsys.readouterr().out


def script(tmp_path, event):
    """A stand-in for penstock that answers every line with one event."""
    fake = tmp_path / "penstock"
    fake.write_text(f"#!{sys.executable}\nimport json, sys\nfor line in sys.stdin:\n"
                    "    print(json.dumps({'id': json.loads(line)['id'], 'mapping': 'bind',\n"
                    f"                      'event': {event!r}}}))\n")
    fake.chmod(0o755)
    return str(fake)


def run(cases, *options):
    """The script as a process, with its own cases."""
    return subprocess.run([sys.executable, str(pathlib.Path(measure.__file__)), *options], capture_output=True,
                          text=True, check=False, timeout=60,
                          env={"PENSTOCK_CASES": str(cases), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"})


@pytest.fixture(name="cases")
def made_cases(tmp_path):
    """A cases folder with one product of one line, a schema without classes, and a validator."""
    product = tmp_path / "cases" / "vendor" / "bind_named"
    product.mkdir(parents=True)
    (product / "input.jsonl").write_text(json.dumps({"id": "a", "raw": LINE}) + "\n")
    (product / "expected.jsonl").write_text(json.dumps({"id": "a", "schema": "ecs", "fields": ECS}) + "\n")
    (tmp_path / "cases" / "ocsf").mkdir()
    (tmp_path / "cases" / "ocsf" / "schema.json").write_text('{"classes": {}, "version": "1.8.0"}')
    (tmp_path / "cases" / "ocsf" / "validate.py").write_text(
        "class Validator:\n    def __init__(self, schema): pass\n"
        "    def validate(self, event, any_version, recommended):\n"
        "        return ([] if 'class_uid' in event else [{'code': 'class_unknown'}]), []\n")
    return tmp_path / "cases"


def test_whole_run(cases, tmp_path):
    done = run(cases, "--penstock", script(tmp_path, EVENT), "--validate", "--least", "97", "--json",
               str(tmp_path / "out.json"))
    assert done.returncode == 0, done.stderr
    row = next(r for r in done.stdout.splitlines() if r.startswith("| bind_named"))
    assert row.split("|")[2:6] == [" 1 ", " 1 ", " 1 ", " bind 1 "] and " 100.0 " in row
    assert json.loads((tmp_path / "out.json").read_text())[0]["tally"]["share"] == 100


def test_whole_run_below_the_bar(cases, tmp_path):
    poor = {k: v for k, v in EVENT.items() if k not in ("class_uid", "src_endpoint")}
    done = run(cases, "--penstock", script(tmp_path, poor), "--validate", "--least", "97", "--misses", "bind_named")
    assert done.returncode == 1 and "below 97 %: bind_named" in done.stdout
    assert "missing  source address: source.ip = '192.0.2.10'" in done.stdout
    assert "1 lines with an invalid event" in done.stdout and "class_unknown" in done.stdout


def test_an_invalid_event_is_a_failure(cases, tmp_path):
    classless = {k: v for k, v in EVENT.items() if k != "class_uid"}
    done = run(cases, "--penstock", script(tmp_path, classless), "--validate")
    assert done.returncode == 1 and "1 lines with an invalid event" in done.stdout
    assert run(cases, "--penstock", script(tmp_path, classless)).returncode == 0, "only when asked"


def test_without_cases(tmp_path):
    done = run(tmp_path / "nowhere")
    assert done.returncode == 0 and "skipped" in done.stdout


def test_a_broken_penstock_is_no_silence(cases):
    done = run(cases, "--penstock", "/bin/false")
    assert done.returncode != 0 and "ended with" in done.stderr
