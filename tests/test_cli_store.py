"""Would catch: `meter read --store` that checks against nothing or keeps nothing, a replay that changes what it should
only show, and one that fails where rules have changed."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer.cli import main
from recognizer.domain.observation import Display, Glyph, Observation
from recognizer.domain.policy import Policy
from recognizer.store import Store
from recognizer.vision.frame import Frame

RECORD = """
id = "cellar"
serials = ["7654321"]
[[registers]]
code = "8.1.0"
unit = "m3"
digits = 5
decimals = 1
max_rate = "2"
"""
Run = Callable[..., int]


class Seeing:
    """Sees in every photo what it is told to, under rules that a test may change."""

    def __init__(self) -> None:
        self.policy = Policy()
        self.shown = "00123.4"
        self.asked: list[tuple[tuple[str, ...], bool | None]] = []

    def observe(self, frame: Frame, *, expected: tuple[str, ...], plate: bool | None) -> Observation:
        self.asked.append((expected, plate))
        count = len(self.shown)
        glyphs = tuple(Glyph(((c, 0.999),), i / count, (i + 1) / count) for i, c in enumerate(self.shown))
        box = ((10.0, 20.0), (90.0, 20.0), (90.0, 50.0), (10.0, 50.0))
        return Observation(
            frame.width, frame.height, 1.0, (Display("drum", box, 0.99, 0.99, glyphs),), photo=frame.photo
        )


@pytest.fixture
def reader() -> Seeing:
    return Seeing()


@pytest.fixture
def run(reader: Seeing, encode: Callable[..., bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("meter.toml").write_text(RECORD)
    for seed, name in enumerate(("a", "b", "c")):
        noise: NDArray[np.uint8] = np.random.default_rng(seed).integers(0, 255, (12, 16, 3)).astype(np.uint8)
        Path(f"{name}.png").write_bytes(encode(noise.repeat(10, 0).repeat(10, 1), "PNG"))
    Path("bad.png").write_bytes(b"no picture")
    return lambda *args: main(args, open_reader=lambda _: reader)  # type: ignore[arg-type,return-value]


def read(run: Run, capsys: pytest.CaptureFixture[str], photo: str, *more: str) -> dict[str, Any]:
    run("read", photo, "--json", "--store", "s.db", "--meter", "meter.toml", *more)
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def codes(report: dict[str, Any]) -> list[str]:
    return [f["code"] for f in report["readings"][0]["findings"]]


def test_what_was_read_is_what_the_next_photo_is_measured_against(
    run: Run, reader: Seeing, capsys: pytest.CaptureFixture[str]
) -> None:
    first = read(run, capsys, "a.png", "--taken-at", "2026-10-01")
    assert (first["status"], first["readings"][0]["register"]) == ("accepted", "8.1.0")
    reader.shown = "00122.4"
    falls = read(run, capsys, "b.png", "--taken-at", "2026-10-05")
    assert (falls["status"], codes(falls)) == ("review", ["less_than_previous"])
    reader.shown = "00130.0"
    late = read(run, capsys, "c.png", "--taken-at", "2026-09-29")
    assert "greater_than_subsequent" in codes(late)
    with Store("s.db", create=False) as store:
        history = store.history("cellar")
        assert [(str(p.value), p.status) for p in history] == [
            ("130.0", "review"),
            ("123.4", "accepted"),
            ("122.4", "review"),
        ]
        assert next(store.observations()).evidence == str(Path("c.png").absolute())


def test_the_same_photo_again_is_told_and_not_kept_twice(
    run: Run, capsys: pytest.CaptureFixture[str], reader: Seeing
) -> None:
    read(run, capsys, "a.png", "--taken-at", "2026-10-01")
    assert run("read", "a.png", "--json", "--store", "s.db", "--meter", "meter.toml") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["status"] == "review"
    assert "photo_reused" in codes(json.loads(out))
    assert "a.png: was stored before, as photo 1; not stored again" in err
    with Store("s.db") as store:
        assert len(list(store.observations())) == 1


def test_a_store_needs_no_meter_and_takes_no_bad_photo(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("read", "a.png", "bad.png", "--store", "s.db") == 1
    with Store("s.db") as store:
        assert [(p.meter, p.readings[0].text) for p in store.observations()] == [(None, "00123.4")]
    assert run("read", "a.png", "--store", "s.db", "--previous", "1@2026-01-01") == 2
    assert run("read", "a.png", "--store", "none/s.db") == 1
    assert "Traceback" not in capsys.readouterr().err


def test_replay_shows_what_would_change_and_apply_keeps_it(
    run: Run, reader: Seeing, capsys: pytest.CaptureFixture[str]
) -> None:
    read(run, capsys, "a.png", "--taken-at", "2026-10-01T12:00+00:00")
    reader.shown = "00124.4"
    read(run, capsys, "b.png", "--taken-at", "2026-10-02T12:00+00:00")
    reader.shown = "00125.4"
    read(run, capsys, "c.png", "--taken-at", "2026-10-03T12:00+00:00")
    assert run("replay", "s.db") == 0
    summary = "3 photos replayed: 0 readings would change, 0 decided by a person stay as they are.\n"
    assert capsys.readouterr().out == summary
    with Store("s.db") as store:
        store.correct(2, Decimal("124.5"), "confirmed", "ann", datetime.now(UTC))
    reader.policy = replace(Policy(), accept_above=0.9999)
    assert run("replay", "s.db", "--meter", "cellar") == 0
    first, second, summary = capsys.readouterr().out.splitlines()
    where = f"meter cellar, 2026-10-01 12:00, photo 1, {Path('a.png').absolute()}"
    assert first.startswith(f"{where}: accepted 00123.4 -> review 00123.4 (Confidence ")
    assert "2026-10-03" in second
    assert summary == "3 photos replayed: 2 readings would change, 1 decided by a person stay as they are."
    assert run("replay", "s.db", "--json", "--apply") == 0
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["reading"], line["old"]["status"], line["new"]["status"]) for line in lines] == [
        (1, "accepted", "review"),
        (3, "accepted", "review"),
    ]
    assert lines[0]["applied"] is True
    assert lines[0]["new"]["value"] == "123.4"
    assert "2 readings changed, 1 decided by a person" in err
    with Store("s.db") as store:
        assert [(str(p.value), p.status) for p in store.history("cellar")] == [
            ("123.4", "review"),
            ("124.5", "confirmed"),
            ("125.4", "review"),
        ]


def test_a_replay_to_nothing(run: Run, reader: Seeing, capsys: pytest.CaptureFixture[str]) -> None:
    run("read", "a.png", "--store", "s.db")
    reader.policy = replace(Policy(), min_score=0.999)
    capsys.readouterr()
    assert run("replay", "s.db") == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("no meter, ")
    assert line.endswith(": accepted 00123.4 -> refused (By the present rules there is no display here.)")


def test_replay_of_what_is_not_there(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("replay", "none.db") == 1
    assert not Path("none.db").exists()
    assert run("replay", "a.png") == 1
    run("read", "a.png", "--store", "s.db")
    assert run("replay", "s.db", "--meter", "attic") == 2
    assert "no meter 'attic'" in capsys.readouterr().err


def test_the_print_is_read_as_without_a_store(run: Run, reader: Seeing, capsys: pytest.CaptureFixture[str]) -> None:
    read(run, capsys, "a.png")
    read(run, capsys, "b.png", "--plate")
    assert reader.asked == [(("7654321",), None), (("7654321",), True)]
