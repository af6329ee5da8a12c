# SPDX-License-Identifier: Apache-2.0
"""Windows over kills: what was correlated when the service was killed again and again is what one run finds.

PENSTOCK_KILLS and PENSTOCK_EVENTS make it longer (20 and 1000000 are what the project promises).
"""
import datetime as dt
import json
import os
import random
import socket
import time

from conftest import Factory
from support import eventually, penstock

KILLS = int(os.environ.get("PENSTOCK_KILLS", "4"))
EVENTS = int(os.environ.get("PENSTOCK_EVENTS", "12000"))
START = dt.datetime.now(dt.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=2)
RULES = """\
title: failure
name: FAILURE
logsource: {product: ocsf, category: authentication}
detection: {failed: {status_id: 2, auth_protocol: SSH, unmapped.ssh.method: password}, condition: failed}
level: low
---
title: success
name: SUCCESS
logsource: {product: ocsf, category: authentication}
detection: {passed: {status_id: 1, auth_protocol: SSH}, condition: passed}
level: low
---
title: many failures
name: MANY
level: high
correlation: {type: event_count, rules: [FAILURE], group-by: [src_endpoint.ip], timespan: 1m, condition: {gte: 5}, generate: false}
---
title: many names
name: NAMES
level: high
correlation: {type: value_count, rules: [FAILURE], group-by: [src_endpoint.ip], timespan: 5m, condition: {field: user.name, gte: 6}}
---
title: guessed
name: GUESSED
level: critical
correlation: {type: temporal_ordered, rules: [MANY_STEP, SUCCESS], group-by: [src_endpoint.ip], timespan: 10m}
---
title: step
name: MANY_STEP
level: low
correlation: {type: event_count, rules: [FAILURE], group-by: [src_endpoint.ip], timespan: 1m, condition: {gte: 4}}
"""


def stream(seed):
    """sshd lines in RFC 5424, in the order of their own times but for a little disorder."""
    generator = random.Random(seed)
    moment, made = START, []
    while len(made) < EVENTS:
        moment += dt.timedelta(milliseconds=generator.randrange(40, 400))
        address = "198.51.%d.%d" % (generator.randrange(100, 104), generator.randrange(1, 40))
        user = "user%d" % generator.randrange(12)
        what = "Accepted" if generator.random() < 0.04 else "Failed"
        stamp = moment - dt.timedelta(milliseconds=generator.randrange(0, 900))
        made.append("<38>1 %s bastion sshd 4711 - - %s password for %s from %s port %d ssh2" % (
            stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), what, user, address, generator.randrange(1024, 65000)))
    # One that comes hours later takes event time past all windows.
    moment += dt.timedelta(hours=3)
    made.append("<38>1 %s bastion sshd 4711 - - Failed password for last from 192.0.2.1 port 5 ssh2"
                % moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    return made


def facts(service):
    """What incidents say, without what belongs to one run: uids, times of receipt, and what rests on them; and without the
    numbers of revisions, since a sender that seems silent for a second on a busy machine is no longer waited for."""
    answer = penstock("incident", "list", "--all", "--json", "--limit", "100000", "-c", service.file)
    assert answer.returncode == 0, answer.stderr.decode()
    found = {}
    for record in map(json.loads, answer.stdout.splitlines()):
        found[record["id"]] = {
            "severity": record["severity"], "actor": record["actor"],
            "rules": record["rules"], "techniques": record["techniques"],
            "detections": [{k: d[k] for k in ("firing", "count", "time", "first", "last", "group")}
                           for d in record["detections"]],
            "timeline": [(e["time"], e["text"], e["rules"]) for e in record["timeline"]],
        }
    return found


def run(factory, lines, kills):
    """The incidents of a stream over TCP while the service is killed `kills` times, each time it has all that was sent."""
    generator = random.Random(7)
    rules = factory.folder / "rules.yml"
    rules.write_text(RULES)
    settings = factory.configuration(rules=str(rules), correlation={"out_of_order": "2s", "lateness": "5m"})
    cuts, done = sorted(generator.sample(range(1, len(lines)), kills)) + [len(lines)], 0
    for number, cut in enumerate(cuts):
        service = factory.start(settings)
        with socket.create_connection(("127.0.0.1", service.tcp), timeout=60) as sender:
            for start in range(done, cut, 400):
                sender.sendall("".join(line + "\n" for line in lines[start:min(cut, start + 400)]).encode())
                time.sleep(0.01)
            # What the journal has not would be lost with the process.
            eventually(lambda: service.count("penstock_journal_appended_frames_total") >= cut - done, 120, "all messages",
                       0.001)
            done = cut
            if number < kills:
                service.kill()

    def settled():
        first = facts(service)
        time.sleep(3)
        return first if first and facts(service) == first else None
    return eventually(settled, 120, "incidents that stay as they are", 0.5)


def test_kills_change_no_incident(tmp_path, certificates):
    lines, found = stream(3), {}
    for name, kills in [("whole", 0), ("killed", KILLS)]:
        (tmp_path / name).mkdir()
        factory = Factory(tmp_path / name, certificates)
        try:
            found[name] = run(factory, lines, kills)
        finally:
            factory.close()
    whole, killed = found["whole"], found["killed"]
    assert len(whole) > 20
    assert any(len(record["rules"]) > 1 for record in whole.values())
    assert set(killed) == set(whole)
    differences = [(name, key, killed[name][key], value) for name, record in whole.items()
                   for key, value in record.items() if killed[name][key] != value]
    assert not differences, "%d: %r" % (len(differences), differences[:4])
