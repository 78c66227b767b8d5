"""DuckDB in this process, with a database in a file."""

import datetime
import decimal
import os
import time

import duckdb

import peer


class Engine:
    def load(self, table, files, columns, sorted_by, threads, dir):
        path = os.path.join(dir, "duckdb.db")
        self.con = duckdb.connect(path)
        self.con.execute(f"SET threads = {threads}")
        start, cpu = time.perf_counter(), time.process_time()
        self.con.execute(f"CREATE TABLE {table} AS SELECT * FROM read_parquet({files!r})")
        self.con.execute("CHECKPOINT")
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        return {"version": duckdb.__version__, "seconds": seconds, "merge_seconds": 0, "cpu_seconds": cpu,
                "bytes": os.path.getsize(path)}

    def run(self, sql):
        self.con.execute(sql).fetchall()

    def rows(self, sql):
        return [[plain(v) for v in row] for row in self.con.execute(sql).fetchall()]


def plain(value):
    """Values as text; dates and times in SQL's form."""
    if value is None:
        return None
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (datetime.date, int, decimal.Decimal)):
        return str(value)
    return repr(value) if isinstance(value, float) else str(value)


if __name__ == "__main__":
    peer.serve(Engine())
