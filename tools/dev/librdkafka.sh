#!/usr/bin/env bash
# Builds librdkafka once into the cache and prints the folder it lies in.
#
#   librdkafka.sh    -> ~/.cache/lamplighter/librdkafka-2.12.0 {include,lib}
#
# Debian's 2.0.2 cannot log in to Kafka 4 with SCRAM. The source travels in an
# npm package; its archive is pinned by version and checksum.
set -euo pipefail

version=2.12.0
package=node-rdkafka@3.6.1
sha256=148f7e7b65c510314c70762d8f1be052c8fe1fdf03a128e6c78083a729a57a30

cache=${LAMPLIGHTER_CACHE:-$HOME/.cache/lamplighter}
out=$cache/librdkafka-$version
if [ -f "$out/lib/librdkafka.a" ]; then
  echo "$out"
  exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo "dev: building librdkafka $version (about 30 s)" >&2
archive=$(npm pack --loglevel=error "$package")
echo "$sha256  $archive" | sha256sum --check --quiet >&2
tar -xzf "$archive"
cd package/deps/librdkafka
{
  CC=clang-19 CXX=clang++-19 ./configure --disable-gssapi --disable-curl --prefix="$work/out"
  make -C src -j"$(nproc)" librdkafka.a
} >"$work/log" 2>&1 || {
  tail -n 30 "$work/log" >&2
  exit 1
}
# Into place in one step, so that a build that was cut off leaves nothing.
mkdir -p "$work/out/include/librdkafka" "$work/out/lib" "$cache"
cp src/rdkafka.h src/rdkafka_mock.h "$work/out/include/librdkafka/"
cp src/librdkafka.a "$work/out/lib/"
cp LICENSES.txt "$work/out/"
mv "$work/out" "$out.$$"
mv -T "$out.$$" "$out" 2>/dev/null || rm -rf "$out.$$"
echo "$out"
