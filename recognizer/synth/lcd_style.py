"""What one model of LCD or LED display looks like: colours, cut of the digits, contrast, decimal point."""

from dataclasses import dataclass, replace

import numpy as np

from recognizer.synth import ink
from recognizer.synth.ink import Colour, chance, pick
from recognizer.synth.segments import Cut

# (panel, ink) pairs seen on meters, BGR. Positive panels; faint ink comes from the contrast drawn later.
POSITIVE: tuple[tuple[Colour, Colour], ...] = (
    ((30, 220, 20), (10, 50, 10)), ((20, 200, 60), (10, 40, 20)), ((60, 190, 60), (20, 60, 30)),
    ((30, 130, 40), (10, 40, 15)), ((40, 225, 170), (20, 70, 50)), ((25, 200, 190), (10, 60, 60)),
    ((60, 230, 200), (15, 70, 60)), ((20, 165, 250), (20, 40, 90)), ((30, 120, 220), (20, 30, 80)),
    ((40, 190, 250), (20, 50, 90)), ((220, 230, 60), (90, 80, 10)), ((250, 170, 50), (130, 70, 20)),
    ((240, 220, 190), (110, 60, 40)), ((245, 240, 235), (60, 40, 30)), ((210, 200, 190), (70, 50, 45)),
    ((150, 165, 150), (40, 40, 35)), ((160, 175, 165), (60, 55, 50)), ((120, 140, 125), (35, 35, 30)),
    ((95, 110, 100), (35, 35, 35)), ((80, 95, 85), (25, 28, 28)), ((110, 150, 130), (40, 50, 45)),
    ((125, 165, 150), (40, 45, 40)), ((170, 180, 170), (90, 85, 85)), ((100, 85, 95), (40, 25, 35)),
    ((20, 250, 10), (10, 80, 10)), ((20, 255, 60), (30, 110, 40)), ((110, 240, 30), (40, 100, 20)),
    ((250, 250, 60), (110, 120, 20)), ((255, 190, 70), (190, 110, 60)), ((20, 140, 255), (40, 60, 140)),
    ((10, 80, 255), (20, 30, 150)), ((120, 210, 90), (90, 130, 80)), ((230, 215, 170), (130, 100, 70)),
    ((185, 195, 170), (60, 50, 40)), ((140, 150, 100), (50, 40, 20)), ((60, 70, 62), (20, 20, 22)),
)  # fmt: skip
NEGATIVE: tuple[tuple[Colour, Colour], ...] = (
    ((90, 30, 10), (250, 220, 190)), ((120, 40, 20), (255, 240, 220)), ((30, 26, 24), (235, 230, 225)),
    ((20, 45, 15), (120, 230, 140)), ((20, 20, 22), (90, 220, 250)), ((60, 20, 15), (240, 180, 120)),
)  # fmt: skip
LED: tuple[tuple[Colour, Colour], ...] = (
    ((18, 14, 30), (40, 30, 255)), ((20, 16, 26), (60, 60, 255)), ((16, 24, 16), (60, 255, 90)),
    ((14, 22, 18), (50, 255, 200)), ((24, 18, 16), (255, 150, 60)), ((16, 20, 26), (40, 170, 255)),
)  # fmt: skip


LEAST_CONTRAST = 16.0  # levels between panel and digits


@dataclass(frozen=True, slots=True)
class LcdStyle:
    """What one model of display looks like; drawn once, it can show any text."""

    cut: Cut
    panel: Colour
    lit: Colour
    glow: float
    contrast: float
    ghost: float
    shadow: float
    pitch: float
    point: str  # square, round, comma, bar
    point_size: float
    point_room: float
    small_decimals: float
    point_shown: bool = True  # some makes tell small decimals by their size alone

    @staticmethod
    def sample(rng: np.random.Generator) -> "LcdStyle":
        roll = rng.random()
        bank, glow = (POSITIVE, 0.0) if roll < 0.84 else (NEGATIVE, 0.3) if roll < 0.92 else (LED, 1.0)
        panel, lit = pick(rng, bank)
        panel = ink.shade(ink.jitter(rng, panel), float(rng.uniform(0.6, 1.2)))
        contrast = float(rng.uniform(0.75, 1.0)) if chance(rng, 0.55) else float(rng.uniform(0.25, 0.8))
        if bank is not POSITIVE:
            contrast = float(rng.uniform(0.75, 1.0))
        lit = ink.jitter(rng, lit, 8.0)
        # faint is wanted, invisible is not: a label that no eye could give teaches guessing
        apart = abs(sum(panel) - sum(lit)) / 3
        if apart * contrast < LEAST_CONTRAST:
            contrast = min(1.0, LEAST_CONTRAST / max(apart, 1.0))
            lit = lit if apart > LEAST_CONTRAST else ink.shade(panel, 0.3)
        cut = Cut.sample(rng)
        small = float(rng.uniform(0.45, 0.85)) if chance(rng, 0.28) else 1.0
        return LcdStyle(
            cut=cut,
            panel=panel,
            lit=lit,
            glow=glow,
            contrast=contrast,
            ghost=float(rng.uniform(0.02, 0.22)) if chance(rng, 0.45) else 0.0,
            shadow=float(rng.uniform(0.05, 0.4)) if chance(rng, 0.5) and bank is POSITIVE else 0.0,
            pitch=cut.aspect + float(rng.uniform(0.1, 0.34)),
            point=pick(rng, ("square", "square", "round", "round", "comma", "bar")),
            point_size=float(rng.uniform(0.06, 0.17)),
            point_room=float(rng.uniform(0.0, 0.12)) if chance(rng, 0.7) else float(rng.uniform(0.1, 0.3)),
            small_decimals=small,
            point_shown=small > 0.75 or chance(rng, 0.6),
        )


def glass_only(rng: np.random.Generator, style: LcdStyle) -> LcdStyle:
    """The style on a panel that leaves the photo behind it as it is where nothing is lit."""
    tone = float(rng.uniform(30, 130))
    contrast = float(rng.uniform(0.75, 1))
    return replace(style, panel=(252.0, 252.0, 252.0), lit=(tone, tone, tone), glow=0.0, contrast=contrast)
