"""What an archive holds: the photos of a folder, a zip or tar, a manifest or a URL, one at a time and in a fixed order.

Nothing is held in memory of millions of photos but the names of one folder. A zip or tar inside a folder counts as a
folder. What cannot be looked into becomes a photo that is ``Broken``, so that it gets its line in the ledger.
"""

import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from hashlib import blake2b
from pathlib import PurePosixPath

from recognizer.archive.job import Photo
from recognizer.archive.join import joined
from recognizer.archive.manifest import manifest_photos
from recognizer.archive.places import (
    BETWEEN,
    MOST_BYTES,
    VIDEOS,
    Broken,
    File,
    Held,
    Remote,
    TarMember,
    ZipMember,
    filesystem,
    is_url,
    open_binary,
    open_zip,
)
from recognizer.errors import InputError, UsageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".gif", *VIDEOS)
"""What counts in a folder. GIF is here to get a line that says why it was not read."""
TARS = (".tar",)
STREAMS = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Tars that can only be read from front to end."""
MANIFESTS = (".csv", ".parquet")


class _CannotCountError(Exception):
    """To count what is here costs as much as to read it."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Photos, clips and visits by the path, URL or manifest that they are found through."""

    where: str
    pattern: str | None = None
    """Only file names like this count; by default those with the suffix of a picture or a video."""
    visits: bool = False
    """Whether the files of one folder are those of one visit. A manifest says so by its column ``visit``."""

    def __iter__(self) -> Iterator[Photo]:
        """Raises InputError when there is no such folder or file, or it is none that can be read."""
        return self._jobs(counting=False)

    def count(self) -> int | None:
        """How many lines it makes; None where only reading it all would tell."""
        try:
            return sum(1 for _ in self._jobs(counting=True))
        except _CannotCountError:
            return None

    def _jobs(self, counting: bool) -> Iterator[Photo]:
        photos = self._photos(counting)
        if self.visits:
            photos = (replace(p, visit=p.visit or str(PurePosixPath(p.source).parent)) for p in photos)
        return _once(joined(photos)) if self.where.lower().endswith(MANIFESTS) else joined(photos)

    def _photos(self, counting: bool) -> Iterator[Photo]:
        look, remote = _Look(self.pattern, counting), is_url(self.where)
        if remote:
            filesystem(self.where)  # says at once what is missing
        # What lines say of a place must hold wherever they are read.
        where = self.where if remote else os.path.abspath(self.where)
        name = where.lower()
        if name.endswith((".zip", *TARS, *STREAMS)) and (remote or os.path.isfile(where)):
            return look.into(where, "")
        if name.endswith(MANIFESTS) and (remote or os.path.isfile(where)):
            return manifest_photos(where)
        if remote:
            return look.at_url(where)
        if not os.path.isdir(where):
            raise InputError(f"{self.where}: is not a folder, nor a .zip, .tar, .csv or .parquet file")
        return look.in_folder(where, "")


@dataclass(frozen=True, slots=True)
class _Look:
    pattern: str | None
    counting: bool

    def wanted(self, source: str) -> bool:
        *folders, name = source.split("/")
        if name.startswith(".") or any(f.startswith(".") or f == "__MACOSX" for f in folders):
            return False
        return fnmatch(name, self.pattern) if self.pattern else name.lower().endswith(SUFFIXES)

    def in_folder(self, folder: str, below: str) -> Iterator[Photo]:
        try:
            with os.scandir(folder) as found:
                # A folder is sorted as the paths below it are, by its name with the slash.
                entries = sorted((e.name + "/" if e.is_dir() else e.name, e.is_symlink()) for e in found)
        except OSError as error:
            if not below:
                raise InputError(f"{folder}: cannot be listed ({error.strerror})") from error
            yield Photo(below, Broken(folder, f"the folder cannot be listed ({error.strerror})"))
            return
        for name, linked in entries:
            path = os.path.join(folder, name.removesuffix("/"))
            if name.startswith(".") or name == "__MACOSX/":
                continue
            if name.endswith("/"):
                if not linked:  # a link to a folder may lead round in circles
                    yield from self.in_folder(path, below + name)
            elif name.lower().endswith((".zip", *TARS, *STREAMS)):
                yield from self.into(path, f"{below}{name}/")
            elif self.wanted(name):
                yield Photo(below + name, File(path))

    def into(self, archive: str, below: str) -> Iterator[Photo]:
        """The photos of a zip or tar, their sources beginning with ``below``."""
        name, some = archive.lower(), False
        members: Callable[[str, str], Iterator[Photo]]
        members = self.in_zip if name.endswith(".zip") else self.in_stream if name.endswith(STREAMS) else self.in_tar
        try:
            if not is_url(archive) and not os.path.isfile(archive):  # a pipe would block
                raise InputError("is not a regular file")
            for photo in _once(members(archive, below)):
                yield photo
                some = True
        except (UsageError, _CannotCountError):
            raise
        except Exception as error:
            # Whatever a damaged archive makes its decoder raise; what came before the damage has been handed out.
            reason = f"the archive cannot be read to its end ({type(error).__name__}: {error})"
            if not below and not some:
                raise InputError(f"{archive}: {reason}") from error
            yield Photo(below or archive.rpartition("/")[2], Broken(archive, reason))

    def in_zip(self, archive: str, below: str) -> Iterator[Photo]:
        for info in open_zip(archive).infolist():
            if not info.is_dir() and self.wanted(info.filename):
                yield Photo(below + info.filename, ZipMember(archive, info.filename, info.file_size, info.CRC))

    def in_tar(self, archive: str, below: str) -> Iterator[Photo]:
        with open_binary(archive) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for member in _members(tar):
                if self.wanted(member.name):
                    at = TarMember(archive, member.name, member.offset_data, member.size, member.mtime)
                    yield Photo(below + member.name, at)

    def in_stream(self, archive: str, below: str) -> Iterator[Photo]:
        if self.counting:
            raise _CannotCountError
        with open_binary(archive) as file, tarfile.open(fileobj=file, mode="r|*") as tar:
            for member in _members(tar):
                content = tar.extractfile(member) if self.wanted(member.name) else None
                if content is not None:
                    tag = f"{member.size}-{member.mtime}"
                    held = Held(f"{archive}{BETWEEN}{member.name}", content.read(MOST_BYTES + 1), tag)
                    yield Photo(below + member.name, held)

    def at_url(self, url: str) -> Iterator[Photo]:
        if self.counting:  # a listing is paid for by the call
            raise _CannotCountError
        system, root = filesystem(url)
        root = root.rstrip("/")
        try:
            if not system.isdir(root):
                raise InputError(f"{url}: there is no such folder")
            for folder, _, files in system.walk(root, detail=True):
                for name, info in sorted(files.items()):
                    source = f"{folder}/{name}"[len(root) :].strip("/")
                    path = system.unstrip_protocol(f"{folder.rstrip('/')}/{name}")
                    if name.lower().endswith((".zip", *TARS, *STREAMS)):
                        yield from self.into(path, source + "/")
                    elif self.wanted(source):
                        yield Photo(source, Remote(path, _tag(info)))
        except (OSError, PermissionError) as error:
            raise InputError(f"{url}: cannot be listed ({error})") from error


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The files of a tar, which otherwise keeps a record of every member it has seen."""
    while (member := tar.next()) is not None:
        if member.isreg() and not member.issparse():
            yield member
        tar.members = []  # type: ignore[attr-defined]


def _tag(info: dict[str, object]) -> str:
    """Size and whatever this store says of a change."""
    keys = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "created")
    return f"{info.get('size')}-{next((str(info[key]) for key in keys if info.get(key)), '')}"


def _once(photos: Iterator[Photo]) -> Iterator[Photo]:
    """Archives and manifests may name a photo or a visit twice: the second gets a line of its own that says so."""
    seen: set[int] = set()
    for number, photo in enumerate(photos, 1):
        key = int.from_bytes(blake2b(photo.source.encode("utf-8", "surrogatepass"), digest_size=8).digest())
        if key in seen:
            reason = "is named a second time; only the first counts"
            yield Photo(f"{photo.source}#{number}", Broken(photo.place.name, reason))
        else:
            seen.add(key)
            yield photo
