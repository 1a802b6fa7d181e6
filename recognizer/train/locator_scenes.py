"""Drawn training pictures of the locator: whole scenes, filmed LCDs, and LCDs laid over the counters of real photos."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from recognizer.synth import render_scene
from recognizer.synth.clip import render_clip
from recognizer.synth.clip_meters import FAMILIES
from recognizer.synth.clip_stage import Ground
from recognizer.synth.drum import DrumStyle
from recognizer.synth.labels import QuadArray, Row, ScreenPicture
from recognizer.synth.scene import MeterPlan, Scene
from recognizer.synth.screen_real import draw_screen_on
from recognizer.train.data import Corners, Example, Image
from recognizer.train.locator import CachedPhoto, cache_photo
from recognizer.train.screens import draw, draw_blank, draw_title
from recognizer.vision.panel import sides

MakePhoto = Callable[[np.random.Generator], CachedPhoto]
ALL_ROWS = 0.35
"""Share of the filmed meters that show several registers at once."""
TITLES, BLANK = 0.1, 0.2
"""Shares of the LCDs laid over counters that show a title and no value, and that are off."""


def scene(rng: np.random.Generator) -> CachedPhoto:
    return _cached(render_scene(rng, _size(rng)))


def gas_meter(rng: np.random.Generator) -> CachedPhoto:
    """A counter in a dark band that is longer than its wheels: no training photo shows one."""
    plan = MeterPlan(kind="drum", round=False, drum=DrumStyle.sample_gas(rng))
    return _cached(render_scene(rng, _size(rng), plans=[plan]))


def filmed(rng: np.random.Generator) -> CachedPhoto:
    """The first frame of a scrolling LCD, many of them of a meter that shows several rows: each row is a display."""
    family = "all-rows" if rng.random() < ALL_ROWS else str(rng.choice(list(FAMILIES)))
    clip = render_clip(rng, family, (640, 480))
    frame = next(iter(clip))
    shown = _shown(clip.showings[frame.showing].screen.rows, frame.rows, frame.labels)
    return cache_photo(frame.image, tuple(("lcd", quad, frame.clear) for quad in shown))


def on_real_glass(grounds: Sequence[Ground]) -> MakePhoto:
    """A screen drawn onto a real display that is off."""

    def make(rng: np.random.Generator) -> CachedPhoto:
        drawn = draw_screen_on(rng, grounds[int(rng.integers(len(grounds)))])
        return cache_photo(drawn.image, tuple(("lcd", quad, True) for quad in _shown_in(drawn)))

    return make


def over_counters(examples: Sequence[Example], photos: Sequence[CachedPhoto]) -> MakePhoto:
    """A drawn LCD, its plate around it, laid over the counter of a real photo: real surroundings for any screen.

    ``photos`` are those of ``examples``, each with the one display that it shows.
    """
    whole = [p for e, p in zip(examples, photos, strict=True) if not p.cut_out and e.source != "fuel-pump-lcd"]

    def make(rng: np.random.Generator) -> CachedPhoto:
        while True:
            photo = whole[int(rng.integers(len(whole)))]
            (_, counter, _), image = photo.displays[0], photo.levels[0].copy()
            roll = rng.random()
            off = roll < BLANK
            drawn = draw_blank(rng) if off else draw_title(rng) if roll < BLANK + TITLES else draw(rng)
            matrix = _over(rng, drawn.image.shape[:2], counter)
            _lay(rng, image, drawn.image, matrix)
            boxes = [np.asarray(drawn.boxes[0].value, np.float32)] if off else _shown_in(drawn)
            quads = [cv2.perspectiveTransform(quad[None], matrix)[0] for quad in boxes]
            if all((quad > 0).all() and (quad < image.shape[1::-1]).all() for quad in quads):
                return cache_photo(image, tuple(("lcd", quad, not off) for quad in quads))

    return make


def _size(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(480, 800)), int(rng.integers(480, 800))


def _cached(drawn: Scene) -> CachedPhoto:
    return cache_photo(drawn.image, tuple((d.kind, np.asarray(d.quad, np.float32), d.legible) for d in drawn.displays))


def _shown_in(drawn: ScreenPicture) -> list[Corners]:
    boxes = drawn.boxes
    return _shown(drawn.screen.rows, [box.value for box in boxes], [box.label for box in boxes])


def _shown(rows: Sequence[Row], values: Sequence[QuadArray], labels: Sequence[QuadArray | None]) -> list[Corners]:
    """What of each row is found: its value, or the title that stands alone."""
    found = (value if row.value else label for row, value, label in zip(rows, values, labels, strict=False))
    return [np.asarray(quad, np.float32) for quad in found if quad is not None]


def _over(rng: np.random.Generator, shape: tuple[int, ...], counter: Corners) -> Corners:
    """The homography that lays a picture of this shape over the counter, turned like it, covering all of it."""
    (height, width), (along, tall) = shape, sides(counter)
    zoom = max(along / width, tall / height) * float(rng.uniform(1.15, 2.0))
    x = (counter[1] - counter[0] + counter[2] - counter[3]) / max(1e-3, 2 * along)
    y = np.array([-x[1], x[0]], np.float32)
    half = np.array([[-width, -height], [width, -height], [width, height], [-width, height]], np.float32) / 2
    half *= zoom * np.exp(rng.normal(0, 0.03, 2)).astype(np.float32)
    half += rng.normal(0, 0.02 * zoom * height, (4, 2)).astype(np.float32)
    goal = counter.mean(0) + half[:, :1] * x + half[:, 1:] * y
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(source, goal.astype(np.float32)), np.float32)


def _lay(rng: np.random.Generator, image: Image, picture: Image, matrix: Corners) -> None:
    """Put the picture into the photo, in place, with its light and with a soft rim."""
    height, width = image.shape[:2]
    zoom = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if zoom < 0.7:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 / max(zoom, 0.05)), np.uint8)
    laid = cv2.warpPerspective(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpPerspective(np.full(picture.shape[:2], 255, np.uint8), matrix, (width, height))
    cover = cv2.GaussianBlur(cover, (0, 0), float(rng.uniform(0.5, 1.5)))
    under = float(image[cover > 127].mean()) if (cover > 127).any() else 128.0
    light = np.clip(float(rng.uniform(0.7, 1.2)) * (under + 60) / 190, 0.35, 1.3)
    weight = (cover.astype(np.float32) / 255)[..., None]
    image[:] = np.clip(image * (1 - weight) + laid.astype(np.float32) * light * weight, 0, 255).astype(np.uint8)
