# SPDX-License-Identifier: Apache-2.0
"""Events that their sender splits over several messages: each counts in windows once, also over a kill."""
import datetime as dt
import socket
import time

import pytest
from correlation_stream import checkpoint, held_up, records
from support import eventually

# SEEN fires at each event of another user, which tells that the correlator has taken it.
RULES = """\
title: failure
name: FAILURE
logsource: {product: ocsf, category: authentication}
detection: {failed: {status_id: 2, user.name: anna}, condition: failed}
level: low
---
title: many failures
name: MANY
level: high
correlation: {type: event_count, rules: [FAILURE], group-by: [user.name], timespan: 1h, condition: {gte: 3}, generate: false}
---
title: seen
name: SEEN
logsource: {product: ocsf, category: authentication}
detection: {failed: {status_id: 2, user.name|startswith: other}, condition: failed}
level: low
penstock: {group-by: [user.name], timespan: 1m}
"""
START = dt.datetime.now(dt.timezone.utc).replace(microsecond=0) - dt.timedelta(minutes=30)


def failure(second, user, parts=1):
    """A failed login as ISE writes it, in so many messages."""
    moment = START + dt.timedelta(seconds=second)
    text = (
        "%s.000 +00:00 %010d 5400 NOTICE Failed-Attempt: Authentication failed, ConfigVersionId=12, "
        "Device IP Address=10.0.0.3, UserName=%s, FailureReason=22040 Wrong password" % (
            moment.strftime("%Y-%m-%d %H:%M:%S"), second, user))
    texts = [text] + [", Step=%d" % (11001 + part) for part in range(1, parts)]
    return ["<181>%s %2d %s ise1 CISE_Failed_Attempts %010d %d %d %s\n" % (
        moment.strftime("%b"), moment.day, moment.strftime("%H:%M:%S"), second, parts, part, text)
        for part, text in enumerate(texts)]


@pytest.fixture
def settings(factory):
    rules = factory.folder / "rules.yml"
    rules.write_text(RULES)
    return factory.configuration(rules=str(rules), correlation={"out_of_order": "0s", "lateness": "5m"})


class Desk:
    """A running service, what is sent to it, and what it has found."""

    def __init__(self, factory, settings):
        self.service = factory.start(settings)
        self.socket, self.sent, self.others = socket.create_connection(("127.0.0.1", self.service.tcp), 60), 0, 0

    def send(self, *messages):
        """Sends messages and waits until they are in the journal."""
        self.socket.sendall("".join(messages).encode())
        self.sent += len(messages)
        eventually(lambda: self.service.count("penstock_journal_appended_frames_total") >= self.sent, 60, "messages", 0.01)

    def pass_by(self, second):
        """A hit of its own frame, which the correlator has taken when this returns."""
        self.others += 1
        self.send(*failure(second, "other%d" % second))
        eventually(lambda: self.service.count("penstock_firings_total", rule="SEEN") >= self.others, 60, "a hit", 0.01)

    def keep(self, frames):
        eventually(lambda: checkpoint(self.service) >= frames, 60, "a checkpoint")

    def many(self):
        """How many events each firing of MANY has."""
        return [firing["count"] for record in records(self.service) for firing in record["detections"]
                if firing["name"] == "MANY"]

    def kill(self):
        self.service.kill()
        self.socket.close()


def test_an_event_counts_though_another_came_between_its_messages(factory, settings):
    desk = Desk(factory, settings)
    for second in (10, 20, 30):
        first, last = failure(second, "anna", 2)
        desk.send(first)
        desk.pass_by(second - 1)
        assert not desk.many()
        desk.send(last)
    eventually(desk.many, 60, "the firing")
    assert desk.many() == [3]


def test_an_event_may_begin_the_journal(factory, settings):
    desk = Desk(factory, settings)
    desk.send(*failure(10, "anna", 3))
    desk.send(*failure(20, "anna"), *failure(30, "anna"))
    eventually(desk.many, 60, "the firing")
    assert desk.many() == [3]
    assert desk.service.stop() == 0, desk.service.log()


@pytest.mark.parametrize("moment", ["before its last message", "before a checkpoint has it", "behind a checkpoint"])
def test_an_event_counts_once_over_a_kill(factory, settings, moment):
    desk = Desk(factory, settings)
    first, middle, last = failure(10, "anna", 3)
    desk.send(first, middle)
    desk.pass_by(9)
    desk.keep(3)
    if moment == "before a checkpoint has it":
        with held_up(desk.service):
            desk.send(last)
            desk.kill()
        assert checkpoint(desk.service) == 3
    else:
        if moment == "behind a checkpoint":
            desk.send(last)
            desk.keep(4)
        desk.kill()
    desk = Desk(factory, settings)
    if moment == "before its last message":
        desk.send(last)
    desk.send(*failure(20, "anna", 2))
    desk.pass_by(21)
    assert not desk.many()
    desk.send(*failure(30, "anna", 2))
    eventually(desk.many, 60, "the firing")
    assert desk.many() == [3]


def test_an_event_that_stays_incomplete_counts_once(factory, settings):
    desk = Desk(factory, settings)
    first, _ = failure(10, "anna", 2)
    desk.send(first)
    desk.pass_by(11)
    desk.send(*failure(20, "anna"))

    def incomplete():
        return desk.service.count("penstock_joined_events_total", outcome="incomplete")
    # After five seconds it is not waited for any more. What is sent makes it known.
    eventually(lambda: desk.send(*failure(12, "nobody")) or incomplete(), 60, "the incomplete event", 0.5)
    desk.pass_by(21)
    desk.keep(desk.sent)
    desk.kill()
    desk = Desk(factory, settings)
    # The next process finds the message again, and does not know what became of it.
    eventually(lambda: desk.send(*failure(22, "nobody")) or incomplete(), 60, "the incomplete event", 0.5)
    desk.pass_by(23)
    assert not desk.many()
    desk.send(*failure(30, "anna"))
    eventually(desk.many, 60, "the firing")
    assert desk.many() == [3]


def test_an_incomplete_event_that_no_checkpoint_has_is_found_again(factory, settings):
    desk = Desk(factory, settings)
    desk.pass_by(5)
    desk.keep(1)
    with held_up(desk.service):
        desk.send(failure(10, "anna", 2)[0])
        time.sleep(5)
        # More than what a start looks through for messages that wait.
        desk.send(*[message for number in range(2500) for message in failure(12, "nobody%d" % number)])
        desk.kill()
    assert checkpoint(desk.service) == 1
    desk = Desk(factory, settings)
    desk.send(*failure(20, "anna"), *failure(30, "anna"))
    eventually(desk.many, 60, "the firing")
    assert desk.many() == [3]
