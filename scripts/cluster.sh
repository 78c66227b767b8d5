#!/usr/bin/env bash
# A whole cluster as local processes: 3 controllers, 2 brokers, 3 servers, a
# Kafka broker and an S3 server.
#
#   scripts/cluster.sh up            start everything, write endpoints.json
#   scripts/cluster.sh down          stop everything and delete its data
#   scripts/cluster.sh start NAME    start one process again (after a kill)
#   scripts/cluster.sh names         list the processes
#
# CLUSTER_DIR (default .cluster) holds data, logs and endpoints.json;
# CLUSTER_BASE (default 19000) is the first port. CLUSTER_KAFKA=none starts no
# Kafka broker. ALLUVIUM_ADMIN_PASSWORD is
# the password of user admin (default: admin-local).
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${CLUSTER_DIR:-.cluster}
base=${CLUSTER_BASE:-19000}
bin=${ALLUVIUM_BIN:-bin/alluvium}
export ALLUVIUM_ADMIN_PASSWORD=${ALLUVIUM_ADMIN_PASSWORD:-admin-local}
host=127.0.0.1
kafka_port=$((base + 92)) s3_port=$((base + 70))
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-alluvium} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-alluvium-secret}
export AWS_REGION=${AWS_REGION:-us-east-1}

# The ports of instance number $2 of a role: http grpc raft pg.
controller_http() { echo $((base + 10 * $1)); }
controller_raft() { echo $((base + 10 * $1 + 1)); }
controller_grpc() { echo $((base + 10 * $1 + 2)); }
broker_http() { echo $((base + 40 + 10 * $1)); }
broker_pg() { echo $((base + 40 + 10 * $1 + 1)); }
server_grpc() { echo $((base + 100 + 10 * $1)); }
server_http() { echo $((base + 100 + 10 * $1 + 1)); }

controllers() {
  local list=()
  for i in 0 1 2; do list+=("$host:$(controller_grpc $i)"); done
  (IFS=,; echo "${list[*]}")
}

# The roster of voters: id=raft address=grpc address, for each controller.
peers() {
  local list=()
  for i in 0 1 2; do
    list+=("Controller_${host}_$(controller_http $i)=$host:$(controller_raft $i)=$host:$(controller_grpc $i)")
  done
  (IFS=,; echo "${list[*]}")
}

# define NAME writes the command line of a process to its folder.
define() {
  local name=$1; shift
  mkdir -p "$dir/$name"
  printf '%q ' "$@" > "$dir/$name/cmd"
}

define_all() {
  local deep="s3://alluvium/cluster" s3="http://$host:$s3_port"
  for i in 0 1 2; do
    define "controller-$i" "$bin" controller --data-dir "$dir/controller-$i/data" \
      --controller-addr "$host:$(controller_http $i)" --raft-addr "$host:$(controller_raft $i)" \
      --controller-grpc-addr "$host:$(controller_grpc $i)" --peers "$(peers)" \
      --deep-store "$deep" --s3-endpoint "$s3"
  done
  for i in 0 1; do
    define "broker-$i" "$bin" broker --controllers "$(controllers)" \
      --broker-addr "$host:$(broker_http $i)" --pg-addr "$host:$(broker_pg $i)"
  done
  for i in 0 1 2; do
    define "server-$i" "$bin" server --data-dir "$dir/server-$i/data" --controllers "$(controllers)" \
      --server-addr "$host:$(server_grpc $i)" --server-http-addr "$host:$(server_http $i)" \
      --deep-store "$deep" --s3-endpoint "$s3"
  done
}

names() { for d in "$dir"/*/cmd; do basename "$(dirname "$d")"; done; }

start() {
  local name=$1
  # setsid: a signal to this script's group must not reach the cluster.
  setsid bash -c "exec $(cat "$dir/$name/cmd")" >> "$dir/$name/log" 2>&1 < /dev/null &
  echo $! > "$dir/$name/pid"
}

# ready URL waits until a process answers that it is ready.
ready() {
  for _ in $(seq 300); do
    curl -fsS -o /dev/null "$1" 2> /dev/null && return 0
    sleep 0.1
  done
  echo "not ready: $1" >&2
  return 1
}

health_url() {
  local n=${1##*-}
  case $1 in
    controller-*) echo "http://$host:$(controller_http "$n")/health" ;;
    broker-*) echo "http://$host:$(broker_http "$n")/health" ;;
    server-*) echo "http://$host:$(server_http "$n")/health" ;;
  esac
}

process_json() {
  local name=$1 n=${1##*-} role=${1%-*} instance addresses
  case $role in
    controller) instance="Controller_${host}_$(controller_http "$n")"
      addresses="\"http\":\"$host:$(controller_http "$n")\",\"grpc\":\"$host:$(controller_grpc "$n")\",\"raft\":\"$host:$(controller_raft "$n")\"" ;;
    broker) instance="Broker_${host}_$(broker_http "$n")"
      addresses="\"http\":\"$host:$(broker_http "$n")\",\"pg\":\"$host:$(broker_pg "$n")\"" ;;
    server) instance="Server_${host}_$(server_grpc "$n")"
      addresses="\"http\":\"$host:$(server_http "$n")\",\"grpc\":\"$host:$(server_grpc "$n")\"" ;;
  esac
  printf '{"name":"%s","role":"%s","instance":"%s","pid":%s,"addresses":{%s}}' \
    "$name" "$role" "$instance" "$(cat "$dir/$name/pid")" "$addresses"
}

endpoints() {
  local first=1
  {
    printf '{"processes":['
    for name in $(names); do
      [ $first = 1 ] || printf ','
      first=0
      process_json "$name"
    done
    printf '],"kafka":"%s","s3":"%s"}\n' "$host:$kafka_port" "http://$host:$s3_port"
  } > "$dir/endpoints.json.tmp"
  mv "$dir/endpoints.json.tmp" "$dir/endpoints.json"
}

up() {
  [ -x "$bin" ] || { echo "$bin is missing: run make build" >&2; exit 1; }
  mkdir -p "$dir"
  local kafka=
  if [ "${CLUSTER_KAFKA:-}" != none ]; then
    scripts/kafka.sh start "$dir/kafka-broker" "$kafka_port" > "$dir/kafka.log" 2>&1 &
    kafka=$!
  fi
  scripts/versitygw.sh start "$dir/s3" "$s3_port" alluvium > "$dir/s3.log" 2>&1
  define_all
  for name in $(names); do start "$name"; done
  for name in $(names); do ready "$(health_url "$name")"; done
  [ -z "$kafka" ] || wait "$kafka" || { cat "$dir/kafka.log" >&2; exit 1; }
  endpoints
  cat "$dir/endpoints.json"
}

down() {
  [ -d "$dir" ] || return 0
  for f in "$dir"/*/pid; do
    [ -f "$f" ] && kill "$(cat "$f")" 2> /dev/null || true
  done
  for f in "$dir"/*/pid; do
    [ -f "$f" ] || continue
    for _ in $(seq 100); do kill -0 "$(cat "$f")" 2> /dev/null || break; sleep 0.1; done
    kill -9 "$(cat "$f")" 2> /dev/null || true
  done
  scripts/kafka.sh stop "$dir/kafka-broker" "$kafka_port" > /dev/null 2>&1 || true
  scripts/versitygw.sh stop "$dir/s3" "$s3_port" > /dev/null 2>&1 || true
  rm -rf "$dir"
}

case ${1:-} in
  up) down; up ;;
  down) down ;;
  start) start "$2"; ready "$(health_url "$2")"; endpoints ;;
  names) names ;;
  *) sed -n '2,13p' "$0" >&2; exit 2 ;;
esac
