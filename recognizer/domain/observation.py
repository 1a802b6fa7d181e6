"""What vision saw in one frame, as plain data: it can be stored, replayed, and written by hand in a test.

Nothing here knows pixels. Odds stay odds: no digit is decided before ``recognizer.domain.decode``.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from recognizer.domain.code import Code
from recognizer.domain.photo_print import PhotoPrint

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
"""Four corners in reading order (top-left, top-right, bottom-right, bottom-left of the upright text),
in pixels of the upright full-size photo; so the quad also tells the rotation."""

DisplayKind = Literal["lcd", "drum", "dial"]
CHARACTERS = "0123456789."


@dataclass(frozen=True, slots=True)
class Glyph:
    """Odds over what stands at one position of a display.

    ``odds`` holds (character, probability) pairs, most probable first; characters are ``0``-``9`` and ``.``
    (a decimal point, or the boundary to the red wheels of a drum). What is missing to 1 is the chance that
    nothing stands here. ``start`` and ``end`` bound the position along the strip, 0 left to 1 right.
    A half-turned wheel keeps both its digits in ``odds``.
    """

    odds: tuple[tuple[str, float], ...]
    start: float
    end: float
    turn: float | None = None
    """Of a drum's wheel how it stands, 0 to below 10: 3.8 is 80 % of the way from 3 to 4. None: not seen clearly."""

    def __post_init__(self) -> None:
        if self.turn is not None and not 0 <= self.turn < 10:
            raise ValueError(f"a wheel stands from 0 to below 10, got {self.turn!r}")
        if any(c not in CHARACTERS or len(c) != 1 or not 0 <= p <= 1 for c, p in self.odds):
            raise ValueError(f"odds are (character of {CHARACTERS!r}, probability) pairs, got {self.odds!r}")
        if sum(p for _, p in self.odds) > 1 + 1e-3:
            raise ValueError(f"the odds of one position add up to more than 1: {self.odds!r}")

    @property
    def absent(self) -> float:
        """Probability that nothing stands at this position."""
        return max(0.0, 1.0 - sum(p for _, p in self.odds))


@dataclass(frozen=True, slots=True)
class Mark:
    """A text beside the digits, as it stands there, and the chance from 0 to 1 that it does."""

    text: str
    probability: float

    def __post_init__(self) -> None:
        if not self.text.strip() or not 0 <= self.probability <= 1:
            raise ValueError(f"a mark is a text and a probability, got {self.text!r} and {self.probability!r}")


@dataclass(frozen=True, slots=True)
class Dial:
    """A needle on a scale of ten numbers.

    ``turns`` holds (turn, probability) pairs, most probable first; a turn is in tenths of the circle clockwise from
    the top of the dial's square, 0 to below 10, whichever way the numbers run. What is missing to 1 is spread thinly.
    """

    turns: tuple[tuple[float, float], ...]
    anticlockwise: float
    """The chance that the numbers run anticlockwise, as far as they can be seen."""
    factor: str | None
    """What one number is worth: ``0.1`` in units of the drum's last wheel, ``100`` in a row; None: not known."""

    def __post_init__(self) -> None:
        if any(not 0 <= turn < 10 or not 0 <= p <= 1 for turn, p in self.turns):
            raise ValueError(f"turns are (0 to below 10, probability) pairs, got {self.turns!r}")
        if sum(p for _, p in self.turns) > 1 + 1e-2 or not 0 <= self.anticlockwise <= 1:
            raise ValueError(f"the odds of a needle add up to at most 1, got {self!r}")


@dataclass(frozen=True, slots=True)
class Display:
    """One row of digits found in the frame: where it is and what may stand on it and beside it.

    An LCD that shows several values at once is several displays. One without glyphs but with a label is a title,
    whose value follows on the next screen. What the texts mean is for ``recognizer.domain.register`` to say.
    """

    kind: DisplayKind
    quad: Quad
    score: float
    """How sure the locator is that a display of this kind is here, 0 to 1."""
    legible: float
    """How sure the locator is that the display can be read (not off, covered or washed out), 0 to 1."""
    glyphs: tuple[Glyph, ...] = ()
    label: Mark | None = None
    """What the value is called there: ``1.8.1``, ``T1``, a page code, a title. None: no label is there."""
    unit: Mark | None = None
    """``kWh``, ``кВт·ч``, ``m³`` …; None: no unit is shown, which is not the same as one that cannot be read."""
    marks: tuple[Mark, ...] = ()
    """What else is lit: tariffs (T1, Т2, ①), arrows, CUM, MAX. A mark stands there or does not, each by itself."""
    dial: Dial | None = None
    """Of a display of kind dial its needle: such a display is a single pointer and has no glyphs."""


@dataclass(frozen=True, slots=True)
class PlateText:
    """A line of print on the meter, as it was read; what it says is for ``recognizer.domain.plate`` to find."""

    text: str
    confidence: float
    """The chance from 0 to 1 that its longest number is right; little where readings of the line differ."""
    box: Quad
    beside_code: bool = False
    """Whether a code was found right beside, above or below it."""

    def __post_init__(self) -> None:
        if not self.text.strip() or not 0 <= self.confidence <= 1:
            raise ValueError(f"print is a text and a confidence from 0 to 1, got {self.text!r} and {self.confidence!r}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; corners to a tenth of a pixel."""
        box = [[round(x, 1), round(y, 1)] for x, y in self.box]
        return {"text": self.text, "confidence": self.confidence, "box": box, "beside_code": self.beside_code}


@dataclass(frozen=True, slots=True)
class Observation:
    """One frame as vision saw it."""

    width: int
    height: int
    sharpness: float
    displays: tuple[Display, ...] = ()
    codes: tuple[Code, ...] = ()
    models: tuple[tuple[str, str], ...] = ()
    """(role, first 12 digits of the SHA-256) of every model that had a part in this observation."""
    photo: PhotoPrint | None = None
    """What the photo can be known again by; None in observations made before there was one."""
    plate: tuple[PlateText, ...] = ()
    """Print on the meter, where it was looked at; often it is not, since that takes longer than all the rest."""
    plate_not_read: str | None = None
    """Why the print could not be looked at though it was wanted: a serial not looked for is not one not there."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; ``from_dict`` gives an equal observation back."""
        photo = None if self.photo is None else self.photo.to_dict()
        return asdict(self) | {"codes": [code.to_dict() for code in self.codes], "photo": photo}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Observation":
        """Rebuild an observation from ``to_dict`` output, or from the same after a trip through JSON.

        What was stored before displays had labels, units, marks and needles, and wheels turns, loads without them.
        """
        displays = tuple(
            Display(
                kind=d["kind"],
                quad=_quad(d["quad"]),
                score=d["score"],
                legible=d["legible"],
                glyphs=tuple(_glyph(g) for g in d["glyphs"]),
                label=_mark(d.get("label")),
                unit=_mark(d.get("unit")),
                marks=tuple(Mark(m["text"], m["probability"]) for m in d.get("marks", ())),
                dial=_dial(d.get("dial")),
            )
            for d in data["displays"]
        )
        return cls(
            width=data["width"],
            height=data["height"],
            sharpness=data["sharpness"],
            displays=displays,
            codes=tuple(Code.from_dict(code) for code in data.get("codes", ())),
            models=tuple((role, digest) for role, digest in data["models"]),
            photo=PhotoPrint.from_dict(data["photo"]) if data.get("photo") else None,
            plate=tuple(
                PlateText(p["text"], p["confidence"], _quad(p["box"]), p["beside_code"]) for p in data.get("plate", ())
            ),
            plate_not_read=data.get("plate_not_read"),
        )


def _glyph(data: Any) -> Glyph:
    return Glyph(tuple((c, p) for c, p in data["odds"]), data["start"], data["end"], data.get("turn"))


def _mark(data: Any) -> Mark | None:
    return None if data is None else Mark(data["text"], data["probability"])


def _dial(data: Any) -> Dial | None:
    if data is None:
        return None
    return Dial(tuple((turn, p) for turn, p in data["turns"]), data["anticlockwise"], data["factor"])


def _quad(corners: Any) -> Quad:
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return (a, b, c, d)
