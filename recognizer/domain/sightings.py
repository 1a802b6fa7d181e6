"""When what was seen: the frames of a visit, kept as few stretches of time and never as a list of frames.

A stretch grows with every frame that falls into it and two stretches that meet become one, so it does not matter in
which order frames come. One text of one register is a handful of stretches however long the camera looks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor

from recognizer.domain.observation import Display
from recognizer.domain.reading import Candidate
from recognizer.domain.register import Screen


@dataclass(frozen=True, slots=True)
class Vote:
    """What the most certain frame of one time window says of one reading."""

    window: int
    at: float
    """Seconds into the visit."""
    confidence: float
    """Chance that the reading of this frame is right, register and all."""
    candidates: tuple[Candidate, ...]
    """Texts with the chance that each is the right one; the first is the reading."""
    display: Display
    screen: Screen

    @property
    def rank(self) -> tuple[object, ...]:
        """The most certain vote first. An order of all votes, so that which of them are kept hangs on nothing else."""
        texts = tuple((c.text, c.probability) for c in self.candidates)
        return -self.confidence, self.at, self.window, self.display.quad, texts


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the same was seen again and again, from ``first`` to ``last`` in seconds."""

    first: float
    last: float
    votes: tuple[Vote, ...] = ()
    """The most certain ones, one a window."""
    frames: int = 1

    @property
    def seconds(self) -> float:
        return self.last - self.first

    def within(self, other: "Stretch", margin: float) -> bool:
        """Whether this lies in or beside the other one, at most ``margin`` seconds away.

        Either is asked of the other, and a rounded sum would answer differently.
        """
        return max(self.first, other.first) - min(self.last, other.last) <= margin


def window_of(at: float, seconds: float) -> int:
    return floor(at / seconds)


def extended(
    stretches: tuple[Stretch, ...], at: float, votes: tuple[Vote, ...], *, gap: float, most_votes: int, most: int
) -> tuple[Stretch, ...]:
    """The stretches with one frame more, in order of time; frames up to ``gap`` seconds apart belong together.

    Of more than ``most`` stretches the two that are closest to each other become one: that costs a little precision
    and loses no sighting.
    """
    new = Stretch(at, at, votes)
    apart = []
    for old in stretches:
        if new.within(old, gap):
            new = joined(old, new, most_votes)
        else:
            apart.append(old)
    grown = sorted((*apart, new), key=lambda s: s.first)
    if len(grown) > most:
        closest = min(range(len(grown) - 1), key=lambda i: grown[i + 1].first - grown[i].last)
        grown[closest : closest + 2] = [joined(grown[closest], grown[closest + 1], most_votes)]
    return tuple(grown)


def best_votes(votes: Iterable[Vote], most: int) -> tuple[Vote, ...]:
    """The ``most`` most certain votes, best first; near-copies, those of one window, share one."""
    of_window: dict[int, Vote] = {}
    for vote in sorted(votes, key=lambda v: v.rank):
        of_window.setdefault(vote.window, vote)
    return tuple(sorted(of_window.values(), key=lambda v: v.rank)[:most])


def joined(one: Stretch, other: Stretch, most_votes: int) -> Stretch:
    """One stretch over the time of both."""
    votes = best_votes((*one.votes, *other.votes), most_votes)
    return Stretch(min(one.first, other.first), max(one.last, other.last), votes, one.frames + other.frames)
