"""What the programs need of Debian: the shared libraries that they load, with the
licence and the description of each package that one of them comes from."""

import dataclasses
import hashlib
import io
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile

import layer


class Failed(Exception):
    """What ends the build, in words for the person who began it."""


@dataclasses.dataclass
class Package:
    """A .deb: its control fields, its files by path, and its checksum."""
    fields: dict
    files: dict
    sha256: str

    @property
    def name(self):
        return self.fields["Package"]


def owners(programs):
    """The installed packages that hold the libraries which `programs` load here."""
    loaded = run("ldd", *programs)
    if missing := re.findall(r"(\S+) => not found", loaded):
        raise Failed(f"not installed here: {', '.join(sorted(set(missing)))}")
    names = set()
    for path in {os.path.realpath(p) for p in re.findall(r"=> (/\S+)", loaded)}:
        # dpkg knows a file by the path in its package, which may be without /usr.
        found = subprocess.run(
            ["dpkg-query", "--search", path, path.removeprefix("/usr")],
            capture_output=True, text=True, check=False).stdout
        if not found:
            raise Failed(f"{path} is of no Debian package")
        names.add(found.split(":", 1)[0])
    return names


def fetch(names, folder):
    """The packages called `names`, out of `folder`, or into it by apt.

    apt checks signature and checksum of what it downloads; it needs no root.
    """
    there = {path.name.split("_")[0] for path in folder.glob("*.deb")}
    if missing := sorted(set(names) - there):
        download(missing, folder)
    return [read(path) for name in sorted(names) for path in folder.glob(f"{name}_*.deb")]


def download(names, folder):
    """Lets apt download packages, by the lists of this machine, or, where these are
    missing or too old, by new ones."""
    apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root"]
    if not call(*apt, "download", *names, folder=folder)[0]:
        with tempfile.TemporaryDirectory() as lists:
            apt += ["-o", f"Dir::State::Lists={lists}", "-o", "Dir::Cache::pkgcache=",
                    "-o", "Dir::Cache::srcpkgcache="]
            for command in (["update"], ["download", *names]):
                good, said = call(*apt, *command, folder=folder)
                if not good:
                    raise Failed(f"apt-get {command[0]} failed:\n{said}")


def call(*command, folder):
    """Whether `command` succeeds in `folder`, and all that it says."""
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    return result.returncode == 0, result.stdout


def read(deb):
    """The Package in the file `deb`."""
    fields = {}
    for line in run("dpkg-deb", "--field", deb).splitlines():
        if not line.startswith(" "):
            key, _, value = line.partition(": ")
            fields[key] = value
    content = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb],
                             capture_output=True, check=True).stdout
    files = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            if member.issym():
                files[merged(member.name)] = layer.symlink(member.linkname)
            elif member.isreg() or member.islnk():
                files[merged(member.name)] = layer.File(
                    tar.extractfile(member).read(), mode=member.mode & 0o755)
    return Package(fields, files, hashlib.sha256(pathlib.Path(deb).read_bytes()).hexdigest())


def merged(path):
    """`path` of a package in a system where /lib is /usr/lib, and so on."""
    path = path.removeprefix("./")
    return re.sub(r"^(bin|sbin|lib|lib64)/", r"usr/\1/", path)


def libraries(programs, packages):
    """What the loader loads of `packages` for `programs`: {path: File}.

    It follows the names that each file says it needs (DT_NEEDED), as the loader
    does, so nothing else gets into the image.
    """
    files = {path: file for package in packages for path, file in package.files.items()}
    by_name = {os.path.basename(path): path for path in files
               if re.fullmatch(r"usr/lib/[^/]+-linux-gnu/[^/]+\.so[.0-9]*", path)}
    chosen, waiting = {}, [(path.name, path.read_bytes()) for path in programs]
    while waiting:
        user, data = waiting.pop()
        names, loader = needs(data)
        if missing := [name for name in names if name not in by_name]:
            raise Failed(f"{user} needs {missing[0]}, which no package has: is this machine "
                         "up to date (apt-get upgrade)?")
        paths = [by_name[name] for name in names] + ([merged(loader[1:])] if loader else [])
        for path in (step for path in paths for step in links(path, files)):
            if path not in chosen:
                chosen[path] = file = files[path]
                if file.link is None:
                    waiting.append((path, file.data))
    return chosen


def links(path, files):
    """`path`, and where it leads to, if it is a link, and so on."""
    found = [path]
    while (target := files[found[-1]].link) is not None:
        above = os.path.dirname(found[-1])
        found.append(merged(os.path.normpath(os.path.join("/", above, target))[1:]))
    return found


def needs(elf):
    """The libraries that an ELF file names, and its loader, if it names one."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(elf)
        file.flush()
        told = run("readelf", "--dynamic", "--program-headers", "--wide", file.name)
    loader = re.search(r"program interpreter: (\S+)\]", told)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", told), loader[1] if loader else None


def licence_links(packages):
    """Packages in which others of them keep their licence."""
    found = set()
    for package in packages:
        if link := package.files.get(f"usr/share/doc/{package.name}"):
            found.add(os.path.basename(link.link))
    return found


def papers(package):
    """What a package leaves in the image of itself: its licence, and its entry for
    scanners, where they look in images without dpkg."""
    documents = f"usr/share/doc/{package.name}"
    found = {path: package.files[path] for path in (documents, f"{documents}/copyright")
             if path in package.files}
    if not found:
        raise Failed(f"package {package.name} has no copyright file")
    return {**found, f"var/lib/dpkg/status.d/{package.name}": layer.File(control(package).encode())}


def control(package):
    """The fields that say what the package is and whether it has known flaws."""
    return "".join(f"{key}: {value}\n" for key, value in package.fields.items()
                   if key in ("Package", "Source", "Version", "Architecture", "Maintainer",
                              "Section", "Homepage", "Depends", "Description"))


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
