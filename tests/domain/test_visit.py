"""Would catch: a ghost or a page of power filed as a register, a title's value under another title, copies of one frame
taken for agreement, a report that depends on the order of frames, memory that grows, and a partial result that does
not say what is missing."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from recognizer.domain.code import Code
from recognizer.domain.fusion import raised
from recognizer.domain.meter import Known, Meter, PastReading, Register
from recognizer.domain.observation import Display, Mark, Observation, Quad
from recognizer.domain.profile import Profile, ProfileScreen, load_profiles
from recognizer.domain.visit import Visit
from recognizer.domain.visit_rules import FusionRules, VisitRules
from recognizer.errors import UsageError
from tests.domain.visits import BOX, accepted, faint, findings, frame, held, page, watched

SECURE = load_profiles()["secure-liberty-100"]


def moved_box(right: float, down: float) -> Quad:
    a, b, c, d = ((x + right, y + down) for x, y in BOX)
    return a, b, c, d


def title(text: str) -> Display:
    return page("", text, None)


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


@pytest.mark.parametrize(
    ("then", "counts"),
    [("0000.68", False), ("0000.60", False), ("0000.66", True), ("4854.78", True)],
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


def test_where_titles_name_registers_no_mark_says_that_a_value_is_the_total() -> None:
    """CUM stood beside 1085792 under 1.8.2: it says that something is counted, not that it is all."""
    export, value = held(title("EXPORT kWh"), 0, 2), held(page("000123.4", None, "kWh", "CUM"), 2, 4)
    assert accepted(watched(*export, *value, visit=Visit(profile=SECURE)).report) == {"2.8.0": "000123.4"}
    assert accepted(watched(*value, visit=Visit(profile=SECURE)).report) == {}
    assert accepted(watched(*value).report) == {"1.8.0": "000123.4"}


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


def test_a_number_that_stands_beside_a_title_is_not_its_value() -> None:
    """529217, printed just below the display, was filed under RATE 1 before the value of that came."""
    printed = replace(page("529217", None, None), quad=moved_box(20, 45))
    named = replace(title("IMPORT kWh"), score=0.4)
    shown = [(0.0, frame(named)), *((0.25 + n / 8, frame(named, printed)) for n in range(14))]
    visit = watched(*shown, visit=Visit(profile=SECURE))
    assert accepted(visit.report) == {}
    value = [(2.0 + n / 8, frame(page("258714", None, None), printed)) for n in range(16)]
    assert accepted(watched(*value, visit=visit).report) == {"1.8.0": "258714"}


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
    # Nor is a single letter, which is what was made of print.
    visit = watched(*held(page("", "T", "MWh"), 0, 1), *held(page("004321.0", None, "kWh"), 2, 3))
    assert accepted(visit.report) == {"total": "004321.0"}


def test_a_partial_result_names_what_is_missing() -> None:
    visit = Visit(source="clip.mp4", wanted=["1.8.1", "1.8.2", "1.8.0"])
    assert (visit.missing, visit.done, visit.report.status) == (("1.8.1", "1.8.2", "1.8.0"), False, "refused")
    watched(*held(page("001777.7", "1.8.0"), 0, 2), *held(page(), 2, 2), visit=visit)
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


def test_frames_that_name_no_register_yet_count_against_a_number_that_they_nearly_agree_with() -> None:
    """57539.29 was accepted: before it 57539.296 had stood for a second, with a trace of a mark beside it."""
    lost = held(page("57539.29", None), 1.1, 0.6, sure=0.997)
    assert accepted(watched(*lost).report) == {"total": "57539.29"}
    before = [(n / 8, faint("57539.296", 0.05)) for n in range(8)]
    assert accepted(watched(*before, *lost).report) == {"total": "57539.296"}
    # A number that differs in a digit may be that of the tariff whose mark left the trace.
    tariff = [(n / 8, faint("57539.25", 0.05)) for n in range(8)]
    assert accepted(watched(*tariff, *lost).report) == {"total": "57539.29"}


def test_a_digit_that_most_frames_lose_is_not_left_out_of_what_is_accepted() -> None:
    """230147 was accepted while a single frame before them, and then one in three, showed 230147.8."""
    long, short = page("230147.8"), page("230147")
    begun = [(0.0, frame(long, sure=0.998)), *held(short, 0.6, 0.8, sure=0.998)]
    assert accepted(watched(*begun).report) == {}
    shown = [(n / 5, frame(short if n % 3 else long, sure=0.998)) for n in range(15)]
    assert accepted(watched(*shown).report) == {"1.8.1": "230147.8"}
    # Nor of a whole number: 33544 was accepted, before it 335440 had not stood for long enough.
    whole = [*held(page("335440"), 0, 0.3, sure=0.995), *held(page("33544"), 0.6, 0.5, sure=0.97)]
    assert accepted(watched(*whole).report) == {}
    assert accepted(watched(*whole[3:]).report) == {"1.8.1": "33544"}
    # Under a title as well: 215381 was accepted while the display still changed, between two frames of 215381.2.
    bare, digits = (page(text, None, None) for text in ("230147.8", "230147"))
    titled = [*held(title("IMPORT kWh"), 0, 2), (2.1, frame(digits)), (2.2, frame(bare)), *held(digits, 2.5, 0.8)]
    assert accepted(watched(*titled, visit=Visit(profile=SECURE)).report) == {}
    # And where it stood long enough after them, though no title stands just before it.
    later = [*held(title("IMPORT kWh"), 0, 2), *held(digits, 2.1, 2), *held(bare, 4.2, 1.5)]
    assert accepted(watched(*later, visit=Visit(profile=SECURE)).report) == {"1.8.0": "230147.8"}
    alone = [*held(title("IMPORT kWh"), 0, 2), (2.1, frame(digits)), *held(digits, 2.5, 0.8)]
    assert accepted(watched(*alone, visit=Visit(profile=SECURE)).report) == {"1.8.0": "230147"}


def test_a_label_that_is_read_now_and_then_names_a_number_that_stands_there_all_the_time() -> None:
    """Page code 08 was read in 5 of 22 frames, cut off or overlooked in the others."""
    own = Profile("own", "own", "the owner", screens=(ProfileScreen("1.8.0", label="08", unit="kWh"),))
    number = page("1674804.2", None)
    cut_off = replace(number, label=Mark("0", 0.8))
    for every, filed in ((6, {"1.8.0": "1674804.2"}), (18, {})):
        frames = ((n, page("1674804.2", "08") if n % every == 2 else (cut_off, number)[n % 2]) for n in range(36))
        seen = [(n / 8, frame(display)) for n, display in frames]
        assert accepted(watched(*seen, visit=Visit(profile=own)).report) == filed, every
    begun = [(n / 8, frame(page("1674804.2", "08") if n < 3 else number)) for n in range(36)]
    assert accepted(watched(*begun, visit=Visit(profile=own)).report) == {}  # the label of the screen before it


def test_a_number_printed_beside_a_display_that_says_which_is_its_total_is_none() -> None:
    total, printed = page("234021.02", "1.8.0"), page("996345656", None, None)
    rows = [(n / 8, frame(total, replace(printed, quad=moved_box(-150, 190)))) for n in range(24)]
    assert [r.register for r in watched(*rows).report.readings] == ["1.8.0"]
    # Or one that stood there more briefly, beside a total by absence with its unit.
    bare = page("234021.02", None)
    rows = [(n / 8, frame(bare, replace(printed, quad=moved_box(-150, 190)))) for n in range(8, 16)]
    alone = [(n / 8, frame(bare)) for n in range(24)]
    assert accepted(watched(*alone, *rows[:6]).report) == {"total": "234021.02"}
