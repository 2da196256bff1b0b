#!/usr/bin/env bash
# A real Kubernetes API (etcd and kube-apiserver, no nodes) on 127.0.0.1.
#
#   kubernetes.sh build        build both once (minutes); needs Go 1.26, Debian 12 has 1.19
#   kubernetes.sh up DIR       start both, with their data in DIR; DIR/kubeconfig is then an
#                              administrator's, whose token is `admin`
#   kubernetes.sh stop-api DIR stop the API server alone, which drops every watch
#   kubernetes.sh start-api DIR
#   kubernetes.sh compact DIR  forget old versions: a watch from one of them gets 410 Gone
#   kubernetes.sh down DIR     stop both
#
# No controllers run: objects are checked, kept and watched, and that is all.
#
# Setting: KUBERNETES_PORT (default 16443); etcd takes the next two. `build` exits with 3
# where Go is too old.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
port=${KUBERNETES_PORT:-16443}
etcd=http://127.0.0.1:$((port + 1))
peer=http://127.0.0.1:$((port + 2))
version=$(sed -n 's:^require k8s.io/kubernetes v\([^ ]*\).*:\1:p' "$here/kubernetes/apiserver/go.mod")
home=${LAMPLIGHTER_CACHE:-$HOME/.cache/lamplighter}/kubernetes-$version

build_one() {  # build_one FOLDER PACKAGE PROGRAM [FLAG...]
  local folder=$1 package=$2 program=$3; shift 3
  [ -x "$home/$program" ] && return
  echo "dev: building $program (minutes, once)" >&2
  cd "$here/kubernetes/$folder"
  "$go" build -o "$home/$program.new" -ldflags "-s -w $*" "$package" \
    >"$home/log" 2>&1 || { tail -n 20 "$home/log" >&2; exit 1; }
  mv "$home/$program.new" "$home/$program"
}

build() {
  [ -x "$home/etcd" ] && [ -x "$home/kube-apiserver" ] && return
  export GOTOOLCHAIN=local CC=clang-19
  local have stamp=k8s.io/component-base/version minor=${version#*.}
  go=$(command -v go || echo /usr/local/go/bin/go)
  have=$("$go" env GOVERSION 2>/dev/null) || have=none
  if ! printf '%s\n' go1.26 "$have" | sort -VC || [ "$have" = none ]; then
    echo "kubernetes: needs Go 1.26 or newer to be built, here is ${have#go}" >&2
    exit 3
  fi
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9  # of two that build at once, the second waits
  (build_one etcd go.etcd.io/etcd/server/v3 etcd)
  # Without a version the API server does not know which features it has.
  (build_one apiserver k8s.io/kubernetes/cmd/kube-apiserver kube-apiserver \
    "-X $stamp.gitVersion=v$version -X $stamp.gitMajor=${version%%.*} -X $stamp.gitMinor=${minor%%.*}")
}

start_etcd() {
  setsid "$home/etcd" --data-dir="$dir/etcd" --unsafe-no-fsync --log-level=warn \
    --listen-client-urls="$etcd" --advertise-client-urls="$etcd" \
    --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" \
    --initial-cluster="default=$peer" >>"$dir/etcd.log" 2>&1 </dev/null &
  echo $! >"$dir/etcd.pid"
}

start_api() {
  setsid "$home/kube-apiserver" --etcd-servers="$etcd" --bind-address=127.0.0.1 \
    --secure-port="$port" --cert-dir="$dir/pki" --endpoint-reconciler-type=none \
    --token-auth-file="$dir/tokens.csv" --client-ca-file="$dir/pki/ca.crt" \
    --tls-cert-file="$dir/pki/ca.crt" --tls-private-key-file="$dir/pki/ca.key" \
    --authorization-mode=RBAC --service-cluster-ip-range=10.0.0.0/24 \
    --disable-admission-plugins=ServiceAccount \
    --service-account-key-file="$dir/pki/ca.key" \
    --service-account-signing-key-file="$dir/pki/ca.key" \
    --service-account-issuer=https://kubernetes.default.svc \
    >>"$dir/apiserver.log" 2>&1 </dev/null &
  echo $! >"$dir/apiserver.pid"
  for _ in $(seq 600); do
    if curl -fsS --cacert "$dir/pki/ca.crt" -o /dev/null -H 'Authorization: Bearer admin' \
      "https://127.0.0.1:$port/readyz" 2>/dev/null; then return; fi
    kill -0 "$(cat "$dir/apiserver.pid")" 2>/dev/null || break
    sleep 0.1
  done
  echo "kube-apiserver: not ready; see $dir/apiserver.log" >&2
  return 1
}

stop() {  # stop NAME
  [ -f "$dir/$1.pid" ] || return 0
  local pid; pid=$(cat "$dir/$1.pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$dir/$1.pid"
}

certificates() {  # one that is its own authority, and a client's
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=127.0.0.1 \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/pki/ca.key" -out "$dir/pki/ca.crt"
  openssl req -newkey rsa:2048 -nodes -subj /O=system:masters/CN=certified \
    -keyout "$dir/pki/client.key" -out "$dir/pki/client.csr"
  openssl x509 -req -in "$dir/pki/client.csr" -days 30 -CA "$dir/pki/ca.crt" \
    -CAkey "$dir/pki/ca.key" -CAcreateserial -out "$dir/pki/client.crt"
}

up() {
  (build)
  mkdir -p "$dir/pki"
  certificates 2>"$dir/openssl.log"
  cat >"$dir/tokens.csv" <<CSV
admin,admin,1,"system:masters"
reader,reader,2,"readers"
nobody,nobody,3,"nobodies"
CSV
  cat >"$dir/kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: "https://127.0.0.1:$port", certificate-authority: pki/ca.crt}}]
users: [{name: admin, user: {token: admin}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
YAML
  start_etcd
  start_api
}

compact() {  # over etcd's JSON gateway
  local revision
  revision=$(curl -fsS "$etcd/v3/maintenance/status" -d '{}' | sed -n 's/.*"revision":"\([0-9]*\)".*/\1/p')
  curl -fsS -o /dev/null "$etcd/v3/kv/compaction" -d "{\"revision\":\"$revision\",\"physical\":true}"
}

if [ $# = 2 ]; then mkdir -p "$2"; dir=$(cd "$2" && pwd); fi
case "${1:-} $#" in
  "build 1")     build ;;
  "up 2")        up ;;
  "stop-api 2")  stop apiserver ;;
  "start-api 2") start_api ;;
  "compact 2")   compact ;;
  "down 2")      stop apiserver; stop etcd ;;
  *) sed -n '2,/^set -/{/^set -/!s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
