# SPDX-License-Identifier: Apache-2.0
"""Senders whose clocks are wrong: found, told once, and shown where an operator looks."""
import datetime
import json
import re
import socket
import threading
import time

import support


def send(service, source, ahead, seconds, stop=None):
    """One message a tenth of a second from `source`, whose clock is `ahead` seconds ahead."""
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (stop and stop.is_set()):
            now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=ahead)
            stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            sender.sendto(b"<13>1 %s host app - - - clock-of-%s" % (stamp.encode(), source.encode()),
                          ("127.0.0.1", service.udp))
            time.sleep(0.1)


def told(service):
    rows = support.rows(service.lake, "*", "class_uid = 6008")
    found = [json.loads(row["unmapped"]) if isinstance(row.get("unmapped"), str) else row.get("unmapped") for row in rows]
    return [item["audit"] for item in found if item and item.get("audit", {}).get("event", "").startswith("clock_")]


def test_a_clock_that_is_ahead_is_told_once(factory):
    configuration = factory.configuration()
    configuration["correlation"] = {"out_of_order": "2s", "clock_tolerance": "20s"}
    service = factory.start(configuration)
    stop = threading.Event()
    # One within the tolerance, one beyond it, and one so far ahead that its events are placed at their receipt.
    senders = [threading.Thread(target=send, args=(service, source, ahead, 120, stop))
               for source, ahead in (("127.0.0.2", 0), ("127.0.0.3", 73), ("127.0.0.4", 7200))]
    for sender in senders:
        sender.start()
    try:
        support.eventually(lambda: service.count("penstock_clock_senders", state="ahead") == 2, 100, "two clocks ahead")
        status, text = service.get("/readyz")
        assert status == 200
        assert text.splitlines()[0] == "ready"
        near, far = sorted(text.splitlines()[1:])
        assert near == "sender 127.0.0.3: clock 73 s ahead"
        assert re.fullmatch(r"sender 127\.0\.0\.4: clock (119 min|2 h 0 min) ahead, which may be its time zone", far)
        support.eventually(lambda: len(told(service)) == 2, 60, "two events")
        time.sleep(3)
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    assert {(item["event"], item["sender"]) for item in told(service)} == {
        ("clock_off", "127.0.0.3"), ("clock_off", "127.0.0.4")}
    assert len(told(service)) == 2
    assert len(re.findall(r"sender 127\.0\.0\.3: clock 73 s ahead", service.log())) == 1
    assert "127.0.0.2: clock" not in service.log()
    assert -73_500 < service.count("penstock_clock_offset_milliseconds", sender="127.0.0.3") < -72_000
    assert abs(service.count("penstock_clock_offset_milliseconds", sender="127.0.0.2")) < 1_000
    assert service.count("penstock_clock_senders", state="level") == 1
    # What is read again from the journal says nothing of clocks.
    service.kill()
    again = factory.start(configuration)
    support.eventually(lambda: again.count("penstock_journal_lag_frames") == 0, 60, "the journal to be read")
    time.sleep(2)
    assert sum(again.count("penstock_clock_senders", state=state) for state in ("level", "ahead", "behind", "late")) == 0
    assert again.get("/readyz") == (200, "ready\n")
    assert again.stop() == 0, again.log()


def test_a_tolerance_of_nothing_is_refused(tmp_path):
    file = tmp_path / "penstock.yaml"
    file.write_text("data: %s\ncorrelation: {clock_tolerance: 10ms}\n" % tmp_path)
    answer = support.penstock("check", "-c", file)
    assert answer.returncode == 1
    assert b"penstock.yaml:2:" in answer.stderr and b"clock_tolerance" in answer.stderr
