"""What vision saw in one frame, as plain data: it can be stored, replayed, and written by hand in a test.

Nothing here knows pixels. Odds stay odds: no digit is decided before ``recognizer.domain.decode``.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from recognizer.domain.code import Code

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
"""Four corners in reading order (top-left, top-right, bottom-right, bottom-left of the upright text),
in pixels of the upright full-size photo; so the quad also tells the rotation."""

DisplayKind = Literal["lcd", "drum"]
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

    def __post_init__(self) -> None:
        if any(c not in CHARACTERS or len(c) != 1 or not 0 <= p <= 1 for c, p in self.odds):
            raise ValueError(f"odds are (character of {CHARACTERS!r}, probability) pairs, got {self.odds!r}")
        if sum(p for _, p in self.odds) > 1 + 1e-3:
            raise ValueError(f"the odds of one position add up to more than 1: {self.odds!r}")

    @property
    def absent(self) -> float:
        """Probability that nothing stands at this position."""
        return max(0.0, 1.0 - sum(p for _, p in self.odds))


@dataclass(frozen=True, slots=True)
class Display:
    """One display found in the frame: where it is and what may stand on it."""

    kind: DisplayKind
    quad: Quad
    score: float
    """How sure the locator is that a display of this kind is here, 0 to 1."""
    legible: float
    """How sure the locator is that the display can be read (not off, covered or washed out), 0 to 1."""
    glyphs: tuple[Glyph, ...] = ()


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

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; ``from_dict`` gives an equal observation back."""
        return asdict(self) | {"codes": [code.to_dict() for code in self.codes]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Observation":
        """Rebuild an observation from ``to_dict`` output, or from the same after a trip through JSON."""
        displays = tuple(
            Display(
                kind=d["kind"],
                quad=_quad(d["quad"]),
                score=d["score"],
                legible=d["legible"],
                glyphs=tuple(Glyph(tuple((c, p) for c, p in g["odds"]), g["start"], g["end"]) for g in d["glyphs"]),
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
        )


def _quad(corners: Any) -> Quad:
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return (a, b, c, d)
