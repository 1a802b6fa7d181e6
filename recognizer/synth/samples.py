"""The photos and clips in ``samples/``: what a newcomer reads first, and what tests measure without other data.

Each has a seed of its own, so that one can be changed and the others stay as they are.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from recognizer.synth.clip import render_clip
from recognizer.synth.clip_files import write_clip
from recognizer.synth.drum import DrumStyle
from recognizer.synth.ink import Colour
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.numerals import Hand
from recognizer.synth.scene import MeterPlan, render_scene
from recognizer.synth.segments import Cut

CUT = Cut("mitred", 0.55, 0.11, 0.01, 0.09, 1.0, 0.3, six_tail=True, nine_tail=True, seven_hook=False)
GREEN = LcdStyle(CUT, (60, 205, 120), (20, 45, 25), 0.0, 0.9, 0.05, 0.2, 0.74, "square", 0.12, 0.04, small_decimals=1.0)
GREY = replace(GREEN, panel=(160, 178, 165), lit=(50, 48, 45), ghost=0.07, shadow=0.3)
AMBER = replace(GREEN, panel=(40, 165, 245), lit=(20, 35, 80), ghost=0.0)
LED = replace(GREEN, panel=(18, 14, 30), lit=(40, 30, 255), glow=1.0, contrast=1.0, ghost=0.04, shadow=0.0)
HAND = Hand("strokes", 0.6, 0.13, 2.6, one=0, three=1, four=0, six=1, seven=0, top=0.46, weight=500)
WHITE: Colour = (228, 230, 230)
BLACK: Colour = (30, 30, 32)
RED: Colour = (40, 35, 195)
WATER = DrumStyle(
    HAND, 0.72, 0.72, 1.35, 0.03, WHITE, BLACK, WHITE, RED, 3, "colour+comma", "dark", 0.5, 0.0, holes=False
)
PLAIN = replace(WATER, decimals=0, mark="none", last_figure=BLACK, separator="cogs")
POWER = replace(WATER, wheel=BLACK, figure=WHITE, last_wheel=RED, last_figure=WHITE, decimals=1, mark="colour")
SIZE = (1200, 900)


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """One photo: file name, seed, meters, how bad the camera was."""

    file: str
    seed: int
    plans: tuple[MeterPlan, ...]
    strength: float = 0.12
    size: tuple[int, int] = SIZE


def _lcd(style: LcdStyle, text: str, share: float, angle: float = 0.0, **more: Any) -> MeterPlan:
    defaults: dict[str, Any] = {"tilt": 0.02, "centre": (0.5, 0.45), "fault": "none", "round": False, "bare": False}
    return MeterPlan(kind="lcd", lcd=style, text=text, share=share, angle=angle, **(defaults | more))


def _drum(style: DrumStyle, value: float, wheels: int, share: float, angle: float = 0.0, **more: Any) -> MeterPlan:
    defaults: dict[str, Any] = {"tilt": 0.02, "centre": (0.5, 0.45), "fault": "none", "round": True, "bare": False}
    return MeterPlan(kind="drum", drum=style, value=value, wheels=wheels, share=share, angle=angle, **(defaults | more))


SAMPLES = (
    SampleSpec("01-lcd-point.jpg", 1, (_lcd(GREEN, "013414.9", 0.3),)),
    SampleSpec("02-drum-red-decimals.jpg", 2, (_drum(WATER, 173877.1, 8, 0.3, -4),)),
    SampleSpec("03-drum-upside-down.jpg", 3, (_drum(WATER, 456841.0, 8, 0.28, 184),)),
    SampleSpec("04-lcd-on-its-side.jpg", 22, (_lcd(GREY, "0013901.4", 0.26, 92),)),
    SampleSpec("05-drum-tilted.jpg", 5, (_drum(PLAIN, 1592.0, 5, 0.24, 38, tilt=0.04),)),
    SampleSpec("06-far-away.jpg", 25, (_lcd(GREEN, "55634", 0.09, -3, centre=(0.62, 0.42)),), 0.05),
    SampleSpec("07-drum-rolling.jpg", 7, (_drum(PLAIN, 4899.55, 5, 0.34, 5),)),
    SampleSpec("08-lcd-amber.jpg", 8, (_lcd(AMBER, "6698.9", 0.33, 8, tilt=0.06),)),
    SampleSpec("09-drum-close.jpg", 9, (_drum(POWER, 24738.2, 6, 0.62, -2, round=False),), 0.2),
    SampleSpec("10-led-panel.jpg", 10, (_lcd(LED, "01515.73", 0.3, -6),)),
    SampleSpec("11-display-off.jpg", 11, (_lcd(GREY, "8888888", 0.3, 3, fault="off"),)),
    SampleSpec("12-blurred.jpg", 20, (_drum(WATER, 90659.0, 8, 0.3, -9, fault="blur"),), 0.5),
    SampleSpec("negatives/13-no-meter.jpg", 23, ()),
)


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """One clip of a scrolling meter: file name, seed, family, and its length in seconds (None: a whole cycle)."""

    file: str
    seed: int
    family: str
    size: tuple[int, int]
    fps: float
    seconds: float | None = None


CLIPS = (
    ClipSpec("mercury-200.mp4", 65, "mercury-200", (420, 316), 8.0),
    ClipSpec("landis-gyr-obis-2.mp4", 20, "landis-gyr-obis-2", (420, 316), 6.0),
    ClipSpec("all-rows.mp4", 3, "all-rows", (320, 240), 8.0, 7.0),
)
CLIP_NOISE = 0.4
"""Small, slow and with little noise: each clip is to stay below 300 kB."""


def render_sample_clips(out: Path) -> list[dict[str, Any]]:
    """Write the sample clips, each with its truth beside it (see ``clip_files.write_clip``); gives the truths."""
    out.mkdir(parents=True, exist_ok=True)
    truths = []
    for spec in CLIPS:
        clip = render_clip(np.random.default_rng((9, spec.seed)), spec.family, spec.size, spec.fps, spec.seconds)
        clip = replace(clip, camera=replace(clip.camera, noise=CLIP_NOISE))
        truths.append(write_clip(clip, out / spec.file))
    return truths


def render_samples(out: Path) -> list[dict[str, Any]]:
    """Write all sample photos and ``truth.json`` under ``out``; gives the truth.

    ``quad`` is in pixels, reading order; ``reading`` is empty where nothing can be read.
    """
    truth: list[dict[str, Any]] = []
    for spec in SAMPLES:
        scene = render_scene(
            np.random.default_rng(spec.seed), spec.size, plans=list(spec.plans), strength=spec.strength
        )
        path = out / spec.file
        path.parent.mkdir(parents=True, exist_ok=True)
        _, code = cv2.imencode(".jpg", scene.image, [cv2.IMWRITE_JPEG_QUALITY, 85])
        path.write_bytes(code.tobytes())
        shown = scene.displays[0] if scene.displays else None
        truth.append(
            {
                "file": spec.file,
                "reading": shown.text if shown else "",
                "kind": shown.kind if shown else None,
                "legible": bool(shown and shown.legible),
                "quad": [[round(float(v), 1) for v in corner] for corner in shown.quad] if shown else None,
            }
        )
    lines = ",\n".join(json.dumps(row) for row in truth)
    (out / "truth.json").write_text(f"[\n{lines}\n]\n")
    return truth
