#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads Parquet files with other people's readers, to judge the ones that Penstock wrote.

modules                          the readers that can be imported, one a line
check FILE EXPECTED [READER...]  each reader's rows must equal the NDJSON file EXPECTED (default: pyarrow duckdb), and
                                 page headers, checksums and the footer's sums must agree
footer FILE                      what pyarrow and duckdb read in the footer, as one JSON document
pages FILE                       each page header, one JSON document a line
"""
import datetime
import importlib
import json
import math
import sys
import zlib

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value):
    """Turns what a reader returns into what NDJSON can say: times in milliseconds, odd doubles as strings."""
    if hasattr(value, "tolist") and not isinstance(value, (bytes, str)):
        value = value.tolist()
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return (value - EPOCH) // datetime.timedelta(milliseconds=1)
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def read_pyarrow(path):
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
    return file.read(use_threads=False).to_pylist()


def read_duckdb(path):
    import duckdb

    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    relation = connection.sql("select * from read_parquet($path)", params={"path": path})
    return relation.to_arrow_table().to_pylist()


def read_polars(path):
    import polars

    return polars.read_parquet(path).to_dicts()


def read_fastparquet(path):
    """For flat files only: fastparquet cannot assemble nested ones."""
    import fastparquet

    frame = fastparquet.ParquetFile(path).to_pandas()
    rows = []
    for record in frame.to_dict("records"):
        row = {}
        for key, value in record.items():
            if hasattr(value, "to_pydatetime"):
                value = value.to_pydatetime() if value == value else None
            elif value is not None and value != value:
                value = None
            row[key] = value.decode() if isinstance(value, bytes) else value
        rows.append(row)
    return rows


READERS = {"pyarrow": read_pyarrow, "duckdb": read_duckdb, "polars": read_polars, "fastparquet": read_fastparquet}


def canonical(row):
    return json.dumps(plain(row), sort_keys=True, ensure_ascii=False)


def check(path, expected_path, names):
    with open(expected_path, encoding="utf-8") as file:
        expected = [canonical(json.loads(line)) for line in file.read().split("\n") if line]
    problems = page_headers(path)[1]
    for problem in problems:
        print(problem)
    failed = bool(problems)
    for name in names or ["pyarrow", "duckdb"]:
        found = [canonical(row) for row in READERS[name](path)]
        if found == expected:
            print(f"{name}: {len(found)} rows agree")
            continue
        failed = True
        print(f"{name}: {len(found)} rows, expected {len(expected)}")
        for number, (left, right) in enumerate(zip(found, expected)):
            if left != right:
                print(f"row {number}\n  read     {left[:2000]}\n  expected {right[:2000]}")
                break
    return 1 if failed else 0


def footer(path):
    import duckdb
    import pyarrow.parquet

    exact = {
        (group, column): (low, high)
        for group, column, low, high in duckdb.connect()
        .sql(
            "select row_group_id, column_id, min_is_exact, max_is_exact from parquet_metadata($path)",
            params={"path": path},
        )
        .fetchall()
    }
    meta = pyarrow.parquet.ParquetFile(path).metadata
    groups = []
    for number in range(meta.num_row_groups):
        group = meta.row_group(number)
        columns = []
        for index in range(group.num_columns):
            chunk = group.column(index)
            statistics = chunk.statistics
            columns.append(
                {
                    "path": chunk.path_in_schema,
                    "physical": chunk.physical_type,
                    "encodings": sorted(chunk.encodings),
                    "compression": chunk.compression,
                    "values": chunk.num_values,
                    "dictionary": chunk.has_dictionary_page,
                    "nulls": statistics.null_count if statistics else None,
                    "min": plain(statistics.min) if statistics and statistics.has_min_max else None,
                    "max": plain(statistics.max) if statistics and statistics.has_min_max else None,
                    "min_exact": exact[number, index][0],
                    "max_exact": exact[number, index][1],
                }
            )
        groups.append(
            {
                "rows": group.num_rows,
                "bytes": group.total_byte_size,
                "sorting": [[s.column_index, s.descending, s.nulls_first] for s in group.sorting_columns],
                "columns": columns,
            }
        )
    schema = [
        {
            "path": meta.schema.column(index).path,
            "logical": str(meta.schema.column(index).logical_type),
            "converted": meta.schema.column(index).converted_type,
            "definition": meta.schema.column(index).max_definition_level,
            "repetition": meta.schema.column(index).max_repetition_level,
        }
        for index in range(meta.num_columns)
    ]
    print(
        json.dumps(
            {
                "rows": meta.num_rows,
                "created_by": meta.created_by,
                "metadata": {
                    key.decode(): value.decode()
                    for key, value in (meta.metadata or {}).items()
                    if key != b"ARROW:schema"
                },
                "groups": groups,
                "schema": schema,
            },
            sort_keys=True,
        )
    )
    return 0


class Thrift:
    """A reader of Thrift's compact protocol: structures become dictionaries from field number to value."""

    def __init__(self, data, position):
        self.data, self.position = data, position

    def byte(self):
        self.position += 1
        return self.data[self.position - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def zigzag(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return self.byte()
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            length = self.varint()
            self.position += length
            return self.data[self.position - length : self.position]
        if kind == 9:
            head = self.byte()
            count = head >> 4 if head >> 4 < 15 else self.varint()
            return [self.byte() == 1 if head & 15 < 3 else self.value(head & 15) for _ in range(count)]
        if kind == 12:
            return self.structure()
        raise ValueError(f"Thrift type {kind}")

    def structure(self):
        fields, number = {}, 0
        while True:
            head = self.byte()
            if head == 0:
                return fields
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            fields[number] = self.value(head & 15)


def page_headers(path):
    """All page headers, read by this script, and what is wrong with them."""
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[-8:-4], "little")
    meta = Thrift(data, len(data) - 8 - length).structure()
    headers, problems = [], []
    for group_number, group in enumerate(meta[4]):
        total = 0
        for column in group[1]:
            chunk = column[3]
            position = chunk.get(11, chunk[9])
            end, seen, uncompressed, counts = position + chunk[7], 0, 0, {}
            while position < end:
                thrift = Thrift(data, position)
                header = thrift.structure()
                body = data[thrift.position : thrift.position + header[3]]
                good = zlib.crc32(body) == header[4] & 0xFFFFFFFF
                detail = header[5] if header[1] == 0 else header[7]
                if header[1] == 0:
                    seen += detail[1]
                uncompressed += header[2] + thrift.position - position
                counts[header[1], detail[2]] = counts.get((header[1], detail[2]), 0) + 1
                headers.append(
                    {
                        "group": group_number,
                        "path": b".".join(chunk[3]).decode(),
                        "type": {0: "data", 2: "dictionary"}[header[1]],
                        "uncompressed": header[2],
                        "compressed": header[3],
                        "values": detail[1],
                        "encoding": {0: "PLAIN", 8: "RLE_DICTIONARY"}[detail[2]],
                    }
                )
                if not good:
                    problems.append(f"wrong CRC-32 in {headers[-1]}")
                position = thrift.position + header[3]
            total += chunk[7]
            stated = {(stats[1], stats[2]): stats[3] for stats in chunk[13]}
            if position != end or seen != chunk[5] or uncompressed != chunk[6] or stated != counts:
                problems.append(
                    f"the footer is wrong about {chunk}: {seen} values, {uncompressed} bytes, pages {counts}"
                )
        if total != group[6]:
            problems.append(f"the footer is wrong about row group {group_number}: {total} compressed bytes")
    return headers, problems


def pages(path):
    for header in page_headers(path)[0]:
        print(json.dumps(header, sort_keys=True))
    return 0


def main(arguments):
    command, rest = arguments[0], arguments[1:]
    if command == "modules":
        for name in READERS:
            try:
                importlib.import_module(name)
                print(name)
            except ImportError:
                pass
        return 0
    if command == "check":
        return check(rest[0], rest[1], rest[2:])
    return {"footer": footer, "pages": pages}[command](rest[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
