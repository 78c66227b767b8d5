#!/usr/bin/env bash
# Measures the binary on this machine and prints Markdown. Figures of
# docs/BENCHMARKS.md come from here. With BENCH_KAFKA=1 the ingestion and
# freshness runs also use a real Apache Kafka broker.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'scripts/kafka.sh stop "$work/kafka" 18392 > /dev/null 2>&1; rm -rf "$work"' EXIT

# python NAME prints an interpreter that has a package, installing it aside.
python_with() {
  python3 -c "import $1" 2> /dev/null && { echo python3; return; }
  [ -x .tools/python/bin/python ] || python3 -m venv .tools/python
  .tools/python/bin/python -c "import $1" 2> /dev/null || .tools/python/bin/pip install -q "$1" > /dev/null
  echo .tools/python/bin/python
}

echo "# $(date -u +%F), $(nproc) cores, $(awk -F: '/model name/{print $2; exit}' /proc/cpuinfo | sed 's/^ //')"
echo; echo "## Ingestion: backlog of the demo event"; echo
bin/alluvium bench ingest --rows "${BENCH_ROWS:-4000000}"
echo; echo "## Freshness at 5,000 rows/s"; echo
bin/alluvium bench freshness --rate 5000 --seconds 20
if [ -n "${BENCH_KAFKA:-}" ]; then
  scripts/kafka.sh start "$work/kafka" 18392 > /dev/null
  echo; bin/alluvium bench ingest --rows "${BENCH_ROWS:-4000000}" --kafka 127.0.0.1:18392
  echo; bin/alluvium bench freshness --rate 5000 --seconds 20 --kafka 127.0.0.1:18392
fi
echo; echo "## Star schema benchmark, flat"; echo
bin/alluvium bench ssb --rows "${BENCH_SSB_ROWS:-1200000}" --python "$(python_with duckdb)"
echo; echo "## Loops"; echo
go test -run '^$' -bench . -benchtime 1s ./bench/... ./segment/encoding ./ingest/decode ./segment/mutable ./query/... 2> /dev/null | grep -E '^(Benchmark|pkg)' || true
