"""Two sets of models on the same photos, and whether the new set may take the old one's place.

Photo by photo, since two shares of the same photos tell less than the photos on which they differ: these are counted,
and the exact sign test (McNemar 1947, by the binomial distribution) says how often chance alone parts them so unevenly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np

from recognizer.domain.conclude import conclude
from recognizer.domain.observation import Observation
from recognizer.domain.policy import Policy
from recognizer.evaluate import Answer, Figure, Truth, number, right
from recognizer.reader import MeterReader
from recognizer.synth import degrade, render_strip
from recognizer.synth.samples import render_samples
from recognizer.vision.counter import read_strip
from recognizer.vision.frame import load_frame
from recognizer.vision.models import Model
from recognizer.vision.rectify import rectify

STRIPS = 100
"""Rendered strips of each kind: the samples alone are too few to notice half of what may be forgotten."""
CHANCE = 0.1
"""Of the two-sided test: rendered pictures may be lost as long as chance does that more often (5 % on the one side)."""
RIGHT: dict[str, Figure] = {
    "reading": Figure("own", "the number read", "reading", number),
    "refusal": Figure("own", "unreadable: no reading accepted", "refusal"),
}
Seen = Sequence[tuple[Truth, Observation]]


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one picture. An answer that is not right is no error before somebody relies on it."""

    file: str
    right: bool
    accepted: bool = False
    confidence: float = 0.0
    guessed: bool = False
    """Whether the most probable text is right, given or not: what a confidence is the chance of."""
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same pictures by the old models and by the new ones, in the same order."""

    before: tuple[Scored, ...]
    after: tuple[Scored, ...]

    def __post_init__(self) -> None:
        if [s.file for s in self.before] != [s.file for s in self.after]:
            raise ValueError("two sets of models are compared on the same pictures")

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(self.before + other.before, self.after + other.after)

    @property
    def gained(self) -> int:
        return sum(b.right < a.right for b, a in zip(self.before, self.after, strict=True))

    @property
    def lost(self) -> int:
        return sum(b.right > a.right for b, a in zip(self.before, self.after, strict=True))

    @property
    def p(self) -> float:
        return sign_test(self.gained, self.lost)

    def __str__(self) -> str:
        before, after = (sum(s.right for s in side) for side in (self.before, self.after))
        return (
            f"right {before} before and {after} after, of {len(self.before)} "
            f"({self.gained} gained, {self.lost} lost, p = {self.p:.2g})"
        )


def sign_test(gained: int, lost: int) -> float:
    """Chance that, were both alike, as uneven a split of the pictures on which they differ comes about; two-sided."""
    n = gained + lost
    return min(1.0, 2 * sum(comb(n, k) for k in range(min(gained, lost) + 1)) / 2**n)


def wrongly_accepted(scored: Iterable[Scored]) -> int:
    return sum(s.accepted and not s.right for s in scored)


def objection(held: Comparison, rendered: Comparison) -> str | None:
    """Why the new models are worse than the old ones; None when they are not.

    On the user's photos they must not read fewer, by chance or not: a gain there is what they are for. On rendered
    pictures they must not lose more than chance does. Neither must more wrong readings be accepted.
    """
    faults = []
    if held.lost > held.gained:
        faults.append("it reads fewer of your held-back photos")
    if rendered.lost > rendered.gained and rendered.p < CHANCE:
        faults.append("it forgets rendered pictures that are read today")
    for what, pair in (("held-back photos", held), ("rendered pictures", rendered)):
        before, after = wrongly_accepted(pair.before), wrongly_accepted(pair.after)
        if after > before:
            faults.append(f"it accepts {after} wrong readings of {what}, not {before}")
    return f"{'; '.join(faults)}. Held-back photos: {held}. Rendered pictures: {rendered}" if faults else None


def observe(reader: MeterReader, photos: Iterable[tuple[Path, Truth]]) -> list[tuple[Truth, Observation]]:
    """What a reader sees in photos; raises InputError for one that cannot be opened."""
    return [(truth, reader.observe(load_frame(path))) for path, truth in photos]


def score(seen: Seen, policy: Policy) -> tuple[Scored, ...]:
    """Whole photos: right is a reading, accepted or for a person to review, that is the truth's number."""
    scored = []
    for truth, observation in seen:
        report = conclude(observation, source=truth.file, policy=policy)
        answer, figure = Answer.of(report), RIGHT[truth.demand]
        first = report.readings[0] if report.readings else None
        scored.append(
            Scored(
                truth.file,
                right(figure, truth, answer),
                answer.status == "accepted",
                answer.confidence,
                truth.legible and right(figure, truth, answer, guess=True),
                first.kind if first is not None and first.kind != "dial" else None,
            )
        )
    return tuple(scored)


def samples(folder: Path) -> list[tuple[Path, Truth]]:
    """The project's sample photos, rendered into ``folder``: a fixed set, which no user's photo is part of."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        (folder / t["file"], Truth(t["file"], "own", "", t["kind"] or "", "", t["reading"], t["legible"]))
        for t in render_samples(folder)
    ]


def score_strips(counter: Model, each: int = STRIPS) -> tuple[Scored, ...]:
    """A fixed set of rendered LCDs and drums, cut by their true corners, by the counter alone."""
    scored = []
    for seed in range(2 * each):
        rng = np.random.default_rng([27, seed])
        strip = render_strip(rng, ("lcd", "drum")[seed % 2])
        image = degrade(rng, strip.image) if seed % 4 > 1 else strip.image
        glyphs = read_strip((counter,), rectify(image, np.asarray(strip.quad, np.float32)))
        text = "".join(g.odds[0][0] for g in glyphs if g.odds and g.odds[0][1] > g.absent)
        scored.append(Scored(f"strip {seed}", text == strip.text))
    return tuple(scored)
