#!/usr/bin/env bash
# What a newcomer does: the demo, psql while it grows, the UI in a browser, a
# kill -9 in between. usage: scripts/demo-check.sh DIR
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$1
mkdir -p "$dir"
base=${DEMO_BASE:-18200}
pg=$((base + 1)) http=$((base))
flags=(standalone --demo --data-dir "$dir/data" --controller-addr 127.0.0.1:$http --pg-addr 127.0.0.1:$pg
  --broker-addr 127.0.0.1:$((base + 2)) --controller-grpc-addr 127.0.0.1:$((base + 3)) --raft-addr 127.0.0.1:$((base + 4))
  --server-addr 127.0.0.1:$((base + 5)) --server-http-addr 127.0.0.1:$((base + 6)))

start() {
  bin/alluvium "${flags[@]}" >> "$dir/log" 2>&1 &
  demo=$!
  for _ in $(seq 100); do curl -fsS -o /dev/null "http://127.0.0.1:$http/health" 2> /dev/null && return 0; sleep 0.05; done
  echo "the demo was not ready within 5 s" >&2
  tail -50 "$dir/log" >&2
  return 1
}
stop() { kill "$demo" 2> /dev/null || true; wait "$demo" 2> /dev/null || true; }
trap stop EXIT

q() { psql -X -h 127.0.0.1 -p $pg -U admin -At -v ON_ERROR_STOP=1 alluvium -c "$1"; }
count() { q 'select count(*) from web_transactions'; }
fail() { echo "FAIL: $*" >&2; tail -50 "$dir/log" >&2; exit 1; }

# grows BEFORE waits until the table has more rows than BEFORE.
grows() {
  for _ in $(seq 100); do [ "$(count)" -gt "$1" ] && return 0; sleep 0.1; done
  fail "the table does not grow beyond $1 rows"
}

start
for _ in $(seq 100); do n=$(count 2> /dev/null) && [ -n "$n" ] && break; sleep 0.1; done
grows "${n:-0}"
q '\d' | grep -q web_transactions || fail '\d does not list the table'
q '\dt' | grep -q web_transactions || fail '\dt does not list the table'
q '\d web_transactions' | grep -q department || fail '\d table does not list the columns'
[ "$(q 'select count(distinct campaign) from web_transactions')" -ge 1 ] || fail "count(distinct)"
q 'explain analyze select department, sum(price) from web_transactions group by department' | grep -qi segment || fail "explain analyze"

# Nothing is lost or doubled by kill -9: sequence numbers stay dense.
before=$(count)
kill -9 "$demo"
wait "$demo" 2> /dev/null || true
start
grows "$before"
bin/alluvium table audit web_transactions --controller "http://127.0.0.1:$http"

UI_URL="http://127.0.0.1:$http" UI_SHOTS="${UI_SHOTS:-}" node --test controller/ui/app/e2e/

kill "$demo"
code=0; wait "$demo" || code=$?
[ "$code" = 0 ] || fail "SIGTERM ended the demo with status $code"
echo "demo ok: $before rows before the kill, $SECONDS s"
