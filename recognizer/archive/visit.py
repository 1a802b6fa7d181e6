"""The files of one visit, photos and clips, to one report: they show the same meter at about the same time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

from recognizer.archive.job import Evidence, Outcome, failure, named
from recognizer.archive.places import MOST_BYTES, Content, Place, Together, all_of, is_clip
from recognizer.domain.meter import NOTHING_KNOWN, Known
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Finding, Report, Status
from recognizer.domain.visit import Visit
from recognizer.domain.visit_rules import VisitRules
from recognizer.errors import InputError
from recognizer.vision.clip import Clip, ClipFrame
from recognizer.vision.clips import open_clip
from recognizer.vision.frame import Frame, load_frame
from recognizer.vision.pixels import Pixels
from recognizer.watch import Observes, watch

APART = 10.0
"""Seconds between two files, whatever their real distance: above every profile's gap, so that a photo is a sighting of
its own, and none of its neighbours is taken for the title of what it shows."""
STILLS = VisitRules(single_above=0.5, bare=0.0)
"""Of photos each was taken for the sake of what it shows: one alone need not be surer than a photo without a visit."""
LONGEST_CLIP = 120.0
"""Seconds of a clip that are looked at."""


class ReadsVisits(Observes, Protocol):
    """What visits and clips take of a reader."""

    @property
    def policy(self) -> Policy: ...


@dataclass(frozen=True, slots=True)
class _Used:
    """A file that was looked at, and when it begins in the time of the visit."""

    source: str
    path: str
    sha256: str | None
    begins: float


def read_visit(
    reader: ReadsVisits, source: str, place: Place, known: Known | None, clip: Content | None = None
) -> tuple[Outcome, Content]:
    """What the files at a place show together, and what their bytes are known by.

    The place is one of several files together, or of one ``clip`` with this content. A file that cannot be used is
    told in the findings; where none can, the outcome says why. Copies of a file count once.
    """
    files = place.files if isinstance(place, Together) else ((source, place),)
    known = known or NOTHING_KNOWN
    clips = any(is_clip(where.name) for _, where in files)
    visit = Visit(source=source, policy=reader.policy, known=known, rules=VisitRules() if clips else STILLS)
    serials = known.meter.serials if known.meter else ()
    used: list[_Used] = []
    unusable: list[str] = []
    troubles: list[Finding] = []
    contents: list[Content | None] = []
    at = 0.0
    for name, where in files:
        contents.append(None)
        try:
            content = clip or where.content()
            contents[-1] = replace(content, photo=b"")
            if any(content.sha256 == u.sha256 is not None for u in used):
                continue
            begins = at
            if is_clip(where.name):
                at, told = _watched(name, where, content, reader, visit, at, serials)
                troubles += told
            else:
                visit.offer(reader.observe(_frame(name, content), expected=serials), at)
        except InputError as error:
            unusable.append(str(error))
            continue
        used.append(_Used(name, where.name, content.sha256, begins))
        at += APART
    if not used:
        return failure(source, "bad_input", unusable[0]), all_of(contents)
    if unusable:
        message = f"{len(unusable)} of {len(files)} files could not be used: {unusable[0]}"
        troubles.append(Finding("file_unusable", message, note=True))
    report = visit.report
    whole = replace(report, status=_status(report), findings=(*report.findings, *troubles), missing=None)
    evidence = {register: _evidence(used, seconds) for register, seconds in visit.evidence.items()}
    return Outcome(whole, files=tuple(u.source for u in used), evidence=evidence), all_of(contents)


def _frame(name: str, content: Content) -> Frame:
    try:
        return load_frame(content.photo)
    except InputError as error:
        raise InputError(named(str(error), name)) from error


def _status(report: Report) -> Status:
    """Accepted where all that was read is: a line has one status, and a doubtful register must not go unseen."""
    if not report.readings:
        return report.status
    return "accepted" if all(r.status == "accepted" for r in report.readings) else "review"


def _evidence(used: Sequence[_Used], seconds: float) -> Evidence:
    """The file that is on at this time of the visit, and where in it if it is a clip."""
    file = next(u for u in reversed(used) if u.begins <= seconds)
    at = round(seconds - file.begins, 3) if is_clip(file.path) else None
    return Evidence(file.source, file.path, file.sha256, at)


def _watched(
    name: str, place: Place, content: Content, reader: ReadsVisits, visit: Visit, begins: float, serials: Sequence[str]
) -> tuple[float, list[Finding]]:
    """Look at a clip that begins at this time of the visit; when it ended, and what it lacks."""
    with _opened(name, place, content) as clip:
        seen = watch(
            _Later(clip, begins), reader, visit, timeout=begins + LONGEST_CLIP, stop=False, serials=serials
        )  # fmt: skip
        if seen.ended == "interrupted":
            raise KeyboardInterrupt
        troubles = [*clip.troubles]
        if clip.late:
            troubles.append(f"Only its first {LONGEST_CLIP:g} seconds were looked at.")
    return seen.seconds, [Finding("clip_trouble", f"{name}: {trouble}", note=True) for trouble in troubles]


@contextmanager
def _opened(name: str, place: Place, content: Content) -> Iterator[Clip]:
    """The clip at a place. What lies in an archive is put on disk meanwhile: videos are read out of files only."""
    if isinstance(content.photo, Path):
        with open_clip(content.photo, name=name) as clip:
            yield clip
        return
    if len(content.photo) > MOST_BYTES:
        raise InputError(f"{name}: a clip in an archive has at most {MOST_BYTES / 2**20:.0f} MiB; unpack it")
    with NamedTemporaryFile(suffix=Path(place.name).suffix) as file:
        file.write(content.photo)
        file.flush()
        with open_clip(file.name, name=name) as clip:
            yield clip


def picture_at(name: str, place: Place, seconds: float | None) -> Pixels:
    """The picture (BGR) at a place, or the frame so many seconds into its clip. InputError where there is none."""
    content = place.content()
    if not is_clip(place.name):
        return _frame(name, content).pixels
    with _opened(name, place, content) as clip:
        for frame in clip.frames():
            if frame.seconds + 1e-3 >= (seconds or 0.0):
                return frame.pixels
    raise InputError(f"{name}: ends before {seconds:g} s")


class _Later(Clip):
    """A clip in the time of its visit, which began before it."""

    def __init__(self, clip: Clip, begins: float) -> None:
        self._clip, self._begins, self.name = clip, begins, clip.name

    @property
    def troubles(self) -> tuple[str, ...]:
        return self._clip.troubles

    def frames(self, every: float = 0.0, longest: float = inf) -> Iterator[ClipFrame]:
        for frame in self._clip.frames(every, longest - self._begins):
            yield frame._replace(seconds=frame.seconds + self._begins)
