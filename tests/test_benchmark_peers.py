"""Would catch: a peer marked wrong for a unit, a letter or a point beside the right digits, a peer marked right for
digits that are not the reading, ours and theirs counted by different measures, photos compared that some readers never
saw, answers lost by a kill, and cuts that lose the digits."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import peer_child, peer_cuts, peer_report, peer_tools, peers, run
from benchmarks.__main__ import main
from benchmarks.peer_scores import Line, best_line_right, named, named_line_right
from benchmarks.peer_tools import Heard
from recognizer.domain.observation import Glyph
from recognizer.errors import UsageError
from recognizer.evaluate import Answer, Truth


def truth(source: str, text: str, kind: str = "drum", file: str = "a.png") -> Truth:
    return Truth(file, source, "test", kind, "", text, legible=True)


WATER = truth("bdci-water", "00141")  # integer part
TOLOKA = truth("toloka-water", "105.174")  # integer as a number: leading and trailing zeros are lost
STRIP = truth("lcd-strips", "005693.3", "lcd")  # all digits and the point


def right(asked: Truth, *texts: str) -> bool:
    return best_line_right(asked, [Line(text, 0.1) for text in texts])


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (WATER, "00141"),
        (WATER, "00141m³"),
        (WATER, "OO141"),
        (WATER, "0 0 1 4 1"),
        (WATER, "00141,7"),
        (WATER, "001417"),  # the point is put where it suits
        (WATER, "No.7 00141"),
        (WATER, "００141"),
        (TOLOKA, "00105174"),
        (TOLOKA, "00105"),
        (TOLOKA, "105,17"),
        (STRIP, "0056933"),
        (STRIP, "00569.33"),
        (STRIP, "005693.3 kWh"),
    ],
)
def test_what_stands_beside_the_digits_is_forgiven(asked: Truth, text: str) -> None:
    assert right(asked, "serial 98765", text)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (WATER, ""),
        (WATER, "kWh"),
        (WATER, "0014"),
        (WATER, "00142"),
        (WATER, "141"),
        (WATER, "90014"),
        (WATER, "14100"),
        (TOLOKA, "00106174"),
        (TOLOKA, "10 6174"),
        (STRIP, "005693"),
        (STRIP, "5693.3"),
        (STRIP, "0056937"),
    ],
)
def test_other_digits_are_not(asked: Truth, text: str) -> None:
    assert not right(asked, text)


def test_a_short_reading_is_not_found_at_the_head_of_a_serial() -> None:
    asked = truth("toloka-water", "12.5")
    assert not right(asked, "12345678")
    assert right(asked, "12.7")
    assert right(asked, "00012500")
    one = truth("multi-unit-lcd", "1", "lcd")
    assert not right(one, "S1N-452/PM-1996", "DC 1 A 20")
    assert right(one, "1 kWh")


def test_boxes_of_one_row_are_joined_from_left_to_right() -> None:
    wheels = [Line(d, 0.9, (20.0 * k, 50.0 + k, 20.0 * k + 15, 80.0 + k)) for k, d in enumerate("00141")]
    assert best_line_right(WATER, wheels[::-1])
    kwh = Line("kWh", 0.9, (110.0, 52.0, 140.0, 82.0))
    assert best_line_right(WATER, [kwh, *wheels])
    below = [Line("00", 0.9, (0.0, 0.0, 40.0, 30.0)), Line("141", 0.9, (45.0, 60.0, 90.0, 90.0))]
    assert not best_line_right(WATER, below)
    assert not named_line_right(WATER, wheels)


def test_the_named_line_has_most_digits_of_those_that_are_sure() -> None:
    lines = [Line("00141", 0.9), Line("0014199", 0.3), Line("kWh", 1.0), Line("12345", 0.8)]
    assert named(lines) == lines[0]
    assert named_line_right(WATER, lines)
    assert not named_line_right(WATER, [*lines, Line("Z160604729", 0.99)])
    assert named([Line("kWh", 1.0)]) is None


def rows_of(*rows: peers.Row) -> peers.Rows:
    return {(row.file, row.reader): row for row in rows}


def ours(file: str, text: str, models: str = "counter `abc`") -> peers.Row:
    answer = Answer("review" if text else "refused", text, text or "00141", 0.7)
    return peers.Row(file, f"{peers.OURS}, {models}", Heard((Line(answer.guess, 0.7),), 0.1), 0.1, answer)


def test_the_report_counts_the_photos_that_all_have_seen() -> None:
    truths = [truth("bdci-water", "00141", file=f"{k}.png") for k in range(4)]
    said = [("0.png", "00141"), ("1.png", "00199 m3"), ("2.png", "x 001415")]
    rows = rows_of(
        ours("0.png", "00141"),
        ours("1.png", "00141"),
        ours("2.png", ""),
        ours("3.png", "00141"),
        *(peers.Row(file, "Peer 1.0, whole", Heard((Line(text, 0.9),), 0.4), 0.1) for file, text in said),
    )
    text = peer_report.markdown(truths, rows, {"ssocr": "not installed"}, "head")
    assert "3 of the 4 drawn" in text
    assert "| **meter-recognizer** | the photo | 2 of 3 | - | 2 of 3 (66.7%) | 20.8% to 93.9% |" in text
    assert "| meter-recognizer, as leniently | the photo | 3 of 3 | - | 3 of 3 (100.0%) |" in text
    assert "| Peer 1.0 | the photo | 2 of 3 | - | 2 of 3 (66.7%) | 20.8% to 93.9% | 1 | 2 | 1 | 1 | 4 |" in text
    assert "| bdci-water | 5 digits exact | 2 of 3, 21% to 94% | 2 of 3, 21% to 94% |" in text
    assert "ssocr was not measured: not installed" in text
    with pytest.raises(UsageError, match="no photo"):
        peer_report.markdown(truths, {}, {}, "head")


def test_of_two_models_of_ours_only_the_later_counts() -> None:
    truths = [truth("bdci-water", "00141", file=f"{k}.png") for k in range(2)]
    rows = rows_of(ours("0.png", "00141", "old"), ours("1.png", "00141", "old"), ours("0.png", "00148", "new"))
    (found,) = peer_report.complete(truths, rows)
    assert [row.reader for row in found[1]] == [f"{peers.OURS}, new"]


def test_readers_of_lcds_only_are_not_missed_on_drums() -> None:
    truths = [truth("bdci-water", "00141", file="0.png"), truth("lcd-strips", "005693.3", "lcd", "1.png")]
    lcd = peers.Row("1.png", "ssocr 2, region", Heard(error="it fell over"), 0.1)
    rows = rows_of(ours("0.png", "1"), ours("1.png", "1"), lcd)
    assert len(peer_report.complete(truths, rows)) == 2
    text = peer_report.markdown(truths, rows, {}, "head")
    assert "| ssocr 2 | our region | - | 0 of 1 | 0 of 1 (0.0%) |" in text
    assert "ssocr 2, region failed on 1 photos, which count as wrong; first: it fell over" in text


def test_answers_survive_a_kill_in_the_middle_of_a_line(tmp_path: Path) -> None:
    kept = tmp_path / "new" / "peers.jsonl"
    first = peers.Row("0.png", "Peer 1.0, whole", Heard((Line("00141", 0.9, (0.0, 1.0, 2.0, 3.0)),), 0.4), 0.1)
    rows: peers.Rows = {}
    peers._keep(rows, kept, first)
    with kept.open("a", encoding="utf-8") as file:
        file.write('{"file": "1.png", "rea')
    peers._keep(rows, kept, ours("1.png", "00141"))
    back = peers.load(kept)
    assert list(back) == list(rows)
    assert back["0.png", "Peer 1.0, whole"] == first
    assert back["1.png", f"{peers.OURS}, counter `abc`"].answer == Answer("review", "00141", "00141", 0.7)
    assert peers.load(tmp_path / "none.jsonl") == {}


def test_kept_answers_are_scored_without_any_peer_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "file,source,split,display,screen,reading,legible,reading_box,reading_quad\n"
    (tmp_path / "photos.csv").write_text(head + "0.png,bdci-water,test,drum,,00141,1,1 1 50 20,\n", encoding="utf-8")
    (tmp_path / "benchmarks").mkdir()
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(peers, "measure", None)
    kept = tmp_path / "kept.jsonl"
    command = ["peers", "--rescore", "--data", str(tmp_path), "--kept", str(kept)]
    assert main(command) == 2
    assert "no photo has an answer" in capsys.readouterr().err
    peers._keep({}, kept, ours("0.png", "00141"))
    peers._keep({}, kept, peers.Row("0.png", "Peer 1.0, region", Heard((Line("00141", 0.9),), 0.2), 0.1))
    assert main([*command, "--seed", "1"]) == 0
    assert not (tmp_path / "benchmarks" / "PEERS.md").exists()  # not the usual draw
    assert main(command) == 0
    text = (tmp_path / "benchmarks" / "PEERS.md").read_text(encoding="utf-8")
    assert "| Peer 1.0 | our region | 1 of 1 | - | 1 of 1 (100.0%) | 20.7% to 100.0% | 1 | 1 | 0 | 0 | 2 |" in text
    assert "- models: counter `abc`" in text


def test_the_draw_takes_sources_in_turn_and_grows_without_changing() -> None:
    truths = [truth(source, "123", file=f"{source}{k}") for source in ("b", "a") for k in range(9)]
    truths.append(Truth("off", "a", "test", "lcd", "off", "", legible=False))
    small, large = peers.sample(truths, 3, 0), peers.sample(truths[::-1], 5, 0)
    assert [t.source for t in small] == ["a", "b"] * 3
    assert large[:6] == small
    assert peers.sample(truths, 3, 1) != small


def test_cuts_hold_the_display_and_its_digits() -> None:
    photo = np.zeros((300, 600, 3), np.uint8)
    photo[100:150, 100:400] = 60
    for k in range(5):  # wheels 60 wide, each of its own grey
        photo[100:150, 100 + 60 * k : 160 + 60 * k] = 60 + 40 * k
    quad = np.array([[100, 100], [400, 100], [400, 150], [100, 150]], np.float32)
    strip = peer_cuts.straightened(photo, quad)
    assert strip.shape[0] == peer_cuts.HEIGHT
    assert strip.shape[1] / strip.shape[0] == pytest.approx(300 / 0.92 / (50 / 0.68), rel=0.05)
    assert peer_cuts.inside(strip).min() > 25
    edges = [0.04 + 0.92 * k / 5 for k in range(6)]
    glyphs = [Glyph(((str(k), 0.9),), edges[k], edges[k + 1]) for k in range(5)]
    glyphs.insert(4, Glyph(((".", 0.9),), edges[4], edges[4]))
    glyphs.append(Glyph((("7", 0.1),), edges[5], 1.0))  # most likely nothing
    cuts = peer_cuts.digit_cuts(strip, glyphs)
    assert [round(float(np.median(cut)), -1) for cut in cuts] == [60, 100, 140, 180, 220]


def test_lines_of_tesseract() -> None:
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
    words = [
        "5\t1\t1\t1\t1\t1\t10\t20\t30\t40\t90\t001",
        "5\t1\t1\t1\t1\t2\t50\t22\t30\t40\t60.5\t41",
        "5\t1\t2\t1\t1\t1\t0\t0\t5\t5\t-1\t ",
        "5\t1\t3\t1\t1\t1\t0\t100\t5\t5\t10\t7",
    ]
    lines = peer_tools._lines_of_tsv(head + "\n".join(words))
    assert lines == [Line("001 41", 0.605, (10, 20, 80, 62)), Line("7", 0.1, (0, 100, 5, 105))]


def test_a_peer_that_dies_is_an_error_and_not_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child.py"
    child.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
        "    if asked['pictures'][0].endswith('bad.png'): sys.exit(1)\n"
        "    print(json.dumps({'lines': [[asked['given'], 0.5, [1, 2, 3, 4]]], 'seconds': 0.2}), flush=True)\n"
    )
    monkeypatch.setattr(peer_tools, "CHILD", child)
    with peer_tools._Child(Path(sys.executable), "any") as process:
        ask = process.asking("whole")
        assert ask([Path("a.png")]) == Heard((Line("whole", 0.5, (1, 2, 3, 4)),), 0.2)
        assert ask([Path("bad.png")]).error
        assert ask([Path("a.png")]).error
    nothing = peer_tools.Peer("Peer", "region", ask).hear(peer_cuts.Given(Path("a.png")))
    assert nothing == Heard()


def test_the_child_script_knows_every_package_and_imports_nothing_of_ours() -> None:
    names = [package.engine for package in peer_tools.PACKAGES]
    assert list(peer_child.ENGINES) == names
    imports = re.findall(r"^(?:import|from) (\w+)", peer_tools.CHILD.read_text(encoding="utf-8"), re.MULTILINE)
    assert imports
    assert set(imports) <= sys.stdlib_module_names
