# SPDX-License-Identifier: Apache-2.0
"""The other side of Delivery's tests: independent readers of what it writes, and receivers of what it sends."""
import json
import pathlib
import socket
import ssl
import sys
import threading


def bare(value):
    """A JSON value without nulls and empty containers, which columns do not keep; 1e3 is 1000."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        kept = {k: bare(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if v is not None and v != {} and v != []}
    if isinstance(value, list):
        return [v for v in (bare(v) for v in value) if v is not None and v != {} and v != []]
    return value


def present(value):
    """A row without the columns that are null; elements of lists keep their places."""
    if isinstance(value, dict):
        return {k: present(v) for k, v in value.items() if v is not None}
    return [present(v) for v in value] if isinstance(value, list) else value


def merge(whole, part):
    """Lays what stands in `part` over `whole`, elements of lists by their position."""
    if isinstance(whole, dict) and isinstance(part, dict):
        for key, value in part.items():
            whole[key] = merge(whole[key], value) if key in whole and whole[key] is not None else value
        return whole
    if isinstance(whole, list) and isinstance(part, list):
        for index, value in enumerate(part):
            if index < len(whole):
                whole[index] = merge(whole[index], value)
            else:
                whole.append(value)
        return whole
    return part if part != {} else whole


def parsed(value, path):
    """Replaces the JSON text at `path` by what it says."""
    if value is None:
        return None
    if isinstance(value, list):
        return [parsed(v, path) for v in value]
    if not path:
        return json.loads(value)
    if value.get(path[0]) is not None:
        value[path[0]] = parsed(value[path[0]], path[1:])
    return value


def event(row, columns):
    for column in columns:
        parsed(row, column.split("."))
    misfits = row.pop("misfits", None) or {}
    return bare(merge(present(row), misfits))


def difference(wish, have, path):
    """Where two values differ first, in words."""
    if isinstance(wish, dict) and isinstance(have, dict):
        for key in sorted(set(wish) | set(have)):
            if wish.get(key) != have.get(key):
                return difference(wish.get(key), have.get(key), path + "." + key)
    if isinstance(wish, list) and isinstance(have, list) and len(wish) == len(have):
        for index, (one, other) in enumerate(zip(wish, have)):
            if one != other:
                return difference(one, other, "%s[%d]" % (path, index))
    return "%s: wanted %s, has %s" % (path, json.dumps(wish)[:150], json.dumps(have)[:150])


def readers():
    import duckdb
    import pyarrow.parquet

    def with_pyarrow(file):
        return pyarrow.parquet.ParquetFile(file).read().to_pylist()

    def with_duckdb(file):
        with duckdb.connect() as connection:
            answer = connection.execute("select * from read_parquet('%s', hive_partitioning=false)" % file)
            names = [d[0] for d in answer.description]
            return [dict(zip(names, row)) for row in answer.fetchall()]

    def json_columns(file):
        return pyarrow.parquet.ParquetFile(file).metadata.metadata[b"penstock.json_columns"].decode().split(",")

    return {"pyarrow": with_pyarrow, "duckdb": with_duckdb}, json_columns


def roundtrip(lake, source):
    """Every event of the file is in the lake once, in each reader's eyes, with every attribute."""
    wanted = {}
    for line in open(source, encoding="utf-8"):
        one = json.loads(line)
        wanted[json.dumps(bare(one), sort_keys=True)] = one
    checks, json_columns = readers()
    faults = 0
    for name, read in checks.items():
        found = []
        for file in sorted(pathlib.Path(lake).glob("*/date=*/source=*/*.parquet")):
            columns = json_columns(file)
            rows = read(file)
            assert rows, file
            assert len({row["class_uid"] for row in rows}) == 1, file
            found += [event(row, columns) for row in rows]
        have = sorted(json.dumps(one, sort_keys=True) for one in found)
        want = sorted(wanted)
        if have != want:
            faults += 1
            missing, extra = sorted(set(want) - set(have)), sorted(set(have) - set(want))
            print("%s: %d rows for %d events, %d differ" % (name, len(have), len(want), len(missing)))
            others = {json.loads(one).get("metadata", {}).get("uid"): json.loads(one) for one in extra}
            for one in missing[:20]:
                wish = json.loads(one)
                print("   ", difference(wish, others.get(wish.get("metadata", {}).get("uid")), "event")[:400])
    print(json.dumps({"events": len(wanted), "faults": faults}))
    return faults


def query(lake, file):
    """Runs one SQL file over views that are named as the tables are, and prints its rows."""
    import duckdb
    with duckdb.connect() as connection:
        for folder in {f.parent.parent.parent for f in pathlib.Path(lake).glob("*/date=*/source=*/*.parquet")}:
            connection.execute("create view %s as select * from read_parquet('%s/date=*/source=*/*.parquet', "
                               "union_by_name=true, hive_partitioning=true)" % (folder.name, folder))
        answer = connection.execute(pathlib.Path(file).read_text())
        names = [d[0] for d in answer.description]
        for row in answer.fetchall():
            print(json.dumps(dict(zip(names, row)), default=str))
    return 0


def everything(lake):
    """All objects of all classes as one table, as an analyst reads a lake without tables."""
    import duckdb
    with duckdb.connect() as connection:
        print(connection.execute(
            "select count(*) from read_parquet('%s/*/date=*/source=*/*.parquet', union_by_name=true, "
            "hive_partitioning=true)" % lake).fetchone()[0])
    return 0


def cef():
    """Parses each line of standard input with cefp."""
    import cefp
    for line in sys.stdin.buffer.read().decode().split("\n"):
        if not line:
            continue
        flat = {}
        for key, value in cefp.parse(line).items():
            flat.update(value) if isinstance(value, dict) else flat.update({key: value})
        print(json.dumps(flat, default=str))
    return 0


def sink(kind, port, output, certificates=None):
    """Takes what one feed sends, in any number of connections, and writes it to a file as it comes."""
    file = open(output, "ab", buffering=0)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(port)))
    if kind != "udp":
        server.listen(5)
    print(server.getsockname()[1], flush=True)
    context = None
    if kind == "tls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates + "/server.pem", certificates + "/server.key")

    def serve():
        if kind == "udp":
            while True:
                file.write(server.recv(65536) + b"\n")
        while True:
            peer, _ = server.accept()
            try:
                peer = context.wrap_socket(peer, server_side=True) if context else peer
            except ssl.SSLError:
                continue
            while data := peer.recv(65536):
                file.write(data)

    threading.Thread(target=serve, daemon=True).start()
    sys.stdin.read()
    return 0


def webhook(output, answers, certificates=None):
    """Takes POST requests, writes each as a line of JSON, and answers with these statuses, the last one for ever."""
    from http.server import BaseHTTPRequestHandler, HTTPServer
    statuses = [int(a) for a in answers.split(",")]
    file = open(output, "a", buffering=1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
            file.write(json.dumps({"status": status, "path": self.path, "headers": dict(self.headers), "body": body})
                       + "\n")
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if certificates:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates + "/server.pem", certificates + "/server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    return 0


def has(*modules):
    for module in modules:
        __import__(module)
    return 0


if __name__ == "__main__":
    sys.exit({"roundtrip": roundtrip, "query": query, "everything": everything, "cef": cef, "sink": sink,
              "webhook": webhook, "has": has}[sys.argv[1]](*sys.argv[2:]))
