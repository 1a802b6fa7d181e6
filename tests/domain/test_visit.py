"""Would catch: a ghost or a page of power filed as a register, a title's value under another title, copies of one frame
taken for agreement, a report that depends on the order of frames, memory that grows, and a partial result that does
not say what is missing."""

import pickle
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.code import Code
from recognizer.domain.fusion import fuse, raised
from recognizer.domain.meter import Known, Meter, PastReading, Register
from recognizer.domain.observation import Display, Glyph, Mark, Observation, Quad
from recognizer.domain.policy import Policy
from recognizer.domain.profile import ProfileScreen, load_profiles
from recognizer.domain.reading import Candidate, Report
from recognizer.domain.register import which_register
from recognizer.domain.sightings import Vote
from recognizer.domain.visit import Visit
from recognizer.domain.visit_rules import FusionRules, VisitRules
from recognizer.errors import UsageError

SECURE = load_profiles()["secure-liberty-100"]
ONE_BY_ONE, STRICT = VisitRules(fusion=FusionRules(most_gain=0.0)), Policy(accept_above=0.95)
BOX: Quad = ((200, 200), (440, 200), (440, 280), (200, 280))


def page(text: str = "001234.5", label: str | None = "1.8.1", unit: str | None = "kWh", *marks: str) -> Display:
    """A screen as vision sees it, certain of everything."""
    glyphs = tuple(Glyph(((char, 0.999),), i / len(text), (i + 1) / len(text)) for i, char in enumerate(text))
    beside = [Mark(t, 0.999) if t is not None else None for t in (label, unit)]
    return Display("lcd", BOX, 0.99, 0.98, glyphs, beside[0], beside[1], tuple(Mark(m, 0.999) for m in marks))


def moved_box(right: float, down: float) -> Quad:
    a, b, c, d = ((x + right, y + down) for x, y in BOX)
    return a, b, c, d


def title(text: str) -> Display:
    return page("", text, None)


def frame(*displays: Display, sure: float = 0.999) -> Observation:
    """The displays in one frame, every digit of them as certain as ``sure``."""
    dimmed = [
        replace(d, glyphs=tuple(Glyph(((g.odds[0][0], sure),), g.start, g.end) for g in d.glyphs)) for d in displays
    ]
    return Observation(640, 480, 10.0, tuple(dimmed))


def watched(*timed: tuple[float, Observation], visit: Visit | None = None) -> Visit:
    visit = visit or Visit()
    for at, seen in timed:
        visit.offer(seen, at)
    return visit


def held(
    seen: Display, start: float, seconds: float, *, fps: float = 10.0, sure: float = 0.999
) -> list[tuple[float, Observation]]:
    return [(start + n / fps, frame(seen, sure=sure)) for n in range(round(seconds * fps))]


def accepted(report: Report) -> dict[str, str]:
    return {r.register: r.text for r in report.readings if r.status == "accepted"}


def findings(visit: Visit) -> list[str]:
    return [f.code for r in visit.report.readings for f in r.findings] + [f.code for f in visit.report.findings]


@pytest.mark.parametrize("spread", [0.0, 0.001, 0.3])
@pytest.mark.parametrize("sure", [0.93, 0.95, 0.99])
def test_a_hundred_copies_of_one_frame_are_hardly_more_than_one(spread: float, sure: float) -> None:
    one = watched((0.0, frame(page(), sure=sure)))
    many = watched(*((n * spread, frame(page(), sure=sure)) for n in range(100)))
    before, after = one.report.readings[0].confidence, many.report.readings[0].confidence
    assert before <= after + 1e-9
    assert after <= raised(before, FusionRules().most_gain) + 1e-9
    if spread < 0.01:
        assert after == pytest.approx(before)
        assert many.report.status == "review"


def test_one_sighting_needs_a_higher_bar_than_two() -> None:
    sure, fair = 0.9999, 0.993
    assert watched((0.0, frame(page(), sure=sure))).report.status == "accepted"
    once = watched((0.0, frame(page(), sure=fair)))
    assert (once.report.status, findings(once)) == ("review", ["seen_once"])
    assert watched((0.0, frame(page(), sure=fair)), (20.0, frame(page(), sure=fair))).report.status == "accepted"
    differing = watched((0.0, frame(page(), sure=fair)), (20.0, frame(page("009234.5"), sure=fair)))
    assert (differing.report.status, "low_confidence" in findings(differing)) == ("review", True)


def test_a_ghost_never_votes_however_surely_it_reads() -> None:
    ghost = [(at, frame(page("001299.5", "1.8.2"), sure=0.9999)) for at in (3.1, 3.25)]
    visit = watched(*held(page(), 0, 3), *ghost)
    assert [r.register for r in visit.report.readings] == ["1.8.1"]
    watched(*held(page("007777.7", "1.8.2"), 3.3, 3), visit=visit)
    # At the next turn the same ghost is there again: it still has no neighbour that agrees.
    watched(*((at + 6.3, seen) for at, seen in ghost), *held(page("007777.7", "1.8.2"), 9.6, 1), visit=visit)
    assert accepted(visit.report) == {"1.8.1": "001234.5", "1.8.2": "007777.7"}
    assert all(c.text != "001299.5" for r in visit.report.readings for c in r.candidates)


def test_the_old_number_under_the_new_label_is_not_filed_there() -> None:
    for early in (0.3, 0.7):
        visit = watched(*held(page(), 0, 4), *held(page(label="1.8.2"), 4, early))
        assert accepted(visit.report) == {"1.8.1": "001234.5"}
    both = watched(*held(page("000000.0"), 0, 4), *held(page("000000.0", "1.8.2"), 4, 4))
    assert accepted(both.report) == {"1.8.1": "000000.0", "1.8.2": "000000.0"}


def faint(text: str, *chances: float) -> Observation:
    """A frame in which each of the tariffs may be lit, none of them read."""
    marks = tuple(Mark(f"T{n}", chance) for n, chance in enumerate(chances, 1))
    return frame(replace(page(text, None), marks=marks))


def test_a_mark_that_is_faint_is_no_mark_in_some_frames_only() -> None:
    """T1 in faint segments: chances of 0.08 in one frame and 0.5 in the next. It would pass for the total."""
    often = [(n / 10, faint("052184.35", *((0.05, 0.03) if n % 2 else (0.3, 0.2)))) for n in range(40)]
    visit = Visit()
    for at, seen in often:
        assert not accepted(visit.offer(seen, at))
    assert visit.report.status == "refused"
    hardly = [(n / 10, faint("295478.68", 0.05, 0.03)) for n in range(40)]
    short, long = (watched(*hardly[:n]) for n in (12, 40))
    assert not accepted(short.report)
    assert accepted(long.report) == {"total": "295478.68"}
    assert accepted(watched(*held(page(label=None), 0, 0.8)).report)  # no sign of a mark needs no patience
    photo = 0.0, faint("295478.68", 0.05)
    assert watched(photo, visit=Visit(rules=VisitRules(bare=0.0))).report.readings
    assert not watched(photo).report.readings


def test_what_could_not_be_read_beside_a_number_in_many_frames_makes_it_no_total() -> None:
    """T4 beside 046515 was nothing, a doubtful label and an uncertain mark in turn, and the number the total."""
    bare = page("046515", None)
    labelled = replace(bare, label=Mark("T", 0.3))
    for every, filed in ((2, {}), (10, {"total": "046515"})):
        seen = [(n / 10, frame(labelled if n % every == 0 else bare)) for n in range(30)]
        assert accepted(watched(*seen).report) == filed, every


def test_a_mark_that_looks_lit_in_some_frames_only_names_nothing() -> None:
    """63987 was filed under T2, whose unlit segments had 0.85 in the surest frames and 0.39 on the average."""
    mercury = load_profiles()["mercury-200"]
    for often, filed in ((4, {}), (1, {"1.8.2": "063987"})):
        chances = ((0.02, 0.97) if n % often == 0 else (0.05, 0.3) for n in range(40))
        seen = [(n / 10, faint("063987", *of)) for n, of in enumerate(chances)]
        assert accepted(watched(*seen, visit=Visit(profile=mercury)).report) == filed


def test_where_marks_name_the_tariffs_a_total_without_one_waits_until_one_is_seen() -> None:
    """T3 too faint to be seen at all: 853.10 of the third tariff passed for the total, with no sign of a mark."""
    mercury = load_profiles()["mercury-200"]
    unseen, total = held(page("00853.10", None), 0, 4), held(page("25326.21", None), 4, 4)
    for frames in (unseen, [*unseen, *total]):
        assert not accepted(watched(*frames, visit=Visit(profile=mercury)).report)
    marked = held(page("17583.18", None, "kWh", "T1"), 8, 4)
    seen = watched(*total, *marked, visit=Visit(profile=mercury))
    assert accepted(seen.report) == {"1.8.0": "25326.21", "1.8.1": "17583.18"}
    photo = Visit(rules=VisitRules(bare=0.0), profile=mercury)  # each a look of its own
    assert watched((0.0, frame(page("25326.21", None))), visit=photo).report.readings
    untold = tuple(s for s in mercury.screens if s.mark is None)
    demand = replace(mercury, screens=(*untold, ProfileScreen(skip="demand", mark="MD", unit="kW")))
    assert accepted(watched(*total, visit=Visit(profile=demand)).report)  # MD names no register: nothing to wait for


@pytest.mark.parametrize(
    ("then", "counts"),
    [("0000.68", False), ("0000.60", False), ("0000.66", True), ("4854.78", True), ("0000.640", True)],
)
def test_a_number_that_wavers_is_no_total(then: str, counts: bool) -> None:
    """0000.64 and then 0000.68 of a power page, whose kW passed for kWh, before the second had stood long enough."""
    first = held(page("0000.64", None), 0, 1.6)
    second = [(1.6 + n / 10, faint(then, 0.03)) for n in range(13)]
    for frames in (second[:6], second):
        told = accepted(watched(*first, *frames).report)
        assert told == ({"total": "0000.64"} if counts else {})
    named = [(at, frame(page(then, "1.8.0"))) for at, _ in second]  # says which it is
    assert accepted(watched(*named).report) == {"1.8.0": then}


def test_labels_that_flicker_on_one_number_file_it_nowhere() -> None:
    labels = ("1.8.1", "1.8.2")
    visit = watched(*((n / 5, frame(page(label=labels[n % 2]))) for n in range(30)))
    assert accepted(visit.report) == {}
    # The power that a misread unit calls energy now and then
    units = ("kW", "kW", "kWh")
    visit = watched(*((n / 5, frame(page("000.286", None, units[n % 3], "T1"))) for n in range(60)))
    assert accepted(visit.report) == {}


def test_rows_shown_at_once_may_have_the_same_number() -> None:
    below: Quad = ((200, 300), (440, 300), (440, 380), (200, 380))
    rows = frame(page("000000.0"), replace(page("000000.0", "1.8.2"), quad=below))
    visit = watched(*((n / 5, rows) for n in range(10)))
    assert accepted(visit.report) == {"1.8.1": "000000.0", "1.8.2": "000000.0"}


def test_a_value_belongs_to_the_title_just_before_it_and_to_no_other() -> None:
    first, other = title("IMPORT kWh"), title("COST")
    value = page("000123.4", None, None)
    visit = watched(*held(first, 0, 2), *held(value, 2, 4), visit=Visit(profile=SECURE))
    assert accepted(visit.report) == {"1.8.0": "000123.4"}
    # The title of this value was missed: 2.6 seconds after the last one it may be anyone's.
    late = watched(*held(first, 0, 2), *held(value, 4.5, 4), visit=Visit(profile=SECURE))
    cost = watched(*held(first, 0, 2), *held(other, 2, 2), *held(value, 4, 4), visit=Visit(profile=SECURE))
    untitled = watched(*held(value, 0, 4), visit=Visit(profile=SECURE))
    for missed in (late, cost, untitled):
        assert (missed.report.status, missed.report.readings) == ("refused", ())
        assert "register_unknown" in findings(missed)
    second = watched(
        *held(first, 0, 1),
        *held(value, 1, 0.8),
        *held(page("000999.9", None, None), 1.9, 3),
        visit=Visit(profile=SECURE),
    )
    assert accepted(second.report) == {"1.8.0": "000123.4"}


def test_what_stands_below_the_place_of_a_title_is_not_its_value() -> None:
    # The serial number on the plate is there all the time, and first seen when the title has gone.
    serial = page("00712345", None, None)
    first, value = held(title("IMPORT kWh"), 0, 2), page("000123.4", None, None)
    for lower, filed in ((0, "00712345"), (130, "00712345"), (140, None), (200, None)):
        moved = replace(serial, quad=moved_box(0, lower))
        visit = watched(*first, *held(moved, 2, 4), visit=Visit(profile=SECURE))
        assert accepted(visit.report).get("1.8.0") == filed, lower
    beside = replace(value, quad=moved_box(250, 0))
    assert accepted(watched(*first, *held(beside, 2, 4), visit=Visit(profile=SECURE)).report) == {}


def test_a_title_that_reads_as_a_word_of_the_profile_is_believed() -> None:
    value = held(page("000123.4", None, None), 2, 4)
    for text, filed in (("IMPORT kWh", "000123.4"), ("IMPORT k", "000123.4"), ("IMPOBT kWh", None), ("PORT kWh", None)):
        doubtful = replace(title(text), label=Mark(text, 0.3))
        visit = watched(*held(doubtful, 0, 2), *value, visit=Visit(profile=SECURE))
        assert accepted(visit.report).get("1.8.0") == filed, text


def test_a_title_that_was_hardly_seen_names_its_value() -> None:
    """Values stood unnamed whose title was read in its first instants only, or in one frame between two others."""
    value, first = held(page("000123.4", None, None), 2.1, 4), held(title("IMPORT kWh"), 0, 2)
    for frames in ([0, 1, 2, 3], [5], [0]):
        visit = watched(*(first[n] for n in frames), *value, visit=Visit(profile=SECURE))
        filed = accepted(visit.report).get("1.8.0")
        assert filed == ("000123.4" if first[frames[-1]][0] >= 0.1 else None), frames
    # What is no word of the profile may be anything in a single frame.
    assert accepted(watched(*held(title("1.8.0"), 1, 0.1), *value, visit=Visit(profile=SECURE)).report) == {}


def test_what_is_read_elsewhere_does_not_part_a_title_from_its_value() -> None:
    plate = replace(page("0862", None, None), quad=moved_box(0, 300))
    for quad, filed in ((plate.quad, "000123.4"), (BOX, "0862")):
        between = held(replace(plate, quad=quad), 1.4, 0.6)
        shown = (*held(title("IMPORT kWh"), 0, 1.3), *between, *held(page("000123.4", None, None), 2, 4))
        assert accepted(watched(*shown, visit=Visit(profile=SECURE)).report).get("1.8.0") == filed


def test_a_label_that_hardly_stands_there_does_not_hide_the_title() -> None:
    for chance, filed in ((0.08, "000123.4"), (0.9, None)):
        value = replace(page("000123.4", None, None), label=Mark("1", chance))
        visit = watched(*held(title("IMPORT kWh"), 0, 2), *held(value, 2, 4), visit=Visit(profile=SECURE))
        assert accepted(visit.report).get("1.8.0") == filed


def test_without_a_profile_titles_make_what_has_no_label_unknown() -> None:
    visit = watched(*held(title("PRICE"), 0, 2), *held(page("000123.4", None, None), 2, 4))
    assert (visit.report.readings, visit.report.status) == ((), "refused")
    # A label whose digits could not be read for a while is no title.
    unread = [(at, frame(page("", "1.8.1", "kWh"))) for at in (0.0, 0.2, 0.4, 0.6)]
    visit = watched(*unread, *held(page(), 1, 2), *held(page("004321.0", None, "kWh"), 4, 3))
    assert accepted(visit.report) == {"1.8.1": "001234.5", "total": "004321.0"}


def test_a_partial_result_names_what_is_missing() -> None:
    visit = Visit(source="clip.mp4", wanted=["1.8.1", "1.8.2", "1.8.0"])
    assert (visit.missing, visit.done, visit.report.status) == (("1.8.1", "1.8.2", "1.8.0"), False, "refused")
    watched(*held(page("000777.7", "1.8.0"), 0, 2), *held(page(), 2, 2), visit=visit)
    report = visit.report
    assert (visit.missing, visit.done, report.status) == (("1.8.2",), False, "review")
    assert [r.register for r in report.readings] == ["1.8.1", "1.8.0"]
    assert report.to_dict()["missing"] == ["1.8.2"]
    assert report.to_dict()["source"] == "clip.mp4"
    assert "1.8.2" in report.findings[-1].message
    assert 2 <= visit.evidence["1.8.1"] < 4


def test_a_total_that_says_so_is_the_total_that_is_wanted() -> None:
    assert watched(*held(page(label="1.8.0"), 0, 2), visit=Visit(wanted=["total"])).done
    assert not watched(*held(page(label=None), 0, 2), visit=Visit(wanted=["1.8.0"])).done


def test_a_register_may_count_on_while_the_camera_looks() -> None:
    ticking = watched(*held(page("001234.5"), 0, 4), *held(page("001234.6"), 20, 4))
    assert accepted(ticking.report) == {"1.8.1": "001234.6"}
    back = watched(*held(page("001234.6"), 0, 4), *held(page("001234.5"), 20, 4))
    leap = watched(*held(page("001234.5"), 0, 4), *held(page("001294.5"), 20, 4))
    for contradiction in (back, leap):
        assert accepted(contradiction.report) == {}
        assert "low_confidence" in findings(contradiction)


def test_the_history_counts_once_and_speaks_up() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    past = PastReading("1.8.1", Decimal("1200.0"), now - timedelta(days=30))
    register = Register("1.8.1", "kWh", digits=6, decimals=1)
    known = Known(Meter("m", registers=(register, Register("1.8.2", "kWh"))), (past,), now)
    visit = Visit(known=known)
    assert visit.wanted == ("1.8.1", "1.8.2")
    assert accepted(watched(*held(page(), 0, 2), visit=visit).report) == {"1.8.1": "001234.5"}
    lower = watched(*held(page("001134.5"), 0, 2), visit=Visit(known=known))
    assert (accepted(lower.report), "less_than_previous" in findings(lower)) == ({}, True)
    unknown = watched(*held(page(label="2.8.0"), 0, 2), visit=Visit(known=known))
    assert (accepted(unknown.report), "register_unknown" in findings(unknown)) == ({}, True)


def test_the_wrong_meter_and_serial_numbers_are_never_accepted() -> None:
    code = Code("QRCode", "SN: 87654321", b"", ((1.0, 2.0), (3.0, 2.0), (3.0, 4.0), (1.0, 4.0)))
    sign = Observation(640, 480, 10.0, (), (code,), (("counter", "ab"),))
    known = Known(Meter("m", ("12345678",)))
    visit = watched((0.0, sign), *held(page(), 1, 3), visit=Visit(known=known))
    assert (visit.report.agreement, accepted(visit.report), "wrong_meter" in findings(visit)) == ("mismatch", {}, True)
    assert (visit.report.codes, visit.report.models) == ((code,), (("counter", "ab"),))
    serial = watched(*held(page("87654321", None, None), 1, 3), (9.0, sign))
    assert serial.report.readings == ()


def test_nothing_found_says_why() -> None:
    assert findings(watched((0.0, Observation(640, 480, 1.0)))) == ["no_meter"]
    clock = watched(*held(page("12.45.10", "0.9.1", None), 0, 2), *held(page("001.25", None, "kW"), 2, 2))
    assert (clock.report.status, set(findings(clock))) == ("refused", {"clock", "power"})
    test = watched(*held(page("888888.8", None, "kWh"), 0, 2))
    assert (test.report.status, findings(test)) == ("refused", ["display_test"])


def test_the_memory_of_a_long_visit_is_bounded() -> None:
    rng = Random(1)
    rules = VisitRules(most_texts=24, most_stretches=4)
    visit = Visit(rules=rules, wanted=["1.8.1", "1.8.2"])
    sizes = []
    for second in range(240):
        # Every screen comes again, and every fifth frame is one that was never seen before.
        code = f"1.8.{1 + second // 5 % 3}"
        text = f"00{code[-1]}234.5" if second % 5 else f"{rng.randrange(10**6):06d}.0"
        mark = Code("QRCode", f"no {second}", b"", BOX)
        seen = frame(page(text, code), title(f"title {second}"))
        visit.offer(Observation(640, 480, 1.0, seen.displays, (mark,)), float(second))
        if second in (119, 239):
            sizes.append(len(pickle.dumps(visit)))
    assert sizes[1] <= 1.05 * sizes[0]
    assert accepted(visit.report)["1.8.1"] == "001234.5"


@pytest.mark.parametrize("at", [float("nan"), float("inf"), float("-inf")])
def test_a_frame_without_a_time_is_refused(at: float) -> None:
    with pytest.raises(UsageError, match="seconds into the visit"):
        Visit().offer(frame(page()), at)


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 0.0},
        {"gap": 0.1},
        {"settle": float("nan")},
        {"least": 0.99},
        {"most_texts": 1},
        {"share": 0.0},
        {"stands_out": 0.5},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"wanted|above zero"):
        VisitRules(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="most_votes"):
        FusionRules(most_votes=0)
    with pytest.raises(UsageError, match="may_add"):
        FusionRules(may_add=0.0)


def vote(window: int, *chances: tuple[str, float]) -> Vote:
    candidates = tuple(Candidate(text, p) for text, p in chances)
    seen = Display("lcd", BOX, 1, 1, (Glyph((), 0, 1),))
    return Vote(window, window * 0.4, candidates[0].probability, candidates, seen, which_register(seen))


@given(st.floats(0.5, 1), st.floats(0, 1))
def test_one_vote_comes_out_as_it_went_in(p: float, share: float) -> None:
    first, second = fuse([vote(0, ("123", p), ("128", (1 - p) * share))], FusionRules())
    assert first.text == "123"
    assert first.probability == pytest.approx(p, abs=1e-4)
    assert second.probability == pytest.approx((1 - p) * share, abs=1e-4)


@given(st.lists(st.floats(0.5, 0.999), min_size=1, max_size=3), st.floats(0.5, 0.999), st.booleans())
def test_agreement_never_lowers_a_confidence_and_contradiction_never_raises_it(
    agreeing: Sequence[float], more: float, rival: bool
) -> None:
    def best(votes: list[Vote]) -> float:
        return next(c.probability for c in fuse(votes, FusionRules()) if c.text == "123")

    votes = [vote(n, ("123", p), ("128", (1 - p) / 2)) for n, p in enumerate(agreeing)]
    votes += [vote(9, ("777", 0.9))] if rival else []
    before = best(votes)
    assert best([*votes, vote(10, ("123", more), ("128", (1 - more) / 2))]) >= before - 1e-9
    assert best([*votes, vote(10, ("888", more))]) <= before + 1e-9
    assert before <= raised(max(agreeing), FusionRules().most_gain) + 1e-9


def test_what_two_doubtful_frames_have_in_common_wins() -> None:
    votes = [vote(0, ("128", 0.5), ("123", 0.4)), vote(1, ("723", 0.5), ("123", 0.4))]
    assert fuse(votes, FusionRules())[0].text == "123"


@pytest.mark.parametrize(("long", "short"), [("998589.11", "998589.1"), ("230147.8", "230147")])
def test_a_last_digit_is_lost_rather_than_added(long: str, short: str) -> None:
    """998589.1 stood in half the frames of a display that shows 998589.11, and was told."""
    votes = [vote(n, (short, 0.94) if n % 2 else (long, 0.87)) for n in range(6)]
    assert fuse(votes, FusionRules())[0].text == long
    assert fuse(votes, FusionRules())[0].probability > 0.9
    # Before the point unlit cells are read as digits, and what only one frame has seen is not there.
    whole = [vote(n, ("32605", 0.94) if n % 2 else ("326051", 0.87)) for n in range(6)]
    once = [vote(n, (short, 0.94) if n else (long, 0.87)) for n in range(6)]
    assert fuse(whole, FusionRules())[0].text == "32605"
    assert fuse(once, FusionRules())[0].text == short


def test_frames_without_a_legible_label_count_for_the_digits_beside_it() -> None:
    """Where the label of every other frame could not be read, their digits were lost as well."""
    clear, doubtful = page("001234.5"), replace(page("001234.5"), label=Mark("8", 0.05))
    named = [(n / 2, frame(clear, sure=0.96)) for n in range(4)]
    alone = watched(*named).report.readings[0]
    more = [(n / 2 + 0.2, frame(doubtful, sure=0.995)) for n in range(4)]
    both = watched(*named, *more).report.readings[0]
    assert (alone.register, both.register) == ("1.8.1", "1.8.1")
    assert both.confidence > alone.confidence
    other = watched(*named, *((at, frame(replace(page("009999.9"), label=Mark("8", 0.05)))) for at, _ in more))
    assert other.report.readings[0].confidence == alone.confidence


@given(st.permutations(range(5)))
def test_votes_have_no_order(order: list[int]) -> None:
    votes = [vote(n, (("123", "128", "777")[n % 3], 0.6 + n / 20), ("125", 0.1)) for n in range(5)]
    assert fuse([votes[n] for n in order], FusionRules()) == fuse(votes, FusionRules())


def test_frames_that_nearly_agree_count_against_a_number_though_their_label_is_illegible() -> None:
    """5212931 was accepted while every other frame showed 5212931.8, beside which a mark could not be told."""
    short, long = page("5212931", "1.8.1"), replace(page("5212931.8"), label=Mark("8", 0.05))
    alone = watched(*held(short, 0, 2))
    assert accepted(alone.report) == {"1.8.1": "5212931"}
    both = [seen for n in range(10) for seen in held(long if n % 2 else short, n / 5, 0.2)]
    assert "5212931" not in accepted(watched(*both).report).values()
    # Quite another number meanwhile is that of another row.
    other = replace(page("0000077.5"), label=Mark("8", 0.05))
    rows = [seen for n in range(10) for seen in held(other if n % 2 else short, n / 5, 0.2)]
    assert accepted(watched(*rows).report) == {"1.8.1": "5212931"}
