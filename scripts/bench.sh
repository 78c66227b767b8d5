#!/usr/bin/env bash
# Measures the binary on this machine and prints Markdown. Figures of
# docs/BENCHMARKS.md come from here. With BENCH_KAFKA=1 the ingestion and
# freshness runs also use a real Apache Kafka broker.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'scripts/kafka.sh stop "$work/kafka" 18392 > /dev/null 2>&1; rm -rf "$work"' EXIT

python=$(scripts/peers.sh)

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
suites=(--python "$python" --docs docs/BENCHMARKS.md)
echo; echo "## Star schema benchmark and dashboards"; echo
bin/alluvium bench flat --rows "${BENCH_SSB_ROWS:-12000000}" "${suites[@]}"
echo; echo "## Web analytics"; echo
bin/alluvium bench hits --rows "${BENCH_HITS_ROWS:-5000000}" "${suites[@]}"
echo; echo "## Queries a second"; echo
bin/alluvium bench qps --rows "${BENCH_SSB_ROWS:-12000000}" --docs docs/BENCHMARKS.md
echo; echo "## The latest row of a key"; echo
bin/alluvium bench latest --docs docs/BENCHMARKS.md
echo; echo "## Wide tables"; echo
bin/alluvium bench wide --docs docs/BENCHMARKS.md
echo; echo "## Kernels"; echo
bin/alluvium bench kernels --docs docs/BENCHMARKS.md
echo; echo "## Loops"; echo
go test -run '^$' -bench . -benchtime 1s ./bench/... ./segment/encoding ./ingest/decode ./segment/mutable ./query/... 2> /dev/null | grep -E '^(Benchmark|pkg)' || true
