"""Files as they lie in a layer, written so that the same files are the same bytes."""

import dataclasses
import gzip
import io
import tarfile


@dataclasses.dataclass(frozen=True)
class File:
    """One entry; root's, unless it says otherwise. Without data it is a directory."""
    data: bytes | None = None
    link: str | None = None  # of a symbolic link: where it leads to
    mode: int = 0o644
    owner: int = 0  # user and group


def directory(mode=0o755, owner=0):
    return File(mode=mode, owner=owner)


def symlink(target):
    return File(link=target, mode=0o777)


def with_parents(files):
    """`files` and the directories above them, where they are not there already."""
    result = {}
    for path in files:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            result.setdefault("/".join(parts[:depth]), directory())
    return {**result, **files}


def to_tar(files, seconds):
    """The tar of {path: File}, everything as old as `seconds` since 1970."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, file in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.mtime, member.mode = seconds, file.mode
            member.uid = member.gid = file.owner
            if file.link is not None:
                member.type, member.linkname = tarfile.SYMTYPE, file.link
            elif file.data is None:
                member.type = tarfile.DIRTYPE
            else:
                member.size = len(file.data)
            tar.addfile(member, io.BytesIO(file.data or b""))
    return stream.getvalue()


def compress(data):
    return gzip.compress(data, compresslevel=9, mtime=0)
