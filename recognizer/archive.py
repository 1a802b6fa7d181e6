"""A folder of photos to a file of results, one JSON line a photo, that can be stopped and run again at any time.

The results file is the only state: a photo whose line stands there complete is done.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Protocol

from recognizer.domain.reading import Finding, Report
from recognizer.errors import InputError, RecognizerError

logger = logging.getLogger(__name__)

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".gif")
"""What counts as a picture in a folder. GIF is here to get a line that says why it was not read."""


class Reader(Protocol):
    """What this module needs of a reader; ``MeterReader`` is one."""

    def read(self, photo: Path, *, source: str) -> Report: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """A report, and what went wrong when the photo could not even be looked at."""

    report: Report
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The contract's JSON object of one photo, with a field ``error`` where there was one."""
        line = self.report.to_dict()
        return line if self.error is None else line | {"error": self.error}


@dataclass(frozen=True, slots=True)
class Summary:
    """How many photos of a results file ended how, whichever run read them. ``failed`` ones count as refused too."""

    accepted: int
    review: int
    refused: int
    failed: int
    earlier: int
    """Lines that stood there before this run."""

    @property
    def total(self) -> int:
        return self.accepted + self.review + self.refused


def examine(reader: Reader, photo: Path, source: str) -> Outcome:
    """Read one photo; a photo that cannot be used, or a fault of ours, becomes a refused report.

    A model that does not work still raises: it would fail for every photo alike.
    """
    try:
        return Outcome(reader.read(photo, source=source))
    except InputError as error:
        code, message = "bad_input", str(error)
    except RecognizerError:
        raise
    except Exception as error:
        logger.exception("reading %s failed", source)
        code, message = "internal_error", f"{type(error).__name__}: {error}"
    return Outcome(Report(source, "refused", findings=(Finding(code, message),)), message)


def batch(
    reader: Reader,
    root: Path,
    out: Path,
    *,
    pattern: str | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Summary:
    """Read all pictures below ``root`` and append a line for each to ``out``; photos that have one are skipped.

    ``source`` of a line is the path below ``root``, with ``/``. Without ``pattern`` the usual picture suffixes
    count; with one, the file names that match it (``*.jpg``). Hidden files and folders are left out.
    ``progress`` is called with (photos done, photos in all, source) after every photo.

    Raises InputError when ``root`` is no folder, holds no picture, or ``out`` is not a results file.
    """
    sources = sorted(_pictures(root, pattern))
    if not sources:
        raise InputError(f"{root}: no pictures below this folder")
    counts: Counter[str] = Counter()
    try:
        done = _resume(out, counts)
        earlier = len(done)
        waiting = [source for source in sources if source not in done]
        with open(out, "a", encoding="utf-8") as file:
            for number, source in enumerate(waiting, len(sources) - len(waiting) + 1):
                line = examine(reader, root / source, source).to_dict()
                file.write(json.dumps(line) + "\n")
                file.flush()
                _count(counts, line)
                if progress:
                    progress(number, len(sources), source)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error
    return Summary(counts["accepted"], counts["review"], counts["refused"], counts["failed"], earlier)


def _pictures(root: Path, pattern: str | None) -> Iterator[str]:
    if not root.is_dir():
        raise InputError(f"{root}: is not a folder")
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            wanted = fnmatch(name, pattern) if pattern else name.lower().endswith(SUFFIXES)
            if wanted and not name.startswith("."):
                yield (Path(folder) / name).relative_to(root).as_posix()


def _resume(out: Path, counts: Counter[str]) -> set[str]:
    """Sources that have a line in ``out``; a last line that was cut off by a kill is removed from the file."""
    if not out.exists():
        return set()
    done: set[str] = set()
    whole = 0  # bytes up to the end of the last complete line
    with open(out, "rb+") as file:
        for number, raw in enumerate(file, 1):
            if not raw.endswith(b"\n"):
                break
            try:
                line = json.loads(raw)
                done.add(line["source"])
                _count(counts, line)
            except (ValueError, KeyError, TypeError):
                raise InputError(f"{out}: line {number} is not a result; give another file") from None
            whole += len(raw)
        file.seek(whole)
        start = b'{"source": '
        cut = file.read(len(start))
        if cut != start[: len(cut)]:  # never cut what this module did not write
            raise InputError(f"{out}: is not a results file; give another file")
        file.truncate(whole)
    return done


def _count(counts: Counter[str], line: dict[str, Any]) -> None:
    counts[line["status"]] += 1
    counts["failed"] += "error" in line
