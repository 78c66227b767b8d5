"""The protocol between the benchmark and a peer that runs in this process.

Requests are JSON lines on standard input, each answered by one JSON line:

    {"op": "load", "table": T, "files": [...], "columns": [{"name", "type", "low"}],
     "sorted_by": C, "threads": N, "dir": D}   -> {"version", "seconds", "merge_seconds", "bytes"}
    {"op": "run", "sql": Q, "runs": N}         -> {"ms": [...]}
    {"op": "rows", "sql": Q}                   -> {"rows": [[text or null]]}

A failure is answered by {"error": text}.
"""

import json
import os
import sys
import time


def serve(engine):
    """Answers requests until standard input ends."""
    # Libraries may print; the answers have a descriptor of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            out = answer(engine, json.loads(line))
        except Exception as e:  # whatever an engine raises is told to the benchmark
            out = {"error": f"{type(e).__name__}: {e}"}
        answers.write(json.dumps(out) + "\n")
        answers.flush()


def answer(engine, request):
    op = request.pop("op")
    if op == "load":
        return engine.load(**request)
    if op == "run":
        return {"ms": [timed(engine, request["sql"]) for _ in range(request["runs"])]}
    if op == "rows":
        return {"rows": engine.rows(request["sql"])}
    raise ValueError(f"unknown request {op}")


def timed(engine, sql):
    start = time.perf_counter()
    engine.run(sql)
    return (time.perf_counter() - start) * 1000
