#!/usr/bin/env bash
# A real Kafka broker (KRaft, one node) on 127.0.0.1.
#
#   kafka.sh fetch       get the jars once
#   kafka.sh up DIR      start, with its data in DIR; DIR/env then has KAFKA_BROKERS
#   kafka.sh kill DIR    stop it hard (SIGKILL)
#   kafka.sh down DIR    stop it cleanly
#
# `up` on a DIR that was used before goes on with its data. Topics are not made
# by themselves, as in production.
#
# Settings: KAFKA_PORT     default 19092; the controller takes the next one
#           KAFKA_HEAP     default 512m
#           KAFKA_VERSION  default: that of kafka/pom.xml
#           KAFKA_SETTINGS a file with more of the broker's settings; it still
#                          listens on KAFKA_PORT without any security
#           KAFKA_SCRAM    USER:PASSWORD, known by SCRAM-SHA-256 and -512 from
#                          the first start on
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
port=${KAFKA_PORT:-19092}
heap=${KAFKA_HEAP:-512m}
version=${KAFKA_VERSION:-$(sed -n 's:.*<kafka.version>\(.*\)</.*:\1:p' "$here/kafka/pom.xml")}
lib=${LAMPLIGHTER_CACHE:-$HOME/.cache/lamplighter}/kafka-$version

fetch() {
  [ -d "$lib" ] && return
  echo "dev: fetching Kafka $version" >&2
  local work
  mkdir -p "$(dirname "$lib")"
  work=$(mktemp -d "$lib.XXXXXX")
  mvn -B -q -Dstyle.color=never -f "$here/kafka/pom.xml" "-Dkafka.version=$version" \
    dependency:copy-dependencies "-DoutputDirectory=$work" >&2 </dev/null
  # Into place in one step; whoever was first has the same.
  mv -T "$work" "$lib" 2>/dev/null || rm -rf "$work"
}

running() { [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

configuration() {
  cat <<EOT
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
EOT
  [ -z "${KAFKA_SETTINGS:-}" ] || cat "$KAFKA_SETTINGS"  # of two the last counts
}

scram() {  # the arguments of StorageTool for KAFKA_SCRAM
  local mechanism
  [ -n "${KAFKA_SCRAM:-}" ] || return 0
  for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
    printf '%s\n' --add-scram "$mechanism=[name=${KAFKA_SCRAM%%:*},password=${KAFKA_SCRAM#*:}]"
  done
}

up() {
  if running; then return; fi
  fetch
  mkdir -p "$dir/data"
  configuration >"$dir/server.properties"
  local users
  mapfile -t users < <(scram)
  java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$lib/*" kafka.tools.StorageTool \
    format --cluster-id bGFtcGxpZ2h0ZXItdGVzdA --ignore-formatted \
    --config "$dir/server.properties" "${users[@]}" >>"$dir/log" 2>&1
  # A session of its own, so that Ctrl-C at the terminal does not reach it.
  setsid java "-Xms$heap" "-Xmx$heap" -cp "$lib/*" kafka.Kafka "$dir/server.properties" \
    >>"$dir/log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
  for _ in $(seq 300); do
    if kcat -b "127.0.0.1:$port" -L -m 2 2>/dev/null | grep -q ' 1 brokers:'; then
      echo "KAFKA_BROKERS=127.0.0.1:$port" >"$dir/env"
      return
    fi
    running || break
    sleep 0.2
  done
  echo "kafka: not ready; see $dir/log" >&2
  return 1
}

stop() {  # stop SIGNAL
  local pid
  rm -f "$dir/env"
  if running; then
    pid=$(cat "$dir/pid")
    kill "-$1" "$pid"
    for _ in $(seq 200); do running || break; sleep 0.1; done
    if running; then kill -KILL "$pid"; fi
  fi
  rm -f "$dir/pid"
}

if [ $# = 2 ]; then mkdir -p "$2"; dir=$(cd "$2" && pwd); fi
case "${1:-} $#" in
  "fetch 1") fetch ;;
  "up 2")    up ;;
  "kill 2")  stop KILL ;;
  "down 2")  stop TERM ;;
  *) sed -n '2,/^set -/{/^set -/!s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
