"""Things printed on or fixed to a meter's face and its surroundings, drawn straight on a uint8 BGR picture."""

import math

import cv2
import numpy as np

from recognizer.synth import ink
from recognizer.synth.ink import Colour, Image, Mask, chance, pick

POWER_LINES = (
    "SINGLE PHASE ELECTRONIC METER", "1 PHASE 2 WIRE AC STATIC METER", "WATTHOUR-METER", "220V 5(80)A 50Hz",
    "1600 imp/kWh", "IEC 62053-21", "Class 1", "TYPE DD862", "3200 imp/kWh", "MADE IN 2019", "240V 10-60A",
    "PROPERTY OF", "MODEL: DTS27", "kWh", "3x230/400V", "SCROLL", "PULSE", "CAL", "Cl.B", "10(40)A", "imp/kWh",
    "Electronic Watt-hour Meter", "50 Hz  cl. 1.0", "A+  A-", "Серия 2.0",
)  # fmt: skip
WATER_LINES = (
    "Qn=1,5 m3/h", "90°C  1 MPa", "СЧЕТЧИК ВОДЫ", "H-B V-A", "CB-15", "Q3=2.5m3/h", "ISO 4064", "HYDRO", "T30  MAP16",
    "AQUA", "R80", "DN15", "2018", "m3", "x0.0001", "Q3/Q1=100", "15-110", "UNIVERSAL", "T max 90°C",
)  # fmt: skip


class Room:
    """Keeps printed things from lying on each other: places already taken on a face."""

    def __init__(self) -> None:
        self._taken: list[tuple[float, float, float, float]] = []

    def take(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Take the place if it is free."""
        if any(x0 < b and x1 > a and y0 < d and y1 > c for a, c, b, d in self._taken):
            return False
        self._taken.append((x0, y0, x1, y1))
        return True


def serial(rng: np.random.Generator) -> str:
    """A printed number of the kind that must not be taken for a reading."""
    digits = "".join(str(d) for d in rng.integers(0, 10, int(rng.integers(6, 13))))
    return pick(rng, ("", "", "", "No. ", "N ", "S/N ", "No ")) + (
        digits[:2] + " " + digits[2:] if chance(rng, 0.2) else digits
    )


def serial_or_line(rng: np.random.Generator, water: bool) -> str:
    if chance(rng, 0.3):
        return serial(rng)
    return pick(rng, WATER_LINES if water else POWER_LINES)


def put_text(image: Image, text: str, x: float, y: float, height: float, colour: Colour, weight: int = 400) -> int:
    """Print a text with its top-left corner at x, y; gives its width."""
    mark = ink.text_stamp(text, max(4, round(height)), weight)
    lay(image, mark, x, y, colour)
    return int(mark.shape[1])


def lay(image: Image, mark: Mask, x: float, y: float, colour: Colour, strength: float = 1.0) -> None:
    """Blend a colour into the picture through a mark's coverage; what lies outside is cut off."""
    x0, y0 = round(x), round(y)
    ax, ay = max(0, -x0), max(0, -y0)
    bx, by = min(mark.shape[1], image.shape[1] - x0), min(mark.shape[0], image.shape[0] - y0)
    if bx <= ax or by <= ay:
        return
    part = image[y0 + ay : y0 + by, x0 + ax : x0 + bx]
    a = mark[ay:by, ax:bx, None].astype(np.float32) * (strength / 255)
    part[:] = part + (np.array(colour, np.float32) - part) * a


def disc(image: Image, x: float, y: float, r: float, colour: Colour, thickness: int = -1) -> None:
    cv2.circle(image, (round(x * 16), round(y * 16)), max(8, round(r * 16)), colour, thickness, cv2.LINE_AA, 4)


def box(image: Image, x0: float, y0: float, x1: float, y1: float, colour: Colour, thickness: int = -1) -> None:
    cv2.rectangle(image, (round(x0), round(y0)), (round(x1), round(y1)), colour, thickness)


def barcode(rng: np.random.Generator, image: Image, x: float, y: float, w: float, h: float, colour: Colour) -> None:
    """Bars of one to four modules, on white now and then, with the number below as printers do."""
    module = max(1, round(w / 90))
    if chance(rng, 0.6):
        box(image, x - 3 * module, y - h * 0.1, x + w + 3 * module, y + h * 1.4, (235, 238, 238))
        colour = (25, 25, 28)
    at = x
    while at < x + w:
        bar = module * int(rng.integers(1, 4))
        box(image, at, y, at + bar - 1, y + h, colour)
        at += bar + module * int(rng.integers(1, 4))
    if chance(rng, 0.7):
        put_text(image, serial(rng), x + w * 0.1, y + h * 1.1, max(4, h * 0.25), colour)


def matrix_code(rng: np.random.Generator, image: Image, x: float, y: float, size: float) -> None:
    """A QR-like square of modules."""
    n = pick(rng, (21, 25))
    code = np.where(rng.random((n, n)) < 0.5, np.uint8(25), np.uint8(235))
    for r, c in ((0, 0), (0, n - 7), (n - 7, 0)):
        code[r : r + 7, c : c + 7] = 25
        code[r + 1 : r + 6, c + 1 : c + 6] = 235
        code[r + 2 : r + 5, c + 2 : c + 5] = 25
    side = max(n, round(size))
    grown = cv2.resize(code, (side, side), interpolation=cv2.INTER_NEAREST)
    lay(image, np.full((side + 6, side + 6), 255, np.uint8), x - 3, y - 3, (240, 240, 240))
    lay(image, np.asarray(255 - grown, np.uint8), x, y, (20, 20, 22))


def sticker(rng: np.random.Generator, image: Image, x: float, y: float, w: float, h: float) -> None:
    """A label stuck on: paper or foil with a line or two of print."""
    colour = ink.jitter(
        rng, pick(rng, ((190, 225, 240), (235, 238, 238), (60, 200, 240), (60, 190, 80), (200, 140, 40))), 10
    )
    box(image, x, y, x + w, y + h, ink.shade(colour, 0.8))
    box(image, x, y, x + w - 1, y + h - 1, colour)
    words = pick(rng, ("TESTED OK", "CM EDDE 219", "5015-012064", serial(rng), "01.02.2021", "AB 4351"))
    put_text(image, words, x + w * 0.08, y + h * 0.25, min(h * 0.45, w / max(4, len(words)) * 1.2), (40, 40, 45), 600)


def dial(rng: np.random.Generator, image: Image, x: float, y: float, r: float, plate: Colour) -> None:
    """A small pointer dial with its ten marks."""
    dark: Colour = (40, 40, 42) if sum(plate) > 330 else (215, 218, 218)
    red: Colour = ink.jitter(rng, (45, 40, 190), 12)
    ring = red if chance(rng, 0.4) else dark
    if chance(rng, 0.5):
        disc(image, x, y, r, ink.mix(plate, (255, 255, 255), 0.4))
    disc(image, x, y, r, ring, max(1, round(r * 0.06)))
    for i in range(10):
        a = math.radians(36 * i - 90)
        c, s = math.cos(a), math.sin(a)
        cv2.line(
            image,
            (round(x + c * r * 0.85), round(y + s * r * 0.85)),
            (round(x + c * r), round(y + s * r)),
            ring,
            1,
            cv2.LINE_AA,
        )
        if r > 16:
            put_text(image, str(i), x + c * r * 1.2 - r * 0.1, y + s * r * 1.2 - r * 0.12, r * 0.24, ring)
    a = rng.uniform(0, 2 * math.pi)
    along, side = np.array([math.cos(a), math.sin(a)]), np.array([-math.sin(a), math.cos(a)])
    tip = np.array([along * r * 0.85, side * r * 0.22, -along * r * 0.3, -side * r * 0.22]) + (x, y)
    cv2.fillConvexPoly(image, ink.fixed(tip), red if chance(rng, 0.8) else dark, cv2.LINE_AA, 4)
    disc(image, x, y, r * 0.2, ink.shade(red, 0.7))


def star(rng: np.random.Generator, image: Image, x: float, y: float, r: float) -> None:
    """The flow indicator of a water meter."""
    n = pick(rng, (6, 6, 3, 8))
    a0 = rng.uniform(0, 1)
    a = np.arange(2 * n) * math.pi / n + a0
    radius = np.where(np.arange(2 * n) % 2 == 0, r, r * 0.55)
    points = np.stack([x + radius * np.cos(a), y + radius * np.sin(a)], 1)
    colour = pick(rng, ((25, 25, 28), (25, 25, 28), (40, 40, 180), (150, 70, 30)))
    cv2.fillPoly(image, [ink.fixed(points)], colour, cv2.LINE_AA, 4)
    disc(image, x, y, r * 0.35, ink.shade(colour, 1.8))


def screw(rng: np.random.Generator, image: Image, x: float, y: float, r: float) -> None:
    disc(image, x + 1, y + 1, r * 1.1, (60, 62, 64))
    disc(image, x, y, r, ink.jitter(rng, (165, 170, 172), 12))
    a = rng.uniform(0, math.pi)
    dx, dy = math.cos(a) * r * 0.8, math.sin(a) * r * 0.8
    cv2.line(
        image,
        (round(x - dx), round(y - dy)),
        (round(x + dx), round(y + dy)),
        (70, 72, 75),
        max(1, round(r / 4)),
        cv2.LINE_AA,
    )


def lamp(rng: np.random.Generator, image: Image, x: float, y: float, r: float) -> None:
    """A pulse LED, now and then lit."""
    colour = pick(rng, ((40, 30, 200), (40, 180, 50), (40, 40, 45)))
    lit = chance(rng, 0.4)
    disc(image, x, y, r * 1.5, (45, 45, 48))
    disc(image, x, y, r, ink.mix(colour, (255, 255, 255), 0.4) if lit else ink.shade(colour, 0.7))
