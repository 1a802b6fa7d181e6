"""Clips: drawn anew and yet the same, transitions where screens change, truth that agrees with the pictures."""

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognizer.errors import InputError
from recognizer.synth.__main__ import main
from recognizer.synth.clip import Clip, ClipFrame, Ground, render_clip
from recognizer.synth.clip_camera import Camera
from recognizer.synth.clip_files import write_clips
from recognizer.synth.clip_meters import FAMILIES, sample_meter
from recognizer.synth.clip_schedule import schedule
from recognizer.synth.labels import rectangle

SIZE = (192, 144)


def still(clip: Clip) -> Clip:
    """The clip from a tripod, in focus and without noise: what changes is the display."""
    camera = Camera(
        clip.size, clip.camera.scene, ((), (), ()), (0, 0, 0), 0.01, 0.0, (0, 0, 0, 0), (0, 1, 1), None, 0.0, 0
    )
    return replace(clip, camera=camera)


def clips(number: int, **more: float) -> Iterator[Clip]:
    for i, family in zip(range(number), list(FAMILIES) * 9, strict=False):
        yield render_clip(np.random.default_rng(i), family, SIZE, fps=more.get("fps", 8), seconds=more.get("seconds"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_clip_is_the_same_each_time_and_well_formed(family: str) -> None:
    clip, again = (render_clip(np.random.default_rng(5), family, SIZE, seconds=5.0) for _ in range(2))
    assert 5 <= clip.fps <= 30
    assert clip.showings == again.showings
    assert clip.registers == again.registers
    first, second, third = (list(islice(c, 5)) for c in (clip, clip, again))
    for a, b, c in zip(first, second, third, strict=True):
        assert a.image.shape == (SIZE[1], SIZE[0], 3)
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.image, c.image)
        assert np.array_equal(a.panel, c.panel)


def test_a_frame_alone_is_as_it_is_among_the_others() -> None:
    clip = render_clip(np.random.default_rng(5), "mercury-200", SIZE, fps=8, seconds=6)
    shown = [(i, frame) for i, frame in enumerate(clip) if not frame.transition]
    for i, frame in shown[:: len(shown) // 4]:
        alone = clip.still(i)
        assert np.array_equal(alone.image, frame.image)
        assert (alone.time, alone.showing, alone.clear) == (frame.time, frame.showing, frame.clear)
        assert np.array_equal(alone.panel, frame.panel)
        assert all(np.array_equal(a, b) for a, b in zip(alone.rows, frame.rows, strict=True))


def test_showings_follow_each_other() -> None:
    for seed in range(20):
        for family in FAMILIES:
            rng = np.random.default_rng(seed)
            showings = list(schedule(rng, sample_meter(rng, family), None))
            starts, ends = [s.start for s in showings], [s.end for s in showings]
            assert starts == [0.0, *ends[:-1]]
            assert all(a < b for a, b in zip(starts, ends, strict=True))


def test_a_clock_ticks_and_a_value_follows_its_title() -> None:
    ticks = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        for family in ("mercury-200", "secure-split"):
            shown = [s.screen for s in schedule(rng, sample_meter(rng, family), 60.0) if s.screen.kind != "blank"]
            for before, after in pairwise(shown):
                ticks += before.kind == after.kind == "clock" and before.rows != after.rows
                if family == "secure-split":
                    assert after.kind != "energy" or before.kind == "title"
    assert ticks > 20


@pytest.mark.parametrize("family", ["mercury-200", "landis-gyr-obis-2", "secure-split"])
def test_only_a_transition_shows_anything_but_its_screen(family: str) -> None:
    clip = still(render_clip(np.random.default_rng(3), family, SIZE, fps=25, seconds=4.0))
    settled: dict[int, ClipFrame] = {}
    changing = 0
    for frame in clip:
        since = frame.time - clip.showings[frame.showing].start
        assert frame.transition == (frame.showing > 0 and since < clip.response.settled)
        changing += frame.transition
        if frame.transition:
            continue
        if frame.showing in settled:
            assert np.array_equal(frame.image, settled[frame.showing].image), "a settled display that changes"
        settled[frame.showing] = frame
    assert changing > 0
    images = [f.image for f in settled.values()]
    assert len(images) > 1
    assert all(int(cv2.absdiff(a, b).max()) > 20 for a, b in pairwise(images))


def test_a_transition_holds_ink_of_both_screens() -> None:
    clip = render_clip(np.random.default_rng(3), "mercury-200", SIZE, fps=30)
    old, new = (clip.panel.show(s.screen)[0].astype(np.float32) for s in clip.showings[:2])
    going, coming = (old > 200) & (new < 50), (old < 50) & (new > 200)
    half = clip.response.step(old, new, np.full_like(old, 0.02), 0.02)
    assert 20 < half[going].mean() < 235
    assert 20 < half[coming].mean() < 235
    lagging = clip.response.step(old, new, np.full_like(old, -0.01), 0.03)
    assert np.array_equal(lagging, old), "what is refreshed later still shows the old screen"


def test_the_corners_are_those_of_the_glass() -> None:
    """A white panel in place of a black one must change the picture inside the corners and nowhere else."""
    for clip in clips(3, seconds=1.0):
        frame = next(iter(still(clip)))
        pictures = []
        for level in (0.0, 255.0):
            scene = clip.stage.dark.copy()
            clip.stage.show(np.full((clip.panel.size[1], clip.panel.size[0], 3), level, np.float32), scene)
            pictures.append(still(clip).camera.shoot(scene, still(clip).camera.at(0), 0))
        changed = (cv2.absdiff(*pictures).max(2) > 30).astype(np.uint8)
        glass = np.zeros_like(changed)
        cv2.fillConvexPoly(glass, np.round(frame.panel).astype(np.int32), 1)
        assert (changed & glass).sum() / (changed | glass).sum() > 0.85
        for row in frame.rows:
            assert all(cv2.pointPolygonTest(frame.panel, (float(x), float(y)), False) >= 0 for x, y in row)


def test_the_display_stays_in_the_frame() -> None:
    for clip in clips(5, fps=2):
        quads = [
            clip._seen((rectangle(0, 0, *clip.panel.size),), clip.camera.at(i / clip.fps))[0] for i in range(len(clip))
        ]
        assert all((q > -1).all() and (q < np.array(SIZE) + 1).all() for q in quads)


def test_registers_sum_up_what_the_frames_say() -> None:
    for clip in clips(4, fps=4, seconds=4.0):
        seconds: dict[str, list[float]] = {}
        for frame in clip:
            for row in clip.showings[frame.showing].screen.rows:
                if row.register and not frame.transition:
                    for i, counts in enumerate((True, frame.clear)):
                        seconds.setdefault(row.register, [0.0, 0.0])[i] += counts / clip.fps
        assert {r.register for r in clip.registers} >= set(seconds)
        for r in clip.registers:
            assert [r.seconds, r.clear_seconds] == pytest.approx(seconds.get(r.register, [0, 0]))


def test_only_energy_is_of_a_register_though_tariff_marks_stay_lit() -> None:
    marked = 0
    for seed in range(20):
        for family in FAMILIES:
            meter = sample_meter(np.random.default_rng(seed), family)
            for screen, seconds in meter.cycle:
                assert seconds > 0
                assert all((row.register is not None) == (screen.kind == "energy") for row in screen.rows)
                marked += screen.kind in ("power", "clock") and any(m[0] in "TТ" for m in screen.marks)
    assert marked > 20


def test_truncated_tariffs_add_up_to_the_total() -> None:
    for seed in range(30):
        meter = sample_meter(np.random.default_rng(seed), "energomera-ce301m")
        values = {r.register: r.value for screen, _ in meter.cycle for r in screen.rows if r.register and r.value}
        total, tariffs = Decimal(values.pop("1.8.0")), [Decimal(v) for v in values.values()]
        exponent = total.as_tuple().exponent
        assert isinstance(exponent, int)
        assert 0 <= (total - sum(tariffs)).scaleb(-exponent) <= len(tariffs) - 1


def test_a_long_clip_needs_no_more_memory_than_a_short_one() -> None:
    clip = render_clip(np.random.default_rng(1), "landis-gyr-obis-2", SIZE, fps=5, seconds=3600)
    assert len(clip) == 18000
    frames = iter(clip)
    for _ in islice(frames, 20):
        pass
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in islice(frames, 120):
        pass
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 3 * SIZE[0] * SIZE[1] * 3 * 4


def test_a_real_display_is_filled_and_left_alone_around_it() -> None:
    photo = np.full((300, 400, 3), (120, 150, 140), np.uint8)
    corners = np.array([[100, 100], [300, 110], [298, 180], [102, 170]], np.float32)
    clip = render_clip(np.random.default_rng(2), "mercury-200", SIZE, 10, 6.0, Ground(photo, corners))
    shown = still(clip)
    for frame in islice(shown, 0, 60, 20):
        glass = np.zeros(SIZE[::-1], np.uint8)
        cv2.fillConvexPoly(glass, np.round(frame.panel).astype(np.int32), 255)
        around = cv2.dilate(glass, np.ones((7, 7))) == 0
        off = cv2.absdiff(frame.image, np.full_like(frame.image, (120, 150, 140))).max(2)
        assert off[around].max() <= 2
        lit = clip.showings[frame.showing].screen.kind != "blank" and not frame.transition
        assert not lit or off[glass > 0].max() > 30


def test_files_hold_every_frame_and_its_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "clips",
        "--out",
        str(tmp_path / "new"),
        "--number",
        "2",
        "--seed",
        "4",
        "--size",
        "128",
        "96",
        "--seconds",
        "2.5",
    ]
    assert main(command) == 0
    assert "000-mercury-200.mp4" in capsys.readouterr().out
    for path in sorted((tmp_path / "new").glob("*.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        video = cv2.VideoCapture(str(path.with_suffix(".mp4")))
        count = 0
        while video.grab():
            count += 1
        video.release()
        assert truth["size"] == [128, 96]
        assert count == len(truth["frames"]) == int(truth["seconds"] * truth["fps"] + 1e-6)
        assert {r["register"] for r in truth["registers"]} <= {
            row["register"] for s in truth["showings"] for row in s["rows"]
        }
        for showing, state, panel, *rows in truth["frames"]:
            assert state in ("shown", "transition", "unclear")
            assert len(panel) == 4
            screen = truth["showings"][showing]
            assert len(rows) == len(screen["rows"]) or screen["kind"] == "test"


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write clips"):
        next(write_clips(tmp_path / "file", 1, 0))
