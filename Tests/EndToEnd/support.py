# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: the built program, a running service, sinks that listen, and waiting."""
import contextlib
import datetime as dt
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BINARY = pathlib.Path(os.environ.get("PENSTOCK_BIN", ROOT / ".build/release/penstock")).resolve()
CASES = pathlib.Path(os.environ.get("PENSTOCK_CASES", ROOT.parent / "shared/cases")).resolve()

DETECTIONS = ("CROSS_ZONE_VIOLATION", "UNAUTHORIZED_MODBUS_WRITE", "OT_BRUTE_FORCE_SCAN", "PROCESS_SAFETY_VIOLATION")


def penstock(*arguments, stdin=None, timeout=120, cwd=None):
    """Runs a command of the program to its end."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return subprocess.run([str(BINARY), *map(str, arguments)], input=stdin, capture_output=True, timeout=timeout,
                          cwd=cwd)


def ndjson(data):
    """The objects of NDJSON bytes."""
    return [json.loads(line) for line in data.splitlines() if line.strip()]


def eventually(probe, timeout=60, what="it", interval=0.05):
    """The first true answer of `probe`; what it answered last when there is none in time.

    The limit only says when a fault is a fault: a loaded machine takes its time, and a test that passes costs none.
    """
    end, answer = time.monotonic() + timeout, None
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("%s did not happen in %d s; last answer: %r" % (what, timeout, answer))
        time.sleep(interval)


def becomes(probe, wanted, what, timeout=60):
    """Waits until `probe` answers `wanted`: for what other threads count at their own pace."""
    last = []

    def same():
        last[:] = [probe()]
        return last[0] == wanted
    try:
        eventually(same, timeout, what)
    except AssertionError:
        raise AssertionError("%s: %r after %d s, not %r" % (what, last[0], timeout, wanted)) from None


given_ports = set()


def free_ports(count):
    """Ports that are free for TCP and UDP, each given once, and no worker of a test run is given another's.

    They lie below those that the kernel gives to clients: while a server is down, no connection may get its port.
    """
    clients = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    found = []
    while len(found) < count:
        port = random.randrange(10_000 + worker, max(20_000, clients), 8)
        if port in given_ports:
            continue
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("0.0.0.0", port))
                udp.bind(("0.0.0.0", port))
            except OSError:
                continue
        given_ports.add(port)
        found.append(port)
    return found


class Service:
    """A running `penstock run` on a folder of its own."""

    def __init__(self, folder, configuration, http_port):
        self.folder, self.http_port = pathlib.Path(folder), http_port
        self.file = self.folder / "penstock.yaml"
        self.configuration = configuration
        self.write(configuration)
        self.stderr = open(self.folder / "stderr.log", "ab")
        self.stdout = open(self.folder / "stdout.log", "ab")
        self.process = subprocess.Popen([str(BINARY), "run", "-c", str(self.file)], stdin=subprocess.DEVNULL,
                                        stdout=self.stdout, stderr=self.stderr, cwd=self.folder)

    def write(self, configuration):
        """JSON is YAML; the tests of the configuration write YAML's own style."""
        text = configuration if isinstance(configuration, str) else json.dumps(configuration, indent=2)
        self.file.write_text(text, encoding="utf-8")

    def log(self):
        return (self.folder / "stderr.log").read_text(errors="replace") + \
            (self.folder / "stdout.log").read_text(errors="replace")

    def get(self, path, timeout=60):
        """Status and body of the service's own HTTP endpoint; status 0 when it does not answer."""
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.http_port, path), timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return 0, ""

    def wait_ready(self, timeout=120):
        def ready():
            assert self.process.poll() is None, "the service ended with %s:\n%s" % (self.process.returncode, self.log())
            return self.get("/readyz")[0] == 200
        eventually(ready, timeout, "readiness")
        return self

    def metrics(self):
        """{(name, frozenset of labels): value}"""
        status, text = self.get("/metrics")
        assert status == 200
        found = {}
        for line in text.splitlines():
            match = re.fullmatch(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([-+\w.]+)', line)
            if line and not line.startswith("#"):
                assert match, "not an exposition line: %r" % line
                labels = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
                found[match[1], labels] = float(match[3])
        return found

    def count(self, name, **labels):
        """The sum of the samples of `name` that have these labels."""
        wanted = set(labels.items())
        return sum(v for (n, have), v in self.metrics().items() if n == name and wanted <= set(have))

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout=120):
        """SIGTERM, which drains, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout)
        self.stderr.close()
        self.stdout.close()
        return status

    def kill(self):
        """SIGKILL, and until the process has gone."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)


# ---------------------------------------------------------------- senders


def send_udp(port, messages):
    """Each message in a datagram, paced so that the loopback's buffer holds them."""
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for number, message in enumerate(messages):
            sender.sendto(message, ("127.0.0.1", port))
            if number % 20 == 19:
                time.sleep(0.002)


def octets(messages):
    """RFC 6587 octet counting, also RFC 5425's framing."""
    return b"".join(b"%d %s" % (len(m), m) for m in messages)


def lines(messages):
    """RFC 6587 non-transparent framing."""
    return b"".join(m + b"\n" for m in messages)


def send_tcp(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sender:
        sender.sendall(data)


def tls_context(certificates, client=None):
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    if client:
        context.load_cert_chain(certificates / (client + ".pem"), certificates / (client + ".key"))
    return context


@contextlib.contextmanager
def tls_connection(port, certificates, client=None):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        with tls_context(certificates, client).wrap_socket(plain, server_hostname="localhost") as secured:
            yield secured


def send_tls(port, certificates, data, client=None):
    with tls_connection(port, certificates, client) as secured:
        secured.sendall(data)
        # A close that the server confirms: everything before it has been read.
        with contextlib.suppress(ssl.SSLError, OSError):
            secured.unwrap()


# ---------------------------------------------------------------- the rehearsed plant


def packets(file):
    """(seconds since the epoch, frame) of each packet of a classic capture file, and its file header."""
    data = pathlib.Path(file).read_bytes()
    unit = {0xA1B2C3D4: 1e6, 0xA1B23C4D: 1e9}[struct.unpack("<I", data[:4])[0]]
    found, position = [], 24
    while position < len(data):
        seconds, fraction, length, _ = struct.unpack("<IIII", data[position:position + 16])
        found.append((seconds + fraction / unit, data[position + 16:position + 16 + length]))
        position += 16 + length
    return found, data[:24]


def message_time(line):
    """The time that a syslog message of either RFC gives, in seconds since the epoch; these machines run on UTC."""
    text = line.decode()
    new = re.match(r"<\d+>1 (\S+)Z ", text)
    if new:
        return dt.datetime.fromisoformat(new[1]).replace(tzinfo=dt.timezone.utc).timestamp()
    old = re.match(r"<\d+>(\w{3} [ \d]\d \d\d:\d\d:\d\d) ", text)
    now = dt.datetime.now(dt.timezone.utc)
    moment = dt.datetime.strptime("%d %s" % (now.year, old[1]), "%Y %b %d %H:%M:%S").replace(tzinfo=dt.timezone.utc)
    return (moment if moment < now + dt.timedelta(days=1) else moment.replace(year=now.year - 1)).timestamp()


def play(service, folder, name, pipe, speed):
    """Plays log and capture in the order of time: lines by UDP, TCP and TLS in turn, packets into the sensor's pipe."""
    frames, header = packets(folder / (name + ".pcap"))
    messages = (folder / (name + ".log")).read_bytes().splitlines()
    # Lines of the old form have whole seconds: in the order of the file, never before their neighbour.
    timeline, last = [], 0
    for message in messages:
        last = max(last, message_time(message))
        timeline.append((last, message, None))
    for time_, frame in frames:
        timeline.append((time_, None, struct.pack("<IIII", int(time_), int(time_ % 1 * 1e9), len(frame), len(frame)) + frame))
    timeline.sort(key=lambda entry: entry[0])
    begin, start, sent = timeline[0][0], time.monotonic(), 0
    with open(pipe, "wb", buffering=0) as capture, tls_connection(service.tls, service.certificates) as secured, \
            socket.create_connection(("127.0.0.1", service.tcp)) as plain:
        capture.write(struct.pack("<I", 0xA1B23C4D) + header[4:])
        for moment, message, frame in timeline:
            time.sleep(max(0, start + (moment - begin) / speed - time.monotonic()))
            if frame:
                capture.write(frame)
            elif sent % 3 == 0:
                send_udp(service.udp, [message])
            elif sent % 3 == 1:
                plain.sendall(octets([message]))
            else:
                secured.sendall(octets([message]))
            sent += message is not None
    return messages


# ---------------------------------------------------------------- sinks


class LineSink:
    """A TCP listener, inside TLS when it gets certificates, that keeps the lines it is sent."""

    def __init__(self, port=0, certificates=None):
        self.data, self.lock, self.connections, self.readers, self.context = b"", threading.Lock(), [], [], None
        if certificates:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            reader = threading.Thread(target=self._read, args=(connection,), daemon=True)
            self.readers.append(reader)
            reader.start()

    def _read(self, connection):
        # A client that gives up in its handshake ends its own connection, not the listener.
        with contextlib.suppress(OSError):
            if self.context:
                place = self.connections.index(connection)
                connection = self.connections[place] = self.context.wrap_socket(connection, server_side=True)
            while data := connection.recv(65536):
                with self.lock:
                    self.data += data

    def lines(self):
        with self.lock:
            return [line for line in self.data.split(b"\n")[:-1] if line]

    def drain(self):
        """Reads to the end what clients that have gone have sent."""
        for reader in list(self.readers):
            reader.join(60)
            assert not reader.is_alive(), "a connection to the sink is still open"

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


class DatagramSink:
    """A UDP socket that keeps the datagrams it is sent."""

    def __init__(self):
        self.socket, self.data = socket.socket(type=socket.SOCK_DGRAM), []
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with contextlib.suppress(OSError):
            while True:
                self.data.append(self.socket.recv(65536))

    def lines(self):
        return list(self.data)

    def close(self):
        self.socket.close()


class WebhookSink:
    """An HTTP server that keeps what is posted to it. `answers` are the first status codes that it gives."""

    def __init__(self, answers=()):
        sink, self.requests, self.answers = self, [], list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status = sink.answers.pop(0) if sink.answers else 200
                sink.requests.append((status, dict(self.headers.items()), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def notifications(self):
        return [json.loads(body) for status, _, body in list(self.requests) if status == 200]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


# ---------------------------------------------------------------- the lake


def objects(lake):
    """The finished Parquet files of a lake."""
    return sorted(pathlib.Path(lake).glob("*/date=*/source=*/*.parquet"))


def rows(lake, columns="*", where="true"):
    """What DuckDB finds in all files of a lake together."""
    import duckdb
    if not objects(lake):
        return []
    query = "select %s from read_parquet('%s/*/date=*/source=*/*.parquet', union_by_name=true, hive_partitioning=true, " \
            "filename=true) where %s" % (columns, lake, where)
    with duckdb.connect() as connection:
        answer = connection.execute(query)
        names = [d[0] for d in answer.description]
        return [dict(zip(names, row)) for row in answer.fetchall()]


def event(row):
    """A row of the lake as the event it was: what is null was never there."""
    def whole(value):
        if isinstance(value, dict):
            kept = {k: whole(v) for k, v in value.items() if v is not None}
            return {k: v for k, v in kept.items() if v != {}} or None
        if isinstance(value, list):
            return [whole(v) for v in value if v is not None]
        return value

    def merge(into, more):
        for key, value in more.items():
            if isinstance(value, dict) and isinstance(into.get(key), dict):
                merge(into[key], value)
            else:
                into[key] = value

    made = whole(row)
    if "unmapped" in made:
        made["unmapped"] = json.loads(made["unmapped"])
    if "misfits" in made:
        merge(made, json.loads(made.pop("misfits")))
    return made


def incidents(lake):
    """The incident records in a lake, by file name."""
    return {path.stem: json.loads(path.read_text()) for path in pathlib.Path(lake).glob("incidents/*.json")}
