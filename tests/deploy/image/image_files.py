"""An image in a file, unpacked, and a program of it run as a container would."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "deploy/image"), str(ROOT / "tests/integration")]

# pylint: disable=wrong-import-position
import contents
from processes import Process, binary

# The root read-only, with what a container has besides: /proc, a /tmp of its own and a
# writable state directory. The program is the script's own process in the end.
CONTAINER = """
set -e
root=$1; shift
mount --bind "$root" "$root"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=0750,uid={user},gid={user} tmpfs "$root/var/lib/lamplighter"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
exec chroot --userspec={user}:{user} "$root" "$@"
""".format(user=contents.USER)


class Image:
    """The image in the file `path`: what its parts say, each checked by its digest."""

    def __init__(self, path):
        with tarfile.open(path) as tar:
            self.names = tar.getnames()
            self._parts = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
        self.index = json.loads(self._parts["index.json"])
        [self.described] = self.index["manifests"]
        self.manifest = json.loads(self.blob(self.described))
        self.config = json.loads(self.blob(self.manifest["config"]))

    def file(self, name):
        return json.loads(self._parts[name])

    def blob(self, described):
        """The content of a descriptor, which has to be what that says."""
        algorithm, _, value = described["digest"].partition(":")
        data = self._parts[f"blobs/{algorithm}/{value}"]
        if (hashlib.new(algorithm, data).hexdigest(), len(data)) != (value, described["size"]):
            raise AssertionError(f"{described} is not what it says")
        return data

    def layers(self):
        """The tars, the lowest first."""
        return [gzip.decompress(self.blob(layer)) for layer in self.manifest["layers"]]

    def members(self):
        """Every entry of every layer."""
        found = []
        for data in self.layers():
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                found += tar.getmembers()
        return found

    def unpack(self, folder):
        for data in self.layers():
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                tar.extractall(folder, numeric_owner=True)


def build(out, folder):
    """./dev image of `folder`/programs, with packages in `folder`; what it prints."""
    result = subprocess.run(
        [sys.executable, ROOT / "tools/dev/image.py", out, "--tag", "lamplighter:test",
         "--programs", folder / "programs", "--packages", folder / "packages"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise AssertionError(f"tools/dev/image.py: {result.stdout}{result.stderr}")
    return result.stdout


def built_programs(folder):
    """Fills a new folder with all programs of the image, as Bazel built them."""
    folder.mkdir()
    for name, label in contents.PROGRAMS.items():
        (folder / name).symlink_to(binary(label))


def why_no_container():
    """Why nothing can be run in an image here; None where it can."""
    if os.geteuid() != 0:
        return "needs root, to change the root directory"
    result = subprocess.run(
        ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt && chroot / true"],
        capture_output=True, text=True, check=False)
    return None if result.returncode == 0 else f"no mounts here: {result.stderr.strip()}"


def run(name, root, directory, *arguments):
    """A Process: program `name` of the image that is unpacked in `root`."""
    return Process(name, ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                          CONTAINER, "sh", str(root), *arguments], directory)
