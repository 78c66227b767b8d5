#!/usr/bin/env bash
# The long forms: race detector, fuzzers for a minute each, more random tables
# and damaged files, integration, benchmarks with a real broker. The results are
# written to docs/nightly.md.
set -euo pipefail
cd "$(dirname "$0")/.."
out=docs/nightly.md
mkdir -p docs
run() {
  local name=$1 log
  shift
  log=$(mktemp)
  local start=$SECONDS
  if "$@" > "$log" 2>&1; then
    echo "- $name: ok ($((SECONDS - start)) s)" >> "$out"
  else
    { echo "- $name: FAILED ($((SECONDS - start)) s)"; tail -40 "$log" | sed 's/^/      /'; } >> "$out"
    failed=1
  fi
  rm -f "$log"
}
failed=0
{ echo "# Long runs of $(date -u +%F)"; echo; } > "$out"
run "make race" make race
run "make fuzz (60 s each)" make fuzz
run "random tables (200 seeds)" go test -tags invariants -timeout 60m ./query/exec -seeds 200
run "every flipped byte" go test -tags invariants -timeout 30m ./segment/immutable -flip-step 1
run "make integration" make integration
BENCH_KAFKA=1 scripts/bench.sh > docs/nightly-bench.md || failed=1
exit $failed
