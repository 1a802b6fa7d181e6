"""Rendered displays, strips, LCD screens, whole photos and clips with exact truth; seeded, and free of torch."""

from recognizer.synth.clip import Clip, ClipFrame, Ground, render_clip
from recognizer.synth.degrade import degrade
from recognizer.synth.scene import MeterPlan, Scene, SceneDisplay, render_scene
from recognizer.synth.screen import Row, Screen, ScreenPicture, draw_screen
from recognizer.synth.strips import DigitBank, Glyph, Strip, load_digit_bank, render_strip

__all__ = [
    "Clip",
    "ClipFrame",
    "DigitBank",
    "Glyph",
    "Ground",
    "MeterPlan",
    "Row",
    "Scene",
    "SceneDisplay",
    "Screen",
    "ScreenPicture",
    "Strip",
    "degrade",
    "draw_screen",
    "load_digit_bank",
    "render_clip",
    "render_scene",
    "render_strip",
]
