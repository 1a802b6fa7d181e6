"""What a scrolling display has shown so far, and what of it counts: no ghosts, no labels that changed too early.

The state is bounded: stretches of time by screen and text. What counts is decided anew every time it is asked for.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import NamedTuple

from recognizer.domain.alike import jumps, nearly, one_lost
from recognizer.domain.labels import meaning, plain, unit_of
from recognizer.domain.look import Seen
from recognizer.domain.observation import Display, Mark
from recognizer.domain.profile import Profile
from recognizer.domain.reading import Candidate
from recognizer.domain.register import (
    FAINT,
    Screen,
    by_absence,
    is_title,
    marked_surely,
    says_register,
    which_register,
    without_time,
)
from recognizer.domain.sightings import Stretch, Vote, best_votes, extended, joined, window_of
from recognizer.domain.tariff_marks import HARDLY_LIT, LIT, TariffMarks
from recognizer.domain.titles import Titles, in_place
from recognizer.domain.visit_rules import VisitRules

_NO_READING, _UNNAMED = "!", "?"
_UNFIT = {"wrong_shape", "point_missed", "larger_display_unread"}
NO_SIGN = 0.02
"""Chance of a tariff mark, all frames of a number taken together, below which there is no sign of any."""
LABELLED = 0.33
"""Frames in which something that could not be read stood beside a number, over those in which nothing did, from which
on it is no total by absence: beside 046515 a faint T4 was nothing, a doubtful T and an uncertain T4 in turn."""
SOMETIMES = 0.1
"""Frames in which the label of a number was read, over all of its frames, from which on it counts: page 08 was read
in 5 of 22, lost or cut off in the others."""


class _Key(NamedTuple):
    screen: str
    """A register, "" where none is known, ``?`` where what names it cannot be read, or ``!`` and the reason why the
    screen is none."""
    stated: bool
    text: str


@dataclass(frozen=True, slots=True)
class Showing:
    """One text of one register, and a stretch of time in which it stood there."""

    screen: Screen
    text: str
    stretch: Stretch


class Scroll:
    """The memory of a visit. ``fewest_digits``: a screen with a label and fewer digits than these is a title."""

    def __init__(self, rules: VisitRules, profile: Profile | None, fewest_digits: int) -> None:
        self._rules, self._profile, self._fewest_digits = rules, profile, fewest_digits
        self._titles = Titles(profile, rules.most_texts)
        self._gap, self._reach = rules.gap, rules.reach
        if profile is not None and profile.split and profile.seconds is not None:
            # The same value before and after a title stands on two screens, not on one; a title that was seen only at
            # its beginning stands for as long before its value.
            self._gap, self._reach = min(rules.gap, 0.75 * profile.seconds), max(rules.reach, profile.seconds)
        self._frames: tuple[Stretch, ...] = ()
        self._texts: dict[_Key, tuple[Stretch, ...]] = {}
        self._rows: set[frozenset[str]] = set()
        marks = {s.mark for s in profile.screens if s.mark is not None} if profile is not None else set()
        tells_by_marks = any(map(says_register, marks))
        self._marks_show = not tells_by_marks or not rules.bare
        """Whether marks of registers can be seen on this display: where the profile has some, once one was."""
        self._marks = TariffMarks(rules.most_texts)

    def take(self, frame: Sequence[Seen], at: float) -> None:
        """Keep what the displays of one frame show, ``at`` seconds into the visit."""
        self._frames = self._extended(self._frames, at, ())
        screens = set()
        unstated = False
        for seen in frame:
            if not seen.screen.stated:
                if unstated:
                    continue  # of displays that say nothing the billed one comes first, as in a photo
                # Where titles tell which display it is, what stands elsewhere and cannot be read counts for nothing.
                unstated = not self._titles.split or seen.reading.status != "refused"
            screens.add(self._take(seen, at))
        registers = sorted(s for s in screens if s and not s.startswith(_NO_READING))
        for place, one in enumerate(registers[:8]):
            self._rows |= {frozenset((one, other)) for other in registers[place + 1 : 8]}

    def showings(self) -> list[Showing]:
        """Every stretch that counts, with the register it is of.

        In between there may be frames in which what names the number could not be read; as long as the number is the
        same, or nearly so, they count for its digits, or against them.
        """
        named, in_titles = list(self._named()), self.speaks_in_titles
        texts = {(s.screen.register, s.text) for s in named}
        # Where there are titles, these name what stood long enough without a name; only what stood briefly is left.
        shown = list(named) if in_titles else [replace(s, stretch=self._with_unnamed(s)) for s in named]
        for key, stretches in self._texts.items():
            for stretch in stretches if not key.screen.startswith(_NO_READING) else ():
                settled = self._settled(stretch)
                nameless = key.screen == _UNNAMED or (in_titles and not key.stated)
                margin = 0.0 if nameless and not in_titles else self._gap
                # What stood long enough and is held back may be of another register, which differs in a digit.
                alike = one_lost if settled and (in_titles or not nameless) else nearly
                of = [s for s in named if s.stretch.within(stretch, margin) and alike(key.text, s.text)]
                screens = {s.screen.register: s.screen for s in of if (s.screen.register, key.text) not in texts}
                if nameless and len(screens) == 1 and (settled or in_titles):
                    (screen,) = screens.values()
                    shown.append(Showing(screen, key.text, _shared(stretch, screen.probability)))
                elif key.screen in screens:
                    shown.append(Showing(screens[key.screen], key.text, stretch))
        return shown

    def _named(self) -> Iterator[Showing]:
        alike: defaultdict[str, list[_Key]] = defaultdict(list)
        for key, stretches in self._texts.items():
            votes = [vote for stretch in stretches for vote in stretch.votes]
            unlit = votes and not any(self._lit(key.text, vote.display, HARDLY_LIT) for vote in votes)
            if key.screen not in ("", _UNNAMED) and not unlit:
                alike[key.text].append(key)
        in_titles = self.speaks_in_titles
        totals = self._totals_beside_unlit_marks()
        for showings in totals.values():
            yield from showings
        for key, stretches in self._texts.items():
            if key.text in totals:
                continue
            nameless = not key.stated or key.screen == _UNNAMED
            if key.screen.startswith(_NO_READING) or (key.screen == _UNNAMED and not in_titles):
                continue
            for stretch in stretches:
                stands = self._settled(stretch) or self._labelled_now_and_then(key, stretch)
                if not stands or self._echoes(key, stretch, alike[key.text]):
                    continue
                title = self._title_of(stretch) if in_titles and nameless else None
                if in_titles and nameless and title is None:
                    continue
                best = stretch.votes[0]
                absent = title is None and by_absence(best.display)
                if absent and not self._is_bare_total(key, stretch):
                    continue
                # What a mark names a label may name too, in frames in which it was read.
                if title is None and not any(self._lit(key.text, vote.display) for vote in stretch.votes):
                    continue
                screen = best.screen if title is None else self._under(title, best.display)
                if screen.register is not None:
                    yield Showing(screen, key.text, _shared(stretch, screen.probability) if nameless else stretch)

    def _totals_beside_unlit_marks(self) -> dict[str, list[Showing]]:
        """Numbers beside which only marks stood that are unlit, as other numbers tell: totals by absence."""
        unlit = {} if self.speaks_in_titles or self._rows else self._marks.unlit()
        found = {text: self._without_unlit(text, marks) for text, marks in unlit.items()}
        return {text: showings for text, showings in found.items() if showings}

    def _without_unlit(self, text: str, unlit: frozenset[str]) -> list[Showing]:
        """The number as if these marks had not been seen; nothing where anything else may name it.

        CUM and TOTAL name what it is then.
        """
        chances = self._marks.chances(text)
        unlit |= {mark for mark in chances if meaning(mark).tariff == 0}
        left = sum(chance for mark, chance in chances.items() if mark not in unlit)
        own = [(key, stretch) for key, times in self._texts.items() if key.text == text for stretch in times]
        votes = [tuple(self._without_marks(v, key, unlit) for v in stretch.votes) for key, stretch in own]
        bare = [tuple(v for v in of if by_absence(v.display) and v.screen.register is not None) for of in votes]
        mostly = 2 * sum(map(len, bare)) > sum(map(len, votes))
        labelled = any(_surely(v.display.label) for of in votes for v in of)
        elsewhere = labelled or any(key.screen.startswith(_NO_READING) for key, _ in own)
        if not mostly or elsewhere or any(self._wavers(key, stretch) for key, stretch in own):
            return []
        seen = [replace(stretch, votes=of) for (_, stretch), of in zip(own, bare, strict=True)]
        return [
            Showing(stretch.votes[0].screen, text, stretch)
            for stretch in _put_together(seen, self._gap, self._rules.fusion.most_votes)
            if stretch.votes and self._settled(stretch) and self._no_sign(left, stretch)
        ]

    def _without_marks(self, vote: Vote, key: _Key, unlit: frozenset[str]) -> Vote:
        """The vote, had these marks not been seen. Where it stood under a register it has the share of that one."""
        display = replace(vote.display, marks=tuple(m for m in vote.display.marks if plain(m.text) not in unlit))
        screen = which_register(without_time(display, key.text), self._profile)
        named = key.stated and key.screen != _UNNAMED
        share = screen.probability / (max(vote.screen.probability, 1e-6) if named else 1.0)
        confidence = min(1.0, vote.confidence * share)
        return replace(
            vote, display=display, screen=screen, confidence=confidence,
            candidates=_chances(vote.candidates, confidence),
        )  # fmt: skip

    def _with_unnamed(self, of: Showing) -> Stretch:
        """The stretch with the votes of frames in which the same number stood and what names it could not be read."""
        unnamed = self._texts.get(_Key(_UNNAMED, True, of.text), ())
        near = [_shared(s, of.screen.probability) for s in unnamed if of.stretch.within(s, self._gap)]
        votes = best_votes((*of.stretch.votes, *(v for s in near for v in s.votes)), self._rules.fusion.most_votes)
        return replace(of.stretch, votes=votes)

    def unnamed(self) -> list[Showing]:
        """What stood long enough without anything that tells its register, and with no unit of anything but energy.

        Totals by absence are among it: a mark that fades keeps them from being filed.
        """
        return [
            Showing(stretch.votes[0].screen, key.text, stretch)
            for key, stretches in self._texts.items()
            if not key.screen.startswith(_NO_READING)
            for stretch in stretches
            if key.screen == _UNNAMED or not key.stated or by_absence(stretch.votes[0].display)
            if self._settled(stretch) and any(_may_count_energy(vote.screen.unit) for vote in stretch.votes)
        ]

    @property
    def speaks_in_titles(self) -> bool:
        """Whether values without a label belong to titles on other screens.

        Only a profile may say to which; without one, a screen whose digits could not be read would pass for a title,
        and so nothing without a label is filed once there was one.
        """
        return self._titles.split or self._titles.stand_alone(self._settled)

    def _take(self, seen: Seen, at: float) -> str:
        """The screen under which the display was kept; "" for none."""
        reading, screen = seen.reading, seen.screen
        text = reading.candidates[0].text if reading.candidates else ""
        label = self._titles.believed(seen.display.label)
        self._marks_show |= marked_surely(seen.display)
        if label is None and text:
            self._marks.take(text, seen.display.marks)
        if label is not None and label.probability >= self._rules.least:
            alone = self._titles.is_word(label) or is_title(seen.display, text, self._fewest_digits)
            vote = Vote(window_of(at, self._rules.window), at, label.probability, (), seen.display, screen)
            votes = (vote,) if self._titles.split else ()
            self._titles.take(label, lambda times: self._extended(times, at, votes), alone=alone)
            if alone:
                return ""
        unnamed = screen.stated and screen.reason == "register_unknown"
        if screen.stated and screen.reason is not None and not unnamed:
            return self._keep(_Key(_NO_READING + screen.reason, True, text), at, ())
        # Without the register's share where a title, or a sum, is still to tell of which register it is.
        share = 1.0 if screen.stated and not unnamed else max(screen.probability, 1e-6)
        confidence = min(1.0, reading.confidence / share)
        against = {"wrong_shape", "point_missed"} if self._titles.split else _UNFIT
        unfit = any(f.code in against for f in reading.findings)
        if reading.status == "refused" or confidence < self._rules.least or unfit:
            return ""
        candidates = _chances(reading.candidates, confidence)
        vote = Vote(window_of(at, self._rules.window), at, confidence, candidates, seen.display, screen)
        kept = self._keep(_Key(screen.register or (_UNNAMED if unnamed else ""), screen.stated, text), at, (vote,))
        return "" if unnamed else kept

    def _keep(self, key: _Key, at: float, votes: tuple[Vote, ...]) -> str:
        if not key.text:
            return ""
        self._texts[key] = self._extended(self._texts.get(key, ()), at, votes)
        if len(self._texts) > self._rules.most_texts:
            # Of too many texts the one that stood shortest, and longest ago, was a misreading.
            stood = {k: min(self._rules.settle, max(s.seconds for s in times)) for k, times in self._texts.items()}
            del self._texts[min(stood, key=lambda k: (stood[k], self._texts[k][-1].last, k))]
        return key.screen

    def _is_bare_total(self, key: _Key, stretch: Stretch) -> bool:
        """Whether nothing beside the number, and nothing in how it goes on, speaks against a total by absence."""
        marked_or_labelled = not self._bare(key.text, stretch) or self._labelled(key.text, stretch)
        return not marked_or_labelled and not self._wavers(key, stretch)

    def _bare(self, text: str, stretch: Stretch) -> bool:
        """Whether no tariff mark stood beside the number, all its frames taken together.

        A mark in faint segments is overlooked in some of them, so it takes time to be sure, or no sign of any.
        """
        return self._no_sign(sum(self._marks.chances(text).values()), stretch)

    def _no_sign(self, chance: float, stretch: Stretch) -> bool:
        """Whether a tariff mark of this chance is none, for all the time that the number stood."""
        return self._marks_show and chance < FAINT and (chance < NO_SIGN or stretch.seconds >= self._rules.bare)

    def _labelled(self, text: str, stretch: Stretch) -> bool:
        """Whether something that could not be read stood beside the number in many of its frames."""
        unnamed = (s for s in self._texts.get(_Key(_UNNAMED, True, text), ()) if s.within(stretch, 0.0))
        return sum(s.frames for s in unnamed) > LABELLED * stretch.frames

    def _labelled_now_and_then(self, key: _Key, stretch: Stretch) -> bool:
        """Whether the number stood there all the time, and its label was read in some of the frames, over a while."""
        if key.screen in ("", _UNNAMED) or any(vote.display.label is None for vote in stretch.votes):
            return False
        without = (_Key(_UNNAMED, True, key.text), _Key("", False, key.text))
        unnamed = (s for k in without for s in self._texts.get(k, ()) if s.within(stretch, self._gap))
        whole = reduce(partial(joined, most_votes=self._rules.fusion.most_votes), unnamed, stretch)
        often = stretch.frames >= SOMETIMES * whole.frames and stretch.seconds >= self._rules.settle
        return often and self._settled(whole)

    def _wavers(self, key: _Key, stretch: Stretch) -> bool:
        """Whether the number gave way to one near it that no register counts to: power does, whatever its unit was
        read as.
        """
        return any(
            self._settled(other) and stretch.within(other, self._gap) and jumps(key.text, stretch, text, other)
            for (screen, stated, text), stretches in self._texts.items()
            if (screen, stated) == (key.screen, key.stated)
            for other in stretches
        )

    def _lit(self, text: str, display: Display, least: float = LIT) -> bool:
        """Whether the tariff mark that names a number without a label had this chance over all of its frames."""
        named = max((m for m in display.marks if says_register(m.text)), key=lambda m: m.probability, default=None)
        if display.label is not None or named is None or named.probability < 0.5:
            return True
        return self._marks.chances(text).get(plain(named.text), 0.0) >= least

    def _extended(self, stretches: tuple[Stretch, ...], at: float, votes: tuple[Vote, ...]) -> tuple[Stretch, ...]:
        votes_kept, most = self._rules.fusion.most_votes, self._rules.most_stretches
        return extended(stretches, at, votes, gap=self._gap, most_votes=votes_kept, most=most)

    def _settled(self, stretch: Stretch) -> bool:
        """No ghost: it stood for a while on many of the frames, or no frame near it shows anything else."""
        around = next((s for s in self._frames if stretch.within(s, 0.0)), stretch)
        if (around.first, around.last) == (stretch.first, stretch.last):
            return True
        rate = (around.frames - 1) / around.seconds
        often = stretch.frames >= self._rules.share * (1 + rate * stretch.seconds)
        return often and stretch.seconds >= self._rules.settle

    def _under(self, title: Mark, display: Display) -> Screen:
        """What a value's screen is below a title; a label of its own that hardly stands there is none."""
        if display.label is not None and display.label.probability < 0.5:
            display = replace(display, label=None)
        return which_register(display, self._profile, title)

    def _echoes(self, key: _Key, stretch: Stretch, alike: Sequence[_Key]) -> bool:
        """Whether the number is really that of another screen, on which it stood longer at about the same time."""
        for other in alike:
            if other.screen == key.screen or frozenset((key.screen, other.screen)) in self._rows:
                continue
            for rival in self._texts[other]:
                if stretch.within(rival, 0.0):
                    # One number under two labels in turn: only a label that stands out is believed.
                    if stretch.frames < self._rules.stands_out * rival.frames:
                        return True
                elif stretch.within(rival, self._gap) and stretch.seconds < min(self._rules.echo, rival.seconds):
                    return True
        return False

    def _title_of(self, value: Stretch) -> Mark | None:
        """The title just before the value and in its place, if the meter has any and no other value came between."""
        title = self._titles.before(value, self._reach, self._settled)
        if title is None:
            return None
        others = (s for key, times in self._texts.items() if not key.stated or key.screen == _UNNAMED for s in times)
        between = (s for s in others if title.last < s.first < value.first)
        return None if any(self._settled(s) and in_place(value, s) for s in between) else title.label


def _surely(label: Mark | None) -> bool:
    return label is not None and label.probability >= 0.5


def _put_together(stretches: Sequence[Stretch], gap: float, most_votes: int) -> list[Stretch]:
    """Stretches of one number, those near each other as one."""
    apart: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda s: s.first):
        if apart and apart[-1].within(stretch, gap):
            apart[-1] = joined(apart[-1], stretch, most_votes)
        else:
            apart.append(stretch)
    return apart


def _may_count_energy(unit: str | None) -> bool:
    known = unit_of(unit) if unit is not None else None
    return known is None or known[1] == "active"


def _chances(candidates: Sequence[Candidate], confidence: float) -> tuple[Candidate, ...]:
    """The candidates by their calibrated chances: the first has that of the reading, the others share the rest."""
    first, *others = candidates
    scale = (1 - confidence) / (1 - first.probability) if first.probability < 1 else 0.0
    return (Candidate(first.text, confidence), *(replace(c, probability=c.probability * scale) for c in others))


def _shared(stretch: Stretch, share: float) -> Stretch:
    """The stretch where the register itself has only this chance of being right."""
    votes = []
    for vote in stretch.votes:
        candidates = tuple(Candidate(c.text, c.probability * share) for c in vote.candidates)
        votes.append(replace(vote, confidence=vote.confidence * share, candidates=candidates))
    return replace(stretch, votes=tuple(votes))
