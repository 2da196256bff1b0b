#!/usr/bin/env bash
# A real forge (Gitea with SQLite) on 127.0.0.1.
#
#   gitea.sh build      build it once (minutes); needs Go 1.26, Debian 12 has 1.19
#   gitea.sh up DIR     start it, with its data in DIR; DIR/env then has GITEA_URL,
#                       GITEA_USER and GITEA_TOKEN
#   gitea.sh down DIR   stop it
#
# Setting: GITEA_PORT (default 13000). `build` exits with 3 where Go is too old.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
port=${GITEA_PORT:-13000}
version=$(sed -n 's:^\tcode.gitea.io/gitea v\([^ ]*\).*:\1:p' "$here/gitea/go.mod")
home=${LAMPLIGHTER_CACHE:-$HOME/.cache/lamplighter}/gitea-$version

build() {
  [ -x "$home/gitea" ] && return
  export GOTOOLCHAIN=local CC=clang-19
  local go have assets
  go=$(command -v go || echo /usr/local/go/bin/go)
  have=$("$go" env GOVERSION 2>/dev/null) || have=none
  if ! printf '%s\n' go1.26 "$have" | sort -VC || [ "$have" = none ]; then
    echo "gitea: needs Go 1.26 or newer to be built, here is ${have#go}" >&2
    exit 3
  fi
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9  # of two that build at once, the second waits
  [ -x "$home/gitea" ] && return
  echo "dev: building Gitea $version (minutes, once)" >&2
  cd "$here/gitea"
  "$go" build -tags 'sqlite sqlite_unlock_notify' -o "$home/gitea.new" code.gitea.io/gitea \
    >"$home/log" 2>&1 || { tail -n 20 "$home/log" >&2; exit 1; }
  assets=$("$go" list -m -f '{{.Dir}}' code.gitea.io/gitea)
  cp -r --no-preserve=mode "$assets"/{templates,options,public} "$home/"
  mv "$home/gitea.new" "$home/gitea"
}

up() {
  (build)
  mkdir -p "$dir/data"
  cat >"$dir/app.ini" <<INI
RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = $dir
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = $port
ROOT_URL = http://127.0.0.1:$port/
STATIC_ROOT_PATH = $home
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = $dir/data/gitea.db
[security]
INSTALL_LOCK = true
[webhook]
ALLOWED_HOST_LIST = loopback
[service]
DISABLE_REGISTRATION = true
[log]
LEVEL = warn
[cron]
ENABLED = false
INI
  local gitea=("$home/gitea" --work-path "$dir" --config "$dir/app.ini") token
  "${gitea[@]}" migrate >"$dir/log" 2>&1
  "${gitea[@]}" admin user create --admin --username forge --random-password \
    --email forge@example.test --must-change-password=false >>"$dir/log" 2>&1
  token=$("${gitea[@]}" admin user generate-access-token --username forge \
    --token-name test --scopes all --raw 2>>"$dir/log" | tail -n 1)
  setsid "${gitea[@]}" web >>"$dir/log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
  for _ in $(seq 300); do
    if curl -fsS -o /dev/null "http://127.0.0.1:$port/api/v1/version" 2>/dev/null; then
      printf 'GITEA_URL=http://127.0.0.1:%s\nGITEA_USER=forge\nGITEA_TOKEN=%s\n' "$port" "$token" >"$dir/env"
      return
    fi
    sleep 0.1
  done
  echo "gitea: not ready; see $dir/log" >&2
  return 1
}

down() {
  [ -f "$dir/pid" ] || return 0
  local pid; pid=$(cat "$dir/pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$dir/pid" "$dir/env"
}

if [ $# = 2 ]; then mkdir -p "$2"; dir=$(cd "$2" && pwd); fi
case "${1:-} $#" in
  "build 1") build ;;
  "up 2")    up ;;
  "down 2")  down ;;
  *) sed -n '2,/^set -/{/^set -/!s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
