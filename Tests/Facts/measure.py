#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how many of the facts that peers extract from vendors' lines Penstock's events hold, and how well mappings
are recognised. Needs ../shared/cases beside the project; without them it says so and ends well.

    Tests/Facts/measure.py [--penstock FILE] [--validate] [--misses PRODUCT] [--json FILE] [--least 97]
    Tests/Facts/measure.py --detect
"""

import argparse
import collections
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import detect  # noqa: E402
import facts  # noqa: E402

ROOT = HERE.parent.parent
COLUMNS = ["product", "lines", "events", "valid", "mapping", "facts", "found", "%", "in unmapped only", "wrong",
           "missing", "not in line", "extra (NAT, MAC)"]


def cases_folder():
    """The shared cases, or None: PENSTOCK_CASES, or shared/cases beside a folder above this one."""
    named = os.environ.get("PENSTOCK_CASES")
    for folder in [pathlib.Path(named)] if named else [up / "shared" / "cases" for up in HERE.parents]:
        if (folder / "vendor").is_dir():
            return folder
    return None


def rows(path):
    """The objects of a file of JSON lines; none when there is no such file."""
    if not path.exists():
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def logs(folder):
    """The lines of a folder's plain log files: nothing is expected of them but valid events."""
    return [{"id": f"{file.name}:{n}", "raw": line} for file in sorted(folder.glob("*.log"))
            for n, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if line]


def normalize(options, lines, timeout=120):
    """Penstock's answers to [{"id", "raw"}], as {id: (mapping, [events])}."""
    penstock = options.penstock
    command = [penstock, "normalize", "--jsonl", *options.pass_on]
    command += [a for m in options.mappings for a in ("--mappings", m)]
    fed = "".join(json.dumps({"id": one["id"], "raw": one["raw"]}, ensure_ascii=False) + "\n" for one in lines)
    done = subprocess.run(command, input=fed.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stderr.decode(errors="replace")[-2000:])
        raise SystemExit(f"measure.py: {penstock} normalize ended with {done.returncode}")
    answers = {}
    for line in done.stdout.decode(errors="replace").split("\n"):
        if line.strip():
            answer = json.loads(line)
            events = answer.get("events") or ([answer["event"]] if isinstance(answer.get("event"), dict) else [])
            answers.setdefault(answer["id"], (answer.get("mapping"), []))[1].extend(events)
    return answers


def validator(cases, schema):
    """A function that returns the errors of an event under the compiled schema, from the cases' own validator."""
    spec = importlib.util.spec_from_file_location("ocsf_validate", cases / "ocsf" / "validate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    checker = module.Validator(schema)
    return lambda event: list(checker.validate(event, False, False)[0])


def captions(schema):
    """What the activities are called: {(class_uid, activity_id): caption}."""
    return {(c["uid"], int(i)): e["caption"] for c in schema["classes"].values()
            for i, e in c["attributes"].get("activity_id", {}).get("enum", {}).items() if i.lstrip("-").isdigit()}


def best(findings_of_events):
    """One line may yield several events: a fact counts in the best of its states."""
    order = ["found", "unmapped", "wrong", "missing", "absent"]
    merged = {}
    for findings in findings_of_events:
        for one in findings:
            old = merged.get(one.fact)
            if old is None or order.index(one.state) < order.index(old.state):
                merged[one.fact] = one
    return list(merged.values())


def measure_product(folder, options, check, names):
    """All findings of one product's two case files."""
    result = {"product": folder.name, "lines": 0, "events": 0, "valid": 0, "invalid": [], "mappings": {},
              "findings": []}
    mapped = collections.Counter()
    for inputs, expectations in (("input", "expected"), ("ocsf-input", "ocsf-expected"), ("*.log", "")):
        lines = logs(folder) if inputs == "*.log" else rows(folder / f"{inputs}.jsonl")
        if not lines:
            continue
        wanted = {one["id"]: one for one in rows(folder / f"{expectations}.jsonl")}
        answers = normalize(options, lines)
        for line in lines:
            mapping, events = answers.get(line["id"], (None, []))
            result["lines"] += 1
            result["events"] += 1 if events else 0
            mapped[mapping] += 1
            errors = [e for event in events for e in (check(event) if check else [])]
            result["valid"] += 1 if events and not errors else 0
            if errors:
                result["invalid"].append({"id": line["id"], "errors": errors[:4]})
            want = wanted.get(line["id"])
            if want:
                found = best(facts.compare(want["fields"], want["schema"], event, line["raw"], names)
                             for event in events or [{}])
                result["findings"].append({"id": line["id"], "raw": line["raw"], "mapping": mapping,
                                           "schema": want["schema"], "facts": [vars(f) for f in found]})
    result["mappings"] = dict(mapped.most_common())
    return result


def tally(result):
    """The counts of a product: how many facts are in which state, and the extras apart."""
    states = collections.Counter(f["state"] for one in result["findings"] for f in one["facts"] if f["core"])
    extra = collections.Counter(f["state"] for one in result["findings"] for f in one["facts"] if not f["core"])
    counted = sum(states[s] for s in ("found", "unmapped", "wrong", "missing"))
    return {"facts": counted, **{s: states[s] for s in ("found", "unmapped", "wrong", "missing", "absent")},
            "share": 100 * states["found"] / counted if counted else None,
            "extra": f"{extra['found']}/{sum(extra.values()) - extra['absent']}"}


def has_mapping(result):
    """Whether the product has a mapping of its own, not only generic ones."""
    return any(name in detect.OWN.get(result["product"], ()) for name in result["mappings"])


def print_table(results, checked):
    """The table as Markdown."""
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---|" + "---:|" * 3 + "---|" + "---:|" * (len(COLUMNS) - 5))
    sums = collections.Counter()
    for one in results:
        t = one["tally"]
        names = ", ".join(f"{n} {c}" for n, c in one["mappings"].items())
        valid = one["valid"] if checked else "–"
        share = "–" if t["share"] is None else f"{t['share']:.1f}"
        print(f"| {one['product']} | {one['lines']} | {one['events']} | {valid} | {names} | "
              f"{t['facts']} | {t['found']} | {share} | {t['unmapped']} | "
              f"{t['wrong']} | {t['missing']} | {t['absent']} | {t['extra']} |")
        sums.update({k: one[k] for k in ("lines", "events", "valid")})
        sums.update({k: t[k] for k in ("facts", "found", "unmapped", "wrong", "missing", "absent")})
    share = 100 * sums["found"] / sums["facts"] if sums["facts"] else 0
    print(f"| all | {sums['lines']} | {sums['events']} | {sums['valid'] if checked else '–'} | | {sums['facts']} | "
          f"{sums['found']} | {share:.1f} | {sums['unmapped']} | {sums['wrong']} | {sums['missing']} | "
          f"{sums['absent']} | |")


def print_misses(result, everything):
    """Each miss of one product: the line, then fact, state, expected value and what the event has."""
    for one in result["findings"]:
        states = ("unmapped", "wrong", "missing") + (("absent",) if everything else ())
        missed = [f for f in one["facts"] if f["state"] in states]
        if not missed:
            continue
        print(f"{one['id']} [{one['mapping']}] {one['raw'][:300]!r}")
        for f in missed:
            extra = "" if f["core"] else " (extra)"
            print(f"    {f['state']:8} {f['fact']}{extra}: {f['field']} = {f['expected']!r}; event has {f['had']}")
    for bad in result["invalid"]:
        print(f"{bad['id']} INVALID {bad['errors']}")


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description="facts of vendors' lines that Penstock's events hold")
    parser.add_argument("--penstock", default=str(ROOT / ".build" / "release" / "penstock"), metavar="FILE")
    parser.add_argument("--mappings", action="append", default=[], metavar="PATH", help="instead of the embedded ones")
    parser.add_argument("--product", action="append", default=[], help="only this case folder; may be repeated")
    parser.add_argument("--pass-on", action="append", default=[], metavar="ARGUMENT",
                        help="an argument for penstock normalize, as in --pass-on=--ocsf-version=1.1.0")
    parser.add_argument("--validate", action="store_true", help="validate every event; exit 1 when one is invalid")
    parser.add_argument("--schema", default="schema.json", help="file in shared/cases/ocsf (schema-1.1.0.json)")
    parser.add_argument("--misses", metavar="PRODUCT", help="print each miss of one product ('all' for all)")
    parser.add_argument("--absent", action="store_true", help="with --misses: also facts that the line does not carry")
    parser.add_argument("--json", metavar="FILE", help="write everything as JSON")
    parser.add_argument("--least", type=float, metavar="PERCENT", help="exit 1 when a product with a mapping is below")
    parser.add_argument("--detect", action="store_true", help="measure recognition of 292 device types instead")
    return parser.parse_args()


def main():
    """Measures, prints, and returns the exit status."""
    options = arguments()
    cases = cases_folder()
    if cases is None:
        print("measure.py: skipped, shared/cases is not beside the project")
        return 0
    if options.detect:
        return detect.run(rows(cases / "syslog" / "vendor-detect-sc4s.jsonl"),
                          lambda lines: normalize(options, lines), options)
    schema = json.loads((cases / "ocsf" / options.schema).read_text(encoding="utf-8"))
    check = validator(cases, schema) if options.validate else None
    names = captions(schema)
    folders = [f for f in sorted((cases / "vendor").iterdir()) if [*f.glob("*input.jsonl"), *f.glob("*.log")]
               and (not options.product or f.name in options.product)
               and (options.misses in (None, "all", f.name))]
    results = []
    for folder in folders:
        result = measure_product(folder, options, check, names)
        results.append({**result, "tally": tally(result)})
    if options.misses:
        for result in results:
            print_misses(result, options.absent)
    print_table(results, options.validate)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8")
    invalid = sum(len(r["invalid"]) for r in results)
    if options.validate:
        print(f"\n{invalid} lines with an invalid event (OCSF {schema['version']})")
    below = [r["product"] for r in results if options.least is not None and has_mapping(r)
             and (r["tally"]["share"] if r["tally"]["share"] is not None else 100) < options.least]
    if below:
        print(f"below {options.least:g} %: {', '.join(below)}")
    return 1 if below or invalid else 0


if __name__ == "__main__":
    sys.exit(main())
