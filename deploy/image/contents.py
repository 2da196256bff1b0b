"""What lies in the image. README.md says why."""

import pathlib
import re
import subprocess

import debian
from debian import Failed
from layer import File, directory, symlink

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The programs and the targets that build them: the only list of them.
PROGRAMS = {
    "lamplighter": "//lamplighter:lamplighter",
    "ingest": "//services/ingest:ingest",
    "dispatcher": "//services/dispatcher:dispatcher",
    "provider": "//services/provider:provider",
    "reposync": "//services/reposync:reposync",
    "lamplighterctl": "//cli:lamplighterctl",
    "probe": "//deploy/image:probe",
}

# Packages beside those of libraries: what the distribution is, and the texts of
# licences; whom to trust; time zones, for CEL.
DATA = ("base-files", "ca-certificates", "tzdata")

# Packages of headers that are compiled in and leave no library.
COMPILED_IN = ("libboost1.81-dev", "libcli11-dev")

USER = 65532
NAME_SERVICE = "passwd: files\ngroup: files\nhosts: files dns\n"


def base(packages, programs):
    """The lower layer, which only Debian changes: {path: File}."""
    papers = {
        f"usr/share/doc/{name}/copyright":
        File(pathlib.Path(f"/usr/share/doc/{name}/copyright").read_bytes())
        for name in COMPILED_IN}
    for package in packages:
        papers |= debian.papers(package)
    return {
        **skeleton(),
        **debian.libraries(programs, packages),
        **data(packages),
        **once(papers),
    }


def once(files):
    """`files` with those that are the same again as links: Boost's licences alone
    are three times 2 MB."""
    first, result = {}, {}
    for path, file in sorted(files.items()):
        same = first.setdefault(file, path)
        result[path] = file if same == path else symlink(f"/{same}")
    return result


def skeleton():
    """Directories and the few files of /etc that programs and C library look for."""
    account = f"lamplighter:x:{USER}:{USER}::/nonexistent:/usr/sbin/nologin\n"
    return {
        **{name: symlink(f"usr/{name}") for name in ("lib", "lib64")},
        **{name: directory() for name in ("dev", "proc", "run", "sys", "etc/lamplighter")},
        "tmp": directory(0o1777),
        # For ingest's spool and reposync's SQLite. A volume over it starts with its owner.
        "var/lib/lamplighter": directory(0o750, USER),
        "etc/passwd": File(f"root:x:0:0:root:/root:/usr/sbin/nologin\n{account}".encode()),
        "etc/group": File(f"root:x:0:\nlamplighter:x:{USER}:\n".encode()),
        "etc/nsswitch.conf": File(NAME_SERVICE.encode()),
    }


def data(packages):
    """What is taken from the packages of DATA."""
    base_files, certificates, zones = (
        next(p for p in packages if p.name == name).files for name in DATA)
    bundle = b"".join(file.data for path, file in sorted(certificates.items())
                      if path.startswith("usr/share/ca-certificates/") and path.endswith(".crt"))
    if not bundle:
        raise Failed("ca-certificates holds no certificate")
    return {
        **{path: file for path, file in base_files.items()
           if path in ("etc/debian_version", "etc/os-release", "usr/lib/os-release")
           or path.startswith("usr/share/common-licenses/")},
        # The two places where curl, and where OpenSSL by itself, looks.
        "etc/ssl/certs/ca-certificates.crt": File(bundle),
        "usr/lib/ssl/cert.pem": symlink("/etc/ssl/certs/ca-certificates.crt"),
        # posix/ is the same again; right/ counts leap seconds, which nobody here does;
        # localtime leads to what an image has not.
        **{path: file for path, file in zones.items()
           if re.match(r"usr/share/zoneinfo/(?!posix/|right/|localtime$)", path)},
    }


def programs_layer(programs, librdkafka):
    """The upper layer, which each release changes: {path: File}."""
    documents = "usr/share/doc"
    return {
        **{f"usr/local/bin/{path.name}": File(path.read_bytes(), mode=0o755)
           for path in programs},
        f"{documents}/lamplighter/LICENSE": File((ROOT / "LICENSE").read_bytes()),
        f"{documents}/librdkafka/copyright": File((librdkafka / "LICENSES.txt").read_bytes()),
    }


def stripped(programs, folder):
    """Copies of `programs` without symbols, in `folder`: two thirds of their size."""
    copies = []
    for path in programs:
        copy = pathlib.Path(folder, path.name)
        subprocess.run(["strip", "--strip-unneeded", "-o", copy, path], check=True)
        copies.append(copy)
    return copies


def packages_for(programs, folder):
    """The packages that the image takes something of, from `folder` or by apt."""
    names = debian.owners(programs) | set(DATA)
    packages = debian.fetch(names, folder)
    packages += debian.fetch(debian.licence_links(packages) - names, folder)
    return sorted(packages, key=lambda package: package.name)
