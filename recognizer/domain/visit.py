"""A visit: the frames of one look at a meter, a photo or minutes of video, folded into one report.

A scrolling LCD shows its registers one after another, among clocks, power, tests and the ghosts of changing segments.
A report depends on what was seen when, and never on the order in which the frames came.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from math import isfinite

from recognizer.domain.alike import nearly
from recognizer.domain.code import Code
from recognizer.domain.completion import completed
from recognizer.domain.identity import agree, serials_of
from recognizer.domain.look import look
from recognizer.domain.meter import NOTHING_KNOWN, Known
from recognizer.domain.observation import Observation, PlateText
from recognizer.domain.payload import Identity, read_code
from recognizer.domain.plate import identities
from recognizer.domain.policy import Policy
from recognizer.domain.profile import Profile
from recognizer.domain.reading import Finding, Report, Status
from recognizer.domain.register import MESSAGES, by_absence
from recognizer.domain.scroll import Scroll, Showing
from recognizer.domain.sums import with_points_checked, with_sum_checked
from recognizer.domain.tally import Told, conclude_register
from recognizer.domain.visit_rules import VisitRules
from recognizer.errors import UsageError

MOST_CODES = 32
"""Different codes kept of one visit: a plate carries a handful, and what moves through the picture has no end."""


_Given = tuple[tuple[Showing, ...], frozenset[str], tuple[Finding, ...]]


class Visit:
    """The state of one look at one meter. Its memory is bounded, however many frames it is offered.

    ``wanted`` are the registers to wait for, by default those of the meter's record. Not for several threads at once.
    """

    def __init__(
        self,
        *,
        source: str = "",
        wanted: Sequence[str] | None = None,
        policy: Policy | None = None,
        known: Known = NOTHING_KNOWN,
        profile: Profile | None = None,
        rules: VisitRules | None = None,
    ) -> None:
        record = known.meter.registers if known.meter else ()
        self.wanted = tuple(dict.fromkeys(wanted if wanted is not None else (r.code for r in record)))
        self._source, self._known, self._profile = source, known, profile
        self._policy, self._rules = policy or Policy(), rules or VisitRules()
        # The history is weighed once, over all frames together; in every frame it would count many times.
        self._record_only = Known(meter=known.meter)
        self._scroll = Scroll(self._rules, profile, self._policy.min_digits)
        self._codes: dict[tuple[str, str], tuple[float, Code]] = {}
        self._print: tuple[float, tuple[PlateText, ...], tuple[Identity, ...]] = 0.0, (), ()
        self._models: dict[str, str] = {}
        self._saw_display = False
        self._skipped: set[str] = set()
        # Of several registers only one is on the screen: what is said of the others stays.
        self._memo: dict[str | None, tuple[_Given, Told | None]] = {}
        self._concluded: tuple[Report, dict[str, float]] | None = None

    def offer(self, observation: Observation, at_seconds: float) -> Report:
        """Take in what one frame showed ``at_seconds`` into the visit, and report as far as it is known now.

        Raises UsageError for a time that is no number.
        """
        if not isfinite(at_seconds):
            raise UsageError(f"a frame's time is in seconds into the visit, got {at_seconds}")
        at = float(at_seconds)
        self._concluded = None
        self._models.update(observation.models)
        for code in observation.codes:
            self._take_code(code, at)
        if (-len(observation.plate), at) < (-len(self._print[1]), self._print[0]):
            # The print of one frame, that in which most of it was read; all of them together have no end.
            printed = identities(observation.plate, observation.displays, observation.codes)
            self._print = at, observation.plate, tuple(printed)
        frame = look(observation, self._policy, self._record_only, self._profile)
        self._saw_display = self._saw_display or bool(frame)
        for seen in frame:
            if seen.reading.status == "refused":
                self._skipped |= {f.code for f in seen.reading.findings}
            if seen.screen.reason is not None:
                self._skipped.add(seen.screen.reason)
        self._scroll.take(frame, at)
        return self.report

    @property
    def report(self) -> Report:
        """What is known now: readings with their status, and the registers still ``missing``."""
        return self._conclusion[0]

    @property
    def missing(self) -> tuple[str, ...]:
        """The wanted registers that are not accepted yet, in the order in which they were asked for."""
        return self.report.missing or ()

    @property
    def done(self) -> bool:
        """Whether all that is wanted is accepted; with nothing wanted in particular, whether any reading is."""
        return not self.missing and any(r.status == "accepted" for r in self.report.readings)

    @property
    def speaks_in_titles(self) -> bool:
        """Whether the profile says that labels stand on screens of their own, before the values."""
        return self._profile is not None and self._profile.split

    @property
    def evidence(self) -> dict[str, float]:
        """For every register of the report the time of its most certain frame, in seconds into the visit."""
        return dict(self._conclusion[1])

    @property
    def _conclusion(self) -> tuple[Report, dict[str, float]]:
        if self._concluded is None:
            self._concluded = self._conclude()
        return self._concluded

    def _take_code(self, code: Code, at: float) -> None:
        """Each code once, as it was first seen."""
        kept = self._codes.get((code.kind, code.text))
        earlier = kept is not None and (at, code.box) < (kept[0], kept[1].box)
        if earlier or (kept is None and len(self._codes) < MOST_CODES):
            self._codes[code.kind, code.text] = at, code

    def _conclude(self) -> tuple[Report, dict[str, float]]:
        record = self._known.meter
        codes = tuple(code for _, (_, code) in sorted(self._codes.items()))
        _, plate, printed = self._print
        coded = (identity for code in codes for identity in read_code(code.kind, code.text, code.raw))
        whose = agree([*coded, *printed], record.serials if record else ())
        serials = serials_of(whose)
        against = tuple(f for f in whose.findings if f.code == "wrong_meter")
        told = self._registers(serials, against)
        readings = tuple(t.reading for t in told)
        accepted = {r.register for r in readings if r.status == "accepted"}
        if "1.8.0" in accepted:
            accepted.add("total")  # a total that says it is one
        missing = tuple(code for code in self.wanted if code not in accepted)
        status: Status = "review" if readings else "refused"
        if readings and not missing and (self.wanted or readings[0].status == "accepted"):
            status = "accepted"
        report = Report(
            self._source,
            status,
            readings=readings,
            findings=(*whose.findings, *self._why_not(bool(readings), missing)),
            serial=whose.serial,
            agreement=whose.agreement,
            codes=codes,
            models=tuple(sorted(self._models.items())),
            plate=plate,
            missing=missing,
        )
        return report, {t.reading.register: t.at for t in told}

    def _registers(self, serials: frozenset[str], against: tuple[Finding, ...]) -> list[Told]:
        """Every register of which something is known, those wanted first."""
        conclude = partial(
            conclude_register,
            policy=self._policy,
            known=self._known,
            rules=self._rules,
            serials=serials,
            against=against,
        )
        told, memo = [], {}
        for register, group in groupby(sorted(self._scroll.showings(), key=_place), key=lambda s: s.screen.register):
            given = _without_print(tuple(group)), serials, against
            before = self._memo.get(register)
            one = before[1] if before is not None and before[0] == given else conclude(given[0])
            memo[register] = given, one
            told += [one] if one is not None else []
        self._memo = memo
        told = _with_one_total(told)
        record = self._known.meter
        of_meter = (*self.wanted, *(r.code for r in record.registers)) if record else self.wanted
        scroll_order = self._profile.registers if self._profile is not None else ()
        by_sum = sorted(completed(told, self._scroll.unnamed(), of_meter, scroll_order), key=_place)
        for _, group in groupby(by_sum, key=lambda s: s.screen.register):
            one = conclude(tuple(group))
            told += [_named_by_sum(one)] if one is not None else []
        order = {code: place for place, code in enumerate(dict.fromkeys((*self.wanted, *scroll_order)))}
        told.sort(key=lambda t: (order.get(t.reading.register, len(order)), t.reading.register))
        return with_points_checked(with_sum_checked(told, of_meter, self._policy, self._rules, conclude))

    def _why_not(self, any_reading: bool, missing: tuple[str, ...]) -> Iterator[Finding]:
        if missing:
            yield Finding("registers_missing", f"Not read yet: {', '.join(missing)}.", note=True)
        if any_reading:
            return
        if not self._saw_display:
            yield Finding("no_meter", "No meter display was found in any frame.")
        reasons = self._skipped | ({"register_unknown"} if self._scroll.speaks_in_titles else set())
        yield from (Finding(code, message) for code, message in MESSAGES.items() if code in reasons)
        if "not_legible" in reasons:
            yield Finding("not_legible", "A display was off, covered or too blurred to read.")


def _without_print(of_register: tuple[Showing, ...]) -> tuple[Showing, ...]:
    """Where a total by absence shows its unit, less others that show none and stood there more briefly: plates are
    printed full of numbers.
    """
    bare = [s for s in of_register if all(v.screen.unit is None and by_absence(v.display) for v in s.stretch.votes)]
    longest = max((s.stretch.frames for s in bare), default=0)
    told = [s for s in of_register if s not in bare and s.stretch.frames >= longest]
    return tuple(s for s in of_register if s not in bare or not told or any(nearly(s.text, t.text) for t in told))


def _with_one_total(told: Sequence[Told]) -> list[Told]:
    """Where the display says which number is its total, one by absence is printed beside it."""
    stated = any(t.reading.register == "1.8.0" for t in told)
    return [
        t for t in told if not (stated and t.reading.register == "total" and t.reading.unit in (None, "kWh", "MWh"))
    ]


def _named_by_sum(told: Told) -> Told:
    message = "Nothing that could be read names this register: with it the total is the sum of its tariffs."
    finding = Finding("register_by_sum", message, note=True)
    return replace(told, reading=replace(told.reading, findings=(*told.reading.findings, finding)))


def _place(showing: Showing) -> tuple[str, str, float]:
    return str(showing.screen.register), showing.text, showing.stretch.first
