# SPDX-License-Identifier: Apache-2.0
"""Incidents in people's hands: commands beside a running service, reports, proofs, and what the service sends out."""
import hashlib
import html.parser
import json
import os
import re
import sqlite3
import subprocess
import sys

import pytest
import support


def packet(source, destination, port=502):
    return b"<4>Nov 21 10:00:01 fw kernel: IN=eth0 OUT=eth1 SRC=%s DST=%s LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF " \
        b"PROTO=TCP SPT=40000 DPT=%d WINDOW=64240 RES=0x00 SYN URGP=0" % (source.encode(), destination.encode(), port)


ATTACKER, OTHER, PLC = "172.24.0.9", "172.24.0.77", "172.21.0.10"


class Desk:
    """`penstock incident` and `penstock report` on the store of a service."""

    def __init__(self, service):
        self.service = service

    def run(self, *arguments, status=0, by="ana"):
        environment = dict(os.environ, USER=by)
        environment.pop("SUDO_USER", None)
        answer = subprocess.run([str(support.BINARY), *map(str, arguments), "-c", str(self.service.file)],
                                capture_output=True, timeout=120, env=environment)
        assert answer.returncode == status, answer.stderr.decode()
        return answer.stdout.decode() if status == 0 else answer.stderr.decode()

    def incident(self, *arguments, **options):
        return self.run("incident", *arguments, **options)

    def record(self, name):
        return json.loads(self.incident("show", name, "--json"))

    def report(self, name, format):
        return self.run("report", "incident", name, "--format", format)


def incidents(service):
    """The incidents in the lake, by the address that acted."""
    return {record["actor"]["value"]: record for record in support.incidents(service.lake).values()}


@pytest.fixture
def desk(factory):
    configuration = factory.configuration()
    configuration["correlation"] = {"out_of_order": "0s", "lateness": "0s"}
    configuration["incidents"] = {"contacts": [{"zone": "*", "name": "Control room", "reach": "4711"}]}
    events = factory.folder / "events.ndjson"
    configuration["outputs"]["lines"] = [{"name": "archive", "path": str(events)}]
    service = factory.start(configuration)
    support.send_tcp(service.tcp, support.octets([packet(ATTACKER, PLC), packet(OTHER, "172.21.0.11")]))
    support.eventually(lambda: {ATTACKER, OTHER} <= set(incidents(service)), 60, "two incidents")
    made = Desk(service)
    made.events = events
    made.id = incidents(service)[ATTACKER]["id"]
    made.other = incidents(service)[OTHER]["id"]
    yield made
    assert service.stop() == 0, service.log()


def test_a_life_beside_the_service(desk):
    listed = desk.incident("list")
    assert desk.id in listed and desk.other in listed and "CROSS_ZONE_VIOLATION" in listed
    first = desk.record(desk.id)
    assert first["status"] == "new" and [a["kind"] for a in first["actions"]] == ["opened"]
    desk.incident("acknowledge", desk.id)
    desk.incident("assign", desk.id[:9].lower(), "--to", "Bo Ek")
    desk.incident("comment", desk.id, "the vendor was on site")
    desk.incident("update", desk.id, "--status", "contained", "--measure", "port closed", "--cause", "a lost laptop")
    assert desk.id in desk.incident("acknowledge", desk.id, status=1)
    # The engine goes on from what the analyst left, and takes nothing back.
    support.send_tcp(desk.service.tcp, support.octets([packet(ATTACKER, "172.21.0.12", 102)]))
    support.eventually(lambda: "172.21.0.12" in str(desk.record(desk.id)["affected"]), 60, "the engine's next revision")
    record = desk.record(desk.id)
    assert record["assignee"] == "Bo Ek" and record["status"] == "contained" and record["cause"] == "a lost laptop"
    assert [a["kind"] for a in record["actions"]] == \
        ["opened", "acknowledged", "assigned", "commented", "moved", "explained", "contained"]
    assert {a["by"] for a in record["actions"][1:]} == {"ana"}
    desk.incident("close", desk.id, "--verdict", "true_positive", "--comment", "restored", "--by", "Bo Ek")
    record = desk.record(desk.id)
    assert record["status"] == "closed" and record["verdict"] == "true_positive" and record["actions"][-1]["by"] == "Bo Ek"
    assert desk.id not in desk.incident("list") and desk.id in desk.incident("list", "--all")
    desk.incident("reopen", desk.id, "--comment", "it came back")
    assert desk.record(desk.id)["status"] == "in_progress"
    assert "INC-00000000" in desk.incident("close", "INC-00000000", "--verdict", "test", status=1)
    assert "verdict" in desk.incident("close", desk.id, "--verdict", "nonsense", status=2)
    # Every step names the one before; anyone can compute it.
    previous = None
    for number, action in enumerate(desk.record(desk.id)["actions"], 1):
        assert action["number"] == number and action.get("prev_hash") == previous
        content = {k: v for k, v in action.items() if k != "hash"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        previous = action["hash"]
        assert hashlib.sha256(text.encode()).hexdigest() == previous


def test_the_service_sends_out_what_analysts_do(desk, cases):
    desk.incident("acknowledge", desk.id)
    desk.incident("close", desk.id, "--verdict", "benign", "--comment", "planned work")

    def told():
        lines = desk.events.read_text().splitlines() if desk.events.exists() else []
        made = [e for e in map(json.loads, lines) if e["class_uid"] == 2005 and e["unmapped"]["incident"]["id"] == desk.id]
        return made if any(e["activity_id"] == 3 for e in made) else None
    events = sorted(support.eventually(told, 60, "the Close"), key=lambda e: e["unmapped"]["incident"]["revision"])
    close = events[-1]
    assert close["activity_id"] == 3 and close["verdict_id"] == 5 and close["status_id"] == 5
    assert close["assignee"]["name"] == "ana" and "planned work" in close["comment"]
    update = [e for e in events if "acknowledged" in e.get("comment", "")]
    assert len(update) == 1 and update[0]["activity_id"] == 2 and update[0]["status_id"] == 2
    assert [e["unmapped"]["incident"]["record_sha256"] for e in events][-1] == json.loads(
        desk.incident("verify", desk.id))["head"]
    answer = subprocess.run([sys.executable, str(cases / "ocsf/validate.py")], capture_output=True,
                            input="\n".join(map(json.dumps, events)).encode())
    assert answer.returncode == 0, answer.stdout.decode()
    # The object is the newest record, whoever made it.
    support.becomes(lambda: support.incidents(desk.service.lake)[desk.id]["status"], "closed", "the object in the lake")


def test_commands_without_the_service(desk):
    assert desk.service.stop() == 0
    desk.incident("acknowledge", desk.id)
    proofs = [json.loads(line) for line in desk.incident("verify").splitlines()]
    assert {p["incident"] for p in proofs} == {desk.id, desk.other} and all(p["faults"] == [] for p in proofs)
    assert json.loads(desk.incident("verify", desk.id))["actions"] == 2


@pytest.mark.parametrize("change, word", [
    ("update incidents set json = cast(replace(cast(json as text), 'acknowledged', 'appreciated') as blob)", "log"),
    ("delete from incident_revisions where revision = 1", "missing"),
    ("update evidence set bytes = zeroblob(length(bytes))", "not what was received"),
])
def test_tampering_is_found_out(desk, change, word):
    desk.incident("acknowledge", desk.id)
    assert desk.service.stop() == 0
    store = sqlite3.connect(desk.service.folder / "data/penstock.sqlite")
    store.execute(change)
    store.commit()
    store.close()
    assert word in desk.incident("verify", status=1)


class Tags(html.parser.HTMLParser):
    """The elements, links and texts of a page; raises nothing, so what is open at the end is told too."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.text = [], set(), [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [v for k, v in attributes if k in ("href", "src")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text += data


def test_reports(desk, tmp_path):
    desk.incident("comment", desk.id, "<script>alert(1)</script> | **bold** [x](http://evil.example)")
    record = desk.record(desk.id)
    for format in ("markdown", "html", "json", "stix"):
        made = desk.report(desk.id, format)
        assert desk.report(desk.id, format) == made, "the same record gives the same bytes"
        file = tmp_path / format
        desk.run("report", "incident", desk.id, "--format", format, "-o", file)
        assert file.read_text() == made
    page = Tags((tmp_path / "html").read_text())
    assert page.open == [] and "script" not in page.tags and "img" not in page.tags
    assert "<script>alert(1)</script>" in page.text, "what came from outside is text"
    assert all(link.startswith("https://attack.mitre.org/") for link in page.links)
    for word in (record["id"], record["uid"], record["summary"], "Control room", "DE.AE-08", "Contain now",
                 record["evidence"][0]["sha256"], record["actions"][-1]["hash"], "plc-1", "Level 6"):
        assert word in page.text, word
    markdown = (tmp_path / "markdown").read_text()
    assert not re.search(r"(?<!\\)<", markdown) and not re.search(r"(?<!\\)\*\*", markdown)
    given = json.loads((tmp_path / "json").read_text())
    text = json.dumps(given["record"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == given["record_sha256"] and given["record"] == record
    # The same from the record that lies in the lake.
    support.becomes(lambda: support.incidents(desk.service.lake)[desk.id]["revision"], record["revision"], "the object")
    object = desk.service.lake / "incidents" / (desk.id + ".json")
    assert support.penstock("report", "incident", "--record", object, "--format", "stix").stdout == \
        (tmp_path / "stix").read_bytes()
    assert support.penstock("report", "incident", "--record", desk.service.file).returncode == 1


def test_the_stix_bundle_is_valid(desk):
    """By OASIS's own library, which checks properties, vocabularies, references and patterns."""
    stix2 = pytest.importorskip("stix2", reason="stix2 is not installed")
    bundle = json.loads(desk.report(desk.id, "stix"))
    for made in bundle["objects"]:
        # The draft's event, and the draft's properties of an incident, are extensions that it does not know.
        stix2.parse(made, allow_custom=made["type"] in ("event", "incident"))
    stix2.parse(bundle, allow_custom=True)


def test_evidence_with_its_custody(desk, tmp_path):
    desk.incident("evidence", desk.id, "-o", tmp_path / "copy")
    record = desk.record(desk.id)
    for item in record["evidence"]:
        data = (tmp_path / "copy" / item["sha256"]).read_bytes()[item["offset"]:item["offset"] + item["length"]]
        assert hashlib.sha256(data).hexdigest() == item["sha256"]
        assert [c["by"] for c in item["custody"]][1:] == ["ana"] and "copied to" in item["custody"][-1]["what"]
    assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "copy").returncode == 0


def test_merge_split_and_suppression(desk):
    desk.incident("merge", desk.other, "--into", desk.id, "--comment", "one crew")
    gone, kept = desk.record(desk.other), desk.record(desk.id)
    assert gone["status"] == "closed" and gone["verdict"] == "duplicate" and gone["related"][-1]["id"] == desk.id
    assert kept["related"][-1] == {"id": desk.other, "relation": "took in"} and len(kept["detections"]) == 2
    firing = [d["firing"] for d in kept["detections"] if OTHER in str(d["group"])][0]
    desk.incident("split", desk.id, "--firing", firing[:12])
    new = desk.record(desk.id)["related"][-1]["id"]
    assert desk.record(new)["related"] == [{"id": desk.id, "relation": "split from"}]
    desk.incident("close", desk.id, "--verdict", "benign")
    desk.incident("suppress", desk.id, "--days", "1", "--comment", "planned work")
    before = len(desk.incident("list", "--all").splitlines())
    count = desk.record(desk.id)["suppressions"]
    assert count and all(c["detections"] == 0 for c in count)
    assert all(json.loads(line)["faults"] == [] for line in desk.incident("verify").splitlines())
    assert len(desk.incident("list", "--all").splitlines()) == before


def test_there_must_be_a_store(tmp_path):
    file = tmp_path / "penstock.yaml"
    file.write_text('data: nowhere\nlisteners: [{transport: udp, address: "127.0.0.1:0"}]\n')
    answer = support.penstock("incident", "list", "-c", file)
    assert answer.returncode == 1 and "nowhere/penstock.sqlite" in answer.stderr.decode()
    assert not (tmp_path / "nowhere").exists()
