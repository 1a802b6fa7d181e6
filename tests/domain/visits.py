"""Visits by hand: screens as vision sees them, held for a while, and what was accepted of them."""

from dataclasses import replace

from recognizer.domain.observation import Display, Glyph, Mark, Observation, Quad
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Report
from recognizer.domain.visit import Visit
from recognizer.domain.visit_rules import FusionRules, VisitRules

ONE_BY_ONE, STRICT = VisitRules(fusion=FusionRules(most_gain=0.0)), Policy(accept_above=0.95)
BOX: Quad = ((200, 200), (440, 200), (440, 280), (200, 280))


def page(text: str = "001234.5", label: str | None = "1.8.1", unit: str | None = "kWh", *marks: str) -> Display:
    """A screen as vision sees it, certain of everything."""
    glyphs = tuple(Glyph(((char, 0.999),), i / len(text), (i + 1) / len(text)) for i, char in enumerate(text))
    beside = [Mark(t, 0.999) if t is not None else None for t in (label, unit)]
    return Display("lcd", BOX, 0.99, 0.98, glyphs, beside[0], beside[1], tuple(Mark(m, 0.999) for m in marks))


def frame(*displays: Display, sure: float = 0.999) -> Observation:
    """The displays in one frame, every digit of them as certain as ``sure``."""
    dimmed = [
        replace(d, glyphs=tuple(Glyph(((g.odds[0][0], sure),), g.start, g.end) for g in d.glyphs)) for d in displays
    ]
    return Observation(640, 480, 10.0, tuple(dimmed))


def watched(*timed: tuple[float, Observation], visit: Visit | None = None) -> Visit:
    visit = visit or Visit()
    for at, seen in timed:
        visit.offer(seen, at)
    return visit


def held(
    seen: Display, start: float, seconds: float, *, fps: float = 10.0, sure: float = 0.999
) -> list[tuple[float, Observation]]:
    return [(start + n / fps, frame(seen, sure=sure)) for n in range(round(seconds * fps))]


def accepted(report: Report) -> dict[str, str]:
    return {r.register: r.text for r in report.readings if r.status == "accepted"}


def findings(visit: Visit) -> list[str]:
    return [f.code for r in visit.report.readings for f in r.findings] + [f.code for f in visit.report.findings]


def faint(text: str, *chances: float) -> Observation:
    """A frame in which each of the tariffs may be lit, none of them read."""
    marks = tuple(Mark(f"T{n}", chance) for n, chance in enumerate(chances, 1))
    return frame(replace(page(text, None), marks=marks))
