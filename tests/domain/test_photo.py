"""Would catch: a photo handed in twice and accepted, a fixed camera blamed for its own pictures, a camera's time in an
unknown zone taken for a lie, and an old stored observation that no longer loads."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.conclude import conclude
from recognizer.domain.meter import Known, Meter
from recognizer.domain.observation import Display, Glyph, Observation
from recognizer.domain.photo import PhotoRules, check_photo
from recognizer.domain.photo_print import PastPhoto, PhotoPrint, distance
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Finding
from recognizer.errors import UsageError

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
METER = Meter("mine")
HASH = "0123456789abcdef"
NEAR = "0123456789abcd00"  # 7 bits away
FAR = "fedcba9876543210"
VALUE = ("total", Decimal("123.4"))


def past(
    phash: str | None = NEAR, *, sha: str | None = None, ago: timedelta = 30 * DAY, meter: str = "mine", **more: object
) -> PastPhoto:
    values = more.get("values", (VALUE,))
    camera = more.get("camera")
    return PastPhoto(PhotoPrint(sha, phash, camera), NOW - ago, meter, values)  # type: ignore[arg-type]


def check(photo: PhotoPrint, *photos: PastPhoto, rules: PhotoRules | None = None) -> tuple[Finding, ...]:
    return check_photo(photo, Known(METER, (), NOW, NOW, photos), (VALUE,), rules)


def told(*args: PastPhoto, photo: PhotoPrint | None = None, rules: PhotoRules | None = None) -> list[tuple[str, bool]]:
    return [(f.code, f.note) for f in check(photo or PhotoPrint("a" * 64, HASH), *args, rules=rules)]


@pytest.mark.parametrize("meter", ["mine", "other"])
@pytest.mark.parametrize("ago", [timedelta(0), 400 * DAY])
def test_the_same_file_again_is_never_accepted(meter: str, ago: timedelta) -> None:
    findings = check(PhotoPrint("a" * 64, HASH), past(FAR, sha="a" * 64, meter=meter, ago=ago))
    assert [(f.code, f.note) for f in findings] == [("photo_reused", False)]
    assert ("another meter" in findings[0].message) == (meter == "other")
    assert "other," not in findings[0].message  # whose photo it was is no customer's business
    assert told(past(FAR, sha="b" * 64)) == []


def test_photos_without_a_checksum_are_not_the_same() -> None:
    assert told(past(None), photo=PhotoPrint()) == []


@pytest.mark.parametrize(
    ("photos", "suspicious"),
    [
        ((past(),), True),  # last month's picture once more
        ((past(ago=timedelta(hours=1)),), False),  # a camera goes on, and nobody is at home
        ((past(), past(ago=timedelta(hours=1))), False),
        ((past(), past(ago=40 * DAY, values=(("total", Decimal(100)),))), False),  # a camera that is fixed
        ((past(values=(("total", Decimal(100)),)),), False),  # it has turned since
        ((past(values=()),), False),  # nothing was read
        ((past(values=(("1.8.1", Decimal("123.4")),)),), False),  # another register's screen
        ((past(meter="other", ago=timedelta(0)),), True),  # the neighbour's
        ((past(meter="other", values=(("total", Decimal(100)),)),), False),  # a meter of the same make
    ],
)
def test_a_near_copy_counts_only_where_times_or_values_speak_against_it(
    photos: tuple[PastPhoto, ...], suspicious: bool
) -> None:
    assert told(*photos) == [("photo_similar", not suspicious)]
    assert told(*photos, rules=PhotoRules(similar="always")) == [("photo_similar", False)]
    assert told(*photos, rules=PhotoRules(similar="never")) == [("photo_similar", True)]


def test_the_second_of_an_earlier_shot_under_another_date() -> None:
    second = datetime(2026, 9, 30, 18, 3, 12)
    photo = PhotoPrint("a" * 64, HASH, second)
    turned = (("total", Decimal(100)),)
    assert told(past(ago=30 * DAY, camera=second, values=turned), photo=photo) == [("photo_similar", False)]
    assert told(past(ago=timedelta(minutes=5), camera=second, values=turned), photo=photo) == [("photo_similar", True)]
    assert told(past(FAR, camera=second), photo=photo) == []  # a burst of a camera that moves


def test_how_near_is_a_setting() -> None:
    assert distance(HASH, NEAR) == 7
    assert told(past(), rules=PhotoRules(similar_bits=6)) == []
    with pytest.raises(UsageError):
        PhotoRules(similar_bits=40)
    with pytest.raises(UsageError):
        PhotoRules(time_gap=-DAY)


@pytest.mark.parametrize(
    ("noted", "rules", "odd"),
    [
        ("2026-10-01T12:00+00:00", PhotoRules(), False),
        ("2026-09-29T12:00+00:00", PhotoRules(), True),
        ("2026-09-29T12:00+00:00", PhotoRules(time_gap=3 * DAY), False),
        ("2026-10-01T12:30+00:00", PhotoRules(), True),  # still to come
        ("2026-10-01T23:00", PhotoRules(), False),  # in Auckland
        ("2026-10-02T03:00", PhotoRules(), True),  # nowhere
        ("2026-10-01T23:00", PhotoRules(zone=timezone(timedelta(hours=3))), True),
        ("2026-09-30T01:00", PhotoRules(), False),
        ("2026-09-29T23:00", PhotoRules(), True),
    ],
)
def test_the_cameras_time_against_the_stated_one(noted: str, rules: PhotoRules, odd: bool) -> None:
    photo = PhotoPrint(camera_time=datetime.fromisoformat(noted))
    assert told(photo=photo, rules=rules) == ([("photo_time", False)] if odd else [])
    assert check_photo(photo, Known()) == ()  # nothing was stated


@given(st.datetimes(), st.none() | st.sampled_from([timezone(timedelta(hours=h)) for h in (-12, 0, 14)]))
def test_no_camera_time_is_too_wild(noted: datetime, zone: timezone | None) -> None:
    findings = check(PhotoPrint(camera_time=noted.replace(tzinfo=zone)))
    far = abs(noted - NOW.replace(tzinfo=None)) > 2 * DAY
    assert not far or [f.code for f in findings] == ["photo_time"]


def test_an_editors_file() -> None:
    photo = PhotoPrint(editor="Adobe Photoshop 27.0")
    assert told(photo=photo) == [("photo_edited", False)]
    assert told(photo=photo, rules=PhotoRules(edited="note")) == [("photo_edited", True)]


def seen(photo: PhotoPrint | None) -> Observation:
    glyphs = tuple(Glyph(((char, 0.999),), i / 7, (i + 1) / 7) for i, char in enumerate("00123.4"))
    box = ((200.0, 200.0), (440.0, 200.0), (440.0, 280.0), (200.0, 280.0))
    return Observation(640, 480, 10.0, (Display("drum", box, 0.99, 0.99, glyphs),), photo=photo)


def test_what_speaks_against_a_photo_keeps_its_readings_from_being_accepted() -> None:
    photo = PhotoPrint("a" * 64, HASH)
    known = Known(METER, (), NOW, NOW, (past(),))
    answer = conclude(seen(photo), source="a.jpg", known=known)
    assert (answer.status, answer.readings[0].text) == ("review", "00123.4")
    assert [f.code for f in answer.findings] == [f.code for f in answer.readings[0].findings] == ["photo_similar"]
    lenient = Policy(photos=PhotoRules(similar="never"))
    answer = conclude(seen(photo), source="a.jpg", known=known, policy=lenient)
    assert (answer.status, [f.code for f in answer.findings]) == ("accepted", ["photo_similar"])
    assert conclude(seen(photo), source="a.jpg", known=Known(METER, (), NOW, NOW)).status == "accepted"
    nothing = Observation(640, 480, 10.0, photo=photo)
    answer = conclude(nothing, source="a.jpg", known=Known(METER, (), NOW, NOW, (past(sha="a" * 64),)))
    assert [f.code for f in answer.findings] == ["no_meter", "photo_reused"]


@pytest.mark.parametrize("time", ["2026-10-01T12:00:00", "2026-10-01T12:00:00+02:00"])
def test_a_print_survives_the_way_through_a_store(time: str) -> None:
    observation = seen(PhotoPrint("a" * 64, HASH, datetime.fromisoformat(time), "GIMP 3"))
    data = json.loads(json.dumps(observation.to_dict()))
    assert Observation.from_dict(data) == observation
    del data["photo"]  # as stored before there was one
    assert Observation.from_dict(data) == seen(None)
    with pytest.raises(ValueError, match="phash"):
        PhotoPrint(phash="12")
