"""Which files of an archive make a visit."""

import pickle
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice

from recognizer.archive.job import Photo, Told
from recognizer.archive.places import Broken, Together
from recognizer.errors import UsageError

MOST_FILES = 200
"""Files of a visit. A folder with more is hardly one look at one meter."""


def joined(photos: Iterable[Photo]) -> Iterator[Photo]:
    """Photos without a visit as they come, then each visit as one photo, in the order of the visits' first files.

    The files of a visit need not follow each other: they wait in a temporary file on disk, so that millions fit.
    """
    base = sqlite3.connect("")
    try:
        base.execute("CREATE TABLE files (visit BLOB, place INTEGER, photo BLOB)")
        for place, photo in enumerate(photos):
            if photo.visit is None:
                yield photo
            else:
                key = photo.visit.encode("utf-8", "surrogatepass")
                base.execute("INSERT INTO files VALUES (?, ?, ?)", (key, place, pickle.dumps(photo)))
        found = base.execute(
            "SELECT photo FROM files JOIN (SELECT visit, min(place) AS first FROM files GROUP BY visit) USING (visit) "
            "ORDER BY first, place"
        )
        files: Iterator[Photo] = (pickle.loads(packed) for (packed,) in found)  # noqa: S301 - packed just above
        for visit, of_visit in groupby(files, key=lambda f: str(f.visit)):
            yield _one(visit, list(islice(of_visit, MOST_FILES + 1)))
    finally:
        base.close()


def _one(visit: str, files: Sequence[Photo]) -> Photo:
    together = Together(tuple((file.source, file.place) for file in files))
    try:
        if len(files) > MOST_FILES:
            raise UsageError(f"more than {MOST_FILES} files in one visit are not read together")
        return Photo(visit, together, _told([file.told for file in files if file.told is not None]), visit)
    except UsageError as error:
        return Photo(visit, Broken(together.name, str(error)), visit=visit)


def _told(told: Sequence[Told]) -> Told | None:
    """What a manifest says of the files of a visit, taken together; UsageError where it contradicts itself."""
    if not told:
        return None
    for what, named in (("meters", {t.meter for t in told}), ("serials", {t.serial for t in told})):
        if len(names := sorted(named - {None})) > 1:  # type: ignore[arg-type, type-var]
            raise UsageError(f"one visit of two {what}, {names[0]} and {names[1]}")
    whole = told[0]
    for other in told[1:]:
        times = [t for t in (whole.taken_at, other.taken_at) if t is not None]
        whole = replace(
            whole,
            meter=whole.meter or other.meter,
            serial=whole.serial or other.serial,
            taken_at=min(times, default=None),
            previous=tuple(dict.fromkeys((*whole.previous, *other.previous))),
        )
    return whole
