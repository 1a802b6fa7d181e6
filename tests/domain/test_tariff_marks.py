"""Would catch: a number filed under a tariff whose mark is unlit, a tariff whose mark is faint filed as the total, and
a display given up whose unlit segments show, though others of its screens tell how they look."""

from dataclasses import replace

from recognizer.domain.observation import Mark, Observation
from recognizer.domain.profile import Profile, ProfileScreen, load_profiles
from recognizer.domain.visit import Visit
from recognizer.domain.visit_rules import VisitRules
from tests.domain.visits import STRICT, accepted, faint, frame, held, page, watched


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


def test_a_mark_that_looked_lit_for_a_while_is_no_other_name_of_a_number() -> None:
    """121406.32 stood beside T3, and for a quarter of its frames beside what looked like T2."""
    mercury = load_profiles()["mercury-200"]
    chances = ((0.1, 0.87, 0.26) if 12 <= n < 21 else (0.1, 0.1, 0.97) for n in range(32))
    seen = [(3 + n / 8, faint("121406.32", *of)) for n, of in enumerate(chances)]
    visit = watched(*numbers(("005375.61", 0.98, 0.1, 0.1)), *seen, visit=Visit(profile=mercury))
    assert accepted(visit.report) == {"1.8.1": "005375.61", "1.8.3": "121406.32"}


def test_two_marks_that_both_look_lit_by_turns_name_nothing_yet() -> None:
    """1720932 was filed under T1, which looked lit in its first frames; it is of T3."""
    mercury = load_profiles()["mercury-200"]
    chances = ((0.99, 0.0, 0.06), (0.33, 0.07, 0.91), (0.8, 0.0, 0.6), (0.23, 0.07, 0.93), (0.8, 0.0, 0.6))
    seen = [(n / 4, faint("1720932", *of)) for n, of in enumerate(chances)]
    assert accepted(watched(*seen, visit=Visit(profile=mercury)).report) == {}


def numbers(*marked: tuple[str, float, float, float]) -> list[tuple[float, Observation]]:
    """Each number for 3 s, with the chances of T1, T2 and T3 beside it."""
    return [
        (3 * place + n / 8, faint(text, *chances)) for place, (text, *chances) in enumerate(marked) for n in range(24)
    ]


def test_where_another_tariff_is_lit_unlit_marks_show_how_they_look() -> None:
    """39762.27 was never filed: T1, T2 and T3 looked half lit, as each did where another one was lit."""
    mercury = load_profiles()["mercury-200"]
    day, night = ("05976.80", 0.99, 0.55, 0.45), ("22904.29", 0.35, 0.99, 0.3)
    visit = watched(*numbers(day, night, ("39762.27", 0.45, 0.5, 0.1)), visit=Visit(profile=mercury))
    assert accepted(visit.report)["1.8.0"] == "39762.27"
    # Before both were seen it is open how they look, and a mark that looks more lit than it did may be.
    for others in ((), (day,), (night,), (day, night)):
        third = watched(*numbers(*others, ("39762.27", 0.45, 0.5, 0.8)), visit=Visit(profile=mercury, policy=STRICT))
        assert "39762.27" not in accepted(third.report).values(), others


def test_a_number_that_a_label_names_in_some_frames_is_no_total_by_absence() -> None:
    """Of an earlier period, or of a register of its own: unlit marks beside it tell nothing then."""
    day, night = ("05976.80", 0.99, 0.2, 0.1), ("22904.29", 0.2, 0.99, 0.1)
    mercury = load_profiles()["mercury-200"]
    for label in ("1.8.0*1", "1.8.4"):
        third = numbers(day, night, ("39762.27", 0.2, 0.2, 0.1))[48:]
        named = [
            (at, frame(page("39762.27", label))) if n % 4 == 0 else (at, seen) for n, (at, seen) in enumerate(third)
        ]
        visit = watched(*numbers(day, night), *named, visit=Visit(profile=mercury))
        assert "1.8.0" not in accepted(visit.report), label


def test_how_a_mark_looks_that_is_lit_is_open_until_it_was_seen_so() -> None:
    """0947430.9 stood beside T1, which had 0.28 there and 0.19 beside numbers of T2: it was taken for the total."""
    mercury = load_profiles()["mercury-200"]
    seen = numbers(("1711272.2", 0.19, 0.98, 0.1), ("0947430.9", 0.28, 0.08, 0.06))
    assert accepted(watched(*seen, visit=Visit(profile=mercury)).report) == {"1.8.2": "1711272.2"}


def test_a_mark_that_is_not_surely_lit_names_nothing_where_unlit_ones_show() -> None:
    """5761465.6 was filed under T2, which looked lit in two of three frames, once a clock with T2 told the others."""
    mercury = load_profiles()["mercury-200"]
    clock = [(n / 8, frame(replace(page("19.17.53", None, None), marks=seen))) for n in range(24)
             for seen in [tuple(Mark(f"T{k}", p) for k, p in ((1, 0.5), (2, 0.99), (3, 0.3)))]]  # fmt: skip
    number = [(3 + at, seen) for at, seen in numbers(("5761465.6", 0.5, 0.75, 0.3))]
    assert accepted(watched(*clock, *number, visit=Visit(profile=mercury, policy=STRICT)).report) == {}


def test_a_label_names_what_a_mark_is_doubtful_of() -> None:
    """234813.20 stood beside page code 04, and in most frames beside CUM, which was not lit."""
    own = Profile("own", "own", "the owner", screens=(ProfileScreen("9.8.0", label="04", unit="kVAh"),))
    coded = replace(page("234813.20", None, "kVAh"), label=Mark("04", 0.8))
    lit, unlit = (replace(coded, label=None, marks=(Mark("CUM", chance),)) for chance in (0.95, 0.4))
    seen = [(n / 8, frame(coded if n % 4 == 0 else lit if n in (5, 6) else unlit)) for n in range(32)]
    assert accepted(watched(*seen, visit=Visit(profile=own)).report) == {"9.8.0": "234813.20"}
    alone = [(at, one) for at, one in seen if one.displays[0].label is None]
    assert accepted(watched(*alone, visit=Visit(profile=own)).report) == {}
