# SPDX-License-Identifier: Apache-2.0
"""The schema that editors use for mappings, against the keys that the program reads."""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def read_keys():
    """Every set of keys that a mapping's reader allows somewhere: {keys: file}."""
    found = {}
    for file in sorted((ROOT / "Sources/Normalizer").glob("*.swift")):
        text = file.read_text(encoding="utf-8")
        kinds = re.search(r"let kinds = (\[.*?\])", text, re.S)
        for call in re.findall(r"allow\(only: (.*?)\)\s*[}\n]", text, re.S):
            if kinds:
                call = call.replace("MappingDraft.kinds + [", kinds[1][:-1] + ", ")
            lists = re.findall(r"\[(.*?)\]", call, re.S)
            assert lists, f"{file.name}: {call}: a list of keys that this test cannot read"
            for one in lists:
                found[frozenset(re.findall(r'"(\w+)"', one))] = file.name
    return found


def described_keys(tree, path=""):
    """Every set of keys in the schema: {keys: place}. The name `not` stands among those of captures."""
    found = {}
    if isinstance(tree, dict):
        if "properties" in tree and set(tree["properties"]) != {"not"}:
            found[frozenset(tree["properties"])] = path
            assert tree.get("additionalProperties") is False, f"{path} takes any key"
        for key, below in tree.items():
            found.update(described_keys(below, f"{path}/{key}"))
    elif isinstance(tree, list):
        for number, below in enumerate(tree):
            found.update(described_keys(below, f"{path}/{number}"))
    return found


def test_the_schema_has_the_keys_that_the_program_reads():
    read = read_keys()
    described = described_keys(json.loads((ROOT / "mappings/mapping.schema.json").read_text(encoding="utf-8")))
    assert len(read) > 12
    assert {k: f for k, f in read.items() if k not in described} == {}
    assert {k: p for k, p in described.items() if k not in read} == {}
