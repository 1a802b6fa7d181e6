"""The labels of a visit: which of them are titles, shown alone before a value without a label, and of which value."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from recognizer.domain.labels import plain
from recognizer.domain.observation import Mark
from recognizer.domain.profile import Profile
from recognizer.domain.quads import in_place_of
from recognizer.domain.sightings import Stretch

WORD, BEGINNING, WORD_BELIEVED = 6, 5, 0.98
"""Letters and digits of a title of the meter's profile from which on it is believed when it is read, those of its
beginning that are enough, and how much: chance spells no such words. Of 187 drawn titles that were read doubtfully as
one of them none was another."""
CHANGING = 0.4
"""Seconds for which a title and its value may be seen at once: a changing LCD mixes them for up to 0.3. A number that
stands there longer beside a title is printed on the plate."""

Stretches = tuple[Stretch, ...]
Settled = Callable[[Stretch], bool]
"""Whether a stretch is long and dense enough to count."""


@dataclass(frozen=True, slots=True)
class _Label:
    """A label, and when it stood there without and with a value."""

    label: Mark
    alone: tuple[Stretch, ...] = ()
    beside_value: tuple[Stretch, ...] = ()


class Title(NamedTuple):
    """A title that may be that of a value, and when it was seen last."""

    last: float
    name: str
    label: Mark


class Titles:
    """What was seen of labels; of a ``split`` profile all names of registers are titles. At most ``most`` are kept."""

    def __init__(self, profile: Profile | None, most: int) -> None:
        self.split = profile is not None and profile.split
        names = {plain(s.label) for s in profile.screens if s.label} if profile is not None and self.split else set()
        self._words = frozenset(name for name in names if len(name) >= WORD)
        self._most = most
        self._labels: dict[str, _Label] = {}

    def believed(self, label: Mark | None) -> Mark | None:
        """A label that is a word of the profile, or the beginning of no other one, as that word."""
        words = [w for w in self._words if w.startswith(plain(label.text))] if label is not None else []
        if label is None or len(plain(label.text)) < BEGINNING or len(words) != 1:
            return label
        return Mark(words[0], max(label.probability, WORD_BELIEVED))

    def is_word(self, label: Mark) -> bool:
        """Whether it is a word of the profile: digits beside it are what the counter made of its letters."""
        return plain(label.text) in self._words

    def take(self, label: Mark, seen: Callable[[Stretches], Stretches], *, alone: bool) -> None:
        """Keep that a label stands there, ``alone`` or beside a value; ``seen`` adds this frame to its stretches."""
        name = plain(label.text)
        kept = self._labels.get(name)
        if kept is None:
            if len(self._labels) >= self._most:
                return
            kept = _Label(label)
        surest = max(kept.label, label, key=lambda m: (m.probability, m.text))
        times = seen(kept.alone if alone else kept.beside_value)
        self._labels[name] = replace(kept, label=surest, **{"alone" if alone else "beside_value": times})

    def stand_alone(self, settled: Settled) -> bool:
        """Whether some label was seen alone for a while, and never so beside a value. A single letter is print."""
        return any(
            len(name) > 1 and any(map(settled, kept.alone)) and not any(map(settled, kept.beside_value))
            for name, kept in self._labels.items()
        )

    def before(self, value: Stretch, reach: float, settled: Settled) -> Title | None:
        """The last title of a split display that began before the value, stood where it does, and was over by then, at
        most ``reach`` seconds before it.
        """
        titles = self._before(value, value.first - reach, settled) if self.split else ()
        return max(titles, key=lambda title: (title.last, title.name), default=None)

    def _before(self, value: Stretch, earliest: float, settled: Settled) -> Iterator[Title]:
        for name, kept in self._labels.items():
            sure = name in self._words and kept.label.probability >= WORD_BELIEVED
            for stretch in kept.alone:
                in_time = stretch.first < value.first and earliest <= stretch.last <= value.first + CHANGING
                if in_time and (sure or settled(stretch)) and in_place(value, stretch):
                    yield Title(stretch.last, name, kept.label)


def in_place(value: Stretch, before: Stretch) -> bool:
    """Whether the value stood where the other one did, in any of their frames."""
    return any(in_place_of(v.display.quad, b.display.quad) for v in value.votes for b in before.votes)
