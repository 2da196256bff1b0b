#!/usr/bin/env bash
# A real PostgreSQL on 127.0.0.1.
#
#   postgres.sh up DIR    start it, with its data in DIR; DIR/env then has
#                         DATABASE_URL
#   postgres.sh kill DIR  stop it hard, as a crash would
#   postgres.sh down DIR  stop it
#
# `up` on a DIR that was used before goes on with its data. Needs Debian's
# postgresql. It refuses to run as root, which therefore becomes user postgres.
#
# Settings: PG_PORT     default 15432
#           PG_OPTIONS  more of the server's, e.g. "-c shared_buffers=2GB"
set -euo pipefail

usage() { sed -n '2,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2; }
[ $# = 2 ] || usage

command=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
port=${PG_PORT:-15432}
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || { echo "postgres.sh: install postgresql" >&2; exit 1; }

ordinary() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }
control() { ordinary "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w "$@" >/dev/null; }

case $command in
  up)
    [ "$(id -u)" != 0 ] || chown postgres "$dir"
    fresh=''
    if [ ! -d "$dir/data" ]; then
      fresh=1
      ordinary "$bin/initdb" -D "$dir/data" -U test -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
    fi
    control -o "-p $port -k $dir -c listen_addresses=127.0.0.1 ${PG_OPTIONS:-}" start
    [ -z "$fresh" ] || ordinary "$bin/createdb" -h 127.0.0.1 -p "$port" -U test catalog
    echo "DATABASE_URL=postgresql://test@127.0.0.1:$port/catalog" >"$dir/env" ;;
  kill) control -m immediate stop ;;
  down) control -m fast stop ;;
  *) usage ;;
esac
