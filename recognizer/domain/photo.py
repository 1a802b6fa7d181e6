"""Is the photo what it is said to be? The same file again, a copy of an earlier one, another day, an editor's work.

A camera fixed before a meter takes pictures that no perceptual hash can tell from copies: 83 % of the pairs of one
such series differ by at most 6 bits of 64, as a copy does that was cut by 2 %. So likeness alone is a note. It counts
against a reading where times or values speak of a copy: another meter's photo with that meter's value or shot in the
same second; the second of an earlier shot under another date; or, long after the nearest such photo, still its value
while no similar photo of the meter ever showed a different one, as those of a fixed camera do sooner or later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Literal

from recognizer.domain.meter import Known
from recognizer.domain.photo_print import PastPhoto, PhotoPrint, distance
from recognizer.domain.reading import Finding
from recognizer.errors import UsageError

_EASTERNMOST, _WESTERNMOST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


@dataclass(frozen=True, slots=True)
class PhotoRules:
    """What a photo must fulfil. How photos come in differs between utilities, so these are settings."""

    similar_bits: int = 8
    """Bits of 64 by which near-copies differ at most: measured, see "Likeness is no proof" in ARCHITECTURE.md."""
    similar: Literal["suspicious", "always", "never"] = "suspicious"
    """Which near-copies go to a person: those that times or values speak against; with ``always`` every one, for
    meters that people photograph by hand and never twice alike; with ``never`` none, for fixed cameras."""
    same_shot: timedelta = timedelta(minutes=10)
    """Photos of one second by the camera's note may be handed in this far apart."""
    unchanged: timedelta = timedelta(days=1)
    """A near-copy with the value of one from longer ago is taken for that one."""
    time_gap: timedelta = timedelta(days=1)
    """Most by which the camera's note may differ from the time stated."""
    clock_slack: timedelta = timedelta(minutes=15)
    zone: tzinfo | None = None
    """Where cameras are that note no time zone; without it only what no zone on Earth explains counts."""
    edited: Literal["review", "note"] = "review"

    def __post_init__(self) -> None:
        if not 0 <= self.similar_bits <= 16:
            raise UsageError(f"similar_bits is 0 to 16, got {self.similar_bits}: unrelated photos differ by some 32")
        if min(self.same_shot, self.unchanged, self.time_gap, self.clock_slack) < timedelta(0):
            raise UsageError("same_shot, unchanged, time_gap and clock_slack are not negative")


def check_photo(
    photo: PhotoPrint | None,
    known: Known,
    values: Sequence[tuple[str, Decimal]] = (),
    rules: PhotoRules | None = None,
) -> tuple[Finding, ...]:
    """Why the photo may not be what it is said to be; findings that are no notes keep its readings from acceptance.

    ``values`` are (register, value) of what was read in it. ``photo_reused``: an earlier photo has the same bytes.
    ``photo_similar``: one looks the same. ``photo_time``: the camera noted another time than the stated one, or one
    still to come. ``photo_edited``: an editor saved the file. What is missing says nothing.
    """
    if photo is None:
        return ()
    rules = rules or PhotoRules()
    found = (_reused(photo, known) or _similar(photo, known, values, rules), _time(photo, known, rules))
    findings = tuple(finding for finding in found if finding is not None)
    if photo.editor is not None:
        message = f"The file says that it was saved by an editor: {photo.editor}."
        findings += (Finding("photo_edited", message, note=rules.edited == "note"),)
    return findings


def _reused(photo: PhotoPrint, known: Known) -> Finding | None:
    same = [p for p in known.photos if photo.sha256 is not None and p.photo.sha256 == photo.sha256]
    if not same:
        return None
    past = max(same, key=lambda p: (_of_another(p, known), p.taken_at))
    return Finding("photo_reused", f"This very file was handed in before{_whose(past, known)}.")


def _similar(
    photo: PhotoPrint, known: Known, values: Sequence[tuple[str, Decimal]], rules: PhotoRules
) -> Finding | None:
    near = [p for p in known.photos if _near(photo, p.photo, rules.similar_bits)]
    if not near:
        return None
    # The nearest in time tells whether a fixed camera just went on.
    near.sort(key=lambda p: abs(p.taken_at - known.taken_at) if known.taken_at else timedelta(0))
    copy = _copied(photo, known, near, values, rules)
    past, why = copy or (near[0], "")
    message = f"The photo looks like one handed in before{_whose(past, known)}{why}."
    suspicious = rules.similar == "always" or (rules.similar == "suspicious" and copy is not None)
    return Finding("photo_similar", message, note=not suspicious)


def _copied(
    photo: PhotoPrint, known: Known, near: Sequence[PastPhoto], values: Sequence[tuple[str, Decimal]], rules: PhotoRules
) -> tuple[PastPhoto, str] | None:
    """The photo that this one seems to copy, and what speaks for it; ``near`` is in order of time from this one."""
    for past in near:
        same_second = photo.camera_time is not None and photo.camera_time == past.photo.camera_time
        if _of_another(past, known):
            if same_second or set(values) & set(past.values):
                return past, ", shot in the same second" if same_second else ", with the same value"
        elif same_second and known.taken_at is not None and abs(known.taken_at - past.taken_at) > rules.same_shot:
            return past, ", shot in the same second"
    own = [p for p in near if not _of_another(p, known)]
    if not own or known.taken_at is None or abs(known.taken_at - own[0].taken_at) <= rules.unchanged:
        return None
    registers = dict(values)
    moved = any(registers.get(register, value) != value for p in own for register, value in p.values)
    if moved or not set(values) & set(own[0].values):
        return None
    return own[0], ", with the same value"


def _time(photo: PhotoPrint, known: Known, rules: PhotoRules) -> Finding | None:
    noted = photo.camera_time
    if noted is None:
        return None
    earliest, latest = _moments(noted, rules.zone)
    if known.now is not None and earliest > known.now + rules.clock_slack:
        return Finding("photo_time", f"The camera noted {noted.isoformat(' ')} as its time, which is still to come.")
    if known.taken_at is None:
        return None
    if max(earliest - known.taken_at, known.taken_at - latest) <= rules.time_gap:
        return None
    stated = known.taken_at.isoformat(" ", "minutes")
    message = f"The camera noted {noted.isoformat(' ')} as its time, the photo is said to be of {stated}."
    return Finding("photo_time", message)


def _moments(noted: datetime, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """The first and the last moment that a camera's time may mean; the same where it names its zone."""
    if noted.tzinfo is not None:
        return noted, noted
    return noted.replace(tzinfo=zone or _EASTERNMOST), noted.replace(tzinfo=zone or _WESTERNMOST)


def _near(photo: PhotoPrint, past: PhotoPrint, bits: int) -> bool:
    return photo.phash is not None and past.phash is not None and distance(photo.phash, past.phash) <= bits


def _of_another(past: PastPhoto, known: Known) -> bool:
    return past.meter is not None and known.meter is not None and past.meter != known.meter.id


def _whose(past: PastPhoto, known: Known) -> str:
    """Without the other meter's name: a report may go to a customer, who must not learn whose photo it was."""
    where = " for another meter" if _of_another(past, known) else ""
    return f"{where}, as of {past.taken_at.date().isoformat()}"
