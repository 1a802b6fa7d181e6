"""Would catch: a scroll benchmark that overlooks a wrong register or a page taken for a reading, asks for registers
that were hardly shown, loses what it measured when it is killed, or misunderstands the truth of a photo."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import scroll, scroll_clips, scroll_photos
from benchmarks.run import DATA
from benchmarks.scroll_meters import rendering
from recognizer.domain.reading import Reading, Report, Status
from recognizer.errors import InputError

BOX = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
SIZE = (200, 150)


def truth(register: str = "1.8.1", value: str = "0012.5", seconds: float = 3.0, first: float = 1.0) -> dict[str, Any]:
    return {"register": register, "value": value, "seconds": seconds, "clear_seconds": seconds, "first": first}


def line(*truths: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {"clip": 0, "family": "mercury-200", "truth": list(truths), "wanted": [t["register"] for t in truths]}
    return base | {"accepted": [], "final": [], "done": None, "frames": 10, "read": 4, "models": {}} | more


def final(register: str, text: str, status: str = "accepted", *findings: str) -> dict[str, Any]:
    return {"register": register, "unit": "kWh", "text": text, "status": status, "findings": list(findings)}


def test_registers_are_told_exact_for_review_misread_elsewhere_or_not_at_all() -> None:
    codes = {"1.8.1": "1.5", "1.8.2": "2.5", "1.8.3": "3.5", "1.8.4": "4.5", "1.8.0": "9.5", "2.8.0": "7.5"}
    there = [
        final("1.8.1", "1.5"),
        final("1.8.2", "2.5", "review", "low_confidence"),
        final("1.8.3", "3.6"),
        final("total", "9.5"),
        final("9.8.0", "7.5"),
    ]
    short = truth("3.8.0", "8.5", seconds=1.9)
    asked = line(*(truth(code, value) for code, value in codes.items()), short, final=there)
    told = scroll.tally([asked])
    assert (told.asked, told.exact, told.review) == (6, 2, 1)
    assert told.lost == {"for review: low_confidence": 1, "misread": 1, "not read": 1, "filed elsewhere": 1}


def test_the_figures_fail_where_they_must() -> None:
    good = line(truth(), final=[final("1.8.1", "0012.5")], done=1.7, accepted=[{"from": "right"}])
    assert all(row.met is not False for row in scroll.clip_rows([good]))
    assert scroll.seconds_to_done([good]) == [pytest.approx(0.7)]
    for bad in (
        good | {"final": []},
        good | {"accepted": [{"from": "wrong register"}]},
        good | {"accepted": [{"from": "power"}]},
        good | {"accepted": [{"from": "transition"}]},
        good | {"done": None},
        good | {"done": 2.1},
    ):
        assert sum(row.met is False for row in scroll.clip_rows([bad])) == 1, bad
    assert scroll.real_rows(None, None)[0][0].met is False, "what was not measured is not reached"
    never_shown = good | {"wanted": ["1.8.1", "1.8.2"], "done": None}
    assert scroll.seconds_to_done([never_shown]) == []


def test_an_accepted_reading_is_traced_to_its_screen() -> None:
    clip = rendering(7, 0, SIZE, fps=8)
    energies = [(s, s.screen.rows[0]) for s in clip.showings if s.screen.kind == "energy"]
    (showing, row), (_, other) = energies[:2]
    settled = clip.response.settled + 0.05
    assert scroll_clips.judged(clip, str(row.register), str(row.value), 0.0) == "right"
    assert scroll_clips.judged(clip, str(other.register), str(row.value), 0.0) == "wrong register"
    assert scroll_clips.judged(clip, str(row.register), "5", showing.start + settled) == "misread"
    assert scroll_clips.judged(clip, str(other.register), "5", showing.start + settled) == "wrong register"
    for page in clip.showings[1:]:
        if page.screen.kind in ("power", "clock"):
            assert scroll_clips.judged(clip, "1.8.1", "5", page.start + settled) == page.screen.kind
            assert scroll_clips.judged(clip, "1.8.1", "5", page.start + 0.001) == "transition"


def test_a_killed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[int] = []

    def watch_clip(number: int, *_: Any) -> dict[str, Any]:
        watched.append(number)
        return {"clip": number}

    monkeypatch.setattr(scroll_clips, "watch_clip", watch_clip)
    monkeypatch.setattr(scroll_clips, "_key", lambda *_: "now")
    out = tmp_path / "lines.jsonl"
    out.write_text('{"clip": 0, "key": "now"}\n{"clip": 1, "key": "before"}\n{"clip": 2, "ke')
    lines = scroll_clips.measured(range(4), out, seed=7, jobs=1, perfect=True)
    assert [one["clip"] for one in lines] == [0, 1, 2, 3]
    assert watched == [1, 2, 3]
    assert [one["clip"] for one in scroll_clips.kept(out) if one["key"] == "now"] == [0, 1, 2, 3]
    scroll_clips.measured(range(4), out, seed=7, jobs=1, perfect=True)
    assert watched == [1, 2, 3]


def test_behind_perfect_vision_a_clip_is_read_and_reported() -> None:
    told = scroll_clips.watch_clip(6, 7, SIZE)
    assert told["family"] == "single-register"
    assert [(r["register"], r["text"], r["status"]) for r in told["final"]] == [
        ("total", told["truth"][0]["value"], "accepted")
    ]
    assert json.loads(json.dumps(told)) == told
    text = scroll.report([told], scroll.clip_rows([told]), ["a.webp: x"], 7)
    assert "| single-register | 1 | 100.0% (1 of 1;" in text
    assert "- a.webp: x" in text


def screen(**row: str) -> scroll_photos.Screen:
    whole = {"file": "a", "source": "s", "screen": "energy", "unit": "", "register": "", "legible": "1"}
    return scroll_photos.screen_of(whole | row)


def test_the_truth_of_photos_is_understood() -> None:
    assert screen(register="T2 / 1.8.2", unit="kWh").register == "1.8.2"
    assert screen(register="1.8.0 Tt", unit="kW h").unit == "kWh"
    assert screen(register="code 5", unit="").states is False
    assert screen(register="T2", unit="kWh").register is None
    assert screen(register="BP 01", unit="kWh").reading is False
    assert screen(unit="kVA").reading is False
    assert screen(screen="power", unit="kW", register="code 12, T2, MAX").reading is False
    assert screen(register="1.8.1", unit="kWh", legible="0").states is False
    with pytest.raises(InputError, match="not written down"):
        screen(register="Q7")


Shown = Callable[..., Report]


def shown(register: str, unit: str | None, status: Status = "accepted") -> Report:
    text = "" if status == "refused" else "12.5"
    return Report("a", status, (Reading(register, unit, text, 0.99, status, BOX, "lcd"),))


def test_photos_agree_by_register_and_unit_and_pages_give_nothing() -> None:
    coded, page = screen(register="1.8.1", unit="kWh"), screen(screen="clock")
    outcome = scroll_photos.judge([
        (coded, shown("1.8.1", "kWh")), (coded, shown("1.8.2", "kWh")), (coded, shown("1.8.1", None)),
        (coded, shown("1.8.1", "kWh", "refused")), (screen(unit="kvarh"), shown("3.8.0", "kvarh", "review")),
        (coded, Report("a", "refused")), (page, shown("total", None, "review")), (page, shown("total", "kWh")),
    ])  # fmt: skip
    assert (outcome.asked, outcome.agreed, outcome.given) == (6, 3, 2)
    assert len(outcome.wrong) == 3
    assert (outcome.pages, outcome.taken) == (2, ("a: total 12.5 kWh",))


@pytest.mark.skipif(not (DATA / "photos.csv").is_file(), reason="the labelled photos are not here")
def test_every_truth_of_the_real_screens_is_written_down() -> None:
    screens = scroll_photos.screens(DATA)
    assert {s.source for s in screens} == set(scroll_photos.SOURCES)
    assert sum(s.states for s in screens) >= 25
    assert sum(not s.reading for s in screens) >= 8
