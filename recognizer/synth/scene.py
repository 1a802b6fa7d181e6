"""Whole photos with one, two or no meters: background, faces, displays, perspective, camera."""

import math
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.synth import ink
from recognizer.synth.backdrop import draw_backdrop, tube
from recognizer.synth.bank import DigitBank, render_bank_drum
from recognizer.synth.degrade import degrade
from recognizer.synth.drum import DrumStyle, render_drum
from recognizer.synth.face_box import box_face
from recognizer.synth.face_round import round_face
from recognizer.synth.faces import BODIES, Face, plate_colour
from recognizer.synth.ink import Image, chance, pick
from recognizer.synth.labels import Kind, QuadArray, Setting, Strip
from recognizer.synth.lcd import render_lcd
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.spoil import spoil

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SceneDisplay:
    """One display of the scene; ``quad`` in reading order, in pixels, ``text`` empty where nothing can be read."""

    kind: Kind
    quad: QuadArray
    text: str
    legible: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """A photo and every display in it."""

    image: Image
    displays: list[SceneDisplay] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """What one meter of a scene shall be; whatever is None is drawn by lot."""

    kind: Kind | None = None
    share: float | None = None  # the counter's length over the picture's width
    angle: float | None = None  # degrees clockwise
    tilt: float | None = None  # strength of the perspective
    centre: tuple[float, float] | None = None  # shares of width and height
    fault: str | None = None  # "none", "off", "glare", "covered", "blur"
    round: bool | None = None
    bare: bool | None = None  # a face without any display
    lcd: LcdStyle | None = None
    drum: DrumStyle | None = None
    text: str | None = None  # of an LCD
    value: float | None = None  # of a drum
    wheels: int | None = None


def render_scene(
    rng: np.random.Generator,
    size: tuple[int, int] = (512, 512),
    background: Image | None = None,
    bank: DigitBank | None = None,
    plans: list[MeterPlan] | None = None,
    strength: float | None = None,
) -> Scene:
    """A photo of ``size`` (width, height). ``background`` is a canvas of any size; ``strength`` goes to ``degrade``."""
    w, h = size
    image = draw_backdrop(rng, w, h) if background is None else _fit(rng, background, w, h)
    if plans is None:
        roll = rng.random()
        plans = [] if roll < 0.07 else [MeterPlan()] * (2 if roll > 0.92 else 1)
        if len(plans) == 2:
            plans = [MeterPlan(share=float(rng.uniform(0.08, 0.28)), centre=c) for c in ((0.28, 0.4), (0.72, 0.6))]
    displays: list[SceneDisplay] = []
    for plan in plans:
        before = image.copy() if displays else image
        shown = _add_meter(rng, image, plan, bank)
        displays = [kept for d in displays if (kept := _still_seen(d, before, image))]
        if shown is not None:
            displays.append(shown)
    return Scene(degrade(rng, image, strength), displays)


def _still_seen(display: SceneDisplay, before: Image, after: Image) -> SceneDisplay | None:
    """What is left of a display when another meter has been laid into the photo: it may lie under it."""
    low = np.clip(np.floor(display.quad.min(0)), 0, None).astype(int)
    high = np.ceil(display.quad.max(0)).astype(int)
    old, new = (np.ascontiguousarray(i[low[1] : high[1], low[0] : high[0]]) for i in (before, after))
    if not old.size:
        return None
    mask = np.zeros(old.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(display.quad - low).astype(np.int32), 1)
    changed = float((cv2.absdiff(old, new).max(2) > 24)[mask > 0].mean()) if mask.any() else 1.0
    if changed > 0.5:
        return None
    return display if changed < 0.04 else SceneDisplay(display.kind, display.quad, "", legible=False)


def _fit(rng: np.random.Generator, canvas: Image, w: int, h: int) -> Image:
    """A random part of the canvas, mirrored or not, at the wanted size."""
    ch, cw = canvas.shape[:2]
    k = min(cw / w, ch / h) * rng.uniform(0.6, 1.0)
    pw, ph = max(1, int(w * k)), max(1, int(h * k))
    x, y = int(rng.integers(cw - pw + 1)), int(rng.integers(ch - ph + 1))
    part = canvas[y : y + ph, x : x + pw]
    if chance(rng, 0.5):
        part = part[:, ::-1]
    return np.array(cv2.resize(np.ascontiguousarray(part), (w, h), interpolation=cv2.INTER_AREA), np.uint8)


def sample_share(rng: np.random.Generator) -> float:
    """Counter length over picture width: mostly a tenth to a half, from 4 % to 80 %."""
    if chance(rng, 0.12):
        return float(rng.uniform(0.5, 0.8))
    return (
        float(np.exp(rng.uniform(math.log(0.04), math.log(0.12))))
        if chance(rng, 0.2)
        else float(rng.uniform(0.12, 0.5))
    )


def sample_angle(rng: np.random.Generator) -> float:
    """Degrees clockwise: about upright in half the photos, any turn in the others."""
    roll = rng.random()
    if roll < 0.5:
        return float(rng.normal(0, 7))
    return float(rng.normal(0, 8)) + 90 * int(rng.integers(1, 4)) if roll < 0.7 else float(rng.uniform(0, 360))


def _add_meter(rng: np.random.Generator, image: Image, plan: MeterPlan, bank: DigitBank | None) -> SceneDisplay | None:
    """Draw a meter into the picture, in place."""
    h, w = image.shape[:2]
    kind: Kind = plan.kind or ("lcd" if chance(rng, 0.45) else "drum")
    is_round = chance(rng, 0.1 if kind == "lcd" else 0.6) if plan.round is None else plan.round
    share = sample_share(rng) if plan.share is None else plan.share
    angle = sample_angle(rng) if plan.angle is None else plan.angle
    fault = plan.fault or (pick(rng, ("off", "off", "glare", "covered", "blur")) if chance(rng, 0.12) else "none")
    bare = chance(rng, 0.04) if plan.bare is None else plan.bare
    if kind == "drum" and fault == "off":
        fault = "glare"
    length = max(18.0, share * w)
    plate = plate_colour(rng, is_round)
    strip = None if bare else _strip(rng, plan, kind, length, Setting(plate, True, is_round), fault != "off", bank)
    limit = round(1.7 * max(w, h))
    face = (round_face if is_round else box_face)(rng, strip, plate, length, limit)
    matrix = place(rng, face, plan, angle, (w, h))
    if is_round and chance(rng, 0.7):
        _connect(rng, image, face, matrix)
    lay_face(rng, image, face, matrix)
    if strip is None or face.quad is None or face.panel is None:
        return None
    quad = through(face.quad, matrix)
    legible = fault == "none"
    inside = np.all((quad > -0.02 * length) & (quad < np.array([w, h]) + 0.02 * length))
    if not inside:
        visible = np.mean(np.all((quad > 0) & (quad < (w, h)), 1))
        if visible == 0:
            return None
        legible = False  # part of the counter is cut off
    if fault in ("glare", "covered", "blur"):
        spoil(rng, image, through(face.panel, matrix), fault)
    return SceneDisplay(kind, quad, strip.text if legible else "", legible)


def _strip(
    rng: np.random.Generator,
    plan: MeterPlan,
    kind: Kind,
    length: float,
    setting: Setting,
    lit: bool,
    bank: DigitBank | None,
) -> Strip:
    """The display at about the size at which it is needed, so that no thin stroke is sampled away."""
    near = length / 4.2  # a row is about four to five times as long as high
    height = int(min(220, max(22, near * rng.uniform(0.9, 1.2))))
    if kind == "lcd":
        return render_lcd(rng, plan.lcd, plan.text, height, lit, setting)
    if bank is not None and bank.meters and plan.value is None and chance(rng, 0.4):
        return render_bank_drum(rng, bank, setting)
    return render_drum(rng, plan.drum, plan.value, plan.wheels, height, setting)


def place(rng: np.random.Generator, face: Face, plan: MeterPlan, angle: float, size: tuple[int, int]) -> Matrix:
    """The homography from the face to the picture: turned, tilted, its display inside the picture."""
    w, h = size
    fh, fw = face.image.shape[:2]
    corners = np.array([[0, 0], [fw, 0], [fw, fh], [0, fh]], np.float32)
    anchor = corners.mean(0) if face.quad is None else face.quad.mean(0)
    a = math.radians(angle)
    turn = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]], np.float32)
    tilt = abs(rng.normal(0, 0.05)) if plan.tilt is None else plan.tilt
    bend = rng.normal(0, tilt, (4, 2)).astype(np.float32) * min(fw, fh) * 0.5
    squeeze = np.array([rng.uniform(0.8, 1.0), 1.0] if chance(rng, 0.3) else [1.0, rng.uniform(0.75, 1.0)], np.float32)
    if plan.tilt == 0:
        squeeze = np.ones(2, np.float32)
    moved = ((corners - anchor) * squeeze + bend) @ turn
    matrix = np.asarray(cv2.getPerspectiveTransform(corners, moved.astype(np.float32)), np.float64)
    target = corners if face.quad is None else face.quad
    reach = through(target, matrix)
    low, high = reach.min(0), reach.max(0)
    if plan.centre is not None:
        at = np.array(plan.centre, np.float32) * (w, h) - (low + high) / 2
    else:
        room_low, room_high = 3 - low, np.array([w - 3, h - 3]) - high
        middle = np.array([w, h]) / 2 - (low + high) / 2
        spread = np.where(room_high > room_low, rng.uniform(room_low, np.maximum(room_high, room_low + 1)), middle)
        calm = rng.uniform(0.3, 1.0)  # people put what they photograph near the middle
        at = middle + (spread - middle) * calm
    shift = np.array([[1, 0, at[0]], [0, 1, at[1]], [0, 0, 1]], np.float64)
    return np.asarray(shift @ matrix, np.float64)


def through(points: NDArray[np.float32], matrix: NDArray[Any]) -> QuadArray:
    return np.asarray(cv2.perspectiveTransform(points[None].astype(np.float32), matrix)[0], np.float32)


def _connect(rng: np.random.Generator, image: Image, face: Face, matrix: Matrix) -> None:
    """A pipe that runs under a round meter."""
    fh, fw = face.image.shape[:2]
    line = np.array([[-fw, fh / 2], [2 * fw, fh / 2]], np.float32)
    if chance(rng, 0.4):
        line = np.array([[fw / 2, -fh], [fw / 2, 2 * fh]], np.float32)
    ends = through(line, matrix).astype(np.float64)
    width = float(np.hypot(*(ends[1] - ends[0]))) / 3 * float(rng.uniform(0.25, 0.6))
    colour = ink.jitter(rng, pick(rng, (*BODIES, (70, 130, 180), (60, 110, 160), (50, 60, 50))), 12)
    tube(image, ends[0], ends[1], width, colour)


def lay_face(rng: np.random.Generator, image: Image, face: Face, matrix: Matrix) -> None:
    """Warp the face into the picture and blend it in, with its shadow on the ground, in place."""
    h, w = image.shape[:2]
    # pixels of the warp are taken only where the face can fall: most faces are much smaller than the picture
    fh, fw = face.image.shape[:2]
    reach = through(np.array([[0, 0], [fw, 0], [fw, fh], [0, fh]], np.float32), matrix)
    pad = 0.06 * float(np.ptp(reach, 0).max())
    x0, y0 = (int(v) for v in np.clip(np.floor(reach.min(0) - pad), 0, (w - 1, h - 1)))
    x1, y1 = (int(v) for v in np.clip(np.ceil(reach.max(0) + pad), 1, (w, h)))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    move = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1]], np.float64) @ matrix
    part = image[y0:y1, x0:x1]
    size = (x1 - x0, y1 - y0)
    front = cv2.warpPerspective(face.image, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpPerspective(face.cover, move, size, flags=cv2.INTER_LINEAR)
    if chance(rng, 0.8):
        d = pad * float(rng.uniform(0.1, 0.7))
        small = cv2.resize(cover, (max(1, size[0] // 4), max(1, size[1] // 4)), interpolation=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(small, (0, 0), max(0.8, d / 8))
        a = rng.uniform(0, 2 * math.pi)
        slip = np.array([[1, 0, math.cos(a) * d / 4], [0, 1, math.sin(a) * d / 4]], np.float32)
        dark = cv2.resize(cv2.warpAffine(soft, slip, (small.shape[1], small.shape[0])), size).astype(np.float32)
        keep = 1 - dark * (float(rng.uniform(0.3, 0.75)) / 255)
        part[:] = cv2.multiply(part, cv2.merge((keep, keep, keep)), dtype=cv2.CV_8U)
    weight = cover.astype(np.float32) / 255
    part[:] = cv2.blendLinear(front, part.copy(), weight, 1 - weight)
