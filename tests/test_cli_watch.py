"""``meter watch``: would catch a wrong exit code, a partial result that does not say so, evidence of another screen."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from recognizer.cli import main
from recognizer.cli_watch import live_line
from recognizer.domain.observation import Display, Glyph, Mark, Observation, Quad
from recognizer.domain.policy import Policy
from recognizer.domain.visit import Visit
from recognizer.vision.frame import Frame
from recognizer.watch import Progress

BOX: Quad = ((10, 10), (50, 10), (50, 30), (10, 30))
PAGES: dict[int, tuple[str, str | None, str, tuple[str, ...]]] = {
    40: ("001234.5", "1.8.1", "kWh", ()),
    90: ("000812.0", "1.8.2", "kWh", ()),
    140: ("000.286", None, "kW", ("T1",)),
    190: ("004567.8", None, "kWh", ()),
}
"""By the grey of the frame, what stands there."""

Run = Callable[..., int]


class Reader:
    """Knows the screen by its grey."""

    policy = Policy()

    def observe(
        self,
        frame: Frame,
        *,
        expected: Sequence[str] = (),
        plate: bool | None = None,
        codes: bool = True,
        dials: bool = True,
        place: Quad | None = None,
        brief: bool = False,
    ) -> Observation:
        grey = min(PAGES, key=lambda level: abs(level - float(frame.pixels.mean())))
        text, label, unit, marks = PAGES[grey]
        glyphs = tuple(Glyph(((char, 0.999),), i / len(text), (i + 1) / len(text)) for i, char in enumerate(text))
        beside = [None if word is None else Mark(word, 0.999) for word in (label, unit)]
        display = Display("lcd", BOX, 0.99, 0.98, glyphs, beside[0], beside[1], tuple(Mark(m, 0.999) for m in marks))
        return Observation(frame.width, frame.height, 10.0, (display,), models=(("counter", "0123456789ab"),))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``meter watch`` in a folder with ``clip``, a folder of frames: the pages one after the other, 1 s each."""
    monkeypatch.chdir(tmp_path)
    Path("clip").mkdir()
    for number in range(20):
        grey = list(PAGES)[number // 5]
        picture = np.full((48, 64, 3), grey, np.uint8)
        cv2.imwrite(f"clip/{number}.png", picture)

    def open_reader(_: Path | None) -> Any:
        return Reader()

    return lambda *args: main(["watch", *args], open_reader=open_reader)


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    out, _ = capsys.readouterr()
    assert out.count("\n") == 1
    found: dict[str, Any] = json.loads(out)
    return found


def test_all_wanted_registers_are_read_and_it_stops(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("clip", "--want", "1.8.1", "--want", "1.8.2", "--json", "--evidence", "proof") == 0
    found = answer(capsys)
    assert {r["register"]: r["text"] for r in found["readings"]} == {"1.8.1": "001234.5", "1.8.2": "000812.0"}
    assert (found["source"], found["status"], found["missing"]) == ("clip", "accepted", [])
    assert found["clip"]["ended"] == "done"
    assert found["clip"]["seconds"] < 3
    greys = {code: cv2.imread(file) for code, file in found["evidence"].items()}
    assert {code: round(float(np.asarray(p).mean())) for code, p in greys.items()} == {"1.8.1": 40, "1.8.2": 90}


def test_what_is_missing_is_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("clip", "--want", "1.8.1,1.8.3", "--json") == 1
    found = answer(capsys)
    assert (found["status"], found["missing"], found["clip"]["ended"]) == ("review", ["1.8.3"], "end")
    assert "registers_missing" in [f["code"] for f in found["findings"]]
    assert run("clip", "--want", "1.8.2", "--timeout", "0.7", "--json") == 1
    found = answer(capsys)
    assert (found["missing"], found["clip"]["ended"]) == (["1.8.2"], "timeout")
    assert "timeout" in [f["code"] for f in found["findings"]]


def test_want_all(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a list the whole clip is watched; with one, until that is read."""
    assert run("clip", "--want", "all", "--json") == 0
    found = answer(capsys)
    assert sorted(r["register"] for r in found["readings"]) == ["1.8.1", "1.8.2", "total"]
    assert found["clip"]["ended"] == "end"
    Path("own.toml").write_text(
        '[mine]\nfamily = "Mine"\nsource = "me"\nscreens = [{ register = "1.8.2", label = "1.8.2" }]\n'
    )
    assert run("clip", "--want", "all", "--profile", "mine", "--profiles", "own.toml", "--json") == 0
    assert [r["register"] for r in answer(capsys)["readings"]] == ["1.8.2"]
    Path("meter.toml").write_text('id = "m"\n[[registers]]\ncode = "1.8.1"\n[[registers]]\ncode = "1.8.2"\n')
    assert run("clip", "--meter", "meter.toml", "--json") == 0
    found = answer(capsys)
    assert (found["missing"], found["clip"]["ended"]) == ([], "done")


def test_the_table_for_people(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("clip", "--want", "1.8.1", "--want", "1.8.3") == 1
    out, err = capsys.readouterr()
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert rows["1.8.1"][:2] == ["001234.5", "kWh"]
    assert rows["1.8.3"] == ["missing"]
    assert "Not read yet: 1.8.3" in err


def test_the_live_line_shows_what_is_there_and_what_is_awaited() -> None:
    visit = Visit(wanted=["1.8.1", "1.8.3"])
    report = visit.offer(Reader().observe(Frame(64, 48, "", {1: np.full((48, 64, 3), 40, np.uint8)})), 0.0)
    line = live_line(Progress(2.5, report, 20, 4), visit.missing).plain
    assert line == "2.5 s  ✓ 1.8.1 001234.5 kWh  … 1.8.3  (4 of 20 frames read)"


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["none.mp4"], 1, "no such file"),
        (["own.txt"], 1, "no video"),
        (["clip", "--want", "T1"], 2, "--want takes"),
        (["clip", "--want", "all,1.8.1"], 2, "--want all"),
        (["clip", "--profile", "nobody's"], 2, "no profile"),
        (["clip", "--profiles", "x.toml"], 2, "--profile"),
        (["clip", "--timeout", "-1"], 2, "above 0"),
        (["clip", "--threads", "0"], 2, "threads"),
        (["clip", "--evidence", "own.txt"], 2, "cannot make the folder"),
        ([], 2, "SOURCE"),
    ],
)
def test_wrong_use_and_bad_sources(
    run: Run, capsys: pytest.CaptureFixture[str], args: list[str], code: int, words: str
) -> None:
    Path("own.txt").write_text("no clip")
    try:
        found = run(*args)
    except SystemExit as stop:  # argparse ends by itself
        found = int(stop.code or 0)
    err = capsys.readouterr().err
    assert (found, words in err, "Traceback" in err) == (code, True, False), err
