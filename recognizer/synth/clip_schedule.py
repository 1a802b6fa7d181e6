"""When a scrolling meter shows what: its cycle in time, with clocks that go on and screens that never come."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from recognizer.synth.clip_meters import Meter
from recognizer.synth.ink import chance
from recognizer.synth.labels import Screen


@dataclass(frozen=True, slots=True)
class Showing:
    """A screen from ``start`` to ``end``, in seconds; the display changes to it from ``start`` on."""

    screen: Screen
    start: float
    end: float


def schedule(rng: np.random.Generator, meter: Meter, seconds: float | None) -> Iterator[Showing]:
    """The cycle from any screen on, with blanks between screens on some meters and a screen that never comes."""
    cycle = list(meter.cycle)
    first = int(rng.integers(len(cycle)))
    if any(screen.kind == "title" for screen, _ in cycle):
        first -= first % 2  # a value whose title was not seen is of no register
    cycle = cycle[first:] + cycle[:first]
    energies = [i for i, (screen, _) in enumerate(cycle) if screen.kind == "energy"]
    if len(energies) > 2 and chance(rng, 0.12):
        lost = energies[int(rng.integers(len(energies)))]
        titled = cycle[lost - 1][0].kind == "title"
        del cycle[lost - titled : lost + 1]
    once = sum(stay for _, stay in cycle)
    end = seconds if seconds is not None else once * float(rng.uniform(1.02, 1.4))
    blank = float(rng.uniform(0.12, 0.4)) if len(cycle) > 1 and chance(rng, 0.2) else 0.0
    t, i = 0.0, 0
    while t < end:
        screen, stay = cycle[i % len(cycle)]
        if screen.kind == "clock" and screen.rows[0].value and screen.rows[0].value.count(":") == 2:
            parts = _ticks(rng, screen, stay, i // len(cycle) * round(once))
        elif screen.kind == "power" and chance(rng, 0.4):
            parts = _flicker(rng, screen, stay)
        else:
            parts = [(screen, stay)]
        if blank:
            parts.append((Screen("blank"), blank))
        for shown, length in parts:
            if t < end:
                yield Showing(shown, t, min(end, t + length))
            t += length
        i += 1


def _ticks(rng: np.random.Generator, screen: Screen, stay: float, later: int) -> list[tuple[Screen, float]]:
    """A clock that goes on, second by second."""
    h, m, s = map(int, (screen.rows[0].value or "").split(":"))
    now, out, left = h * 3600 + m * 60 + s + later, [], stay
    part = float(rng.uniform(0.3, 1.0))
    while left > 0:
        value = f"{now // 3600 % 24:02}:{now // 60 % 60:02}:{now % 60:02}"
        out.append((_with_value(screen, value), min(part, left)))
        left, now, part = left - part, now + 1, 1.0
    return out


def _flicker(rng: np.random.Generator, screen: Screen, stay: float) -> list[tuple[Screen, float]]:
    """A load that changes while it is shown, in its last digit."""
    value = screen.rows[0].value or ""
    other = value[:-1] + str((int(value[-1]) + int(rng.integers(1, 9))) % 10)
    k = float(rng.uniform(0.3, 0.7))
    return [(screen, stay * k), (_with_value(screen, other), stay * (1 - k))]


def _with_value(screen: Screen, value: str) -> Screen:
    row = replace(screen.rows[0], value=value)
    return replace(screen, rows=(row, *screen.rows[1:]))
