"""Runs queries against DuckDB over a Parquet file and prints JSON.

usage: duckdb_ssb.py PARQUET THREADS RUNS < queries.json
The input is [{"name": …, "sql": …}], the output
{"version", "load_seconds", "results": [{"name", "median_ms", "rows"}]}.
"""

import datetime
import decimal
import json
import statistics
import sys
import time

import duckdb


def plain(value):
    """Values as a comparison needs them: exact numbers as text, dates as ISO."""
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (int, decimal.Decimal)):
        return str(value)
    return value


def main():
    parquet, threads, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    queries = json.load(sys.stdin)
    con = duckdb.connect()
    con.execute(f"SET threads = {threads}")
    start = time.perf_counter()
    con.execute(f"CREATE TABLE lineorder_flat AS SELECT * FROM read_parquet('{parquet}')")
    load = time.perf_counter() - start
    results = []
    for q in queries:
        times = []
        for _ in range(runs + 1):
            start = time.perf_counter()
            rows = con.execute(q["sql"]).fetchall()
            times.append((time.perf_counter() - start) * 1000)
        results.append({
            "name": q["name"],
            "median_ms": statistics.median(times[1:]),
            "rows": [[plain(v) for v in row] for row in rows],
        })
    json.dump({"version": duckdb.__version__, "load_seconds": load, "results": results}, sys.stdout)


if __name__ == "__main__":
    main()
