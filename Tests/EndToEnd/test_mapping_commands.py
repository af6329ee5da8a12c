# SPDX-License-Identifier: Apache-2.0
"""`penstock check` and `penstock test` for who writes mappings: faults at their places, readable differences, updates."""
import os
import re

import support

MAPPING = """\
# by hand
name: demo
match:
  - {program: demo}
parse:
  - kv: true
events:
  - when: {user: {exists: true}}
    class: authentication
    activity_id: Logon   # always
    map: {user.name: user, service.name: {value: demo}, status_detail: why}
  - class: base_event
    activity_id: 0
    map: {message: syslog.message}
samples:
  - input: '<13>Nov 21 10:00:01 h demo: user=bob why="no such user"'
    expect: {class_uid: 3002, user.name: "bob", status_detail: 'no such user'}
  - input: '<13>Nov 21 10:00:01 h demo: started'
    expect:
      class_uid: 0   # still
      message: started
# the end
"""


def check(*paths):
    answer = support.penstock("check", *paths)
    return answer.returncode, answer.stderr.decode().splitlines(), answer.stdout.decode()


def test_check_tells_every_kind_of_fault_at_its_place(tmp_path):
    file = tmp_path / "demo.yaml"
    faulty = MAPPING.replace("user.name: user,", "user.nmae: user, severity: {value: 1}, is_remote: {value: maybe}, "
                             "status_id: {value: Fine},").replace("service.name: {value: demo}, ", "")
    file.write_text(faulty)
    code, told, _ = check(tmp_path)
    assert code == 1
    assert told == [
        "%s:9:12: authentication of OCSF 1.8.0 demands 'service' or 'dst_endpoint': map one of them" % file,
        "%s:11:11: user of OCSF 1.8.0 has no attribute 'nmae' (did you mean 'name'?)" % file,
        "%s:11:69: is_remote takes true or false, not 'maybe'" % file,
        "%s:11:96: status_id has no value 'Fine'; it takes 0 Unknown, 1 Success, 2 Failure, 99 Other" % file,
        "4 faults",
    ]


def test_check_warns_of_what_is_never_reached_and_of_ambiguity(tmp_path):
    (tmp_path / "demo.yaml").write_text(MAPPING.replace("  - when: {user: {exists: true}}\n    class: auth",
                                                        "  - class: auth"))
    (tmp_path / "other.yaml").write_text(
        "name: other\nmatch: [{program: [demo, x], contains: [user]}]\n"
        "events: [{class: base_event, activity_id: 0}]\nsamples: []\n")
    code, told, said = check(tmp_path / "demo.yaml", tmp_path / "other.yaml")
    assert code == 0 and said.startswith("fine: ") and said.endswith(", 2 warnings\n")
    assert len(told) == 2, told
    assert told[0].startswith("%s/demo.yaml:11:5: warning: never reached: the event of line 8 takes every record" % tmp_path)
    assert told[1].startswith("%s/demo.yaml:15:5: warning: ambiguous: 'demo' and 'other', both of rank 100, take this "
                              "sample; 'demo' is asked first by its name alone" % tmp_path)


def test_what_ships_has_no_warning():
    answer = support.penstock("check", "mappings/sources", "mappings/rules", cwd=support.ROOT)
    assert answer.returncode == 0 and answer.stderr == b"", answer.stderr.decode()


def test_check_without_anything_to_read(tmp_path):
    code, told, _ = check(tmp_path, tmp_path / "gone.yaml")
    assert code == 1 and "no .yaml or .yml file is there" in told[0] and "cannot be read" in told[1]


def test_a_failing_sample_shows_expected_and_actual(tmp_path):
    file = tmp_path / "demo.yaml"
    file.write_text(MAPPING.replace('"bob"', "eve"))
    answer = support.penstock("test", file)
    assert answer.returncode == 1 and answer.stdout == b"1 passed, 1 failed\n"
    assert answer.stderr.decode() == (
        "%s:16:5: sample 1 of 'demo' fails: 1 of 3 attributes differ\n"
        "    input:     <13>Nov 21 10:00:01 h demo: user=bob why=\"no such user\"\n"
        "  %s:17:42: user.name\n    expected:  eve\n    actual:    bob\n" % (file, file))


def test_update_rewrites_values_and_nothing_else(tmp_path):
    file = tmp_path / "demo.yaml"
    wrong = MAPPING.replace('"bob"', '"eve"').replace("message: started", "message: stopped  # why")
    file.write_text(wrong)
    file.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    dry = support.penstock("test", "--update", "--dry-run", file)
    assert dry.returncode == 0 and file.read_text() == wrong
    assert dry.stdout.decode() == "%s: 2 samples to rewrite (2 attributes)\n0 passed, 2 to rewrite, 0 failed\n" % file
    answer = support.penstock("test", "--update", link)
    assert answer.returncode == 0, answer.stderr.decode()
    assert answer.stdout.decode() == "%s: 2 samples rewritten (2 attributes)\n0 passed, 2 rewritten, 0 failed\n" % link
    assert file.read_text() == MAPPING.replace("message: started", "message: started  # why")
    assert file.stat().st_mode & 0o777 == 0o640 and link.is_symlink() and sorted(os.listdir(tmp_path)) == [
        "demo.yaml", "link.yaml"]
    before = file.stat().st_mtime_ns
    again = support.penstock("test", "--update", file)
    assert again.returncode == 0 and again.stdout == b"2 passed, 0 rewritten, 0 failed\n"
    assert file.stat().st_mtime_ns == before


def test_update_writes_what_a_new_sample_becomes(tmp_path):
    file = tmp_path / "demo.yaml"
    file.write_text(re.sub(r"    expect: \{class_uid: 3002.*\n", "", MAPPING))
    assert support.penstock("test", file).returncode == 1
    assert support.penstock("test", "--update", file).returncode == 0
    assert "\n    expect:\n      class_uid: 3002\n      activity_id: 1\n" in file.read_text()
    assert support.penstock("test", file).stdout == b"2 passed, 0 failed\n"


def test_update_refuses_what_it_cannot_do_safely(tmp_path):
    file = tmp_path / "demo.yaml"
    shared = MAPPING.replace('"bob"', "&who eve").replace("message: started", "message: *who")
    file.write_text(shared)
    answer = support.penstock("test", "--update", file)
    assert answer.returncode == 1 and file.read_text() == shared
    assert answer.stderr.decode().count("edit it by hand") == 2
    broken = MAPPING.replace("Logon", "Login")
    file.write_text(broken)
    answer = support.penstock("test", "--update", file)
    assert answer.returncode == 1 and file.read_text() == broken and b"nothing is rewritten" in answer.stderr
    for usage in (("--update",), ("--dry-run", file)):
        assert support.penstock("test", *usage).returncode == 2
