#!/usr/bin/env bash
# A stand-in for Amazon Kinesis, for tests.
#   scripts/kinesis-local.sh start DIR PORT   prints its URL when it is ready
#   scripts/kinesis-local.sh stop DIR PORT
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.6.2
npm=$PWD/.tools/npm

# running tells whether the process of an earlier start is alive.
running() { [ -f "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2> /dev/null; }

listening() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

start() {
  local dir=$1 port=$2
  mkdir -p "$dir" "$npm"
  dir=$(cd "$dir" && pwd)
  running "$dir" && { echo "http://127.0.0.1:$port"; return; }
  listening "$port" && { echo "port $port is taken" >&2; exit 1; }
  [ -f "$npm/node_modules/kinesis-local/main.js" ] ||
    (cd "$npm" && npm install --silent --no-audit --no-fund "kinesis-local@$version")
  cd "$npm/node_modules/kinesis-local" # it reads files of its own folder
  KINESIS_MOCK_PLAIN_PORT=$port KINESIS_MOCK_TLS_PORT=$((port + 1)) LOG_LEVEL=ERROR \
    setsid nohup node main.js > "$dir/log" 2>&1 < /dev/null &
  echo $! > "$dir/pid"
  for _ in $(seq 100); do
    running "$dir" || break
    listening "$port" && { echo "http://127.0.0.1:$port"; return; }
    sleep 0.1
  done
  cat "$dir/log" >&2
  exit 1
}

case ${1:-} in
  start) start "$2" "$3" ;;
  stop) running "$2" && kill "$(cat "$2/pid")"; rm -f "$2/pid" ;;
  *) sed -n '2,4p' "$0" >&2; exit 2 ;;
esac
