# SPDX-License-Identifier: Apache-2.0
"""What the tests of the receivers share: listeners by name, and the events that came of what they took."""
import json
import os
import re
import socket
import ssl
import subprocess
import threading

import support

MIB = 1 << 20


def settings(factory, listeners, **changes):
    """A configuration with these listeners (name: its keys) on free ports, whose events are lines of a local file."""
    ports = support.free_ports(len(listeners))
    made = factory.configuration(listeners=[
        {"name": name, "address": "127.0.0.1:%d" % port, **keys} for (name, keys), port in zip(listeners.items(), ports)])
    made["journal"] = "off"
    made["outputs"]["lines"] = [{"name": "events", "path": str(factory.folder / "events.ndjson")}]
    made.update(changes)
    return made


def message(text):
    return b"<134>1 2026-11-20T10:00:00Z plc-7 app - - - " + (text if isinstance(text, bytes) else text.encode())


def events(service, marker=""):
    """The events that hold `marker`, in the order of the file."""
    file = service.folder / "events.ndjson"
    if not file.exists():
        return []
    wanted = marker.encode()
    return [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1] if wanted in line]


def arrived(service, marker, count=1, timeout=60):
    """The events of `count` messages with `marker`; exactly so many."""
    found = support.eventually(lambda: len(events(service, marker)) >= count and events(service, marker), timeout,
                               "%d events with %s" % (count, marker))
    assert len(found) == count
    return found


def notices(service, event):
    """The events of what the service has to say of its own listeners."""
    return [e for e in events(service, event)
            if e.get("class_uid") != 2004 and e.get("unmapped", {}).get("audit", {}).get("event") == event]


def refused(service, listener, reason):
    return service.count("penstock_refused_connections_total", listener=listener, reason=reason)


def dropped(service, reason):
    return service.count("penstock_dropped_total", stage="receive", reason=reason)


def resident(service, peak=False):
    """The memory that the service has in use, or had at most, in bytes."""
    text = open("/proc/%d/status" % service.process.pid).read()
    return int(re.search(r"(?m)^Vm%s:\s+(\d+) kB" % ("HWM" if peak else "RSS"), text)[1]) * 1024


def processor_time(service):
    """The seconds of processor time that the service has used."""
    fields = open("/proc/%d/stat" % service.process.pid).read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def together(*works):
    """Runs the works at the same time; raises the first of their errors."""
    errors = []

    def guarded(work):
        try:
            work()
        except BaseException as error:
            errors.append(error)
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def s_client(port, *options, data=b"", timeout=60):
    """Runs openssl's client to its end, which comes when it has sent `data`."""
    return subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, *options], input=data,
                          capture_output=True, timeout=timeout)


def connect(port, source="127.0.0.1", timeout=60):
    return socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0))


def is_closed(connection, timeout=60):
    """Whether the service closes the connection, in this time at most."""
    connection.settimeout(timeout)
    try:
        while connection.recv(4096):
            pass
        return True
    except (TimeoutError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def tls_of(certificates, **changes):
    return {"certificate": str(certificates / "server.pem"), "key": str(certificates / "server.key"), **changes}


def received(service, listener):
    return service.count("penstock_received_messages_total", listener=listener)
