# SPDX-License-Identifier: Apache-2.0
"""The configuration: every key that the program reads is documented, and every fault is told at its place."""
import re

import pytest
import support

# The list of keys in the code (function, or variable in `parse`) and its section in docs/configuration.md.
SECTIONS = {
    ("parse", "root"): "(top)", ("journal", "item"): "journal", ("listener", "item"): "listeners[]",
    ("tlsSettings", "tls"): "listeners[].tls", ("tlsSettings", "allow"): "listeners[].tls.allow",
    ("fileInput", "item"): "files[]", ("sender", "item"): "sources[]", ("sensor", "item"): "sensors[]", ("intelligence", "item"): "intelligence[]", ("parse", "outputs"): "outputs",
    ("lake", "item"): "outputs.lake", ("feed", "item"): "outputs.feeds[]", ("lines", "item"): "outputs.lines[]",
    ("webhook", "item"): "outputs.webhooks[]", ("parse", 'root["correlation"]?'): "correlation",
    ("incidents", "item"): "incidents", ("contact", "item"): "incidents.contacts[]",
    ("stop", "item"): "incidents.stops[]", ("parse", "http"): "http", ("parse", "log"): "log",
}


def read_keys():
    """{section: keys} as the code allows them."""
    found = {}
    for file in sorted((support.ROOT / "Sources/penstock").glob("Configuration+*.swift")):
        function = None
        text = file.read_text()
        for match in re.finditer(r"static func (\w+)|([\w\"\[\]?]+)\.allow\(only: \[(.*?)\]\)", text, re.S):
            if match[1]:
                function = match[1]
                continue
            place = (function, match[2])
            assert place in SECTIONS, "%s: a new list of keys %s: document it, and name it here" % (file.name, place)
            found[SECTIONS[place]] = set(re.findall(r'"(\w+)"', match[3]))
        used = set(re.findall(r'\w\["(\w+)"\]|required\("(\w+)"\)', text))
        for key in {a or b for a, b in used}:
            assert any(key in keys for keys in found.values()) or "allow" in text and key in text, key
    return found


def documented_keys():
    found, section = {}, None
    for line in (support.ROOT / "docs/configuration.md").read_text().splitlines():
        if heading := re.fullmatch(r"## `(.+)`", line):
            section = heading[1]
        elif row := re.match(r"\| `(\w+)` \|", line):
            assert row[1] not in found.setdefault(section, set()), "%s: %s stands there twice" % (section, row[1])
            found[section].add(row[1])
    return found


def test_every_key_is_documented():
    read, documented = read_keys(), documented_keys()
    assert set(read) == set(SECTIONS.values()), "sections that the code has no more"
    for section in sorted(set(read) | set(documented)):
        assert read.get(section) == documented.get(section), section


def test_the_example_has_no_unknown_key(tmp_path):
    example, = re.findall(r"```yaml\n# /etc/penstock/penstock.yaml\n(.*?)```",
                          (support.ROOT / "docs/operations.md").read_text(), re.S)
    file = tmp_path / "penstock.yaml"
    file.write_text(example)
    answer = support.penstock("check", "-c", file).stderr.decode()
    for line in answer.splitlines():
        assert re.search(r"No such file or directory|cannot be read|^\d+ faults?$", line), line


LISTENER = 'listeners: [{transport: udp, address: "127.0.0.1:0"}]\n'
FAULTS = [
    ("listeners: foo", r":1:12: listeners must be a list"),
    (LISTENER + "sensors: {interface: eth1}", r":2:10: sensors must be a list"),
    (LISTENER + "outputs: {lines: {path: /tmp/x}}", r":2:18: outputs.lines must be a list"),
    (LISTENER + "rules: /nowhere/rules", r":2:8: /nowhere/rules"),
    (LISTENER + "mappings: /nowhere", r":2:11: /nowhere"),
    (LISTENER + "---\nsite: second", r":3:1: a configuration is one document"),
    (LISTENER + "outputs: {feeds: [{name: a, format: cef, transport: udp, address: \"h:1\"}], lines: [{name: a, path: x}]}",
     r":2:.*the name 'a' is given twice: another feed has it"),
    (LISTENER + "outputs:\n  lines:\n  - {path: x}\n  - {path: y}", r":5:5: the name 'lines' is given twice.*own 'name'"),
    (LISTENER + "outputs:\n  lines:\n  - {name: a, path: x}\n  - {name: b, path: x}", r":5:21: another output writes to .*x"),
    ('listeners:\n- {transport: udp, address: "127.0.0.1:25514"}\n- {transport: udp, address: "127.0.0.1:25515"}',
     r":3:3: the name 'udp' is given twice"),
    ('listeners:\n- {name: a, transport: udp, address: "127.0.0.1:25514"}\n'
     '- {name: b, transport: udp, address: "127.0.0.1:25514"}', r"listener `a` has that address already"),
    (LISTENER + "outputs: {feeds: [{name: \"a\\nb\", format: cef, transport: udp, address: \"h:1\"}]}",
     r":2:.*a name is 1 to 80 bytes without control characters"),
    (LISTENER + "outputs: {feeds: [{format: cef, transport: udp, address: \"h:0\"}]}", r":2:58: a receiver has a port"),
    (LISTENER + "outputs: {feeds: [{format: cef, transport: tls, address: \"h:1\", ca: /nowhere/ca.pem}]}",
     r":2:69: /nowhere/ca.pem"),
    (LISTENER + "outputs: {feeds: [{format: cef, transport: tls, address: \"h:1\", certificate: /dev/null}]}",
     r":2:.*'certificate' needs 'key'"),
    (LISTENER + "outputs: {webhooks: [{url: \"https://\"}]}", r":2:28: 'https://' names no host"),
    (LISTENER + "outputs: {webhooks: [{url: \"https://h\", signing_key: /nowhere}]}", r":2:.*/nowhere"),
    (LISTENER + "incidents: {gap: 200000d}", r":2:18: incidents.gap must lie between 0ms and 3650d"),
    (LISTENER + "correlation: {lateness: 4294967295w}", r":2:25: correlation.lateness must lie between"),
    (LISTENER + "journal: {commit_interval: 4294967295w}", r":2:28: journal.commit_interval must lie between"),
    (LISTENER + "journal: {segment_bytes: 100GiB}", r":2:26: retain_bytes must be at least twice segment_bytes"),
    (LISTENER + "outputs: {lake: {directory: x, flush_interval: 5ms}}", r":2:48: outputs.lake.flush_interval must lie"),
]


@pytest.mark.parametrize("text,wanted", FAULTS, ids=[wanted for _, wanted in FAULTS])
def test_a_fault_is_told_at_its_place(tmp_path, text, wanted):
    file = tmp_path / "penstock.yaml"
    file.write_text(text + "\n")
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 1, answer
    assert re.search(wanted, answer.stderr.decode()), answer.stderr.decode()


def test_one_value_may_stand_for_a_list(tmp_path, certificates):
    """A revocation list or an allow-list that is not read admits everybody."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "bad.yml").write_text("title: 5\nno: rule\n")
    file = tmp_path / "penstock.yaml"
    file.write_text(LISTENER + "rules: %s\n" % rules)
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 1 and "bad.yml" in answer.stderr.decode(), "the rules of a scalar path are not read"
    tls = 'listeners:\n- {transport: tls, address: "127.0.0.1:0", tls: {certificate: %s/server.pem, key: %s/server.key, ' \
        'client_ca: %s/ca.pem, client_certificate: required, crl: /nowhere.crl}}\n' % ((certificates,) * 3)
    file.write_text(tls)
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 1 and "/nowhere.crl" in answer.stderr.decode(), answer


def test_a_reload_names_what_takes_a_restart(factory):
    import signal
    service = factory.start()
    changed = dict(service.configuration, site="elsewhere", correlation={"lateness": "7s"})
    service.write(changed)
    service.signal(signal.SIGHUP)
    support.eventually(lambda: "site, correlation: changed" in service.log(), 60, "the log line")
    assert service.stop() == 0


def test_a_plant_file_without_the_rules_lists_starts(tmp_path):
    """The rules in the binary that name lists of the plant file are left out with one warning where it has none."""
    (tmp_path / "plant.yaml").write_text("zones:\n  - {name: cell, level: \"1\", networks: [10.0.0.0/24]}\n")
    (tmp_path / "penstock.yaml").write_text(
        "zones: %s\n%s" % (tmp_path / "plant.yaml", LISTENER))
    answer = support.penstock("check", "-c", tmp_path / "penstock.yaml")
    assert answer.returncode == 0, answer.stderr.decode()
    warnings = answer.stderr.decode().splitlines()
    assert len(warnings) == 1 and "not active: 'lists' lacks asset_scanners, control_masters" in warnings[0]
