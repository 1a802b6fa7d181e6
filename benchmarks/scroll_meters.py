"""Rendered clips as ``recognizer.watch`` takes them, what their owners know of them, and a perfect reader of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

import numpy as np

from recognizer.domain.observation import CHARACTERS, Display, Glyph, Mark, Observation, Quad
from recognizer.domain.policy import Policy
from recognizer.domain.profile import Profile, ProfileScreen, load_profiles
from recognizer.synth.clip import Clip as Rendering
from recognizer.synth.clip import ClipFrame as RenderedFrame
from recognizer.synth.clip import render_clip
from recognizer.synth.clip_meters import FAMILIES, Meter
from recognizer.synth.labels import QuadArray
from recognizer.vision.clip import Clip, ClipFrame, Pace
from recognizer.vision.frame import Frame
from recognizer.vision.pixels import Pixels

SURE = 0.9995
NEWEST, NO_PIXEL = 256, np.uint8(0)


def rendering(
    seed: int,
    number: int,
    size: tuple[int, int] = (640, 480),
    fps: float | None = None,
    seconds: float | None = None,
) -> Rendering:
    """The clip of that number: families take turns."""
    family = tuple(FAMILIES)[number % len(FAMILIES)]
    return render_clip(np.random.default_rng((seed, number)), family, size, fps=fps, seconds=seconds)


def profile_of(meter: Meter) -> Profile | None:
    """What who films a meter can say of it: its built-in profile, or a file of the owner's own, or nothing.

    Titles of split displays and the page codes of Indian utilities differ from meter to meter, so only a file of the
    owner's own can tell them; it names the registers and nothing else.
    """
    built_in = load_profiles()
    if meter.family in built_in:
        return built_in[meter.family]
    if meter.family not in ("secure-split", "indian-pages"):
        return None
    split = meter.family == "secure-split"
    screens, title = [], None
    for screen, _ in meter.cycle:
        row = screen.rows[0] if screen.rows else None
        if row is not None and row.register is not None:
            unit = None if split else row.unit
            screens.append(ProfileScreen(row.register, label=title if split else row.label, unit=unit))
        title = row.label if row is not None and screen.kind == "title" else None
    return Profile("own", meter.family, "the owner", split=split, seconds=2 if split else None, screens=tuple(screens))


class RenderedClip(Clip):
    """A rendering, frame by frame as they are drawn."""

    def __init__(self, drawn: Rendering, name: str = "rendered") -> None:
        self.drawn, self.name, self.seconds = drawn, name, drawn.seconds
        self.seen: dict[bytes, RenderedFrame] = {}
        """The newest frames, without their pixels, by a part of these, for ``PerfectReader``."""

    @property
    def troubles(self) -> tuple[str, ...]:
        return ()

    def frames(self, every: float = 0.0, longest: float = inf) -> Iterator[ClipFrame]:
        pace = Pace(every)
        for frame in self.drawn:
            if frame.time > longest:
                self.late = True
                break
            if pace.due(frame.time):
                pace.taken(frame.time)
                self.seen[_part(frame.image)] = replace(frame, image=np.broadcast_to(NO_PIXEL, frame.image.shape))
                if len(self.seen) > NEWEST:
                    del self.seen[next(iter(self.seen))]
                yield ClipFrame(frame.image, frame.time)


class PerfectReader:
    """Answers from the truth of a rendered clip: certain of a screen that stands, doubtful while it changes."""

    policy = Policy()

    def __init__(self, clip: RenderedClip) -> None:
        self._clip = clip
        self.frames = 0

    def observe(
        self,
        frame: Frame,
        *,
        expected: Sequence[str] = (),
        plate: bool | None = None,
        codes: bool = True,
        dials: bool = True,
        place: Quad | None = None,
        brief: bool = False,
    ) -> Observation:
        self.frames += 1
        return observation_of(self._clip.drawn, self._clip.seen[_part(frame.pixels)])


def observation_of(clip: Rendering, frame: RenderedFrame) -> Observation:
    """What perfect vision gives of a rendered frame; of one that changes or is blurred, doubtful digits."""
    screen = clip.showings[frame.showing].screen
    sure = 0.6 if frame.transition or not frame.clear else SURE
    marks = tuple(Mark(text, sure) for text in screen.marks)
    displays = []
    if screen.kind == "test" and not screen.rows:
        every_mark = tuple(Mark(f"T{n}", sure) for n in range(1, 5))
        displays.append(_display(frame.panel, "888888.8", sure, None, None, every_mark))
    for row, quad in zip(screen.rows, frame.rows, strict=False):
        text = "".join(c for c in (row.value or "").replace(":", ".") if c in CHARACTERS)
        displays.append(_display(quad, text, sure, row.label, row.unit, marks))
    h, w = frame.image.shape[:2]
    return Observation(w, h, 10.0, tuple(displays), models=(("perfect", "000000000000"),))


def _display(
    quad: QuadArray, text: str, sure: float, label: str | None, unit: str | None, marks: tuple[Mark, ...]
) -> Display:
    glyphs = tuple(Glyph(((char, sure),), i / len(text), (i + 1) / len(text)) for i, char in enumerate(text))
    beside = [None if word is None else Mark(word, sure) for word in (label, unit)]
    a, b, c, d = ((float(x), float(y)) for x, y in quad)
    corners: Quad = (a, b, c, d)
    return Display("lcd", corners, 0.99, 0.98, glyphs, beside[0], beside[1], marks)


def _part(pixels: Pixels) -> bytes:
    return np.ascontiguousarray(pixels[::7, ::7]).tobytes()
