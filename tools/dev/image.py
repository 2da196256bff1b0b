"""Builds the container image; see ./dev help and docs/images.md."""

import argparse
import contextlib
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/image"))

import contents  # pylint: disable=wrong-import-position
import debian  # pylint: disable=wrong-import-position
import layer  # pylint: disable=wrong-import-position
import oci  # pylint: disable=wrong-import-position
import spdx  # pylint: disable=wrong-import-position

MACHINES = {"amd64": "amd64", "arm64": "arm64"}  # Debian's word: OCI's


def git(*command):
    result = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True,
                            check=False)
    return result.stdout.strip()


def seconds():
    """How old everything in the image is: the commit, or SOURCE_DATE_EPOCH."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or 0)


def build(revision):
    """Lets Bazel build the programs; the folder that they lie in by their labels."""
    subprocess.run(
        ["bazel", "build", "--ui_event_filters=-info", "--noshow_progress",
         # Only the files that say the revision are compiled for it.
         f"--per_file_copt=common/app/.*@-DLAMPLIGHTER_REVISION=\"{revision}\"",
         *contents.PROGRAMS.values()], cwd=ROOT, check=True)
    return [ROOT / "bazel-bin" / label.lstrip("/").replace(":", "/")
            for label in contents.PROGRAMS.values()]


def given(folder):
    """The programs of the list in `folder`, where somebody has built them already."""
    programs = [folder / name for name in contents.PROGRAMS]
    for path in programs:
        if not path.is_file():
            raise debian.Failed(f"{path} is missing")
    return programs


def version():
    text = (ROOT / "common/app/version.h").read_text()
    return re.search(r'kVersion\[\] = "([^"]+)"', text)[1]


def configuration(revision, created):
    """The image's configuration, without its layers."""
    return {
        "created": created,
        "architecture": MACHINES[debian.run("dpkg", "--print-architecture").strip()],
        "os": "linux",
        "config": {
            "User": f"{contents.USER}:{contents.USER}",
            "Env": ["PATH=/usr/local/bin"],
            # No entry point: a command names the program, `ingest --config FILE`.
            "Cmd": ["lamplighter", "--config", "/etc/lamplighter/lamplighter.yaml"],
            "WorkingDir": "/etc/lamplighter",
            "Labels": {
                "org.opencontainers.image.title": "lamplighter",
                "org.opencontainers.image.licenses": "Apache-2.0",
                "org.opencontainers.image.version": version(),
                "org.opencontainers.image.revision": revision,
                "org.opencontainers.image.created": created,
            },
        },
        "history": [{"created": created, "created_by": "Debian packages"},
                    {"created": created, "created_by": "lamplighter"}],
    }


def librdkafka():
    return pathlib.Path(debian.run(ROOT / "tools/dev/librdkafka.sh").strip())


def compiled_in():
    """What lies within the programs, as entries of the document."""
    number = librdkafka().name.rpartition("-")[2]
    found = [spdx.entry("librdkafka", number, "LIBRARY", "BSD-2-Clause",
                        purl=f"pkg:github/confluentinc/librdkafka@v{number}")]
    for name in contents.COMPILED_IN:
        number, machine = debian.run(
            "dpkg-query", "-W", "-f", "${Version} ${Architecture}", name).split()
        found.append(spdx.entry(name, number, "LIBRARY", "NOASSERTION",
                                purl=spdx.debian_purl(name, number, machine)))
    return found


def make(programs, packages, tag, revision):
    """The image of `programs`: its tar, its digest, its document and its layers."""
    age = seconds()
    created = datetime.datetime.fromtimestamp(age, datetime.timezone.utc)
    created = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    lower = layer.with_parents(contents.base(packages, programs))
    upper = layer.with_parents(contents.programs_layer(programs, librdkafka()))
    layers = [layer.to_tar(files, age) for files in (lower, upper)]
    tar, digest = oci.archive(layers, configuration(revision, created), tag, age)
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in programs}
    document = spdx.document({"name": "lamplighter", "version": version(), "digest": digest},
                             created, packages, sums, compiled_in())
    return tar, digest, document, layers


def print_sizes(programs, packages_folder):
    """The table of docs/images.md: one image of all programs, and one a program."""
    print("| image | packages | base, MB | programs, MB | to download, MB |")
    print("| --- | --- | --- | --- | --- |")
    for name, part in [("all", programs), *((path.name, [path]) for path in programs)]:
        packages = contents.packages_for(part, packages_folder)
        tar, _, _, layers = make(part, packages, "size:size", "none")
        sizes = " | ".join(f"{len(data) / 1e6:.1f}" for data in (*layers, tar))
        print(f"| {name} | {len(packages)} | {sizes} |")


def main():
    parser = argparse.ArgumentParser(prog="./dev image")
    parser.add_argument("out", nargs="?", type=pathlib.Path,
                        default=ROOT / "generated/lamplighter-image.tar",
                        help="the image; its SBOM goes beside it, as OUT.spdx.json")
    parser.add_argument("--tag", default=f"lamplighter:{version()}")
    parser.add_argument("--programs", type=pathlib.Path, metavar="DIR",
                        help="take programs that were built already")
    parser.add_argument("--packages", type=pathlib.Path, metavar="DIR",
                        help="keep Debian's packages here, and use those that are there")
    parser.add_argument("--sizes", action="store_true", help="print a table of sizes only")
    args = parser.parse_args()
    revision = git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*") or "unknown"
    try:
        with contextlib.ExitStack() as stack:
            temporary = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            built = given(args.programs) if args.programs else build(revision)
            programs = contents.stripped(built, temporary)
            folder = args.packages or temporary / "packages"
            folder.mkdir(parents=True, exist_ok=True)
            if args.sizes:
                print_sizes(programs, folder)
                return 0
            packages = contents.packages_for(programs, folder)
            tar, digest, document, layers = make(programs, packages, args.tag, revision)
    except debian.Failed as failure:
        print(f"dev: {failure}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"dev: {' '.join(map(str, error.cmd))}: exit status {error.returncode}\n"
              f"{error.stderr or ''}", file=sys.stderr)
        return 1
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(tar)
    sbom = args.out.with_name(args.out.name + ".spdx.json")
    sbom.write_text(json.dumps(document, indent=1) + "\n")
    print(f"image   {args.out} ({len(tar) / 1e6:.1f} MB, "
          f"{sum(map(len, layers)) / 1e6:.1f} MB unpacked)\n"
          f"tag     {args.tag}\ndigest  {digest}\nSBOM    {sbom}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
