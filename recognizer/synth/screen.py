"""LCDs as structured screens: value, label, unit and marks with the exact box of each."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recognizer.synth.labels import ALONE, QuadArray, Row, RowBoxes, Screen, ScreenKind, ScreenPicture, Setting
from recognizer.synth.lcd_panel import draw_panel, mount_panel
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.screen_layout import sample_layout
from recognizer.synth.screen_panel import Panel
from recognizer.synth.screen_parts import ScreenLayout
from recognizer.synth.screen_texts import sample_energy, sample_screen

__all__ = [
    "Panel",
    "Row",
    "RowBoxes",
    "Screen",
    "ScreenKind",
    "ScreenLayout",
    "ScreenPicture",
    "draw_screen",
    "sample_layout",
    "sample_screen",
]


def draw_screen(
    rng: np.random.Generator,
    style: LcdStyle | None = None,
    screen: Screen | None = None,
    layout: ScreenLayout | None = None,
    height: int | None = None,
    setting: Setting = ALONE,
) -> ScreenPicture:
    """A screen as it stands in its plate; ``height`` is of the main digits, in pixels. None: drawn by lot.

    With the same ``style`` and ``layout`` it is the same model that shows another screen. Raises ``ValueError`` for a
    label, unit, mark or value that the layout has no place for.
    """
    style = style or LcdStyle.sample(rng)
    screen = screen or sample_screen(rng)
    layout = layout or sample_layout(rng, style, (screen if screen.rows else sample_energy(rng),))
    panel = Panel(layout, style, height or int(rng.integers(26, 66)))
    mask, shown, boxes, marks = panel.show(screen)
    ghost = panel.unlit(mask) if style.ghost else None
    strip = mount_panel(rng, draw_panel(rng, style, mask, ghost, lit=True), panel.height, setting)
    by = np.array(strip.panel[:2], np.float32)
    boxes, marks = moved_by(lambda quad: quad + by, boxes, marks)
    return ScreenPicture(strip.image, shown, boxes, marks, strip.panel)


def moved_by(
    move: Callable[[QuadArray], QuadArray], boxes: tuple[RowBoxes, ...], marks: tuple[tuple[str, QuadArray], ...]
) -> tuple[tuple[RowBoxes, ...], tuple[tuple[str, QuadArray], ...]]:
    """Boxes on the glass as boxes in the picture around it."""

    def if_any(quad: QuadArray | None) -> QuadArray | None:
        return None if quad is None else move(quad)

    rows = tuple(replace(b, value=move(b.value), label=if_any(b.label), unit=if_any(b.unit)) for b in boxes)
    return rows, tuple((text, move(quad)) for text, quad in marks)
