"""Photos of meter plates with one code, drawn for the benchmark of codes: 13 kinds of damage, seeded.

Every picture is a phone photo passed on by a messenger: a plate with print, a code of a few pixels a module, a little
blur, noise and JPEG as such photos have. One property is then far outside the usual. The ranges were set once, so
that the plain zxing-cpp reader fails on about a quarter of the QR codes, and are not tuned against our own reader.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from recognizer.synth import ink, prints
from recognizer.synth.ink import Canvas, Colour, Image, chance, pick

Kind = Literal["QRCode", "DataMatrix", "Code128"]
Range = tuple[float, float]

WIDTH, HEIGHT = 800, 600
SUPERSAMPLE = 2
FOCAL = 1200.0
"""Distance of the camera in pixels: what gives a tilted plate its perspective."""

MODULE: dict[Kind, Range] = {"QRCode": (3.0, 5.5), "DataMatrix": (3.0, 5.5), "Code128": (2.0, 3.5)}
"""Pixels a module: a 12 mm QR code, a 7 mm Data Matrix, a 40 mm barcode on a plate that fills a 1280-pixel photo."""

USUAL: dict[str, Range] = {
    "size": (1.0, 1.0),  # of MODULE
    "blur": (0.15, 0.30),  # sigma in modules
    "motion": (0.0, 0.3),  # length of the path in modules
    "contrast": (0.55, 0.90),  # black to white, of 255
    "noise": (2.0, 5.0),  # standard deviation in grey levels
    "jpeg": (70.0, 92.0),
    "tilt": (0.0, 15.0),  # degrees off the plate's normal
    "turn": (-6.0, 6.0),  # degrees in the picture's plane
    "cover": (0.0, 0.0),  # share of the code under dirt or a wire
    "scratches": (0.0, 1.0),
    "dark": (0.0, 0.0),  # 1: light modules on a dark plate
    "shadow": (0.8, 1.0),  # light in the shadow, of that beside it
    "glare": (0.0, 0.0),  # grey levels added at the spot's centre
}
DAMAGES: dict[str, dict[str, Range]] = {
    "blur": {"blur": (0.35, 0.65)},
    "motion": {"motion": (1.0, 2.2)},
    "low resolution": {"size": (0.36, 0.60)},
    "glare": {"glare": (100.0, 260.0)},
    "low contrast": {"contrast": (0.07, 0.18)},
    "noise": {"noise": (12.0, 36.0)},
    "JPEG": {"jpeg": (4.0, 14.0)},
    "tilt": {"tilt": (40.0, 60.0)},
    "rotation": {"turn": (-180.0, 180.0), "tilt": (10.0, 40.0)},
    "covered": {"cover": (0.02, 0.06)},
    "scratches and dust": {"scratches": (5.0, 20.0)},
    "dark plate": {"dark": (1.0, 1.0), "contrast": (0.15, 0.45)},
    "uneven light": {"shadow": (0.20, 0.45), "glare": (0.0, 120.0)},
}


@dataclass(frozen=True)
class Plate:
    """One photo: uint8 BGR, what its code says, and the code's corners (4x2, pixels, from its own top left)."""

    picture: Image
    kind: Kind
    text: str
    damage: str
    corners: NDArray[np.float32]


def draw_plate(rng: np.random.Generator, kind: Kind, damage: str) -> Plate:
    """A photo of a plate with a code of this kind, taken with this damage (a key of ``DAMAGES``)."""
    how = {name: float(rng.uniform(*bounds)) for name, bounds in (USUAL | DAMAGES[damage]).items()}
    text = content(rng, kind)
    module = float(rng.uniform(*MODULE[kind])) * how["size"]
    art, corners = _printed(rng, kind, text, module * SUPERSAMPLE, how)
    view = _view(rng, how["tilt"], how["turn"], corners.mean(0))
    photo = cv2.warpPerspective(art, view, (WIDTH * SUPERSAMPLE, HEIGHT * SUPERSAMPLE), borderMode=cv2.BORDER_REFLECT)
    photo = cv2.resize(photo, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    seen = cv2.perspectiveTransform(corners[None], view)[0] / SUPERSAMPLE
    picture = _photographed(rng, photo.astype(np.float32), seen, module, how)
    return Plate(picture, kind, text, damage, seen.astype(np.float32))


def content(rng: np.random.Generator, kind: Kind) -> str:
    """What stands in a code of this kind on a meter's plate."""
    digits = "".join(str(d) for d in rng.integers(0, 10, 8))
    maker = pick(rng, ("EMH", "ISK", "KAM", "LGZ", "ITR", "ELS"))
    if kind == "Code128":
        return pick(rng, (digits, f"1{maker}00{digits}", f"SS{digits}", digits[:7]))
    if kind == "DataMatrix":
        return pick(rng, (f"1{maker}00{digits}", digits, f"{maker}-{digits}-2021"))
    return pick(
        rng,
        (
            f"https://qr.example.com/m?s={digits}&t={maker}",
            f"1{maker}00{digits}",
            digits,
            f"ST00012|Name={maker}|PersAcc={digits}|CounterId={digits[::-1]}",
        ),
    )


def _printed(
    rng: np.random.Generator, kind: Kind, text: str, module: float, how: dict[str, float]
) -> tuple[Image, NDArray[np.float32]]:
    """The plate as it hangs on the wall, supersampled, with what has happened to its surface."""
    black = 128 - 127.5 * how["contrast"]
    paper: Colour = ink.jitter(rng, (255 - black, 255 - black, 255 - black), 4)
    dye: Colour = (black, black, black)
    if how["dark"]:
        paper, dye = dye, paper
    width, height = WIDTH * SUPERSAMPLE, HEIGHT * SUPERSAMPLE
    art = np.full((height, width, 3), paper, np.uint8)
    modules = _modules(kind, text)
    h, w = (round(side * module) for side in modules.shape)
    if kind == "Code128":
        h = round(w * float(rng.uniform(0.16, 0.3)))
    x, y = ((width - w) / 2 + rng.uniform(-80, 80), (height - h) / 2 + rng.uniform(-80, 80))
    stamp = np.asarray(cv2.resize(modules, (w, h), interpolation=cv2.INTER_NEAREST), np.uint8)
    prints.lay(art, stamp, round(x), round(y), dye)
    _print_around(rng, art, (x, y, w, h), module, dye)
    corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)
    if how["cover"]:
        _cover(rng, art, (x, y, w, h), how["cover"], kind)
    for _ in range(round(how["scratches"])):
        _scratch(rng, art, (x, y, w, h), module, paper, dye)
    return art, corners


def _modules(kind: Kind, text: str) -> Image:
    """255 where ink stands, one pixel a module; a barcode is a single row of them."""
    options: dict[str, Any] = {"ec_level": "M"} if kind == "QRCode" else {"force_square": True}
    code = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind), **options)
    grey = np.array(code.to_image(scale=1, add_quiet_zones=False))
    return np.asarray(255 - (grey[:1] if kind == "Code128" else grey), np.uint8)


def _print_around(
    rng: np.random.Generator, art: Image, box: tuple[float, float, float, float], module: float, dye: Colour
) -> None:
    """Lines of print outside the code and its quiet zone."""
    x, y, w, h = box
    room = prints.Room()
    room.take(x - 10 * module, y - 4 * module, x + w + 10 * module, y + h + 4 * module)
    for _ in range(14):
        size = float(rng.uniform(24, 60))
        left, top = rng.uniform(0, art.shape[1] * 0.8), rng.uniform(0, art.shape[0] - 80)
        line = prints.serial_or_line(rng, water=False)
        if room.take(left, top, left + size * 0.7 * len(line), top + size * 1.2):
            prints.put_text(art, line, left, top, size, dye, 500)


def _cover(
    rng: np.random.Generator, art: Image, box: tuple[float, float, float, float], share: float, kind: Kind
) -> None:
    """A blot within what the code can correct, off the finders; of a barcode's height a strip stays free."""
    x, y, w, h = box
    colour = ink.jitter(rng, pick(rng, ((60, 70, 80), (150, 160, 165), (40, 60, 120))), 12)
    if kind == "Code128":
        left = x + w * rng.uniform(0, 0.5)
        prints.box(art, left, y - 4, left + w * 0.5, y + h * (1 - 8 * share), colour)
        return
    radius = math.sqrt(share * w * h / math.pi)
    prints.disc(art, x + w * rng.uniform(0.55, 0.8), y + h * rng.uniform(0.55, 0.8), radius, colour)


def _scratch(
    rng: np.random.Generator,
    art: Image,
    box: tuple[float, float, float, float],
    module: float,
    paper: Colour,
    dye: Colour,
) -> None:
    """A scratch that bares the plate, or a grain of dust, somewhere on the code or close to it."""
    x, y, w, h = box
    cx, cy = x + w * rng.uniform(-0.1, 1.1), y + h * rng.uniform(-0.1, 1.1)
    if chance(rng, 0.5):
        prints.disc(art, cx, cy, module * rng.uniform(0.2, 0.7), ink.mix(dye, paper, float(rng.uniform(0, 0.7))))
        return
    a, length = rng.uniform(0, math.pi), max(w, h) * rng.uniform(0.1, 0.4)
    dx, dy = math.cos(a) * length, math.sin(a) * length
    thick = max(1, round(module * rng.uniform(0.1, 0.45)))
    cv2.line(art, (round(cx), round(cy)), (round(cx + dx), round(cy + dy)), paper, thick, cv2.LINE_AA)


def _view(rng: np.random.Generator, tilt: float, turn: float, centre: NDArray[np.float32]) -> NDArray[np.float64]:
    """Homography from the plate to the supersampled photo: tilted about an axis at random, then turned."""
    axis, t, r = rng.uniform(0, 2 * math.pi), math.radians(tilt), math.radians(turn)
    vector = np.array([math.cos(axis) * t, math.sin(axis) * t, 0.0])
    lean, _ = cv2.Rodrigues(vector)
    roll = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    rotation = roll @ lean
    focal = FOCAL * SUPERSAMPLE
    middle = np.array([WIDTH * SUPERSAMPLE / 2, HEIGHT * SUPERSAMPLE / 2])
    camera = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]])
    plane = np.stack([rotation[:, 0], rotation[:, 1], np.array([0, 0, focal])], 1)
    shift = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    view = camera @ plane @ shift
    return np.asarray(view / view[2, 2], np.float64)


def _photographed(
    rng: np.random.Generator, photo: Canvas, seen: NDArray[np.float32], module: float, how: dict[str, float]
) -> Image:
    """Light, lens, sensor and file."""
    h, w = photo.shape[:2]
    centre = seen.mean(0)
    reach = float(np.ptp(seen, axis=0).max())
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    a = rng.uniform(0, 2 * math.pi)
    across = (math.cos(a) * (x - centre[0]) + math.sin(a) * (y - centre[1])) / reach - rng.uniform(-0.3, 0.3)
    lit = 1 / (1 + np.exp(-np.clip(across * rng.uniform(4, 30), -50, 50)))
    photo *= (how["shadow"] + (1 - how["shadow"]) * lit)[:, :, None]
    if how["glare"]:
        spot = centre + rng.uniform(-0.4, 0.4, 2) * reach
        radius = reach * rng.uniform(0.12, 0.3)
        far = ((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / radius**2
        photo += (how["glare"] * np.exp(-far))[:, :, None]
    np.clip(photo, 0, 255, out=photo)
    photo = np.asarray(cv2.GaussianBlur(photo, (0, 0), max(0.3, how["blur"] * module)), np.float32)
    if how["motion"] * module > 1:
        photo = np.asarray(cv2.filter2D(photo, -1, _path(rng, how["motion"] * module)), np.float32)
    photo += ink.grain(rng, h, w, 0.0)[:, :, None] * how["noise"]
    _, data = cv2.imencode(".jpg", ink.to_image(photo), [cv2.IMWRITE_JPEG_QUALITY, round(how["jpeg"])])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _path(rng: np.random.Generator, length: float) -> NDArray[np.float32]:
    """Kernel of a straight shake of the hand, drawn eight times as large and reduced."""
    side = (int(length) + 2) | 1
    large = np.zeros((side * 8, side * 8), np.uint8)
    a, half = rng.uniform(0, math.pi), length * 4
    dx, dy = math.cos(a) * half, math.sin(a) * half
    middle = side * 4
    ends = (round(middle - dx), round(middle - dy)), (round(middle + dx), round(middle + dy))
    cv2.line(large, *ends, 255, 8, cv2.LINE_AA)
    kernel = cv2.resize(large.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(kernel / kernel.sum(), np.float32)
