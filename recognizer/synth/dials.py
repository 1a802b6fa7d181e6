"""Pointer dials with their turns: rows of four or five on electricity and gas meters, red pointers around a drum.

A scale has ten numbers. A turn of 3.4 stands four tenths of the way from 3 to 4, whichever way the numbers run.
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from recognizer.synth import ink, prints, typefaces
from recognizer.synth.degrade import degrade
from recognizer.synth.drum import DrumStyle, render_drum
from recognizer.synth.faces import light, set_display
from recognizer.synth.ink import Colour, Image, chance, pick
from recognizer.synth.labels import QuadArray, Setting

FACE_SIDE = 520
REDS: tuple[Colour, ...] = ((45, 40, 190), (40, 40, 215), (70, 60, 165), (60, 70, 200), (90, 85, 160))
PAPERS: tuple[Colour, ...] = ((228, 230, 230), (205, 215, 222), (190, 205, 215), (215, 205, 190), (245, 245, 243))


@dataclass(frozen=True, slots=True)
class DrawnDial:
    """One dial of a picture: its pivot and scale's radius in pixels, where its needle stands, how its numbers run."""

    x: float
    y: float
    radius: float
    turn: float
    clockwise: bool
    factor: str
    """What one number of its scale is worth, as ``0.1`` or ``1000``."""


@dataclass(frozen=True, slots=True)
class DialFace:
    """A face and all its dials, the most significant first; ``quad`` and ``text`` are of its drum, if there is one."""

    image: Image
    dials: tuple[DrawnDial, ...]
    text: str = ""
    quad: QuadArray | None = None


@dataclass(frozen=True, slots=True)
class DialStyle:
    """What the dials of one meter have in common."""

    needle: Colour
    scale: Colour
    paper: Colour | None
    shape: str
    numbers: float
    """Height of a number over the radius; 0 for none."""
    ring: bool
    ticks: int

    @classmethod
    def sample(cls, rng: np.random.Generator, red: bool) -> "DialStyle":
        dark: Colour = pick(rng, ((40, 40, 42), (25, 25, 26), (90, 60, 50)))
        return cls(
            needle=ink.jitter(rng, pick(rng, REDS), 15) if red else dark,
            scale=ink.jitter(rng, (60, 55, 170), 15) if red and chance(rng, 0.2) else dark,
            paper=ink.mix(pick(rng, PAPERS), (255, 255, 255), 0.4) if chance(rng, 0.4) else None,
            shape=pick(rng, ("drop", "drop", "bar", "arrow", "wedge")),
            numbers=float(rng.uniform(0.2, 0.32)) if chance(rng, 0.95) else 0.0,
            ring=chance(rng, 0.7),
            ticks=pick(rng, (10, 10, 50)),
        )


def draw_dial(
    rng: np.random.Generator,
    image: Image,
    at: tuple[float, float],
    radius: float,
    turn: float,
    clockwise: bool,
    style: DialStyle,
) -> None:
    """Draw one dial into the picture, in place; ``radius`` reaches to the outer ends of its marks."""
    x, y = at
    way = 1 if clockwise else -1
    if style.paper is not None:
        prints.disc(image, x, y, radius * 1.05, style.paper)
    if style.ring:
        prints.disc(image, x, y, radius, style.scale, max(1, round(radius * 0.045)))
    thick = max(1, round(radius * 0.05))
    for i in range(style.ticks):
        a = math.radians(360 * i / style.ticks - 90)
        long = 0.86 if i % (style.ticks // 10) == 0 else 0.93
        ends = [(x + math.cos(a) * radius * k, y + math.sin(a) * radius * k) for k in (long, 1.0)]
        line = ink.fixed(np.array(ends))
        cv2.line(image, _pair(line[0]), _pair(line[1]), style.scale, thick, cv2.LINE_AA, 4)
    if style.numbers:
        outside = 0.7 if style.ring else pick(rng, (0.7, 1.18))
        for digit in range(10):
            a = math.radians(36 * digit * way - 90)
            mark = ink.text_stamp(
                str(digit), max(4, round(radius * style.numbers)), 500, typefaces.by_lot(style.numbers)
            )
            cx, cy = x + math.cos(a) * radius * outside, y + math.sin(a) * radius * outside
            prints.lay(image, mark, cx - mark.shape[1] / 2, cy - mark.shape[0] / 2, style.scale)
    a = math.radians(36 * turn * way - 90)
    along, side = np.array([math.cos(a), math.sin(a)]), np.array([-math.sin(a), math.cos(a)])
    if chance(rng, 0.4):
        slip = rng.uniform(0.02, 0.08, 2) * radius  # the needle's shadow on the scale
        _needle(
            image, np.array([x, y]) + slip, along, side, radius, style, ink.shade(style.paper or (190, 190, 190), 0.6)
        )
    _needle(image, np.array([x, y]), along, side, radius, style, style.needle)
    if chance(rng, 0.5):
        prints.disc(image, x, y, max(1.0, radius * 0.09), ink.shade(style.needle, float(rng.uniform(0.4, 1.5))))


def _pair(point: np.ndarray) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _needle(
    image: Image, at: np.ndarray, along: np.ndarray, side: np.ndarray, radius: float, style: DialStyle, colour: Colour
) -> None:
    hub, tail = {"drop": (0.34, 0.0), "bar": (0.2, 0.35), "arrow": (0.12, 0.3), "wedge": (0.16, 0.2)}[style.shape]
    prints.disc(image, float(at[0]), float(at[1]), hub * radius, colour)
    if style.shape == "drop":
        outline = [along * 0.78, along * 0.1 + side * 0.32, along * 0.1 - side * 0.32]
    elif style.shape == "bar":
        outline = [along * 0.75 + side * 0.06, along * 0.75 - side * 0.06, -along * tail - side * 0.09,
                   -along * tail + side * 0.09]  # fmt: skip
    elif style.shape == "arrow":
        outline = [along * 0.85, along * 0.45 + side * 0.1, side * 0.05 - along * tail, -side * 0.05 - along * tail,
                   along * 0.45 - side * 0.1]  # fmt: skip
    else:
        outline = [along * 0.8, side * 0.3 - along * tail, -side * 0.3 - along * tail]
    cv2.fillPoly(image, [ink.fixed(at + np.array(outline) * radius)], colour, cv2.LINE_AA, 4)


def dial_row(
    rng: np.random.Generator,
    value: int,
    dials: int = 5,
    *,
    last_clockwise: bool = True,
    part: float = 0.5,
    strength: float | None = None,
) -> DialFace:
    """A row of black pointers of alternating direction that shows ``value`` and ``part`` of its last unit.

    ``last_clockwise`` is the convention of the meter's last dial; the others alternate to its left.
    """
    if not 0 <= value < 10**dials or not 0 <= part < 1:
        raise ValueError(f"{dials} dials cannot show {value} and {part}")
    radius = float(rng.uniform(34, 50))
    gap = radius * float(rng.uniform(2.3, 2.7))
    width, height = round(gap * dials + radius * 1.6), round(radius * float(rng.uniform(4.2, 6.0)))
    image = _plate(rng, width, height)
    style = DialStyle.sample(rng, red=chance(rng, 0.1))
    if not last_clockwise:
        # Nothing but its numbers tells: reversed as a whole, a row shows another value as well.
        style = replace(style, numbers=style.numbers or 0.25)
    arch = float(rng.uniform(-0.25, 0.25)) * radius
    found = []
    for i in range(dials):
        place = dials - 1 - i
        turn = (value + part) / 10**place % 10
        turn = (turn + float(rng.normal(0, 0.03))) % 10 if place else turn
        x = radius * 0.8 + gap * (i + 0.5)
        y = height / 2 + arch * math.cos(math.pi * (i + 0.5) / dials)
        clockwise = last_clockwise == (place % 2 == 0)
        draw_dial(rng, image, (x, y), radius, turn, clockwise, style)
        if chance(rng, 0.6):
            prints.put_text(image, str(10**place), x - radius * 0.3, y + radius * 1.75, radius * 0.28, style.scale)
        found.append(DrawnDial(x, y, radius, turn, clockwise, str(10**place)))
    return DialFace(degrade(rng, light(rng, image), strength), tuple(found))


def water_face(
    rng: np.random.Generator,
    value: float | None = None,
    pointers: int | None = None,
    strength: float | None = None,
) -> DialFace:
    """A round water meter: a drum of five wheels and one to four red pointers clockwise from the drum's last wheel.

    ``value`` is in the unit of the drum's last wheel. A star and print stand between, and are no dials.
    """
    value = float(rng.uniform(0, 99999)) if value is None else value
    count = int(rng.integers(1, 5)) if pointers is None else pointers
    if not 0 <= value < 99999.99995 or not 1 <= count <= 4:
        raise ValueError(f"wanted a value of five digits and one to four pointers, got {value} and {count}")
    image = _plate(rng, FACE_SIDE, FACE_SIDE)
    middle, reach = FACE_SIDE / 2, FACE_SIDE * 0.46
    paper = pick(rng, PAPERS)
    prints.disc(image, middle, middle, reach * 1.12, ink.jitter(rng, pick(rng, ((60, 60, 62), (110, 150, 180))), 10))
    prints.disc(image, middle, middle, reach, paper)
    drum = render_drum(
        rng, DrumStyle.sample(rng), value, 5, int(rng.integers(40, 56)), Setting(paper, in_face=True, water=True)
    )
    scale = float(rng.uniform(0.82, 1.0)) * reach / float(drum.quad[1, 0] - drum.quad[0, 0])
    quad, _ = set_display(image, drum, middle, middle - reach * float(rng.uniform(0.3, 0.45)), scale)
    style = DialStyle.sample(rng, red=True)
    radius = reach * float(rng.uniform(0.15, 0.21))
    dials = []
    for i, angle in enumerate(np.linspace(12, 145, 4)[:count] + rng.normal(0, 3)):
        a = math.radians(float(angle))
        distance = reach * float(rng.uniform(0.66, 0.72))
        x, y = middle + math.cos(a) * distance, middle + math.sin(a) * distance
        turn = value * 10 ** (i + 1) % 10
        draw_dial(rng, image, (x, y), radius, turn, True, style)
        factor = "0." + "0" * i + "1"
        if chance(rng, 0.7):
            prints.put_text(image, f"x{factor}", x - radius * 0.5, y - radius * 1.45, radius * 0.3, style.scale)
        dials.append(DrawnDial(x, y, radius, turn, True, factor))
    if chance(rng, 0.7):
        prints.star(rng, image, middle - reach * 0.3, middle + reach * 0.1, reach * float(rng.uniform(0.08, 0.14)))
    if chance(rng, 0.4):
        prints.put_text(
            image, prints.serial(rng), middle - reach * 0.35, middle + reach * 0.3, reach * 0.08, (90, 90, 95)
        )
    return DialFace(degrade(rng, light(rng, image), strength), tuple(dials), drum.text, quad)


def consistent(dials: tuple[DrawnDial, ...]) -> bool:
    """Whether every needle stands where the one to its right says: what a picture of one value must fulfil."""
    return all(abs((left.turn % 1 - right.turn / 10 + 0.5) % 1 - 0.5) < 0.2 for left, right in pairwise(dials))


def _plate(rng: np.random.Generator, width: int, height: int) -> Image:
    image: Image = np.empty((height, width, 3), np.uint8)
    image[:] = ink.jitter(rng, pick(rng, PAPERS), 10)
    return image
