# SPDX-License-Identifier: Apache-2.0
"""Outputs over kills, restarts and changed configurations: nothing lost, nothing twice, nothing under a wrong name."""
import json
import os
import struct
import threading
import time

import support
from test_journal import configuration, message, replayed, written


def test_a_file_has_every_event_once_over_kills(factory):
    """A killed process repeats nothing in a file: its own last lines say where it was."""
    settings = configuration(factory)
    file, number = factory.folder / "events.ndjson", 0
    for _ in range(4):
        service = factory.start(settings)
        with support.socket.create_connection(("127.0.0.1", service.tcp), timeout=60) as sender:
            there = len(written(file))
            for _ in range(60):
                sender.sendall(support.octets([message("tcp", number + n) for n in range(100)]))
                number += 100
                time.sleep(0.005)
            # What the kernel holds is lost with the process: on a slow machine that may be most of it.
            support.eventually(lambda: len(written(file)) >= there + 1_500, 60, "some of the events")
            service.kill()
    service = factory.start(settings)
    there = set(replayed(factory.folder)[0])
    support.eventually(lambda: there <= set(written(file)), 120, "outputs that caught up", interval=0.5)
    assert service.stop() == 0, service.log()
    repeats = sum(times - 1 for times in written(file).values())
    assert len(there) > 5_000 and repeats == 0, "%d of %d events are there again" % (repeats, len(there))


def position(folder, consumer):
    """How far the file of positions says that a consumer has come in the first log."""
    data = (folder / "data/journal/positions").read_bytes()
    return struct.unpack_from("<IQ", data, data.index(consumer) + len(consumer))[1]


def test_a_rotated_file_repeats_little_and_loses_nothing(factory):
    settings = configuration(factory, lanes=1)
    file = factory.folder / "events.ndjson"
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(3_000)]))
    support.eventually(lambda: len(written(file)) == 3_000, 60, "the events")
    support.eventually(lambda: position(factory.folder, b"feed/events") >= 3_000, 60, "the journal's record of it")
    service.kill()
    file.rename(factory.folder / "events.1")
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(3_000, 4_000)]))
    support.eventually(lambda: len(written(file)) >= 1_000, 60, "the events in the new file")
    assert service.stop() == 0
    # The journal's own record was newer than the last event.
    assert written(file) == {("tcp", n): 1 for n in range(3_000, 4_000)}


def test_a_pipe_without_a_reader_stops_neither_start_nor_stop(factory):
    pipe = factory.folder / "pipe"
    os.mkfifo(pipe)
    settings = configuration(factory, lanes=1)
    settings["outputs"]["lines"].append({"name": "pipe", "path": str(pipe)})
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(500)]))
    support.eventually(lambda: len(written(factory.folder / "events.ndjson")) == 500, 60, "the other output")
    support.eventually(lambda: "nobody reads the pipe" in service.log(), 60, "the log line")
    begin = time.monotonic()
    assert service.stop() == 0
    # Five seconds is what a stop gives an output; one that waits for the reader would have no end.
    assert time.monotonic() - begin < 60
    # A reader that comes later gets everything, also what was there before the restart.
    service, received = factory.start(settings), bytearray()

    def read():
        with open(pipe, "rb", buffering=0) as reader:
            while data := reader.read(65536):
                received.extend(data)
    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    support.eventually(lambda: received.count(b"\n") >= 500, 60, "the events in the pipe")
    assert service.stop() == 0
    reading.join(60)
    assert not reading.is_alive()
    assert len({json.loads(line)["metadata"]["uid"] for line in received.splitlines()}) == 500


def test_pipeline_parse_starts_before_the_reader_of_its_pipe(factory):
    pipe = factory.folder / "pipe"
    os.mkfifo(pipe)
    settings = factory.configuration(pipeline="parse", lanes=2)
    settings["outputs"] = {"lake": settings["outputs"]["lake"],
                           "lines": [{"name": "pipe", "path": str(pipe), "content": "parsed"}]}
    service = factory.start(settings)
    received = bytearray()

    def read():
        with open(pipe, "rb", buffering=0) as reader:
            while data := reader.read(65536):
                received.extend(data)
    threading.Thread(target=read, daemon=True).start()
    senders = [threading.Thread(target=support.send_tcp, args=(
        service.tcp, support.octets([message("s%d" % s, n) for n in range(5_000)]))) for s in range(4)]
    for sender in senders:
        sender.start()
    support.eventually(lambda: received.count(b"\n") == 20_000, 60, "all lines")
    for line in received.splitlines():
        json.loads(line)
    assert service.stop() == 0


def test_frames_keep_the_names_of_their_listeners(factory):
    """Other listeners before it, and later frames have other numbers; what is in the journal keeps its name."""
    settings = configuration(factory, lanes=1)
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(5)]))
    support.eventually(lambda: len(written(factory.folder / "events.ndjson")) == 5, 60, "the events")
    assert service.stop() == 0
    settings["listeners"] = [entry for entry in settings["listeners"] if entry["name"] != "udp"][::-1]
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(5, 9)]))
    support.eventually(lambda: len(written(factory.folder / "events.ndjson")) == 9, 60, "the events")
    service.kill()
    service = factory.start(settings)
    assert service.stop() == 0
    answer = support.penstock("replay", "--journal", factory.folder / "data/journal")
    frames = [frame for frame in support.ndjson(answer.stdout) if frame["transport"] == "tcp"]
    assert len(frames) == 9 and {frame["source"] for frame in frames} == {"tcp"}
    assert len({frame["listener"] for frame in frames}) == 2, "the numbers did change"
    assert len(json.loads((factory.folder / "data/journal/sources.json").read_text())) == 2


def test_pipeline_parse_stops_although_the_reader_of_its_pipe_sleeps(factory):
    """What the pipe does not take within the time of a stop is counted, and the log says how much."""
    pipe = factory.folder / "pipe"
    os.mkfifo(pipe)
    sleeper = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    settings = factory.configuration(pipeline="parse", lanes=1)
    settings["outputs"] = {"lake": settings["outputs"]["lake"],
                           "lines": [{"name": "pipe", "path": str(pipe), "content": "parsed"}]}
    service = factory.start(settings)
    support.send_tcp(service.tcp, support.octets([message("tcp", n) for n in range(2_000)]))
    support.eventually(lambda: service.count("penstock_received_messages_total") > 0, 60, "reception")
    assert service.stop() == 0
    assert "messages are lost, the lines took nothing" in service.log()
    os.close(sleeper)
