"""Where a photo's bytes are: a file, a member of a zip or tar, an object at a URL. Nothing is ever unpacked to disk."""

import contextlib
import hashlib
import os
import stat
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Protocol, cast

from recognizer.errors import InputError, UsageError
from recognizer.vision.frame import DEFAULT_LIMITS

MOST_BYTES = DEFAULT_LIMITS.max_bytes
"""Of a larger photo this many bytes and one are read: enough for the reader to refuse it."""
MOST_HASHED = 2 * 2**30
"""Of a larger clip no SHA-256 is taken; it is known by size and time."""
VIDEOS = (".mp4", ".mov", ".m4v", ".3gp", ".avi", ".mkv", ".webm")
BETWEEN = "!/"
"""Stands between an archive and its member in the name of a place."""


@dataclass(frozen=True, slots=True)
class Content:
    """A photo's bytes, or the file they are in; the SHA-256 is None where there is nothing to take it of."""

    photo: Path | bytes
    sha256: str | None
    size: int | None

    @classmethod
    def of(cls, data: bytes) -> "Content":
        whole = len(data) <= MOST_BYTES
        return cls(data, hashlib.sha256(data).hexdigest() if whole else None, len(data) if whole else None)


class Place(Protocol):
    """Picklable: a worker on another machine opens it there."""

    @property
    def name(self) -> str: ...

    def stamp(self) -> str | None:
        """Size and time of change, or what else tells cheaply that the bytes changed; None where nothing does."""

    def content(self) -> Content:
        """Raises InputError when the bytes cannot be had."""


@dataclass(frozen=True, slots=True)
class File:
    """A file on this machine."""

    name: str

    def stamp(self) -> str | None:
        try:
            found = os.stat(self.name)
        except (OSError, ValueError):
            return None
        return f"{found.st_size}-{found.st_mtime_ns}"

    def content(self) -> Content:
        path = Path(self.name)
        with contextlib.suppress(OSError, ValueError):  # the reader says what is wrong with it
            found = os.stat(path)
            most = MOST_HASHED if is_clip(self.name) else MOST_BYTES
            if stat.S_ISREG(found.st_mode) and found.st_size <= most:
                with open(path, "rb") as file:
                    return Content(path, hashlib.file_digest(file, "sha256").hexdigest(), found.st_size)
        return Content(path, None, None)


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member of a zip file, which may lie at a URL; its CRC tells whether it changed."""

    archive: str
    member: str
    size: int
    crc: int

    @property
    def name(self) -> str:
        return f"{self.archive}{BETWEEN}{self.member}"

    def stamp(self) -> str:
        return f"{self.size}-{self.crc:08x}"

    def content(self) -> Content:
        try:
            with open_zip(self.archive).open(self.member) as file:
                return Content.of(file.read(MOST_BYTES + 1))
        except RuntimeError as error:  # what zipfile raises where a password is wanted
            raise InputError(f"{self.name}: cannot be unpacked ({error})") from error
        except Exception as error:
            # Damaged deflate, LZMA and BZ2 data, wrong headers and CRCs: each has an exception of its own.
            raise InputError(f"{self.name}: is damaged in its archive ({error})") from error


@dataclass(frozen=True, slots=True)
class TarMember:
    """A member of a tar that is not compressed: a stretch of the file."""

    archive: str
    member: str
    offset: int
    size: int
    mtime: float

    @property
    def name(self) -> str:
        return f"{self.archive}{BETWEEN}{self.member}"

    def stamp(self) -> str:
        return f"{self.size}-{self.mtime}"

    def content(self) -> Content:
        try:
            with open_binary(self.archive) as file:
                file.seek(self.offset)
                data = file.read(min(self.size, MOST_BYTES + 1))
        except OSError as error:
            raise InputError(f"{self.name}: cannot be read ({error})") from error
        if len(data) < min(self.size, MOST_BYTES + 1):
            raise InputError(f"{self.name}: the archive ends before it; fetch {self.archive} again")
        return Content.of(data)


@dataclass(frozen=True, slots=True)
class Remote:
    """An object at a URL that fsspec knows."""

    name: str
    tag: str | None = None
    """Size and time, or the store's own tag, as its listing said."""

    def stamp(self) -> str | None:
        return self.tag

    def content(self) -> Content:
        try:
            with open_binary(self.name) as file:
                return Content.of(file.read(MOST_BYTES + 1))
        except UsageError:
            raise
        except Exception as error:  # every protocol has exceptions of its own
            raise InputError(f"{self.name}: cannot be read ({type(error).__name__}: {error})") from error


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes read already, out of what can only be read from front to end."""

    name: str
    data: bytes
    tag: str

    def stamp(self) -> str:
        return self.tag

    def content(self) -> Content:
        return Content.of(self.data)


@dataclass(frozen=True, slots=True)
class Broken:
    """What should be a photo, or hold photos, and cannot be used: it gets its line too."""

    name: str
    reason: str

    def stamp(self) -> None:
        return None

    def content(self) -> Content:
        raise InputError(f"{self.name}: {self.reason}")


@dataclass(frozen=True, slots=True)
class Together:
    """The files of one visit, each by its source and place. Its name is that of the first."""

    files: tuple[tuple[str, Place], ...]

    @property
    def name(self) -> str:
        return self.files[0][1].name

    def stamp(self) -> str:
        stamps = repr([(source, place.stamp()) for source, place in self.files])
        return f"{len(self.files)}-{_digest([stamps])[:24]}"

    def content(self) -> Content:
        """What all bytes are known by; nothing where some cannot be had, which is no error here."""
        contents: list[Content | None] = []
        for _, place in self.files:
            try:
                contents.append(place.content())
            except InputError:
                contents.append(None)
        return all_of(contents)


def all_of(contents: Sequence[Content | None]) -> Content:
    """What the bytes of several files are known by together; nothing where one of them is not known."""
    known = [(c.sha256, c.size) for c in contents if c is not None and c.sha256 is not None and c.size is not None]
    if len(known) < len(contents):
        return Content(b"", None, None)
    sha256 = known[0][0] if len(known) == 1 else _digest([sha256 for sha256, _ in known])
    return Content(b"", sha256, sum(size for _, size in known))


def _digest(texts: list[str]) -> str:
    return hashlib.sha256(" ".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def is_clip(name: str) -> bool:
    """Whether this is a video by its name."""
    return name.lower().endswith(VIDEOS)


def is_url(where: str) -> bool:
    return "://" in where


def filesystem(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL and the path there. Raises UsageError when it cannot be had."""
    try:
        import fsspec
    except ImportError:
        raise UsageError(f"{url}: URLs need an extra: pip install 'meter-recognizer[archive]'") from None
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{url}: cannot be opened ({error})") from error
    return found


def open_binary(where: str) -> IO[bytes]:
    """A file or URL, opened to read and to seek in."""
    if not is_url(where):
        return open(where, "rb")
    system, path = filesystem(where)
    return cast(IO[bytes], system.open(path, "rb"))


def open_zip(archive: str) -> zipfile.ZipFile:
    """Kept open: a zip's directory is read once a process, not once a photo."""
    return _opened_zip(archive, File(archive).stamp())


@lru_cache(maxsize=8)
def _opened_zip(archive: str, _stamp: str | None) -> zipfile.ZipFile:
    return zipfile.ZipFile(open_binary(archive) if is_url(archive) else archive)


def place_of(name: str) -> Place:
    """The place that a line of a ledger names, to look at the photo once more."""
    archive, between, member = name.partition(BETWEEN)
    try:
        if not between:
            return Remote(name) if is_url(name) else File(name)
        if archive.lower().endswith(".zip"):
            info = open_zip(archive).getinfo(member)
            return ZipMember(archive, member, info.file_size, info.CRC)
        with open_binary(archive) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            found = tar.getmember(member)
            return TarMember(archive, member, found.offset_data, found.size, found.mtime)
    except (OSError, KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        return Broken(name, f"cannot be found again ({error})")
