"""Rendered displays, strips and whole photos with exact truth; seeded, and free of torch."""

from recognizer.synth.degrade import degrade
from recognizer.synth.scene import MeterPlan, Scene, SceneDisplay, render_scene
from recognizer.synth.strips import DigitBank, Glyph, Strip, load_digit_bank, render_strip

__all__ = [
    "DigitBank",
    "Glyph",
    "MeterPlan",
    "Scene",
    "SceneDisplay",
    "Strip",
    "degrade",
    "load_digit_bank",
    "render_scene",
    "render_strip",
]
