"""One drum counter with its surroundings: window, wheels, separators, decimal marks, plate."""

from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.synth import ink
from recognizer.synth.carry import read_turns, sample_value, wheel_turns
from recognizer.synth.ink import Canvas, Colour, Image, Mask, chance, pick
from recognizer.synth.labels import ALONE, Glyph, Setting, Strip, rectangle
from recognizer.synth.mount import mount_counter
from recognizer.synth.numerals import Hand, Type

WHITE: tuple[Colour, ...] = ((235, 238, 238), (215, 222, 224), (200, 215, 222), (190, 196, 198), (225, 225, 220))
LIGHT: tuple[Colour, ...] = (
    (225, 228, 228),
    (200, 204, 204),
    (180, 200, 215),
    (190, 215, 225),
    (165, 170, 172),
    (215, 205, 190),
)
DARK: tuple[Colour, ...] = ((28, 28, 30), (45, 42, 40), (20, 22, 24), (60, 58, 56), (36, 30, 28), (75, 76, 78))
RED: tuple[Colour, ...] = ((40, 35, 200), (50, 45, 170), (30, 50, 220), (70, 60, 190), (40, 80, 225), (45, 40, 140))


@dataclass(frozen=True, slots=True)
class DrumStyle:
    """What one model of counter looks like; drawn once, it can show any value."""

    hand: Hand
    cell: float  # width of a wheel over the window's height
    numeral: float  # height of a numeral over the window's height
    pitch: float  # from numeral to numeral on the wheel, in numeral heights
    gap: float  # between wheels, over the window's height
    wheel: Colour
    figure: Colour
    last_wheel: Colour
    last_figure: Colour
    decimals: int
    mark: str  # none, colour, box, comma, notch or several: how the decimals are told
    separator: str  # none, line, dark, bar, cogs
    curve: float  # how much of the cylinder shows: 0 flat
    side: float  # where the numeral stands in its cell, -1 left to 1 right
    holes: bool  # each wheel behind its own opening in the plate
    band: bool = False  # wheels and unit in one dark band, as on gas meters
    ticks: bool = False  # the last wheel is graduated

    @staticmethod
    def sample(rng: np.random.Generator) -> "DrumStyle":
        dark = chance(rng, 0.5)
        wheel = ink.jitter(rng, pick(rng, DARK if dark else LIGHT), 8)
        figure = ink.jitter(rng, pick(rng, WHITE if dark else DARK), 8)
        red = ink.jitter(rng, pick(rng, RED), 10)
        last = pick(rng, ((red, ink.jitter(rng, pick(rng, WHITE), 8)), (ink.jitter(rng, pick(rng, LIGHT), 8), red)))
        if dark and chance(rng, 0.25):
            last = (wheel, red)
        decimals = pick(rng, (0, 0, 0, 1, 1, 1, 2, 3, 3, 3, 3))
        mark = (
            pick(rng, ("colour", "colour", "colour", "colour+comma", "box", "comma", "notch")) if decimals else "none"
        )
        if "colour" not in mark:
            last = (wheel, figure)
        if mark == "box" and chance(rng, 0.5):
            last = (wheel, red if not dark else figure)
        holes = chance(rng, 0.18)
        return DrumStyle(
            hand=Hand.sample(rng),
            cell=float(rng.uniform(0.55, 0.95)),
            numeral=float(rng.uniform(0.55, 0.92)),
            pitch=float(rng.uniform(1.12, 1.55)),
            gap=float(rng.uniform(0.15, 0.5)) if holes else pick(rng, (0.0, 0.03, float(rng.uniform(0.0, 0.2)))),
            wheel=wheel,
            figure=figure,
            last_wheel=last[0],
            last_figure=last[1],
            decimals=decimals,
            mark=mark,
            separator="bar" if holes else pick(rng, ("none", "line", "dark", "dark", "cogs", "cogs", "bar")),
            curve=float(rng.uniform(0.0, 1.0)),
            side=float(rng.normal(0, 0.25)),
            holes=holes,
        )

    @staticmethod
    def sample_gas(rng: np.random.Generator) -> "DrumStyle":
        """A diaphragm gas meter's: small light numerals set wide in a dark band, the decimals in a red frame."""
        wheel, figure = ink.jitter(rng, pick(rng, DARK), 8), ink.jitter(rng, pick(rng, WHITE), 8)
        red = chance(rng, 0.25)
        return replace(
            DrumStyle.sample(rng),
            cell=float(rng.uniform(0.72, 1.2)),
            numeral=float(rng.uniform(0.48, 0.75)),
            pitch=float(rng.uniform(1.15, 1.7)),
            gap=pick(rng, (0.0, 0.0, 0.03, float(rng.uniform(0.0, 0.15)))),
            wheel=wheel,
            figure=figure,
            last_wheel=ink.jitter(rng, pick(rng, RED), 10) if red else wheel,
            last_figure=figure,
            decimals=pick(rng, (2, 3, 3, 3)),
            mark=pick(rng, ("colour", "colour+comma", "colour+box") if red else ("box", "box", "box+comma", "comma")),
            separator=pick(rng, ("none", "none", "dark", "cogs")),
            holes=False,
            band=True,
            ticks=chance(rng, 0.6),
        )


def sample_wheels(rng: np.random.Generator, style: DrumStyle) -> int:
    """How many wheels such a counter has: 4 to 6 before the point, 8 at most in all."""
    if not style.decimals:
        return pick(rng, (4, 5, 5, 5, 5, 6, 6, 7, 8))
    return min(9, style.decimals + pick(rng, (4, 4, 5, 5, 5, 5, 6)))


def drum_text(turns: list[float], style: DrumStyle) -> str:
    """The reading, with a point before the decimals where the counter marks them."""
    text = read_turns(turns)
    return f"{text[: -style.decimals]}.{text[-style.decimals :]}" if style.decimals else text


def render_drum(
    rng: np.random.Generator,
    style: DrumStyle | None = None,
    value: float | None = None,
    wheels: int | None = None,
    height: int | None = None,
    setting: Setting = ALONE,
) -> Strip:
    """A counter as it stands in its plate; ``value`` is in units of the last wheel, ``height`` the window's."""
    style = style or DrumStyle.sample(rng)
    wheels = wheels or sample_wheels(rng, style)
    height = height or int(rng.integers(34, 76))
    value = sample_value(rng, wheels) if value is None else value
    turns = wheel_turns(value, wheels, float(rng.uniform(8.7, 9.5)))
    cells = cell_edges(style, wheels, height)
    window = _wheels(rng, style, turns, cells, height)
    return assemble(rng, style, window, cells, drum_text(turns, style), setting)


def render_wheel(rng: np.random.Generator, turn: float) -> Image:
    """One wheel, as much of it as its window shows, exactly at its ``turn``, 0 to below 10."""
    style, height = DrumStyle.sample(rng), int(rng.integers(34, 76))
    style = replace(style, decimals=min(1, style.decimals))
    cells = cell_edges(style, 1, height)
    return ink.to_image(_wheels(rng, style, [turn], cells, height, np.zeros(1)))


def cell_edges(style: DrumStyle, wheels: int, height: int) -> list[tuple[int, int]]:
    """Left and right edge of each wheel inside the window, in pixels."""
    width, gap = max(5, round(style.cell * height)), round(style.gap * height)
    edges, x = [], 0
    for i in range(wheels):
        if i and i == wheels - style.decimals and style.mark == "notch":
            x += max(2, round(height * 0.06))
        edges.append((x, x + width))
        x += width + gap
    return edges


def assemble(
    rng: np.random.Generator,
    style: DrumStyle,
    window: Canvas,
    cells: list[tuple[int, int]],
    text: str,
    setting: Setting,
) -> Strip:
    """Set a finished window into a plate and say where everything is."""
    height, width = window.shape[:2]
    image, (x, y) = mount_counter(rng, window, cells, style, setting)
    glyphs: list[Glyph] = []
    first = len(cells) - style.decimals
    digits = text.replace(".", "")
    for i, (a, b) in enumerate(cells):
        if i == first and style.decimals:
            before = cells[i - 1][1]
            half = 0.04 * height
            middle = (before + a) / 2
            glyphs.append(Glyph(".", (middle - half) / width, (middle + half) / width))
        glyphs.append(Glyph(digits[i], a / width, b / width))
    box = (x, y, x + width, y + height)
    return Strip(image, rectangle(*box), text, "drum", glyphs, box)


def _wheels(
    rng: np.random.Generator,
    style: DrumStyle,
    turns: list[float],
    cells: list[tuple[int, int]],
    h: int,
    play: NDArray[np.float64] | None = None,
) -> Canvas:
    """The window's opening: numerals on their wheels, bent round the cylinder, and what shows between them.

    ``play`` is what the wheels stand off by; None: drawn by lot.
    """
    w = cells[-1][1]
    mask: Mask = np.zeros((h, w), np.uint8)
    size = max(5, round(style.numeral * h))
    font = Type(style.hand, size)
    play = _play(rng, len(turns)) if play is None else play
    step = style.pitch * size
    window = ink.sheet(h, w, ink.shade(style.wheel, 0.35))
    first = len(cells) - style.decimals
    for i, ((a, b), turn) in enumerate(zip(cells, turns, strict=True)):
        window[:, a:b] = np.array(ink.shade(style.last_wheel if i >= first else style.wheel, rng.uniform(0.93, 1.05)))
        digit, roll = int(turn), turn - int(turn) + float(play[i])
        part = mask[:, a:b]
        for k in (-1, 0, 1, 2):
            y = h / 2 + (k - roll) * step - size / 2
            if -size < y < h:
                glyph = font.numeral((digit + k) % 10)
                room = (b - a - glyph.shape[1]) / 2
                ink.stamp(part, glyph, room + style.side * max(0.0, room), y)
        if style.ticks and i == len(cells) - 1:
            _graduate(part, h / 2 - roll * step, step)
    if style.curve > 0.15:
        mask = _bend(mask, style.curve)
    strength = 1.0 if chance(rng, 0.6) else float(rng.uniform(0.55, 1.0))
    split = cells[first][0] if style.decimals else w
    ink.paint(window[:, :split], mask[:, :split], style.figure, strength)
    if split < w:
        ink.paint(window[:, split:], mask[:, split:], style.last_figure, strength)
    return finish_window(rng, style, window, cells)


def _play(rng: np.random.Generator, wheels: int) -> NDArray[np.float64]:
    play = rng.normal(0, 0.035, wheels)
    play += rng.normal(0, 0.05) if chance(rng, 0.7) else rng.uniform(-0.2, 0.18)  # how the window was cut
    if chance(rng, 0.1):  # a worn counter: wheels hang at odd heights
        play = play + rng.normal(0, 0.06, wheels)
    return play


def _graduate(part: Mask, middle: float, step: float) -> None:
    """A line every fifth of a digit along the right edge of a wheel, a longer one at each of its digits."""
    high, wide = part.shape
    for k in range(-10, 16):
        long, y = 0.3 if k % 5 == 0 else 0.18, round(middle + k * step / 5)
        if 0 <= y < high:
            part[y : y + max(1, round(step * 0.05)), round(wide * (1 - long)) :] = 255


def finish_window(rng: np.random.Generator, style: DrumStyle, window: Canvas, cells: list[tuple[int, int]]) -> Canvas:
    """Separators, cogs, the cylinder's shading and the window edge's shadow over finished wheels, in place."""
    h = window.shape[0]
    for (_, end), (start, _) in pairwise(cells):
        _separate(rng, style, window, end, start)
    y = np.linspace(-1, 1, h, dtype=np.float32)
    dark = float(rng.uniform(0.1, 0.75)) * (0.4 + 0.6 * style.curve)
    light = 1 - dark * np.abs(y + rng.uniform(-0.3, 0.3)) ** rng.uniform(1.6, 4)
    if chance(rng, 0.25):  # a highlight along the top of the cylinder
        light += float(rng.uniform(0.05, 0.35)) * np.exp(-(((y - rng.uniform(-0.8, 0.4)) / 0.12) ** 2))
    window *= np.clip(light, 0.1, 1.4).astype(np.float32)[:, None, None]
    edge = max(1, round(h * rng.uniform(0.03, 0.2)))
    ramp = np.linspace(rng.uniform(0.25, 0.8), 1, edge, dtype=np.float32)
    if chance(rng, 0.7):
        window[:edge] *= ramp[:, None, None]
    if chance(rng, 0.6):
        side = window if chance(rng, 0.5) else window[:, ::-1]
        side[:, :edge] *= ramp[None, : min(edge, side.shape[1]), None]
    return window


def _separate(rng: np.random.Generator, style: DrumStyle, window: Canvas, end: int, start: int) -> None:
    """What stands between two wheels: nothing, a dark slit, a printed line, cogs, a bar of the plate."""
    h = window.shape[0]
    if style.separator == "none":
        return
    if style.separator == "cogs":  # the ends of the drive pins, light and dark by turns
        wide = max(2, round(h * 0.06))
        x, tooth = max(0, end - wide), max(2, round(h * 0.11))
        phase = int(rng.integers(0, tooth * 2))
        light, dark = ink.shade(style.wheel, 1.1), ink.shade(style.wheel, 0.3)
        if sum(style.wheel) < 300:
            light = ink.shade(style.figure, 0.65)
        for y in range(-phase, h, tooth * 2):
            window[max(0, y) : max(0, y + tooth), x : end + 1] = light if style.gap < 0.1 else dark
            window[max(0, y + tooth) : max(0, y + 2 * tooth), x : end + 1] = dark
        return
    if style.separator == "line":
        window[:, end : max(start, end + 1)] = ink.shade(style.figure, 0.9)
    elif style.separator == "dark":
        wide = max(1, round(h * 0.025))
        window[:, max(0, end - wide) : max(start, end + 1)] *= 0.35
    elif style.holes:
        return  # the plate is laid over the gap when the window is mounted
    else:
        window[:, end:start] = ink.shade(style.wheel, 0.6)


def _bend(mask: Mask, curve: float) -> Mask:
    """Rows as a cylinder shows them: squeezed towards the top and bottom edge."""
    h, w = mask.shape
    half = 0.35 + 0.75 * curve  # half the angle that the window shows, radians
    y = np.linspace(-1, 1, h)
    rows = np.arcsin(np.clip(y * np.sin(half), -1, 1)) / half
    source = ((rows + 1) / 2 * (h - 1)).astype(np.float32)
    map_y = np.repeat(source[:, None], w, 1)
    map_x = np.repeat(np.arange(w, dtype=np.float32)[None], h, 0)
    return np.asarray(cv2.remap(mask, map_x, map_y, cv2.INTER_LINEAR), np.uint8)
