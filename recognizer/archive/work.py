"""One job to one line of the ledger: the same code in process, in a pool and on a cluster."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

from recognizer.archive.job import Done, Job, Outcome, Photo, failure, named
from recognizer.archive.places import Content, Together, is_clip
from recognizer.archive.visit import ReadsVisits, read_visit
from recognizer.domain.meter import Known
from recognizer.domain.policy import rules_id
from recognizer.domain.reading import Report
from recognizer.errors import InputError, RecognizerError

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """What an archive needs of a reader; ``MeterReader`` is one. Photos out of archives come as bytes.

    For visits and clips it is a ``ReadsVisits`` as well.
    """

    def read(self, photo: Path, *, source: str) -> Report: ...


def examine(reader: Reader, photo: Path | bytes, source: str, known: Known | None = None) -> Outcome:
    """Read one photo; a photo that cannot be used, or a fault of ours, becomes a refused report.

    A model that does not work still raises: it would fail for every photo alike.
    """
    asked: dict[str, Any] = {} if known is None else {"known": known}

    def read() -> Outcome:
        try:
            return Outcome(reader.read(photo, source=source, **asked))  # type: ignore[arg-type]
        except InputError as error:
            return failure(source, "bad_input", named(str(error), source))

    return _guarded(source, read)


def work(reader: Reader, job: Job, rules: str | None = None) -> Done:
    """Do one job. Raises ModelError when the reader does not work."""
    photo = job.photo
    # Taken before the bytes: a file that changes while it is read is read again by the next run.
    stamp = photo.stamp()
    known = photo.told.known() if photo.told else None
    if isinstance(photo.place, Together):
        if job.sha256 is not None and photo.place.content().sha256 == job.sha256:
            return Done(photo.source, photo.place.name, stamp, None)
        return _visit(reader, photo, stamp, known, rules)
    try:
        content = photo.place.content()
    except InputError as error:
        return finished(photo, stamp, failure(photo.source, "bad_input", str(error)), rules)
    if job.sha256 is not None and content.sha256 == job.sha256:
        return Done(photo.source, photo.place.name, stamp, None)
    if is_clip(photo.place.name):
        return _visit(reader, photo, stamp, known, rules, content)
    outcome = examine(reader, content.photo, photo.source, known)
    return finished(photo, stamp, outcome, rules, content.sha256, content.size)


def _visit(
    reader: Reader, photo: Photo, stamp: str, known: Known | None, rules: str | None, clip: Content | None = None
) -> Done:
    looks = cast(ReadsVisits, reader)
    all_bytes = Content(b"", None, None)

    def read() -> Outcome:
        nonlocal all_bytes
        outcome, all_bytes = read_visit(looks, photo.source, photo.place, known, clip)
        return outcome

    outcome = _guarded(photo.source, read)
    return finished(photo, stamp, outcome, rules, all_bytes.sha256, all_bytes.size)


def _guarded(source: str, read: Callable[[], Outcome]) -> Outcome:
    """What was read, or that it failed by a fault of ours."""
    try:
        return read()
    except InputError as error:
        return failure(source, "bad_input", str(error))
    except RecognizerError:
        raise
    except Exception as error:
        logger.exception("reading %s failed", source)
        return failure(source, "internal_error", f"{type(error).__name__}: {error}")


def finished(
    photo: Photo,
    stamp: str,
    outcome: Outcome,
    rules: str | None,
    sha256: str | None = None,
    size: int | None = None,
) -> Done:
    """The line of a photo: the contract's object with where the photo lies, what it is known by, and what was told."""
    line = outcome.to_dict()
    line["file"] = {"path": photo.place.name, "sha256": sha256, "bytes": size, "stamp": stamp}
    if rules is not None:
        line["rules"] = rules
    if photo.told is not None:
        line["meter"]["id"] = photo.told.meter
        line["taken_at"] = photo.told.taken_at.isoformat() if photo.told.taken_at else None
    if photo.visit is not None:
        line["visit"] = photo.visit
    failed = outcome.error is not None
    return Done(photo.source, photo.place.name, stamp, json.dumps(line), outcome.report.status, failed)


def rules_of(reader: Reader) -> str | None:
    """Which rules a reader concludes by; None for one that does not say (a fake)."""
    policy = getattr(reader, "policy", None)
    return None if policy is None else rules_id(policy)
