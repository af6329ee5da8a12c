# SPDX-License-Identifier: Apache-2.0
"""Windows over kills: what was correlated when the service was killed again and again is what one run finds.

PENSTOCK_KILLS and PENSTOCK_EVENTS make it longer (20 and 1000000 are what the project promises).
"""
import contextlib
import os
import random

from conftest import Factory
from correlation_stream import CORRELATION, RULES, connect, facts, finish, same, stream
from support import eventually, penstock

KILLS = int(os.environ.get("PENSTOCK_KILLS", "4"))
PORTION = 200


def kept(service):
    """How many messages the journal of a service that is dead holds."""
    answer = penstock("replay", "--raw", "-c", service.file, timeout=600)
    assert answer.returncode == 0, answer.stderr.decode()
    return answer.stdout.count(b"\n")


def run(factory, made, kills):
    """The incidents of a stream over TCP while the service is killed `kills` times, each time amid what it is sent."""
    rules = factory.folder / "rules.yml"
    rules.write_text(RULES)
    settings = factory.configuration(rules=str(rules), correlation=CORRELATION)
    lines, generator = [event.line.encode() for event in made], random.Random(7)
    done = 0

    def send(connection, start, end):
        for portion in range(start, end, PORTION):
            connection.sendall(b"".join(lines[portion:min(end, portion + PORTION)]))

    for number, cut in enumerate(sorted(generator.sample(range(1, len(lines)), kills))):
        service = factory.start(settings)
        stack, connections = connect(service, 1, 1)
        # No pause between sending and the end: wherever reading, writing and judging have come to. Every other time the
        # next start has windows that were kept, and not only the journal.
        with contextlib.suppress(ConnectionError), stack:
            rest = max(done, cut - generator.randrange(3000))
            send(connections[0], done, rest)
            if number % 2 == 0:
                eventually(lambda: service.count("penstock_correlation_checkpoint_bytes") > 10_000, 300, "a checkpoint")
            send(connections[0], rest, cut)
            service.kill()
        # What the journal has not is lost with the process: a sender that can sends it again.
        done = kept(service)
        assert done <= cut
    service = factory.start(settings)
    stack, connections = connect(service, 1, 1)
    with stack:
        send(connections[0], done, len(lines))
        finish(service, connections, made)
        return facts(service)


def test_kills_change_no_incident(tmp_path, certificates):
    made, found = stream(3), {}
    for name, kills in [("whole", 0), ("killed", KILLS)]:
        (tmp_path / name).mkdir()
        factory = Factory(tmp_path / name, certificates)
        try:
            found[name] = run(factory, made, kills)
        finally:
            factory.close()
    whole = found["whole"]
    assert len(whole) > 20
    assert any(len(record["rules"]) > 1 for record in whole.values())
    same(whole, found["killed"])
