#!/usr/bin/env bash
# Prints the path of promtool: the machine's, or that of Debian's package
# `prometheus`, unpacked once in the cache. It is not installed, because that
# would start a server.
set -euo pipefail

if command -v promtool; then exit; fi
out=${LAMPLIGHTER_CACHE:-$HOME/.cache/lamplighter}/promtool
if [ ! -x "$out/promtool" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && apt-get -qq download prometheus 2>apt.log) || { cat "$work/apt.log" >&2; exit 1; }
  dpkg -x "$work"/prometheus_*.deb "$work/tree"
  mkdir -p "$out"
  mv "$work/tree/usr/bin/promtool" "$out/promtool"
fi
echo "$out/promtool"
