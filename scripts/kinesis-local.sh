#!/usr/bin/env bash
# A stand-in for Amazon Kinesis, for tests.
#   scripts/kinesis-local.sh start DIR PORT   prints its URL when it is ready
#   scripts/kinesis-local.sh stop DIR PORT
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.6.2
npm=$PWD/.tools/npm

start() {
  local dir=$1 port=$2
  mkdir -p "$dir" "$npm"
  dir=$(cd "$dir" && pwd)
  [ -f "$npm/node_modules/kinesis-local/main.js" ] ||
    (cd "$npm" && npm install --silent --no-audit --no-fund "kinesis-local@$version")
  cd "$npm/node_modules/kinesis-local" # it reads files of its own folder
  KINESIS_MOCK_PLAIN_PORT=$port KINESIS_MOCK_TLS_PORT=$((port + 1)) LOG_LEVEL=ERROR \
    setsid nohup node main.js > "$dir/log" 2>&1 < /dev/null &
  echo $! > "$dir/pid"
  for _ in $(seq 100); do
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && { echo "http://127.0.0.1:$port"; return; }
    sleep 0.1
  done
  cat "$dir/log" >&2
  exit 1
}

case ${1:-} in
  start) start "$2" "$3" ;;
  stop) [ -f "$2/pid" ] && kill "$(cat "$2/pid")" 2> /dev/null || true ;;
  *) sed -n '2,4p' "$0" >&2; exit 2 ;;
esac
