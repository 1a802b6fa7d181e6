"""Photos by the SHA-256 of their bytes: in a folder, or anywhere that fsspec knows.

A photo is there in full or not at all, and before any row of the database names it.
"""

import os
import secrets
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from recognizer.errors import StoreError, UsageError

FRESH_SECONDS = 3600
"""A photo younger than this may belong to a row that is just being written, and is not swept away."""


class Photos(Protocol):
    """Names are SHA-256 in hexadecimal. StoreError when the place does not work now."""

    def put(self, data: bytes) -> str: ...
    def get(self, name: str) -> bytes | None: ...
    def remove(self, name: str) -> None: ...
    def old_names(self) -> Iterator[str]: ...


class PhotoFolder:
    """A folder, with a folder in it for every two first digits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        name = sha256(data).hexdigest()
        path = self._path(name)
        partial = path.with_name(f".{name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            # The name itself must outlast a loss of power too.
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StoreError(f"{self._folder}: photos cannot be kept ({error.strerror})") from error
        return name

    def get(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self._folder}: photos cannot be read ({error.strerror})") from error

    def remove(self, name: str) -> None:
        self._unlink(self._path(name))

    def old_names(self) -> Iterator[str]:
        """Names of photos, and of what was left behind half-written, that nobody can be about to use."""
        before = time.time() - FRESH_SECONDS
        for path in self._folder.glob("??/*"):
            try:
                if path.stat().st_mtime >= before:
                    continue
            except FileNotFoundError:  # removed meanwhile
                continue
            if path.name.startswith("."):
                self._unlink(path)
            else:
                yield path.name

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{self._folder}: photos cannot be removed ({error.strerror})") from error

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


class PhotoUrl:
    """Anywhere that fsspec writes to; whether a photo is there in full or not at all is that place's own promise."""

    def __init__(self, url: str) -> None:
        try:
            import fsspec

            self._files: Any
            self._files, self._root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise UsageError(
                f"photos at a URL need extra packages: pip install fsspec, and what {url} takes"
            ) from error
        except ValueError as error:
            raise UsageError(f"photos cannot be kept there ({error})") from error

    def put(self, data: bytes) -> str:
        name = sha256(data).hexdigest()
        with _told():
            self._files.makedirs(f"{self._root}/{name[:2]}", exist_ok=True)
            self._files.pipe_file(self._path(name), data)
        return name

    def get(self, name: str) -> bytes | None:
        try:
            with _told():
                return bytes(self._files.cat_file(self._path(name)))
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        with _told():
            if self._files.exists(self._path(name)):
                self._files.rm_file(self._path(name))

    def old_names(self) -> Iterator[str]:
        """None: not every place tells how old a file is, so nothing is swept there."""
        return iter(())

    def _path(self, name: str) -> str:
        return f"{self._root}/{name[:2]}/{name}"


class _told:  # noqa: N801
    """The place's own errors as a StoreError; FileNotFoundError passes through."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, FileNotFoundError):
            raise StoreError(f"photos cannot be reached ({type(error).__name__})") from error


def open_photos(place: str | None, data_dir: Path) -> Photos:
    """A folder of ``data_dir`` unless another place is given: a folder, or a URL of fsspec."""
    if place is None:
        return PhotoFolder(data_dir / "photos")
    return PhotoUrl(place) if "://" in place else PhotoFolder(Path(place))
