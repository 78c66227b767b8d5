#!/usr/bin/env bash
# A real Apache Kafka broker (KRaft, one node) for tests.
#   scripts/kafka.sh start DIR PORT    prints host:port when it is ready
#   scripts/kafka.sh stop DIR PORT
# The jars come from Maven into .tools/kafka; needs Java 17 and Maven.
set -euo pipefail
cd "$(dirname "$0")/.."
version=4.1.1
libs=$PWD/.tools/kafka/$version

install() {
  [ -f "$libs/.complete" ] && return
  local pom
  pom=$(mktemp --suffix=.xml)
  cat > "$pom" << EOF
<project><modelVersion>4.0.0</modelVersion><groupId>tools</groupId><artifactId>kafka-runtime</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency></dependencies>
</project>
EOF
  mvn -q -B -f "$pom" dependency:copy-dependencies -DoutputDirectory="$libs" > "$libs.log" 2>&1 || { cat "$libs.log" >&2; exit 1; }
  rm -f "$pom"
  touch "$libs/.complete"
}

config() {
  cat << EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(($2 + 1))
listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$(($2 + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$2
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$1/log
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
num.partitions=1
EOF
}

# running tells whether the process of an earlier start is alive.
running() { [ -f "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2> /dev/null; }

listening() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

java_run() { java -Xmx512m -Xms256m -XX:+UseG1GC -cp "$libs/*" "$@"; }

start() {
  local dir=$1 port=$2
  mkdir -p "$libs" "$dir"
  dir=$(cd "$dir" && pwd)
  running "$dir" && { echo "127.0.0.1:$port"; return; }
  listening "$port" && { echo "port $port is taken" >&2; exit 1; }
  install
  config "$dir" "$port" > "$dir/server.properties"
  [ -f "$dir/log/meta.properties" ] ||
    java_run kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$dir/server.properties" > "$dir/format.log" 2>&1 ||
    { cat "$dir/format.log" >&2; exit 1; }
  setsid nohup java -Xmx512m -Xms256m -XX:+UseG1GC -cp "$libs/*" kafka.Kafka "$dir/server.properties" > "$dir/broker.log" 2>&1 < /dev/null &
  echo $! > "$dir/pid"
  for _ in $(seq 300); do
    listening "$port" && { echo "127.0.0.1:$port"; return; }
    running "$dir" || break
    sleep 0.2
  done
  tail -30 "$dir/broker.log" >&2
  exit 1
}

stop() {
  running "$1" || return 0
  kill "$(cat "$1/pid")" 2> /dev/null || true
  for _ in $(seq 50); do running "$1" || break; sleep 0.1; done
  running "$1" && kill -9 "$(cat "$1/pid")" 2> /dev/null
  rm -f "$1/pid"
}

case ${1:-} in
  start) start "$2" "$3" ;;
  stop) stop "$2" ;;
  *) sed -n '2,5p' "$0" >&2; exit 2 ;;
esac
