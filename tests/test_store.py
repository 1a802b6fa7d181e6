"""Would catch: a value kept as a float, a refused one kept at all, a correction that loses the original, a photo kept
twice, a person overruled, and a database of another program written to.

With METER_TEST_POSTGRES=postgresql://… the same tests run on PostgreSQL as well, in a schema of their own.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from recognizer.domain.conclude import conclude
from recognizer.domain.meter import Known, Meter, PastReading, Register
from recognizer.domain.observation import Display, Glyph, Observation, Quad
from recognizer.domain.photo_print import PhotoPrint
from recognizer.domain.policy import Policy, rules_id
from recognizer.domain.reading import Reading, Report
from recognizer.domain.record import Added, Entry
from recognizer.errors import InputError, StoreError, UsageError
from recognizer.replay import replay
from recognizer.store import Store

START = datetime(2026, 10, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
METER = Meter("cellar", ("123",), "water", (Register("8.1.0", "m3", 5, 3, Decimal("2.5")),))
SERVER = os.environ.get("METER_TEST_POSTGRES")


@pytest.fixture(params=["sqlite", "postgresql"] if SERVER else ["sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a store may be made: nothing is there yet."""
    if request.param == "sqlite":
        yield str(tmp_path / "store.db")
        return
    assert SERVER
    engine = sa.create_engine(SERVER.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as db:
        db.execute(sa.text("DROP SCHEMA IF EXISTS metertest CASCADE"))
        db.execute(sa.text("CREATE SCHEMA metertest"))
        db.execute(sa.text("ALTER ROLE CURRENT_USER SET search_path = metertest"))
    yield SERVER
    with engine.begin() as db:
        db.execute(sa.text("DROP SCHEMA metertest CASCADE"))
        db.execute(sa.text("ALTER ROLE CURRENT_USER RESET search_path"))
    engine.dispose()


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store(place) as store:
        store.put_meter(METER)
        yield store


def box(x: float) -> Quad:
    return (x, 200.0), (x + 240.25, 200.0), (x + 240.25, 280.0), (x, 280.0)


def display(text: str, p: float = 0.999, x: float = 200) -> Display:
    glyphs = tuple(Glyph(((char, p),), i / len(text), (i + 1) / len(text)) for i, char in enumerate(text))
    return Display("drum", box(x), 0.99, 0.99, glyphs)


def entry(
    text: str | None, days: float = 0, *, sha: str = "", meter: str | None = "cellar", p: float = 0.999, **known: object
) -> Entry:
    """A photo that shows a text, taken so many days after the start, and concluded by the default policy."""
    displays = () if text is None else (display(text, p),)
    photo = PhotoPrint(sha256=(sha or text or "").encode().hex().ljust(64, "0"), phash="0123456789abcdef")
    seen = Observation(640, 480, 10.0, displays, models=(("counter", "0123456789ab"),), photo=photo)
    time = START + days * DAY
    meter_known = Known(METER if meter else None, taken_at=time, now=time)
    report = conclude(seen, source="a.jpg", policy=known.get("policy"), known=meter_known)  # type: ignore[arg-type]
    return Entry(seen, report, time, time, meter, "/photos/a.jpg", rules="1+ab")


@pytest.mark.skipif(not SERVER, reason="METER_TEST_POSTGRES names no PostgreSQL to test the store with")
def test_postgresql_is_there() -> None:
    """One line in the summary instead of one for every test that would run there as well."""
    assert SERVER
    Store(SERVER).close()


def test_what_goes_in_comes_out(store: Store) -> None:
    zone = timezone(timedelta(hours=3))
    kept = replace(entry("00123.450"), taken_at=START.astimezone(zone))
    added = store.add(kept)
    assert not added.duplicate
    (photo,) = store.observations()
    assert (photo.id, photo.meter, photo.observation) == (added.photo, "cellar", kept.observation)
    assert (photo.taken_at, photo.taken_at.tzinfo, photo.evidence) == (START, UTC, "/photos/a.jpg")
    (reading,) = photo.readings
    assert reading == store.reading(added.readings[0])
    assert (reading.register, reading.unit, reading.text, reading.status) == ("8.1.0", "m3", "00123.450", "accepted")
    assert (str(reading.value), str(reading.original_value)) == ("123.450", "123.450")
    assert reading.box == kept.observation.displays[0].quad
    assert reading.confidence == kept.report.readings[0].confidence
    (decision,) = store.decisions(reading.id)
    assert (decision.who, decision.status, decision.at, decision.by_person) == ("recognizer", "accepted", START, False)
    assert (str(decision.value), decision.rules) == ("123.450", "1+ab")
    assert store.meter("cellar") == METER
    assert store.meter("attic") is None


def test_values_are_text_in_the_database(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        store.put_meter(METER)
        store.add(entry("00123.450"))
    with sqlite3.connect(tmp_path / "s.db") as db:
        values = db.execute("SELECT typeof(value), value, original_value FROM readings").fetchall()
        journal = db.execute("PRAGMA journal_mode").fetchone()
    db.close()
    assert values == [("text", "123.450", "123.450")]
    assert journal == ("wal",)


def test_a_refused_reading_has_no_value_and_no_place_in_the_history(store: Store) -> None:
    refused, none = store.add(entry("00123.450", p=0.6)), store.add(entry(None, sha="none"))
    reading = store.reading(refused.readings[0])
    assert reading is not None
    assert (reading.status, reading.text, reading.value, reading.original_value) == ("refused", "", None, None)
    assert none.readings == ()
    assert store.history("cellar") == ()
    assert len(list(store.observations("cellar"))) == 2  # kept nevertheless: other rules may read them
    with pytest.raises(UsageError, match="right one"):
        store.correct(reading.id, None, "confirmed", "ann", START)
    store.correct(reading.id, Decimal("123.45"), "confirmed", "ann", START + DAY, "seen by eye")
    assert store.history("cellar") == (PastReading("8.1.0", Decimal("123.45"), START, "confirmed", reading.confidence),)


def test_a_correction_keeps_the_original_and_every_decision(store: Store) -> None:
    (reading_id,) = store.add(entry("00123.450")).readings
    store.correct(reading_id, Decimal("128.450"), "confirmed", "ann", START + DAY, "3 was an 8")
    store.correct(reading_id, None, "rejected", "bob", START + 2 * DAY, "wrong meter")
    reading = store.reading(reading_id)
    assert reading is not None
    assert (str(reading.original_value), reading.original_text) == ("123.450", "00123.450")
    assert (str(reading.value), reading.status, reading.by_person) == ("128.450", "rejected", True)
    told = [(d.who, d.why, d.status, str(d.value), d.by_person) for d in store.decisions(reading_id)]
    assert told == [
        ("recognizer", "", "accepted", "123.450", False),
        ("ann", "3 was an 8", "confirmed", "128.450", True),
        ("bob", "wrong meter", "rejected", "128.450", True),
    ]
    assert [p.status for p in store.history("cellar")] == ["rejected"]


@pytest.mark.parametrize(
    ("value", "status", "who", "when"),
    [
        (Decimal("NaN"), "confirmed", "ann", START),
        (Decimal(-1), "confirmed", "ann", START),
        (Decimal("1E+20"), "confirmed", "ann", START),
        (Decimal(1), "rejected", "ann", START),
        (None, "accepted", "ann", START),
        (None, "confirmed", "", START),
        (None, "confirmed", "ann", START.replace(tzinfo=None)),
    ],
)
def test_decisions_that_say_nothing(
    tmp_path: Path, value: Decimal | None, status: str, who: str, when: datetime
) -> None:
    with Store(tmp_path / "s.db") as store:
        store.put_meter(METER)
        (reading,) = store.add(entry("00123.450")).readings
        with pytest.raises(UsageError):
            store.correct(reading, value, status, who, when)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="no reading 99"):
            store.correct(99, None, "confirmed", "ann", START)
        assert len(store.decisions(reading)) == 1


def test_the_same_file_is_kept_once_for_a_meter(store: Store) -> None:
    store.put_meter(Meter("attic"))
    first = store.add(entry("00123.450"))
    assert store.add(entry("00123.450", 3)) == Added(first.photo, first.readings, duplicate=True)
    assert not store.add(replace(entry("00123.450"), meter="attic")).duplicate
    nobodys = store.add(entry("00123.450", meter=None))
    assert not nobodys.duplicate
    assert store.add(entry("00123.450", meter=None)) == replace(nobodys, duplicate=True)
    array = replace(entry("00123.450"), observation=replace(entry("1").observation, photo=PhotoPrint()))
    assert not store.add(array).duplicate
    assert not store.add(array).duplicate  # without a checksum nobody can tell
    assert len(list(store.observations())) == 5


def test_a_meter_that_is_not_there(store: Store) -> None:
    with pytest.raises(UsageError, match="attic"):
        store.add(replace(entry("00123.450"), meter="attic"))
    assert list(store.observations()) == []
    for wrong in ("", "a\0b"):
        with pytest.raises(UsageError):
            store.put_meter(Meter(wrong))
    store.put_meter(Meter("cellar", ("456",)))
    assert store.meter("cellar") == Meter("cellar", ("456",))


def test_the_history_is_in_order_of_time_and_bounded_on_both_sides(store: Store) -> None:
    for day in (5, 1, 3, 2, 4):
        store.add(entry(f"0012{day}.000", day))
    values = [int(p.value) - 120 for p in store.history("cellar")]
    assert values == [1, 2, 3, 4, 5]
    assert store.history("cellar", "1.8.0") == ()
    at = START + 3 * DAY
    assert [int(p.value) - 120 for p in store.history("cellar", "8.1.0", until=at, most=2)] == [2, 3]
    assert [int(p.value) - 120 for p in store.history("cellar", since=at, most=1)] == [4]
    assert [int(p.value) - 120 for p in store.history("cellar", before=3)] == [1, 5]


def test_a_display_on_the_side_does_not_get_into_the_history(store: Store) -> None:
    main, side = display("00123.450"), display("00999.000", x=0)
    for number, (first, expected) in enumerate([(main, ["123.450"]), (display("00123.450", 0.6), [])]):
        kept = entry(None, number, sha=f"two{number}")
        seen = replace(kept.observation, displays=(first, side))
        readings = tuple(conclude(replace(seen, displays=(d,)), source="").readings[0] for d in seen.displays)
        added = store.add(replace(kept, observation=seen, report=Report("a", readings[0].status, readings)))
        past = [p for p in store.history("cellar") if p.taken_at == kept.taken_at]
        assert [str(p.value) for p in past] == expected
    store.correct(added.readings[1], None, "confirmed", "ann", START)
    assert [str(p.value) for p in store.history("cellar")] == ["123.450", "999.000"]


def test_earlier_photos_are_found_by_meter_by_file_and_by_looks(store: Store) -> None:
    store.put_meter(Meter("attic"))
    own, same, alike, other = (
        replace(entry(f"0012{i}.000", i), meter=("cellar" if i == 0 else "attic")) for i in range(4)
    )

    def printed(kept: Entry, sha: str, phash: str) -> Entry:
        time = START.replace(tzinfo=None) if kept is own else None
        return replace(kept, observation=replace(kept.observation, photo=PhotoPrint(sha * 64, phash, time)))

    ids = [
        store.add(printed(kept, sha, phash)).photo
        for kept, sha, phash in (
            (own, "1", "0" * 16),
            (same, "2", "f" * 16),
            (alike, "3", "8000400020000011"),
            (other, "4", "8000400020010011"),
        )
    ]
    like = PhotoPrint("2" * 64, "8000400020000000")
    found = store.photos("cellar", like=like)
    assert [p.photo.sha256 and p.photo.sha256[0] for p in found] == ["1", "2", "3", "4"]
    assert found[0].photo.camera_time == START.replace(tzinfo=None)
    assert (found[1].meter, found[1].values) == ("attic", (("8.1.0", Decimal("121.000")),))
    assert len(store.photos("cellar", like=like, before=ids[2])) == 2
    assert [p.meter for p in store.photos("cellar")] == ["cellar"]
    assert store.photos() == ()


def test_pages_leave_nothing_out(store: Store) -> None:
    store.put_meter(Meter("attic"))
    for i in range(7):
        kept = entry(f"0012{i}.000", i % 2, sha=str(i))
        store.add(replace(kept, meter=("cellar", "attic", None)[i % 3]))
    whole = list(store.observations())
    assert [(p.meter or "", p.taken_at, p.id) for p in whole] == sorted(
        (p.meter or "", p.taken_at, p.id) for p in whole
    )
    for page in (1, 2, 7, 8):
        assert list(store.observations(page=page)) == whole
    assert {p.meter for p in store.observations("attic", page=1)} == {"attic"}


def test_texts_that_are_none_are_kept(store: Store) -> None:
    store.add(replace(entry("00123.450"), evidence="/photos/\udce9\0.jpg", who="\udcff"))
    (photo,) = store.observations()
    assert photo.evidence == "/photos/\\udce9.jpg"


def test_threads_share_a_store(store: Store) -> None:
    """Catches a photo kept twice by two who hand it in at once, and a writer that gives up because another writes."""
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda i: store.add(entry(f"0010{i % 10}.000", i % 10)), range(40)))
    assert sum(not a.duplicate for a in added) == 10
    assert len({a.photo for a in added}) == 10
    assert len(store.history("cellar")) == 10


def test_processes_share_a_store(place: str) -> None:
    """Catches two that make the tables at once."""
    code = """
import sys
from datetime import UTC, datetime
from recognizer.domain.meter import Meter
from recognizer.domain.observation import Observation
from recognizer.domain.photo_print import PhotoPrint
from recognizer.domain.reading import Report
from recognizer.domain.record import Entry
from recognizer.store import Store
now = datetime.now(UTC)
with Store(sys.argv[1]) as store:
    store.put_meter(Meter("m"))
    for i in range(20):
        seen = Observation(1, 1, 1.0, photo=PhotoPrint(f"{i:064x}"))
        print(int(store.add(Entry(seen, Report("", "refused"), now, now, "m")).duplicate))
"""
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", code, place]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) for _ in range(2)]
    said = "".join(child.communicate(timeout=60)[0] for child in children)
    assert [child.returncode for child in children] == [0, 0]
    assert (said.count("0"), said.count("1")) == (20, 20)
    with Store(place, create=False) as store:
        assert len(list(store.observations())) == 20


def test_other_databases_are_left_alone(tmp_path: Path) -> None:
    foreign, newer, no_database = tmp_path / "foreign.db", tmp_path / "newer.db", tmp_path / "photo.jpg"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE tunes (name TEXT)")
    db.close()
    Store(newer).close()
    with sqlite3.connect(newer) as db:
        db.execute("UPDATE meter_store SET version = 99")
    db.close()
    no_database.write_bytes(b"\xff\xd8\xff" * 1000)
    for path, message in ((foreign, "another program"), (newer, "newer version"), (no_database, "no store")):
        before = path.read_bytes()
        with pytest.raises(InputError, match=message):
            Store(path)
        assert path.read_bytes() == before
    with pytest.raises(InputError, match="there is no store"):
        Store(tmp_path / "none.db", create=False)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(StoreError, match="unable to open"):
        Store(tmp_path / "none" / "s.db")


@pytest.mark.parametrize("place", ["", ":memory:", "sqlite://", "mysql://u:secret@h/d", "postgresql://u:secret@h:x/d"])
def test_places_that_cannot_be_a_store(place: str) -> None:
    with pytest.raises(UsageError) as caught:
        Store(place)
    assert "secret" not in str(caught.value)


def test_a_locked_store_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recognizer.store_schema.BUSY_SECONDS", 0.05)
    with Store(tmp_path / "s.db") as store:
        other = sqlite3.connect(tmp_path / "s.db")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            store.put_meter(METER)
        other.close()
        store.put_meter(METER)


STRICT = Policy(accept_above=0.9999)


def test_a_changed_rule_says_what_would_change_and_changes_nothing(store: Store) -> None:
    (reading,) = store.add(entry("00123.450")).readings
    assert [done.changes for done in replay(store, Policy())] == [()]
    (done,) = replay(store, STRICT)
    (change,) = done.changes
    assert change.old == store.reading(reading)
    assert change.new is not None
    assert (change.new.status, [f.code for f in change.new.findings]) == ("review", ["low_confidence"])
    assert len(store.decisions(reading)) == 1


def test_applied_changes_have_their_own_decision(store: Store) -> None:
    (reading_id,) = store.add(entry("00123.450")).readings
    assert [len(done.changes) for done in replay(store, STRICT, apply_at=START + DAY)] == [1]
    assert [len(done.changes) for done in replay(store, STRICT, apply_at=START + DAY)] == [0]
    reading = store.reading(reading_id)
    assert reading is not None
    assert (reading.status, reading.original_status, str(reading.value)) == ("review", "accepted", "123.450")
    last = store.decisions(reading_id)[-1]
    assert (last.who, last.why, last.at, last.by_person) == ("replay", "low_confidence", START + DAY, False)
    assert last.rules == rules_id(STRICT) != rules_id(Policy())
    list(replay(store, replace(STRICT, refuse_below=0.9995), apply_at=START + DAY))
    reading = store.reading(reading_id)
    assert reading is not None
    assert (reading.status, reading.value, str(reading.original_value)) == ("refused", None, "123.450")


@pytest.mark.parametrize("status", ["confirmed", "rejected", "review"])
def test_a_person_is_never_overruled(store: Store, status: str) -> None:
    (reading_id,) = store.add(entry("00123.450")).readings
    value = None if status == "rejected" else Decimal("128.450")
    store.correct(reading_id, value, status, "ann", START)  # type: ignore[arg-type]
    before, decided = store.reading(reading_id), store.decisions(reading_id)
    assert [done.changes for done in replay(store, STRICT, apply_at=START + DAY)] == [()]
    assert (store.reading(reading_id), store.decisions(reading_id)) == (before, decided)


def test_replay_measures_against_the_history_as_it_is_now(store: Store) -> None:
    """A false value that was accepted; corrected by a person, it no longer stands in the way of the true ones."""
    (false,) = store.add(entry("00723.450", 0)).readings
    later = entry("00124.450", 1)
    known = Known(METER, store.history("cellar"), later.taken_at, later.taken_at)
    report = conclude(later.observation, source="a.jpg", known=known)
    assert report.status == "review"
    (true,) = store.add(replace(later, report=report)).readings
    store.correct(false, Decimal("123.450"), "confirmed", "ann", START + 2 * DAY)
    list(replay(store, Policy(), apply_at=START + 3 * DAY))
    assert [(str(p.value), p.status) for p in store.history("cellar")] == [
        ("123.450", "confirmed"),
        ("124.450", "accepted"),
    ]
    assert [d.status for d in store.decisions(true)] == ["review", "accepted"]


def test_one_changed_reading_changes_those_after_it(store: Store) -> None:
    """Catches a replay that measures against the old conclusions, and one that takes another meter's history."""
    store.put_meter(replace(METER, id="attic"))
    store.add(replace(entry("00999.450", sha="x"), meter="attic"))
    store.add(entry("00723.450", 0, p=0.99))
    later = entry("00124.450", 1)
    known = Known(METER, store.history("cellar"), later.taken_at, later.taken_at)
    store.add(replace(later, report=conclude(later.observation, source="", known=known)))
    assert [p.status for p in store.history("cellar")] == ["accepted", "review"]
    attic, first, second = replay(store, Policy(accept_above=0.95))
    assert attic.changes == ()
    assert [first.report.status, second.report.status] == ["review", "accepted"]
    assert [len(first.changes), len(second.changes)] == [1, 1]


def test_replay_knows_of_the_photos_before_it_only(store: Store) -> None:
    """Catches every photo taken for a copy of itself, or of one handed in after it."""
    store.put_meter(Meter("attic"))
    store.add(entry("00123.450"))
    second = replace(entry("00123.450", meter=None), meter="attic")
    store.add(second)
    done = list(replay(store, Policy()))
    assert [(d.photo.meter, [f.code for f in d.report.findings]) for d in done] == [
        ("attic", ["photo_reused"]),
        ("cellar", []),
    ]


def test_displays_that_come_and_go_with_the_rules(store: Store) -> None:
    kept = entry(None, sha="two")
    faint = replace(display("00999.000", x=0), score=0.5)
    seen = replace(kept.observation, displays=(display("00123.450"), faint))
    strict = Policy(min_score=0.6)
    report = conclude(seen, source="", policy=strict, known=Known(METER, taken_at=START, now=START))
    store.add(replace(kept, observation=seen, report=report))
    list(replay(store, Policy(), apply_at=START + DAY))
    (photo,) = store.observations()
    assert [r.text for r in photo.readings] == ["00123.450", "00999.000"]
    list(replay(store, strict, apply_at=START + 2 * DAY))
    (photo,) = store.observations()
    assert [(r.text, r.status) for r in photo.readings] == [("00123.450", "accepted"), ("", "refused")]
    assert [d.why for d in store.decisions(photo.readings[1].id)][-1] == "no_meter"


def test_a_reading_is_no_float() -> None:
    assert isinstance(Reading("total", None, "00123.450", 0.9, "accepted", box(0), "drum").value, Decimal)


def test_a_store_of_schema_1_is_upgraded_without_loss(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(path) as store:
        store.put_meter(METER)
        added = store.add(entry("00123"))
        before = store.history("cellar"), store.reading(added.readings[0])
    with sqlite3.connect(path) as db:
        # As schema 1 had it.
        db.execute("DROP INDEX photos_once")
        db.execute("ALTER TABLE photos DROP COLUMN owner")
        db.execute("ALTER TABLE meters DROP COLUMN owner")
        db.execute("CREATE UNIQUE INDEX photos_once ON photos (coalesce(meter_id, ''), sha256)")
        db.execute("UPDATE meter_store SET version = 1")
    db.close()
    with Store(path, create=False) as store:
        assert (store.history("cellar"), store.reading(added.readings[0])) == before
        assert store.add(entry("00123")).duplicate
    for owner, new in (("anna", True), ("ben", True), ("anna", False)):
        with Store(path) as store:
            assert store.add(replace(entry("00124"), meter=None, owner=owner)).duplicate is not new


def test_a_growing_history_takes_no_new_statements(store: Store) -> None:
    """Every connection keeps the statements it has seen: one for every length of a history filled the memory."""
    seen: set[str] = set()

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.add(statement)

    sa.event.listen(store._engine, "before_cursor_execute", note)
    for day in range(40):
        new = entry(f"{day:05d}", day)
        store.add(new)
        assert len(store.photos("cellar", like=new.observation.photo)) == day + 1
        assert len(store.history("cellar")) == day + 1
    assert len(seen) <= 30, f"{len(seen)} statements, of the last: {max(seen, key=len)[:300]}"
