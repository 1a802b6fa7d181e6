"""Would catch: a report that changes between runs or hides a missed target, answers that do not survive
being stored, a benchmark that starts without its photos, and failures sorted so that the worst are hidden."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import accuracy, failures, history, history_bound, run, speed
from benchmarks.__main__ import main
from recognizer.domain.conclude import conclude
from recognizer.domain.observation import Display, Glyph, Observation
from recognizer.domain.reading import Report
from recognizer.errors import InputError, UsageError
from recognizer.evaluate import Answer, Truth

HEAD = "file,source,split,display,screen,reading,legible,reading_box,reading_quad\n"


def reads_its_name(photo: Path) -> Report:
    """A reader that finds what the file is called."""
    if photo.stem == "broken":
        raise InputError("not a picture")
    glyphs = tuple(Glyph(((char, 0.999),), 0.0, 1.0) for char in photo.stem if char.isdigit())
    box = ((10.0, 10.0), (90.0, 12.0), (90.0, 30.0), (10.0, 28.0))
    displays = (Display("drum", box, 0.9, 0.9, glyphs),) if glyphs else ()
    return conclude(Observation(120, 60, 1.0, displays, models=(("counter", "abc"),)), source=photo.name)


def make_fake() -> run.Read:
    return reads_its_name


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [
        ("00141.png", "bdci-water", "drum", "", "00141", 1),
        ("00142.png", "bdci-water", "drum", "", "00143", 1),
        ("12345.png", "cesc-electricity", "lcd", "off", "", 0),
        ("nothing.png", "cesc-electricity", "lcd", "off", "", 0),
        ("777.png", "z-lcd", "lcd", "power", "777", 1),
    ]
    lines = (
        f"{file},{source},test,{kind},{screen},{text},{ok},1 1 50 20," for file, source, kind, screen, text, ok in rows
    )
    (tmp_path / "photos.csv").write_text(HEAD + "\n".join(lines), encoding="utf-8")
    for file, *_ in rows:
        cv2.imwrite(str(tmp_path / file), np.full((60, 120, 3), 90, np.uint8))
    return tmp_path


@pytest.fixture
def fake_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "meter_reader", make_fake)
    monkeypatch.setattr(run.answer, "__defaults__", (1, make_fake))


@pytest.mark.usefixtures("fake_reader")
def test_accuracy_end_to_end(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, kept = tmp_path / "RESULTS.md", tmp_path / "kept.jsonl"
    command = ["accuracy", "--data", str(data), "--jobs", "1", "--out", str(report)]
    assert main([*command, "--predictions", str(kept)]) == 0
    text = report.read_text(encoding="utf-8")
    assert text in capsys.readouterr().out
    assert "| bdci-water | 5 digits exact | 2 | 1 | 50.0% | 9.5% to 90.5% | 50.0% | 85% | missed |" in text
    assert "| cesc-electricity | off or unreadable: no reading accepted | 2 | 1 | 50.0% |" in text
    assert "| z-lcd | other page | 1 | 1 | 0 | 0 |" in text
    assert "counter `abc`" in text
    assert main([*command, "--rescore", str(kept)]) == 0
    assert report.read_text(encoding="utf-8") == text

    sheet = tmp_path / "sheet.png"
    assert main(["failures", str(kept), "--data", str(data), "--out", str(sheet)]) == 0
    drawn = cv2.imread(str(sheet))
    assert drawn is not None
    assert drawn.shape[1] == failures.COLUMNS * failures.CELL_WIDTH


@pytest.mark.usefixtures("fake_reader")
def test_a_part_of_the_sources_never_overwrites_the_published_report(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "benchmarks").mkdir()
    monkeypatch.setattr(run, "ROOT", tmp_path)
    command = ["accuracy", "--data", str(data), "--jobs", "1", "--predictions", str(tmp_path / "kept.jsonl")]
    assert main([*command, "--sources", "bdci-water"]) == 0
    assert not (tmp_path / "benchmarks" / "RESULTS.md").exists()
    assert main(command) == 0
    assert (tmp_path / "benchmarks" / "RESULTS.md").exists()


def test_the_order_of_the_photos_changes_nothing() -> None:
    cases = [
        (
            Truth(f"{i}.png", source, "test", "drum", "", "00141", i % 3 > 0),
            Answer("accepted", "00141", "00141", i / 10),
        )
        for i in range(10)
        for source in ("toloka-water", "bdci-water")
    ]
    assert accuracy.markdown(cases, "") == accuracy.markdown(cases[::-1], "")


def test_without_photos_it_says_so_and_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accuracy", "--data", str(tmp_path / "none")]) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["speed", "--photos", str(tmp_path)]) == 2
    (tmp_path / "photos.csv").write_text(HEAD, encoding="utf-8")
    assert main(["accuracy", "--data", str(tmp_path)]) == 2


def test_a_photo_that_cannot_be_read_is_an_answer_and_not_the_end() -> None:
    broken, fine = run.answer([Path("broken.png"), Path("00141.png")], 1, make_fake)
    assert (broken.status, broken.text, fine.text) == ("refused", "", "00141")
    assert "not a picture" in broken.findings[0]


def test_answers_survive_being_stored(tmp_path: Path) -> None:
    answers = run.answer([Path("00141.png"), Path("broken.png"), Path("none.png")], 1, make_fake)
    run.save(tmp_path / "new" / "a.jsonl", ["a", "b", "c"], answers)
    assert run.load(tmp_path / "new" / "a.jsonl") == dict(zip("abc", answers, strict=True))
    (tmp_path / "bad.jsonl").write_text('{"file": "a"}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="no predictions"):
        run.load(tmp_path / "bad.jsonl")


def test_the_worst_failures_come_first() -> None:
    def case(file: str, text: str, status: str, confidence: float) -> accuracy.Case:
        given = Answer(status, text, text, confidence)  # type: ignore[arg-type]
        return Truth(file, "bdci-water", "test", "drum", "", "00141", True), given

    cases = [
        case("right", "00141", "accepted", 0.99),
        case("doubtful", "00142", "review", 0.95),
        case("accepted", "00142", "accepted", 0.91),
        case("worse", "00149", "accepted", 0.97),
    ]
    assert [truth.file for truth, _ in failures.worst(cases, 3)] == ["worse", "accepted", "doubtful"]


def test_time_is_shared_out_by_module_and_threads_are_compared() -> None:
    photos = [Path("00141.png"), Path("777.png")]
    spent = speed.shares(reads_its_name, photos, orchestrator="test_benchmarks.py")
    assert "conclude" in spent
    assert all(0 < share <= 1 for share in spent.values())
    assert speed.same_in_threads(reads_its_name, photos)
    calls = iter(range(10_000))
    assert not speed.same_in_threads(lambda photo: Report(str(next(calls)), "refused"), photos)


def test_what_no_rule_could_do_better_shrinks_with_what_is_reviewed() -> None:
    none, few, half, every = history_bound.bound(3, 300, 24, (0.0, 0.05, 0.5, 1.0))
    assert none == pytest.approx(history.CONFIDENT_MISREADS, rel=0.4)
    assert none > few > half > every == 0.0


def test_history_rules_hold_back_gross_errors_and_recover() -> None:
    """Would catch rules that let a fall through, refuse true values, or never get over a false stored one."""
    counts = history.simulate(seed=3, meters=60, months=24)
    readings = sum(n for event, n in counts.items() if event.split()[0] in ("true", "false"))
    assert readings > 1000
    assert counts["poisoned"] > 2
    assert counts["true refused"] == 0
    assert counts["gross false accepted"] <= 0.002 * readings
    assert counts["true review"] < 0.1 * readings
    late = [event for event in counts if event.startswith("recovered") and int(event.split()[-1]) > 3]
    assert not late
