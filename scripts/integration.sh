#!/usr/bin/env bash
# The store against the real things: Apache Kafka, a Kinesis stand-in, an S3
# server, psql, headless Chromium; and the kill loop over a whole cluster.
# Installs what it needs into .tools (and, as root, Debian packages).
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
kafka_port=18092 s3_port=18070 kinesis_port=18567
cleanup() {
  set +e
  [ -n "${demo:-}" ] && kill "$demo" 2> /dev/null && wait "$demo" 2> /dev/null
  scripts/kafka.sh stop "$work/kafka" $kafka_port > /dev/null 2>&1
  scripts/versitygw.sh stop "$work/s3" $s3_port > /dev/null 2>&1
  scripts/kinesis-local.sh stop "$work/kinesis" $kinesis_port > /dev/null 2>&1
  rm -rf "$work"
}
trap cleanup EXIT

step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

# need COMMAND PACKAGE installs a Debian package when its command is missing.
need() {
  command -v "$1" > /dev/null && return 0
  [ "$(id -u)" = 0 ] || { echo "$1 is missing: install the package $2" >&2; exit 1; }
  apt-get update -qq && apt-get install -y -qq "$2" > /dev/null
}

step "tools"
need psql postgresql-client
need chromium chromium
need curl curl
need mvn maven
need python3 python3
python3 -c 'import ensurepip, venv' 2> /dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv > /dev/null; }
(cd controller/ui/app && [ -d node_modules ] || npm ci --no-audit --no-fund --silent)

step "Kafka, Kinesis, S3"
export AWS_ACCESS_KEY_ID=alluvium AWS_SECRET_ACCESS_KEY=alluvium-secret AWS_REGION=us-east-1
scripts/kafka.sh start "$work/kafka" $kafka_port
scripts/versitygw.sh start "$work/s3" $s3_port alluvium
scripts/kinesis-local.sh start "$work/kinesis" $kinesis_port
export ALLUVIUM_TEST_KAFKA=127.0.0.1:$kafka_port
export ALLUVIUM_TEST_KINESIS=http://127.0.0.1:$kinesis_port
export ALLUVIUM_TEST_S3=http://127.0.0.1:$s3_port ALLUVIUM_TEST_S3_KEY=alluvium ALLUVIUM_TEST_S3_SECRET=alluvium-secret

step "sources and deep store"
go test -tags integration -count=1 -timeout 8m ./ingest/kafka ./ingest/kinesis ./internal/objstore ./server/...

step "demo: psql, the UI, Pinot's client"
go test -tags integration -count=1 -timeout 2m -run PSQL ./broker/pgwire
UI_SHOTS=${UI_SHOTS:-} scripts/demo-check.sh "$work/demo"
scripts/pinot-clients.sh "$work/pinot"

step "answers beside DuckDB and ClickHouse"
python=$(scripts/peers.sh)
bin/alluvium bench flat --quick --python "$python" --cache "$work/bench"
bin/alluvium bench hits --quick --python "$python" --cache "$work/bench"

step "kill loops: streams, batch loads, indexes of a live table"
go test -tags integration -count=1 -timeout 15m -v -run 'TestKillLoop|TestLoads' ./internal/clustertest

step "done"
