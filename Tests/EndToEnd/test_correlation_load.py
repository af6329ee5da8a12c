# SPDX-License-Identifier: Apache-2.0
"""Windows while the service is halted, held up or never idle: what is its own slowness is nobody's silence, and what it
has judged is kept all the same."""
import contextlib
import datetime as dt
import itertools
import signal
import socket
import threading
import time

import pytest
from correlation_stream import checkpoint, held_up, records
from support import eventually, send_udp

# How long a beacon may be silent, and how long the service is held up: what waits for its store waits for five seconds.
SILENCE, HALT = 3, 4.5
BEACON = """\
title: beat
name: BEAT
logsource: {product: ocsf, category: authentication}
detection: {beat: {user.name: beacon}, condition: beat}
level: low
---
title: missing
name: MISSING
level: high
correlation: {type: event_count, rules: [BEAT], group-by: [user.name], timespan: %ds, condition: {lt: 1}, generate: false}
""" % SILENCE
FAILURE = """\
title: failure
name: FAILURE
logsource: {product: ocsf, category: authentication}
detection: {failed: {status_id: 2, auth_protocol: SSH, unmapped.ssh.method: password}, condition: failed}
level: low
penstock: {group-by: [src_endpoint.ip], timespan: 1m}
"""
MANY = FAILURE.replace("penstock: {group-by: [src_endpoint.ip], timespan: 1m}\n", """\
---
title: many failures
name: MANY
level: high
correlation: {type: event_count, rules: [FAILURE], group-by: [src_endpoint.ip], timespan: 5m, condition: {gte: 5}, generate: false}
""")


def failure(address, user="root", moment=None):
    """A failed login over SSH at a moment, of which sshd's host tells."""
    moment = moment or dt.datetime.now(dt.timezone.utc)
    return "<38>1 %s bastion sshd 4711 - - Failed password for %s from %s port 4022 ssh2\n" % (
        moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), user, address)


def start(factory, rules, out_of_order="0s"):
    file = factory.folder / "rules.yml"
    file.write_text(rules)
    return factory.start(factory.configuration(
        rules=str(file), correlation={"out_of_order": out_of_order, "lateness": "5m"}))


def connect(service):
    return socket.create_connection(("127.0.0.1", service.tcp), 60)


@contextlib.contextmanager
def halted(service):
    """The whole process stands still."""
    service.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.signal(signal.SIGCONT)


@pytest.mark.parametrize("hold", [halted, held_up])
def test_slowness_of_its_own_is_no_silence(factory, hold):
    service = start(factory, BEACON)
    with connect(service) as connection:
        def beat(seconds):
            """Goes on for so long; the moment of the last beat."""
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                last = dt.datetime.now(dt.timezone.utc)
                connection.sendall(failure("10.0.0.1", "beacon", last).encode())
                time.sleep(0.1)
            return last
        # Until there is a checkpoint, so that the next event makes another one due.
        beat(1)
        eventually(lambda: beat(0.2) and service.count("penstock_correlation_checkpoint_bytes"), 60, "a checkpoint")
        with hold(service):
            beat(HALT)
        last = beat(1.5)
        # The silence of the beacon itself is found, and nothing before it.
        eventually(lambda: service.count("penstock_firings_total", rule="MISSING"), 60, "the beacon's silence")
    eventually(lambda: records(service), 60, "the incident")
    times = [firing["time"] for record in records(service) for firing in record["detections"]]
    assert len(times) == 1, times
    wanted = last + dt.timedelta(seconds=SILENCE)
    assert abs(dt.datetime.fromisoformat(times[0].replace("Z", "+00:00")) - wanted) < dt.timedelta(milliseconds=2)


# How long the load lasts, and by how much a checkpoint may be behind it, in seconds.
LOAD, BEHIND = 12, 8


def test_checkpoints_are_made_though_nothing_pauses(factory):
    service = start(factory, FAILURE)
    ended, moment = threading.Event(), dt.datetime.now(dt.timezone.utc)

    def load():
        # Every fiftieth has an address of its own and fires, which is a transaction: hits wait for the correlator at any
        # time.
        others = failure("10.255.255.1", moment=moment) * 49
        with contextlib.suppress(OSError), connect(service) as connection:
            for number in itertools.count():
                if ended.is_set():
                    return
                address = "10.%d.%d.%d" % (number >> 16 & 255, number >> 8 & 255, number & 255)
                connection.sendall((failure(address, moment=moment) + others).encode())
    sender = threading.Thread(target=load)
    sender.start()
    try:
        eventually(lambda: service.count("penstock_ring_batches", ring="hits") > 1, 60, "a load")
        end, seen, waiting = time.monotonic() + LOAD, [], []
        while time.monotonic() < end:
            metrics = service.metrics()
            journaled = sum(value for (name, _), value in metrics.items() if name == "penstock_journal_appended_frames_total")
            waiting.append(sum(value for (name, labels), value in metrics.items()
                               if name == "penstock_ring_batches" and ("ring", "hits") in labels))
            seen.append((time.monotonic(), journaled, checkpoint(service)))
            time.sleep(0.25)
    finally:
        service.kill()
        ended.set()
        sender.join()
    # There was hardly a pause in which one could have been made.
    assert sum(batches > 0 for batches in waiting) > 0.9 * len(waiting), waiting
    assert len({place for _, _, place in seen}) > 2, seen
    # What a start would read again is what came in the last seconds.
    last = checkpoint(service)
    assert last >= next(journaled for moment, journaled, _ in reversed(seen) if moment <= seen[-1][0] - BEHIND), (last, seen)


def test_evidence_that_another_incident_lacks_makes_no_record_incomplete(factory):
    service = start(factory, MANY)

    def found():
        return {record["actor"]["value"]: record for record in records(service)}

    with connect(service) as connection:
        def send(address, count):
            connection.sendall("".join(failure(address) for _ in range(count)).encode())

        def dropped(**labels):
            return service.count("penstock_dropped_total", **labels)
        send("198.51.100.1", 3)
        eventually(lambda: service.count("penstock_received_messages_total") >= 3, 60, "the first messages")
        # Far more events than one firing keeps evidence of. The service looks at its counters four times a second.
        time.sleep(0.6)
        send("198.51.100.9", 300)
        eventually(lambda: dropped(stage="correlate", reason="evidence_limit"), 60, "evidence that is not kept")
        time.sleep(0.6)
        send("198.51.100.1", 2)
        eventually(lambda: {"198.51.100.1", "198.51.100.9"} <= set(found()), 60, "two incidents")
        small, large = found()["198.51.100.1"], found()["198.51.100.9"]
        assert large["coverage"]["cuts"] and not large["coverage"]["is_complete"]
        assert small["coverage"]["is_complete"] and not small["coverage"]["losses"], small["coverage"]
        # What a receiver refuses may have been anybody's.
        send("198.51.100.2", 3)
        time.sleep(0.6)
        send_udp(service.udp, [b""])
        eventually(lambda: dropped(stage="receive", reason="empty"), 60, "a refused datagram")
        time.sleep(0.6)
        send("198.51.100.2", 2)
        other = eventually(lambda: found().get("198.51.100.2"), 60, "the third incident")
        assert [loss["what"] for loss in other["coverage"]["losses"]] == ["receive empty"]
        assert not other["coverage"]["is_complete"]
