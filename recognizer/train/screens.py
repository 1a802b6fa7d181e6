"""Drawn LCDs to train on: with a value, a title or nothing, on a plate of their own, on real glass, in a clip."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import cv2
import numpy as np

from recognizer.domain.labels import plain
from recognizer.synth.clip import Clip, render_clip
from recognizer.synth.clip_meters import FAMILIES
from recognizer.synth.clip_stage import Ground
from recognizer.synth.labels import Screen, ScreenPicture, rectangle
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.scene import through
from recognizer.synth.screen import draw_screen, moved_by, sample_layout, sample_screen
from recognizer.synth.screen_real import draw_screen_on
from recognizer.synth.screen_texts import sample_energy, sample_title
from recognizer.train.renew import renewed
from recognizer.vision.screen import SCREEN_MARKS

ROOM_FOR_VALUES = 0.7
"""Share of the titles that stand on glass with room for a value, as those of split displays do."""
STRONG_UNLIT, UNLIT = 0.45, (0.1, 0.28)
"""Share of the displays that show their unlit segments strongly, and how strongly beside lit ones."""
FILMED_ON_REAL, FILMED_SIZE = 0.35, (640, 480)
Drawing = Callable[[np.random.Generator], ScreenPicture]


def sample_style(rng: np.random.Generator) -> LcdStyle:
    """A display, often one seen from where its unlit segments show: what they spell is read where nothing is lit."""
    style = LcdStyle.sample(rng)
    return replace(style, ghost=float(rng.uniform(*UNLIT))) if rng.random() < STRONG_UNLIT else style


def draw(rng: np.random.Generator) -> ScreenPicture:
    """A drawn screen with a value; a display test has none that counts."""
    while True:
        drawn = draw_screen(rng, sample_style(rng))
        if drawn.screen.kind != "test" and any(row.value for row in drawn.screen.rows):
            return drawn


def draw_title(rng: np.random.Generator) -> ScreenPicture:
    """A drawn screen that shows a title and no value, most often where there is room for one."""
    title, style = sample_title(rng), sample_style(rng)
    others = (sample_energy(rng),) if rng.random() < ROOM_FOR_VALUES else ()
    return draw_screen(rng, style, title, sample_layout(rng, style, (title, *others)))


def draw_blank(rng: np.random.Generator) -> ScreenPicture:
    """A drawn display that is off; its one box is where digits would stand."""
    style = LcdStyle.sample(rng)
    return draw_screen(rng, style, Screen.of("blank", None), sample_layout(rng, style, (sample_energy(rng),)))


def draw_on(grounds: Sequence[Ground]) -> Drawing:
    """As ``draw``, on real displays that are off."""

    def draw_one(rng: np.random.Generator) -> ScreenPicture:
        while True:
            screen = sample_screen(rng)
            if screen.kind != "test" and any(row.value for row in screen.rows):
                return draw_screen_on(rng, grounds[int(rng.integers(len(grounds)))], screen)

    return draw_one


def filmed(rng: np.random.Generator, grounds: Sequence[Ground], many: int) -> Drawing:
    """Any clear frame of any of ``many`` clips, every third of them on a real display that is off."""

    def film(rng: np.random.Generator) -> Clip:
        ground = grounds[int(rng.integers(len(grounds)))] if grounds and rng.random() < FILMED_ON_REAL else None
        return render_clip(rng, str(rng.choice(list(FAMILIES))), FILMED_SIZE, ground=ground)

    take = renewed(rng, film, many)

    def draw_one(rng: np.random.Generator) -> ScreenPicture:
        while True:
            clip = take(rng)
            frame = clip.still(int(rng.integers(len(clip))))
            screen = clip.showings[frame.showing].screen
            if not frame.clear or screen.kind == "test" or not screen.rows:
                continue
            _, shown, boxes, marks = clip.panel.show(screen)
            glass = rectangle(0, 0, *clip.panel.size)
            matrix = np.asarray(cv2.getPerspectiveTransform(glass, frame.panel), np.float64)
            boxes, marks = moved_by(partial(through, matrix=matrix), boxes, marks)
            x0, y0, x1, y1 = (round(float(v)) for v in (*frame.panel.min(0), *frame.panel.max(0)))
            return ScreenPicture(frame.image, shown, boxes, marks, (x0, y0, x1, y1))

    return draw_one


def marked(draw_one: Drawing) -> Drawing:
    """Only those on which a mark is lit that the network knows."""

    def draw_marked(rng: np.random.Generator) -> ScreenPicture:
        while True:
            drawn = draw_one(rng)
            if any(plain(mark) in SCREEN_MARKS for mark in drawn.screen.marks):
                return drawn

    return draw_marked
