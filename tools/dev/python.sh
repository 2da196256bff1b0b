#!/usr/bin/env bash
# Makes the Python environment of the examples once, in the cache, and prints
# the folder it lies in.
#
#   python.sh    -> ~/.cache/lamplighter/python-3.11-... {bin,lib}
set -euo pipefail

wanted=$(cd "$(dirname "$0")/../.." && pwd)/examples/requirements.txt
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
sum=$(sha256sum "$wanted" | cut -c1-12)
out=${LAMPLIGHTER_CACHE:-$HOME/.cache/lamplighter}/python-$version-$sum
if [ -f "$out/ready" ]; then
  echo "$out"
  exit
fi

# An environment cannot be moved: what was cut off is made anew.
echo "dev: installing the Python packages of the examples" >&2
rm -rf "$out"
python3 -m venv "$out"
"$out/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  --requirement "$wanted" >&2
touch "$out/ready"
echo "$out"
