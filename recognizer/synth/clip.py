"""Clips of scrolling meters: frames one by one, with the truth of each and of the whole.

A clip is a recipe, never a list of pictures: its frames are drawn while they are iterated over, each time the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from recognizer.synth import ink
from recognizer.synth.clip_camera import Camera, View
from recognizer.synth.clip_meters import Meter, sample_meter
from recognizer.synth.clip_schedule import Showing, schedule
from recognizer.synth.clip_stage import Ground, Stage, draw_stage, real_stage
from recognizer.synth.ink import Canvas, Field, Image, chance
from recognizer.synth.labels import QuadArray, rectangle
from recognizer.synth.lcd_panel import draw_panel
from recognizer.synth.lcd_style import glass_only
from recognizer.synth.scene import through
from recognizer.synth.screen_layout import sample_layout
from recognizer.synth.screen_panel import Panel

__all__ = ["Clip", "ClipFrame", "Ground", "RegisterTruth", "Showing", "render_clip"]

ROOM = 1.3
"""The scene is larger than the frame, so that the camera can move in it."""
LARGEST = 0.8
"""Share of the frame that a panel may take, across and down."""
SMALLEST_PRINT = 8.0
"""Pixels of a capital in the labels, units and marks that must be read."""
SMALLEST_DIGIT = 20.0
"""Pixels of a main digit, where the frame is large enough."""
MOST_TRIES = 30
SETTLED = 12.0
"""Levels of 255 that a segment may be off before its screen counts as in transition."""


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """One frame (BGR) with its truth; corners in reading order, in pixels of the frame."""

    image: Image
    time: float
    showing: int  # index into the clip's showings: what is on the display, or what it changes to
    transition: bool  # the display still shows something of what was there before
    clear: bool  # neither blurred nor burnt out
    panel: QuadArray  # the glass
    rows: tuple[QuadArray, ...]  # value digits of each row of the screen
    labels: tuple[QuadArray | None, ...]  # label of each row


@dataclass(frozen=True, slots=True)
class RegisterTruth:
    """What a clip shows of one register; seconds without transitions, and those of clear frames among them."""

    register: str
    value: str
    unit: str | None
    seconds: float
    clear_seconds: float
    first: float  # when its screen first appears, in seconds


@dataclass(frozen=True, slots=True)
class _Response:
    """How the display changes: time constants of segments that come and go, and what lags, in seconds."""

    rise: float
    fall: float
    across: float  # the last digit after the first
    down: float  # the lower edge after the upper: refreshed later, or read later by a rolling shutter

    @property
    def settled(self) -> float:
        return abs(self.across) + abs(self.down) + max(self.rise, self.fall) * float(np.log(255 / SETTLED))

    def lags(self, size: tuple[int, int]) -> Field:
        w, h = size
        x, y = np.linspace(0, 1, w, dtype=np.float32), np.linspace(0, 1, h, dtype=np.float32)[:, None]
        across = x * self.across if self.across >= 0 else (x - 1) * self.across
        down = y * self.down if self.down >= 0 else (y - 1) * self.down
        return np.asarray(across + down, np.float32)

    def step(self, state: Field, target: Field, since: Field, dt: float) -> Field:
        """The coverage ``dt`` later; ``since`` is the time since each point was told to change."""
        fade = np.exp(-np.clip(since, 0, dt) / np.where(target > state, np.float32(self.rise), np.float32(self.fall)))
        return np.asarray(target + (state - target) * fade, np.float32)


@dataclass(frozen=True, slots=True)
class Clip:
    """A meter filmed; iterating draws the frames."""

    meter: Meter
    fps: float
    size: tuple[int, int]
    showings: tuple[Showing, ...]
    panel: Panel
    stage: Stage
    camera: Camera
    response: _Response
    seed: int

    @property
    def seconds(self) -> float:
        return self.showings[-1].end

    def __len__(self) -> int:
        return int(self.seconds * self.fps)

    def __iter__(self) -> Iterator[ClipFrame]:
        scene = self.stage.dark.copy()
        state: Field | None = None
        drawn, current = -1, -1
        lags = self.response.lags(self.panel.size)
        target, rows, labels = np.zeros_like(lags), tuple[QuadArray, ...](), tuple[QuadArray | None, ...]()
        for i in range(len(self)):
            t = i / self.fps
            index = self._index(t)
            if index != current:
                current = index
                mask, _, boxes, _ = self.panel.show(self.showings[index].screen)
                target, rows = mask.astype(np.float32), tuple(box.value for box in boxes)
                labels = tuple(box.label for box in boxes)
            since = t - self.showings[index].start
            moving = state is not None and self._in_transition(index, t)
            if moving and state is not None:
                state = self.response.step(state, target, since - lags, 1 / self.fps)
            elif state is None or drawn != index:
                state = target
            if moving or drawn != index:
                self.stage.show(self._picture(np.asarray(np.round(state), np.uint8)), scene)
                drawn = -1 if moving else index
            yield self._frame(i, index, scene, moving, rows, labels)

    def still(self, i: int) -> ClipFrame:
        """The frame ``i`` alone, as if its screen had stood there for long: many are drawn so in the time of a clip."""
        index = self._index(i / self.fps)
        mask, _, boxes, _ = self.panel.show(self.showings[index].screen)
        scene = self.stage.dark.copy()
        self.stage.show(self._picture(mask), scene)
        rows, labels = tuple(box.value for box in boxes), tuple(box.label for box in boxes)
        return self._frame(i, index, scene, False, rows, labels)

    def _frame(
        self, i: int, index: int, scene: Image, moving: bool,
        rows: tuple[QuadArray, ...], labels: tuple[QuadArray | None, ...],
    ) -> ClipFrame:  # fmt: skip
        view = self.camera.at(i / self.fps)
        glass, *values = self._seen((rectangle(0, 0, *self.panel.size), *rows), view)
        beside = tuple(None if quad is None else self._seen((quad,), view)[0] for quad in labels)
        image = self.camera.shoot(scene, view, i)
        return ClipFrame(image, i / self.fps, index, moving, self._clear(view, glass), glass, tuple(values), beside)

    @property
    def registers(self) -> tuple[RegisterTruth, ...]:
        """What each register shows, in order of appearance; nothing is drawn for it."""
        found: dict[str, RegisterTruth] = {}
        glass = rectangle(0, 0, *self.panel.size)
        for i in range(len(self)):
            t = i / self.fps
            index = self._index(t)
            for row in self.showings[index].screen.rows:
                if row.register is None or row.value is None:
                    continue
                truth = found.get(row.register) or RegisterTruth(row.register, row.value, row.unit, 0.0, 0.0, t)
                shown = 0.0 if self._in_transition(index, t) else 1 / self.fps
                view = self.camera.at(t)
                clear = shown if self._clear(view, self._seen((glass,), view)[0]) else 0.0
                found[row.register] = replace(
                    truth, seconds=truth.seconds + shown, clear_seconds=truth.clear_seconds + clear
                )
        return tuple(found.values())

    def _index(self, t: float) -> int:
        return next((i for i, s in enumerate(self.showings) if t < s.end), len(self.showings) - 1)

    def _in_transition(self, index: int, t: float) -> bool:
        return index > 0 and t - self.showings[index].start < self.response.settled

    def _seen(self, quads: tuple[QuadArray, ...], view: View) -> list[QuadArray]:
        """Corners on the panel as corners in the frame."""
        move = np.vstack([view.matrix, (0, 0, 1)]) @ self.stage.matrix
        return [through(quad, move) for quad in quads]

    def _clear(self, view: View, glass: QuadArray) -> bool:
        return self.camera.clear(view, glass, float(self.panel.height))

    def _picture(self, mask: ink.Mask) -> Canvas:
        """The panel with that coverage; its light and shadows are always the same."""
        style = self.meter.style
        ghost = self.panel.unlit(mask) if style.ghost else None
        return np.clip(draw_panel(np.random.default_rng(self.seed), style, mask, ghost, lit=True), 0, 255)


def render_clip(
    rng: np.random.Generator,
    family: str | None = None,
    size: tuple[int, int] = (640, 480),
    fps: float | None = None,
    seconds: float | None = None,
    ground: Ground | None = None,
) -> Clip:
    """A clip of a meter of that family (``clip_meters.FAMILIES``); whatever is None is drawn by lot.

    Without ``seconds`` it shows the cycle once and a little more. ``ground`` is a real display that is off, to be
    filled: for training only, since the pictures are not ours to publish.
    """
    meter = sample_meter(rng, family)
    if ground is not None:
        meter = replace(meter, style=glass_only(rng, meter.style))
    panel = _panel(rng, meter, size, ground)
    room = (round(size[0] * ROOM), round(size[1] * ROOM))
    stage = draw_stage(rng, panel, room) if ground is None else real_stage(rng, panel, ground, room)
    response = _Response(
        float(rng.uniform(0.015, 0.07)), float(rng.uniform(0.015, 0.07)),
        float(rng.uniform(-0.04, 0.06)) if chance(rng, 0.4) else 0.0, float(rng.uniform(-0.04, 0.05)),
    )  # fmt: skip
    return Clip(
        meter,
        float(fps or rng.choice((5, 8, 10, 12, 15, 15, 25, 30))),
        size,
        tuple(schedule(rng, meter, seconds)),
        panel,
        stage,
        Camera.sample(rng, size, room, float(panel.height)),
        response,
        int(rng.integers(1 << 31)),
    )


def _panel(rng: np.random.Generator, meter: Meter, size: tuple[int, int], ground: Ground | None) -> Panel:
    """A panel as large in the frame as who films comes close: all that tells the register can be read."""
    screens = [screen for screen, _ in meter.cycle if screen.rows]
    w, h = size
    for _ in range(MOST_TRIES):
        layout = sample_layout(rng, meter.style, screens)
        if ground is not None:
            layout = layout.fitted(ground.aspect, *rng.random(2))
        most = min(LARGEST * w / layout.width, LARGEST * h / layout.height)
        least = max(SMALLEST_DIGIT, SMALLEST_PRINT / layout.smallest(screens))
        if least < most:
            break
    height = float(rng.uniform(min(least, most), most)) if chance(rng, 0.7) else min(least, most)
    return Panel(layout, meter.style, max(12, round(height)))
