#!/usr/bin/env bash
# An S3 server over a folder, for tests.
#   scripts/versitygw.sh start DIR PORT [BUCKET]   prints its URL when it is ready
#   scripts/versitygw.sh stop DIR PORT
# Keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (alluvium / alluvium-secret).
set -euo pipefail
cd "$(dirname "$0")/.."
version=v1.8.0
bin=$PWD/.tools/bin/versitygw

# running tells whether the process of an earlier start is alive.
running() { [ -f "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2> /dev/null; }

listening() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

start() {
  local dir=$1 port=$2 bucket=${3:-alluvium}
  if command -v versitygw > /dev/null; then
    bin=$(command -v versitygw)
  elif [ ! -x "$bin" ]; then
    mkdir -p "$(dirname "$bin")"
    GOBIN=$(dirname "$bin") go install "github.com/versity/versitygw/cmd/versitygw@$version"
  fi
  # A folder at the root is a bucket.
  mkdir -p "$dir/data/$bucket" "$dir/meta"
  dir=$(cd "$dir" && pwd)
  running "$dir" && { echo "http://127.0.0.1:$port"; return; }
  listening "$port" && { echo "port $port is taken" >&2; exit 1; }
  ROOT_ACCESS_KEY=${AWS_ACCESS_KEY_ID:-alluvium} ROOT_SECRET_KEY=${AWS_SECRET_ACCESS_KEY:-alluvium-secret} \
    setsid nohup "$bin" --port "127.0.0.1:$port" --quiet posix --sidecar "$dir/meta" "$dir/data" > "$dir/log" 2>&1 < /dev/null &
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
  start) start "$2" "$3" "${4:-}" ;;
  stop) running "$2" && kill "$(cat "$2/pid")"; rm -f "$2/pid" ;;
  *) sed -n '2,6p' "$0" >&2; exit 2 ;;
esac
