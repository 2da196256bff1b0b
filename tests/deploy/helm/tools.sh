#!/usr/bin/env bash
# What the tests of the chart need from the Go module proxy, built once.
#
#   tools.sh build    helm, kubeconform, and the definitions (CRDs) of what the chart makes
#                     beside Kubernetes' own; needs Go 1.26, Debian 12 has 1.19
#   tools.sh home     the folder of helm and kubeconform
#   tools.sh crds     the folder of the definitions
#
# `build` exits with 3 where Go is missing or too old.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${LAMPLIGHTER_CACHE:-$HOME/.cache/lamplighter}
kubernetes=1.36  # whose features `helm template` and `helm lint` take for granted
hash() { sha256sum | cut -c1-12; }
home=$cache/helm-$({ echo "$kubernetes"; cat "$here"/tools/*/go.mod; } | hash)

# MODULE VERSION SUM FILE...: go.sum's checksum, and the files that are taken.
definitions() {
  cat <<'LIST'
github.com/kedacore/keda/v2 v2.21.0 h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps= config/crd/bases/keda.sh_scaledobjects.yaml config/crd/bases/keda.sh_triggerauthentications.yaml
sigs.k8s.io/gateway-api v1.3.0 h1:q6okN+/UKDATola4JY7zXzx40WO4VISk7i9DIfOvr9M= config/crd/standard/gateway.networking.k8s.io_httproutes.yaml
github.com/prometheus-operator/prometheus-operator v0.85.0 h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s= example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml
LIST
}
crds=$home/crds-$(definitions | hash)

build_program() {  # build_program FOLDER PACKAGE [FLAG...]
  local folder=$1 package=$2; shift 2
  [ -x "$home/$folder" ] && return
  echo "dev: building $folder (minutes, once)" >&2
  cd "$here/tools/$folder"
  "$go" build -o "$home/$folder.new" -ldflags "-s -w $*" "$package" \
    >"$home/log" 2>&1 || { tail -n 20 "$home/log" >&2; exit 1; }
  mv "$home/$folder.new" "$home/$folder"
}

fetch_definitions() {
  [ -d "$crds" ] && return
  rm -rf "$crds.new" && mkdir "$crds.new"
  local module version sum files file answer folder
  while read -r module version sum files; do
    answer=$(cd "$home" && "$go" mod download -json "$module@$version")
    grep -qF "\"Sum\": \"$sum\"" <<<"$answer" || {
      echo "tools.sh: $module $version is not what it was: $answer" >&2; exit 1; }
    folder=$(sed -n 's/.*"Dir": "\(.*\)".*/\1/p' <<<"$answer")
    for file in $files; do install -m 644 "$folder/$file" "$crds.new/"; done
  done < <(definitions)
  mv "$crds.new" "$crds"
}

build() {
  export GOTOOLCHAIN=local CGO_ENABLED=0
  local have
  go=$(command -v go || echo /usr/local/go/bin/go)
  have=$("$go" env GOVERSION 2>/dev/null) || have=none
  if [ "$have" = none ] || ! printf '%s\n' go1.26 "$have" | sort -VC; then
    echo "helm: needs Go 1.26 or newer to be built, here is ${have#go}" >&2
    exit 3
  fi
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9  # of two that build at once, the second waits
  local at
  at=$(for package in chartutil lint/rules; do
    echo "-X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=${kubernetes%.*}"
    echo "-X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=${kubernetes#*.}"
  done)
  (build_program kubeconform github.com/yannh/kubeconform/cmd/kubeconform)
  # shellcheck disable=SC2086  # words on purpose
  (build_program helm helm.sh/helm/v3/cmd/helm $at)
  (fetch_definitions)
}

case "${1:-} $#" in
  "build 1") build ;;
  "home 1")  echo "$home" ;;
  "crds 1")  echo "$crds" ;;
  *) sed -n '2,/^set -/{/^set -/!s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
