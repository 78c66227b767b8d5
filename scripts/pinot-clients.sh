#!/usr/bin/env bash
# Pinot's Python client (pinotdb: DB-API and SQLAlchemy, as Superset uses them)
# against the demo. usage: scripts/pinot-clients.sh DIR
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$1
mkdir -p "$dir"
base=${PINOT_BASE:-18300}
python=${PYTHON:-python3}
"$python" -c 'import pinotdb.sqlalchemy' 2> /dev/null || {
  "$python" -m venv "$dir/venv"
  "$dir/venv/bin/pip" install -q 'pinotdb==9.2.2' sqlalchemy requests
  python=$dir/venv/bin/python
}

${ALLUVIUM:-bin/alluvium} standalone --demo --data-dir "$dir/data" --controller-addr 127.0.0.1:$base \
  --broker-addr 127.0.0.1:$((base + 1)) --pg-addr 127.0.0.1:$((base + 2)) --controller-grpc-addr 127.0.0.1:$((base + 3)) \
  --raft-addr 127.0.0.1:$((base + 4)) --server-addr 127.0.0.1:$((base + 5)) --server-http-addr 127.0.0.1:$((base + 6)) \
  >> "$dir/log" 2>&1 &
demo=$!
trap 'kill "$demo" 2> /dev/null || true; wait "$demo" 2> /dev/null || true' EXIT

CONTROLLER=$base BROKER=$((base + 1)) "$python" - << 'PY' || { tail -50 "$dir/log" >&2; exit 1; }
import datetime, os, time
import pinotdb
from sqlalchemy import create_engine, inspect, text

broker, controller = int(os.environ["BROKER"]), int(os.environ["CONTROLLER"])
conn = pinotdb.connect(host="127.0.0.1", port=broker, path="/query/sql", scheme="http")

def query(sql, options=""):
    cur = conn.cursor()
    cur.execute(sql, queryOptions=options)
    return cur

for _ in range(100):
    try:
        n = query("SELECT COUNT(*) FROM web_transactions").fetchone()[0]
        if n > 100:
            break
    except Exception as e:
        n = e
    time.sleep(0.1)
assert isinstance(n, (int, float)) and n > 100, n

cur = query("SELECT department, COUNT(*) AS n, SUM(price) FROM web_transactions GROUP BY department ORDER BY n DESC LIMIT 3")
names, rows = [d[0] for d in cur.description], cur.fetchall()
assert names[:2] == ["department", "n"] and len(rows) == 3 and rows[0][1] >= rows[1][1], (names, rows)
assert len(query("SELECT * FROM web_transactions").fetchall()) == 10
assert len(query("SELECT * FROM web_transactions LIMIT 25", "timeoutMs=5000;useMultistageEngine=true").fetchall()) == 25
one = "SELECT price FROM web_transactions WHERE department = %(d)s LIMIT 1"
cur = conn.cursor()
cur.execute(one, {"d": rows[0][0]})
assert len(cur.fetchall()) == 1
try:
    query("SELECT depatment FROM web_transactions")
    raise SystemExit("an unknown column was accepted")
except pinotdb.exceptions.DatabaseError as e:
    assert "depatment" in str(e), e

engine = create_engine(f"pinot://127.0.0.1:{broker}/query/sql?controller=http://127.0.0.1:{controller}/")
tables = inspect(engine).get_table_names()
assert "web_transactions" in tables, tables
columns = {c["name"] for c in inspect(engine).get_columns("web_transactions")}
assert {"department", "price"} <= columns, columns
with engine.connect() as c:
    got = c.execute(text("SELECT COUNT(*) FROM web_transactions")).scalar()
    assert got >= n, (got, n)
print(f"pinotdb ok: {n} rows, {len(columns)} columns")
PY
