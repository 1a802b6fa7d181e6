"""Screens drawn onto real displays that are off: real glass, plate, light and lens under a screen of known truth."""

import numpy as np

from recognizer.synth.clip_stage import Ground, real_stage
from recognizer.synth.labels import QuadArray, Screen, ScreenPicture
from recognizer.synth.lcd_panel import draw_panel
from recognizer.synth.lcd_style import LcdStyle, glass_only
from recognizer.synth.scene import through
from recognizer.synth.screen import Panel, moved_by
from recognizer.synth.screen_layout import sample_layout
from recognizer.synth.screen_texts import sample_screen

ROOM = (1.9, 3.2)
"""Of the photo around the glass as much is kept: widths and heights of the panel."""


def draw_screen_on(rng: np.random.Generator, ground: Ground, screen: Screen | None = None) -> ScreenPicture:
    """A screen on a real display that is off, upright as the photo shows it; for training only.

    The display keeps its corners, and the panel that is drawn for it takes its shape.
    """
    screen = screen or sample_screen(rng)
    style = glass_only(rng, LcdStyle.sample(rng))
    rows = (screen if screen.rows else Screen.of("energy", "123456"),)
    layout = sample_layout(rng, style, rows).fitted(ground.aspect, *rng.random(2))
    panel = Panel(layout, style, int(rng.integers(26, 66)))
    mask, shown, boxes, marks = panel.show(screen)
    ghost = panel.unlit(mask) if style.ghost else None
    picture = draw_panel(rng, style, mask, ghost, lit=True).clip(0, 255)
    size = (round(panel.size[0] * ROOM[0]), round(panel.size[1] * ROOM[1]))
    stage = real_stage(rng, panel, ground, size)
    image = stage.dark.copy()
    stage.show(picture, image)

    def onto(quad: QuadArray) -> QuadArray:
        return through(quad, stage.matrix)

    return ScreenPicture(image, shown, *moved_by(onto, boxes, marks), stage.box)
