# SPDX-License-Identifier: Apache-2.0
"""What leaves the service: Parquet by DuckDB and pyarrow, CEF by cefp, SNS by an HTTP server, the three questions."""
import json
import re
import subprocess
import sys

import cefp
import duckdb
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet
import pytest
import support

QUERIES = sorted((support.ROOT / "deploy/athena/queries").glob("*.sql"))


def test_two_readers_agree_on_every_object(attacked):
    files = support.objects(attacked.lake)
    assert files
    for file in files:
        table = pyarrow.parquet.ParquetFile(file).read()
        with duckdb.connect() as connection:
            assert connection.execute("select count(*) from read_parquet('%s', hive_partitioning=false)" % file
                                      ).fetchone()[0] == table.num_rows
            mine = connection.execute("select time, class_uid, raw_data from read_parquet('%s', hive_partitioning=false)"
                                      % file).fetchall()
        theirs = list(zip(*(table.column(c).to_pylist() for c in ("time", "class_uid", "raw_data"))))
        assert [tuple(row) for row in mine] == theirs
        assert table.num_rows > 0


def test_one_class_in_each_file_and_hive_partitions(attacked):
    for file in support.objects(attacked.lake):
        table = pyarrow.parquet.read_table(file, partitioning=None, columns=["class_uid", "time"])
        assert len(set(table.column("class_uid").to_pylist())) == 1
        date = re.search(r"/date=(\d{4}-\d\d-\d\d)/source=[a-z0-9_-]+/", str(file))[1]
        days = {str(pyarrow.compute.strftime(pyarrow.scalar(t, pyarrow.timestamp("ms")), "%Y-%m-%d"))
                for t in table.column("time").to_pylist()}
        assert days == {date}


def test_a_dataset_of_one_class_joins(attacked):
    for folder in {file.parent.parent.parent for file in support.objects(attacked.lake)}:
        table = pyarrow.dataset.dataset(folder, partitioning="hive").to_table()
        assert {"date", "source"} <= set(table.column_names)


def test_every_line_sent_is_in_the_lake_once(attacked):
    found = [row["raw_data"] for row in support.rows(
        attacked.lake, "raw_data", "source <> 'penstock' and raw_data like '<%'")]
    assert sorted(found) == sorted(m.decode() for m in attacked.messages)


def test_the_wire_is_in_the_lake(attacked):
    text = json.dumps(support.rows(attacked.lake, "unmapped", "unmapped is not null"), default=str).lower()
    assert "modbus" in text


def cef_lines(attacked):
    """What the sink got, without the syslog header."""
    found = []
    for line in attacked.siem.lines():
        match = re.fullmatch(rb"<\d{1,3}>1 \S+ \S+ \S+ \S+ \S+ -? ?(CEF:.*)", line)
        assert match, line
        found.append(match[1].decode("utf-8"))
    return found


def test_cef_round_trips(attacked):
    parsed = [cefp.parse(line) for line in cef_lines(attacked)]
    assert len(parsed) > len(attacked.messages)
    text = json.dumps(parsed)
    for detection in support.DETECTIONS:
        assert detection in text
    for line, fields in zip(cef_lines(attacked), parsed):
        assert fields, line
    sources = json.dumps(parsed)
    assert "172.24.0.10" in sources and "172.21.0.10" in sources


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("grammar", ["cef", "leef"])
def test_feeds_over_each_transport(factory, certificates, transport, grammar):
    sink = support.LineSink(certificates=certificates if transport == "tls" else None) if transport != "udp" \
        else support.DatagramSink()
    feed = {"name": "siem", "format": grammar, "transport": transport, "address": "localhost:%d" % sink.port,
            "header": "none"}
    if transport != "udp":
        feed["framing"] = "lf"
    if transport == "tls":
        feed["ca"] = str(certificates / "ca.pem")
    configuration = factory.configuration()
    configuration["outputs"]["feeds"] = [feed]
    service = factory.start(configuration)
    support.send_tcp(service.tcp, support.octets(
        b"<38>1 2026-01-02T03:04:05Z host sshd %d - - Failed password for x|y=z\\ from 192.0.2.%d port 4711 ssh2"
        % (n, n + 1) for n in range(50)))
    got = [line.decode() for line in support.eventually(lambda: len(sink.lines()) >= 50 and sink.lines(), 60, "lines")]
    assert len(got) == 50
    for number, line in enumerate(got):
        fields = flat(cefp.parse(line)) if grammar == "cef" else leef(line)
        assert fields["src"] == "192.0.2.%d" % (number + 1)
        assert fields["duser" if grammar == "cef" else "usrName"] == "x|y=z\\"
    assert service.stop() == 0
    sink.close()


def leef(line):
    """An independent reading of LEEF 1.0 and 2.0: header by pipes, then keys and values, a tab between them."""
    parts = line.split("|", 6 if line.startswith("LEEF:2.0|") else 5)
    assert parts[0] in ("LEEF:1.0", "LEEF:2.0") and all(parts[1:5])
    if parts[0] == "LEEF:2.0":
        assert parts[5] in ("", "x09", "0x09", "\t")
    fields = {}
    for pair in parts[-1].split("\t"):
        key, separator, value = pair.partition("=")
        assert separator and key.isalnum() and key not in fields, pair
        fields[key] = value
    return fields


def test_format_is_the_inverse_of_cefp():
    """Values with everything that CEF escapes come back as they were."""
    nasty = ["plain", "a=b", "pipe|d", "back\\slash", "C:\\new\\table", "two\nlines", "ends\\", " key=inside", "ü = |\\"]
    events = [{"class_uid": 4001, "class_name": "Network Activity", "category_uid": 4, "activity_id": 6,
               "type_uid": 400106, "severity_id": 2, "time": 1_767_323_045_678, "message": value,
               "metadata": {"version": "1.8.0", "product": {"name": "test"}},
               "src_endpoint": {"ip": "192.0.2.1", "port": 4711}, "dst_endpoint": {"ip": "192.0.2.2"}}
              for value in nasty]
    answer = support.penstock("format", "cef", stdin="".join(json.dumps(e) + "\n" for e in events))
    assert answer.returncode == 0, answer.stderr
    got = answer.stdout.decode().splitlines()
    assert len(got) == len(events)
    for value, line in zip(nasty, got):
        fields = flat(cefp.parse(line))
        assert fields["src"] == "192.0.2.1" and fields["rt"] == "1767323045678"
        assert fields["msg"] == value.rstrip()


def flat(parsed):
    """All keys of a parsed CEF line in one dictionary."""
    found = {}
    for key, value in parsed.items():
        if isinstance(value, dict):
            found.update(value)
        else:
            found[key] = value
    return found


def test_the_webhook_is_an_sns_notification(attacked):
    notes = attacked.soc.notifications()
    assert notes
    for status, headers, body in attacked.soc.requests:
        headers = {k.lower(): v for k, v in headers.items()}
        assert headers["x-amz-sns-message-type"] == "Notification"
        assert headers["x-amz-sns-topic-arn"] == "arn:aws:sns:eu-central-1:000000000000:ot-incidents"
        assert headers["x-amz-sns-message-id"] == json.loads(body)["MessageId"]
    subject = re.compile(r"\[(LOW|MEDIUM|HIGH|CRITICAL|FATAL)\] OT Incident (\S+) – (\d+) Detection\(s\) \| "
                         r"Techniques: (T\d{4}(?:, T\d{4})*)(?: \+\d+)?")
    identity, = support.incidents(attacked.lake)
    for note in notes:
        assert note["Type"] == "Notification" and isinstance(note["Message"], str)
        assert note["TopicArn"].startswith("arn:aws:sns:")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", note["Timestamp"])
        match = subject.fullmatch(note["Subject"])
        assert match, note["Subject"]
        assert match[2] == identity
        assert len(note["Subject"]) < 100
    last = subject.fullmatch(notes[-1]["Subject"])
    assert int(last[3]) >= 4
    assert len({note["MessageId"] for note in notes}) == len(notes)


@pytest.mark.parametrize("query", QUERIES or [pytest.param(None, marks=pytest.mark.skip("no queries yet"))],
                         ids=lambda q: q.stem if q else "none")
def test_the_three_questions_run_unchanged(attacked, query):
    """The files use table names; here the tables are views on the lake, as Glue's are in Athena."""
    with duckdb.connect() as connection:
        for folder in {file.parent.parent.parent for file in support.objects(attacked.lake)}:
            connection.execute("create view %s as select * from read_parquet('%s/date=*/source=*/*.parquet', "
                               "union_by_name=true, hive_partitioning=true)" % (folder.name, folder))
        answer = connection.execute(query.read_text())
        assert answer.description
        assert answer.fetchall(), "%s finds nothing in the lake of an attack" % query.name


def test_there_are_three_questions():
    assert len(QUERIES) == 3


def test_lake_write_reads_what_normalize_writes(exported, tmp_path):
    events = support.penstock("normalize", exported / "attack.log")
    assert events.returncode == 0
    answer = support.penstock("lake", "write", "--to", tmp_path / "lake", stdin=events.stdout)
    assert answer.returncode == 0, answer.stderr.decode()
    assert len(support.rows(tmp_path / "lake", "time")) == len(support.ndjson(events.stdout))
    again = support.penstock("lake", "write", "--to", tmp_path / "lake", stdin=events.stdout)
    assert again.returncode == 0
    assert len(support.rows(tmp_path / "lake", "time")) == len(support.ndjson(events.stdout)), "written twice"


def validate(cases, events):
    validator = cases / "ocsf/validate.py"
    return subprocess.run([sys.executable, str(validator), "--max", "5"], input=events, capture_output=True)


@pytest.mark.parametrize("command,name", [("normalize", "attack.log"), ("normalize", "normal.log"),
                                          ("read", "attack.pcap"), ("read", "normal.pcap")])
def test_every_event_validates(cases, exported, command, name):
    events = support.penstock(command, exported / name)
    assert events.returncode == 0, events.stderr.decode()
    assert len(support.ndjson(events.stdout)) >= 20
    answer = validate(cases, events.stdout)
    assert answer.returncode == 0, answer.stdout.decode() + answer.stderr.decode()


def test_vendor_lines_validate_too(cases):
    inputs = sorted((cases / "vendor").glob("*/input.jsonl"))
    assert inputs
    answers = b"".join(support.penstock("normalize", "--jsonl", file).stdout for file in inputs)
    records = support.ndjson(answers)
    assert len(records) == sum(len(file.read_bytes().splitlines()) for file in inputs)
    answer = validate(cases, "".join(json.dumps(r["event"]) + "\n" for r in records).encode())
    assert answer.returncode == 0, answer.stdout.decode() + answer.stderr.decode()


def test_every_row_of_the_lake_validates(cases, attacked):
    """Findings and incidents too: each row, put together again, is a valid event."""
    classes, text = set(), ""
    for file in support.objects(attacked.lake):
        for row in pyarrow.parquet.ParquetFile(file).read().to_pylist():
            event = support.event(row)
            classes.add(event["class_uid"])
            text += json.dumps(event) + "\n"
    assert {2004, 2005, 4001, 3002} <= classes
    answer = validate(cases, text.encode())
    assert answer.returncode == 0, answer.stdout.decode() + answer.stderr.decode()
