"""The place of a clip: a meter's face in its surroundings, or a real photo, with a panel that can show any picture.

All that lies over a panel (bezel, hood, light, dirt on a real glass) scales and lifts what it shows, point by point. So
the scene is drawn once with a black panel and once with a grey one, and any other lies on the line between.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from recognizer.synth import ink
from recognizer.synth.backdrop import draw_backdrop
from recognizer.synth.face_box import box_face
from recognizer.synth.faces import plate_colour
from recognizer.synth.ink import Canvas, Image, Rect, chance
from recognizer.synth.labels import QuadArray, Setting, rectangle
from recognizer.synth.lcd_panel import mount_panel
from recognizer.synth.scene import Matrix, MeterPlan, lay_face, place, through
from recognizer.synth.screen_panel import Panel

MOST_TRIES = 20
LEAST_GAIN = 0.4
"""How much less of a part of the glass may be seen than of most of it; the bezel's shadow takes the rim's."""
MOST_VEIL = 45.0
"""Levels by which a reflection may lift a part of it above the others."""
GREY = 190.0
"""Level of the second panel: white would be cut off where light falls."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A real photo (BGR) of a display that is off, and the corners of its glass in reading order."""

    image: Image
    corners: QuadArray

    @property
    def aspect(self) -> float:
        """Width over height of the glass."""
        c = self.corners
        along = float(np.linalg.norm(c[1] - c[0]) + np.linalg.norm(c[2] - c[3]))
        return along / max(1.0, float(np.linalg.norm(c[3] - c[0]) + np.linalg.norm(c[2] - c[1])))


@dataclass(frozen=True, slots=True)
class Stage:
    """``dark`` is the scene under a black panel; within ``box`` the panel adds ``gain`` times its own level."""

    dark: Image
    gain: Canvas
    box: Rect
    matrix: Matrix  # panel's pixels to the scene's

    def show(self, panel: Canvas, scene: Image) -> None:
        """Put a picture of the panel into ``scene``, a copy of ``dark``, in place."""
        x0, y0, x1, y1 = self.box
        move = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1]], np.float64) @ self.matrix
        part = cv2.warpPerspective(panel, move, (x1 - x0, y1 - y0), borderMode=cv2.BORDER_REPLICATE)
        lifted = np.asarray(cv2.multiply(part, self.gain), np.float32)
        lifted += self.dark[y0:y1, x0:x1]
        scene[y0:y1, x0:x1] = ink.to_image(lifted)


def draw_stage(rng: np.random.Generator, panel: Panel, size: tuple[int, int]) -> Stage:
    """A meter of the renderer's own in a scene of that size, its panel about as large as it is drawn."""
    w, h = size
    back = draw_backdrop(rng, w, h)
    plate = plate_colour(rng, round_face=False)
    angle = float(rng.normal(0, 4)) + (90 * int(rng.integers(1, 4)) if chance(rng, 0.04) else 0)
    plan = MeterPlan(tilt=float(rng.uniform(0, 0.04)), centre=tuple(rng.normal(0.5, 0.02, 2)), angle=angle)

    def scene(seed: int, level: float) -> tuple[Image, QuadArray]:
        same = np.random.default_rng(seed)
        strip = mount_panel(
            same, ink.sheet(panel.size[1], panel.size[0], (level,) * 3), panel.height, Setting(plate, True, False)
        )
        face = box_face(same, strip, plate, panel.size[0], round(1.7 * max(w, h)))
        matrix = place(same, face, plan, angle, size)
        image = back.copy()
        lay_face(same, image, face, matrix)
        assert face.panel is not None
        return image, through(face.panel, matrix)

    for _ in range(MOST_TRIES):
        seed = int(rng.integers(1 << 31))
        dark, quad = scene(seed, 0.0)
        grey, _ = scene(seed, GREY)
        box = _box(quad, size)
        x0, y0, x1, y1 = box
        gain = (grey[y0:y1, x0:x1].astype(np.float32) - dark[y0:y1, x0:x1]) / np.float32(GREY)
        if _seen(gain, dark[y0:y1, x0:x1], quad - (x0, y0)):
            break
    return Stage(dark, gain, box, _onto(panel, quad))


def _seen(gain: Canvas, dark: Image, quad: QuadArray) -> bool:
    """Whether all of the glass lies on the face, and under nothing that hides a part of it for the whole clip."""
    glass = np.zeros(gain.shape[:2], np.uint8)
    middle = quad.mean(0)
    ink.polygon(glass, ink.fixed(middle + (quad - middle) * 0.92))
    inside, lifted = gain[glass > 127], dark[glass > 127]
    if not inside.size:
        return False
    usual = float(np.median(inside))
    veil = float(np.percentile(lifted, 99)) - float(np.median(lifted))
    return float(np.percentile(inside, 4)) > LEAST_GAIN * usual and veil < MOST_VEIL


def real_stage(rng: np.random.Generator, panel: Panel, ground: Ground, size: tuple[int, int]) -> Stage:
    """A real display that is off, filled: a white panel leaves the photo as it is. In a scene of that size."""
    w, h = size
    along = ground.corners[1] - ground.corners[0]
    k = panel.size[0] / max(1.0, float(np.linalg.norm(along)))
    middle = ground.corners.mean(0)
    shift = (w * rng.normal(0.5, 0.02) - k * middle[0], h * rng.normal(0.5, 0.02) - k * middle[1])
    move = np.array([[k, 0, shift[0]], [0, k, shift[1]]], np.float64)
    photo = ground.image if k > 0.8 else cv2.GaussianBlur(ground.image, (0, 0), 0.4 / k)
    image = np.asarray(cv2.warpAffine(photo, move, size, borderMode=cv2.BORDER_REFLECT), np.uint8)
    quad = np.asarray(ground.corners * k + shift, np.float32)
    box = _box(quad, size)
    x0, y0, x1, y1 = box
    glass = np.zeros((y1 - y0, x1 - x0), np.uint8)
    ink.polygon(glass, ink.fixed(quad - (x0, y0)))
    inside = (glass.astype(np.float32) / 255)[..., None]
    part = image[y0:y1, x0:x1].astype(np.float32)
    dark = image.copy()
    dark[y0:y1, x0:x1] = ink.to_image(np.asarray(part * (1 - inside), np.float32))
    light = float(rng.uniform(1.0, 1.5)) if chance(rng, 0.5) else 1.0
    return Stage(dark, np.asarray(part * inside * (light / 255), np.float32), box, _onto(panel, quad))


def _box(quad: QuadArray, size: tuple[int, int]) -> Rect:
    """The pixels that the panel can touch."""
    low = np.clip(np.floor(quad.min(0)).astype(int) - 3, 0, np.array(size) - 2)
    high = np.clip(np.ceil(quad.max(0)).astype(int) + 3, low + 2, np.array(size))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _onto(panel: Panel, quad: QuadArray) -> Matrix:
    own = rectangle(0, 0, *panel.size)
    return np.asarray(cv2.getPerspectiveTransform(own, quad.astype(np.float32)), np.float64)
