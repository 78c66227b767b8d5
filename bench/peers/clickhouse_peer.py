"""ClickHouse in this process (chdb), with a MergeTree table in a folder."""

import json
import os
import time

from chdb import session

import peer

TYPES = {"int16": "Int16", "int32": "Int32", "int64": "Int64", "date": "Date", "timestamp": "DateTime",
         "text": "String"}


class Engine:
    def load(self, table, files, columns, sorted_by, threads, dir):
        self.session = session.Session(os.path.join(dir, "clickhouse"))
        for name, value in [("max_threads", threads), ("max_insert_threads", threads),
                            ("use_query_condition_cache", 0), ("use_query_cache", 0),
                            ("session_timezone", "'UTC'")]:
            self.query(f"SET {name} = {value}")
        version = self.query("SELECT version()").strip().strip('"')
        defs = ", ".join(f"{c['name']} {column_type(c)}" for c in columns)
        self.query("CREATE DATABASE IF NOT EXISTS bench")
        self.query("USE bench")
        self.query(f"CREATE TABLE {table} ({defs}) ENGINE = MergeTree ORDER BY {sorted_by}")
        start, cpu = time.perf_counter(), time.process_time()
        for path in files:
            self.query(f"INSERT INTO {table} SELECT * FROM file('{path}', Parquet)")
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        start, merge_cpu = time.perf_counter(), time.process_time()
        self.query(f"OPTIMIZE TABLE {table} FINAL")
        merge, merge_cpu = time.perf_counter() - start, time.process_time() - merge_cpu
        size = self.query("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench'")
        return {"version": version, "seconds": seconds, "merge_seconds": merge, "bytes": int(size.strip().strip('"')),
                "cpu_seconds": cpu, "merge_cpu_seconds": merge_cpu}

    def query(self, sql, form="CSV"):
        return self.session.query(sql, form).bytes().decode()

    def run(self, sql):
        self.session.query(sql, "TabSeparated").bytes()

    def rows(self, sql):
        lines = self.session.query(sql, "JSONCompactEachRow").bytes().splitlines()
        return [[plain(v) for v in json.loads(line)] for line in lines]


def column_type(column):
    kind = TYPES[column["type"]]
    return f"LowCardinality({kind})" if column["low"] else kind


def plain(value):
    """Values as text."""
    if value is None:
        return None
    return repr(value) if isinstance(value, float) else str(value)


if __name__ == "__main__":
    peer.serve(Engine())
