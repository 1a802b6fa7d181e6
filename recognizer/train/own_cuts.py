"""Cut the displays out of a user's photos: where the table's reading stands is found, not asked for.

The locator proposes displays, the counter scores every cut of them by the probability of the reading
(``train.corners`` does the same for the project's photos). A display that the counter cannot read at all is taken by
its place alone where the photo shows no other; one that it reads surely as something else is not, since either the
display or the table is the wrong one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recognizer.errors import InputError
from recognizer.train.corners import PLAUSIBLE, SURE
from recognizer.train.counter import Cutout, cut_out, encode
from recognizer.train.data import Corners
from recognizer.train.own_table import OwnPhoto, shown_texts
from recognizer.vision.counter import glyphs_of, log_probs_of
from recognizer.vision.ctc import text_scores
from recognizer.vision.cuts import OTHER_CUTS
from recognizer.vision.frame import Frame, load_frame
from recognizer.vision.locate import CLEAR, Found, locate, whole_strip
from recognizer.vision.models import Model
from recognizer.vision.rectify import rectify, stretched

SURE_OF_ANOTHER = 0.5
"""Probability of the text read from which a display that does not show the reading is another one."""
CERTAIN = -0.1
"""Log-probability of the reading from which no other cut is tried."""
SOURCE = "own"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A photo that cannot be used, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cut:
    """One way to cut a display: its corners, the text of the reading that fits best, and its log-probability."""

    found: Found
    quad: Corners
    text: str
    score: float


def own_cutouts(locator: Model, counter: Model, photos: Iterable[OwnPhoto]) -> tuple[list[Cutout], list[LeftOut]]:
    """A cutout of each photo whose display is found, and the photos without one with the reason."""
    cutouts, left_out = [], []
    for photo in photos:
        try:
            outcome = _cutout(locator, counter, photo)
        except InputError as error:
            outcome = str(error)
        if isinstance(outcome, str):
            left_out.append(LeftOut(photo.file, outcome))
        else:
            cutouts.append(outcome)
    return cutouts, left_out


def _cutout(locator: Model, counter: Model, photo: OwnPhoto) -> Cutout | str:
    """The cutout, or why there is none. Raises InputError when the photo cannot be opened."""
    frame = load_frame(photo.path)
    finds = [f for f in locate(locator, frame) if photo.kind in ("", f.kind)]
    what = f"{photo.kind} display" if photo.kind else "display"
    if not finds:
        return f"no {what} found"
    clear = [f for f in finds if f.score >= CLEAR]
    if not photo.legible:  # one that says nothing, cut as found
        if len(clear) != 1:
            return f"{len(clear)} displays seen clearly: which one is illegible is not told"
        return cut_out(frame.pixels, clear[0].quad, ("",), SOURCE, clear[0].kind)
    texts = shown_texts(photo.reading)
    best = _best(cut for found in finds for cut in _cuts(counter, frame, found, texts))
    kind = photo.kind or best.found.kind
    if best.score >= PLAUSIBLE:
        # The zeros that the table leaves open are settled where the display reads surely.
        shown = (best.text,) if best.score >= SURE else texts
        return cut_out(frame.pixels, best.quad, shown, SOURCE, kind)
    read, chance = _read(counter, frame, finds[0].quad)
    if len(clear) == 1 and chance < SURE_OF_ANOTHER:
        return cut_out(frame.pixels, clear[0].quad, texts, SOURCE, kind)
    if chance >= SURE_OF_ANOTHER:
        return f"the {what} found reads {read}, not {photo.reading}: another display, or a wrong line of the table"
    return f"{len(clear)} displays seen clearly, and none of them reads like {photo.reading}"


def _best(cuts: Iterable[Cut]) -> Cut:
    """The cut that shows the reading most probably; the first that surely does, as the reader looks no further then."""
    tried = []
    for cut in cuts:
        tried.append(cut)
        if cut.score >= CERTAIN:
            break
    return max(tried, key=lambda cut: cut.score)


def _cuts(counter: Model, frame: Frame, found: Found, texts: tuple[str, ...]) -> Iterable[Cut]:
    """As the reader cuts a display: as found, wider, taller, flatter, the whole of a strip; either way up."""
    codes = [tuple(encode(t)) for t in texts]
    quads = [found.quad, *(stretched(found.quad, along, along, across) for along, across in OTHER_CUTS)]
    if (whole := whole_strip(frame)) is not None:
        quads.append(whole)
    for quad in (*quads, *(np.roll(q, 2, axis=0) for q in quads)):
        scores = text_scores(log_probs_of(counter, rectify(frame.pixels, quad)), codes)
        yield Cut(found, quad, texts[int(scores.argmax())], float(scores.max()))


def _read(counter: Model, frame: Frame, quad: Corners) -> tuple[str, float]:
    """What the counter reads there, and how probable it is."""
    glyphs = glyphs_of(log_probs_of(counter, rectify(frame.pixels, quad)))
    text = "".join(g.odds[0][0] for g in glyphs if g.odds and g.odds[0][1] > g.absent)
    return text, float(np.prod([max(g.absent, g.odds[0][1]) for g in glyphs])) if text else 0.0
