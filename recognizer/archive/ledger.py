"""The results file: one JSON line a photo, appended to, whole or absent whatever happens, and all the state there is.

A photo that is read again gets a second line, and of two the later stands; when the run ends the file is written anew
without the earlier ones, in one step. So no result is ever gone before there is a better one.
"""

import fcntl
import json
import os
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from io import FileIO
from pathlib import Path
from typing import Any, cast

import numpy as np

from recognizer.archive.job import Done
from recognizer.domain.reading import Status
from recognizer.errors import InputError

STATUSES: tuple[Status, ...] = ("accepted", "review", "refused")
FLUSH_SECONDS = 2.0
"""How much reading a power failure may cost; a killed process loses nothing that it wrote."""
_FAILED, _DUE = 4, 8
_START = b'{"source": '

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger says of a photo."""

    stamp: int
    """``key`` of the stamp of its line."""
    due: bool
    """Whether it must be read again, whatever its stamp."""
    offset: int
    """Of its line in the file, in bytes."""
    state: int


class Ledger:
    """An open results file. Raises InputError where it is not one, cannot be written, or is being written to.

    ``due`` tells of a line whether its photo must be read again. In memory stand 25 bytes a line, and three times as
    many while it is being opened.
    """

    def __init__(self, path: Path, due: Callable[[Line], bool] = lambda line: False) -> None:
        self._path, self._due = path, due
        self._superseded = 0
        self._synced, self._unsynced = time.monotonic(), False
        try:
            self._file = _locked(path)
            try:
                self._scan()
                if self._superseded:
                    self._compact()
                    self._scan()
            except BaseException:
                self._file.close()
                raise
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror})") from error
        self.counts: Counter[str] = Counter()
        for state, number in enumerate(np.bincount(self._states, minlength=16)):
            self._count(state, int(number))
        self.earlier = len(self._keys)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self, source: str) -> Standing | None:
        """The line that stood at the start of this run."""
        at = int(np.searchsorted(self._keys, np.uint64(key(source))))
        if at == len(self._keys) or int(self._keys[at]) != key(source):
            return None
        state = int(self._states[at])
        return Standing(int(self._stamps[at]), bool(state & _DUE), int(self._offsets[at]), state)

    def line(self, standing: Standing) -> Line:
        """The line itself."""
        with open(self._path, "rb") as file:
            file.seek(standing.offset)
            return cast(Line, json.loads(file.readline()))

    def append(self, done: Done, instead_of: Standing | None = None) -> None:
        """Write a line, in place of the one that stood. Raises InputError, and leaves no part of it, where it fails."""
        assert done.line is not None
        data, written = done.line.encode() + b"\n", 0
        try:
            while written < len(data):
                written += self._file.write(data[written:])
            self._unsynced = True
            if time.monotonic() - self._synced > FLUSH_SECONDS:
                os.fsync(self._file.fileno())
                self._synced, self._unsynced = time.monotonic(), False
        except OSError as error:
            os.ftruncate(self._file.fileno(), self._file.tell() - written)
            raise InputError(f"{self._path}: cannot be written ({error.strerror})") from error
        if instead_of is not None:
            self._count(instead_of.state, -1)
            self._superseded += 1
        self._count(_state(done.status, done.failed), 1)

    def close(self) -> None:
        """Put everything on disk, lines that stand only."""
        if self._file.closed:
            return
        try:
            if self._superseded:
                self._compact()
            elif self._unsynced:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written ({error.strerror})") from error
        finally:
            self._file.close()

    def _count(self, state: int, number: int) -> None:
        self.counts[STATUSES[state & 3] if state & 3 < 3 else "refused"] += number
        self.counts["failed"] += number if state & _FAILED else 0

    def _scan(self) -> None:
        keys, stamps, offsets, states = array("Q"), array("Q"), array("Q"), array("B")
        whole = 0  # bytes up to the end of the last complete line
        self._file.seek(0)
        with open(self._file.fileno(), "rb", closefd=False) as file:
            for number, raw in enumerate(file, 1):
                if not raw.endswith(b"\n"):
                    break
                try:
                    line = json.loads(raw)
                    keys.append(key(line["source"]))
                    stamps.append(key(line["file"]["stamp"]) if "file" in line else 0)
                    offsets.append(whole)
                    state = _state(line["status"], "error" in line)
                    states.append(state | (_DUE if self._due(line) else 0))
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise InputError(f"{self._path}: line {number} is not a result; give another file") from None
                whole += len(raw)
            file.seek(whole)
            cut = file.read(len(_START))
        # Never cut what this module did not write; zeros are what a power failure leaves of a line.
        if cut != _START[: len(cut)] and cut.strip(b"\0"):
            raise InputError(f"{self._path}: is not a results file; give another file")
        self._file.truncate(whole)
        order = np.argsort(np.asarray(keys, np.uint64), kind="stable")
        ordered = np.asarray(keys, np.uint64)[order]
        last = np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]  # of the lines of one source
        self._superseded = int(len(ordered) - last.sum())
        self._keys, order = ordered[last], order[last]
        self._stamps = np.asarray(stamps, np.uint64)[order]
        self._offsets = np.asarray(offsets, np.uint64)[order]
        self._states = np.asarray(states, np.uint8)[order]

    def _compact(self) -> None:
        spare = self._path.with_name(self._path.name + ".tmp")
        fresh = open(spare, "a+b", buffering=0)  # noqa: SIM115
        try:
            # Locked before it has the name, so that no other run slips in between.
            fcntl.flock(fresh, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fresh.truncate(0)
            with open(fresh.fileno(), "ab", buffering=1 << 20, closefd=False) as file:
                file.writelines(_standing(self._path))
            os.fsync(fresh.fileno())
            os.replace(spare, self._path)
        except BaseException:
            fresh.close()
            raise
        self._file.close()
        self._file = fresh
        self._superseded = 0


def _locked(path: Path) -> FileIO:
    while True:
        file = open(path, "a+b", buffering=0)  # noqa: SIM115
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        except BlockingIOError:
            file.close()
            raise InputError(f"{path}: another run is writing to it; wait for it, or give another file") from None
        except BaseException:
            file.close()
            raise
        file.close()  # the other run has just put a new file in this one's place


def _state(status: Status, failed: bool) -> int:
    return STATUSES.index(status) | (_FAILED if failed else 0)


def key(text: str) -> int:
    """64 bits of a name: of ten million, two are alike once in three hundred thousand archives."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def standing_lines(path: Path) -> Iterator[Line]:
    """The lines of a results file that stand, in its order; it may be cut off, and being written to.

    Raises InputError when it is no results file.
    """
    try:
        for raw in _standing(path):
            yield json.loads(raw)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _standing(path: Path) -> Iterator[bytes]:
    keys = array("Q")
    with open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.endswith(b"\n"):
                break
            try:
                line = json.loads(raw)
                keys.append(key(line["source"]))
                STATUSES.index(line["status"])
            except (ValueError, KeyError, TypeError, AttributeError):
                raise InputError(f"{path}: line {number} is not a result") from None
        order = np.argsort(np.asarray(keys, np.uint64), kind="stable")
        ordered = np.asarray(keys, np.uint64)[order]
        stands = np.ones(len(keys), bool)
        stands[order[:-1][ordered[1:] == ordered[:-1]]] = False
        file.seek(0)
        for raw, stays in zip(file, stands, strict=False):
            if stays:
                yield raw
