"""What is put together on one model of LCD: the cells of its digits, its label, units and marks, each by lot."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recognizer.synth.ink import chance, pick
from recognizer.synth.labels import Row, Screen
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.lettering import Lettering
from recognizer.synth.screen_parts import GAPS, Block, Cells, Print

SPELLINGS = {
    "kWh": ("kWh", "kWh", "kWh", "kW h", "kW·h", "KWh"), "kvarh": ("kvarh", "kVArh", "kvar h"),
    "кВт·ч": ("кВт·ч", "кВт ч", "кВтч", "кВт•ч"), "kVAh": ("kVAh", "kVA h"), "MWh": ("MWh", "MW h"),
    "m³": ("m³", "m3"), "kvar": ("kvar", "kVAr"),
}  # fmt: skip
STEMS = {"kWh": "kW", "MWh": "MW", "kvarh": "kvar", "kVAh": "kVA", "кВт·ч": "кВт"}
"""Panels with both units light the stem, and the rest as a part of its own."""
EXTRA_MARKS = (
    "T1", "T2", "T3", "T4", "L1", "L2", "L3", "CUM", "MAX", "TOTAL", "MD", "IMP", "EXP", "BATTERY", "SIGNAL", "LOCK",
    "→", "←", "①", "②", "③", "▼1", "▼2", "▼3", "BILL", "DATE", "TIME", "PF", "+A", "-A", "TEST", "REV", "V", "A", "Hz",
    "En", "RYB",
)  # fmt: skip
EXTRA_UNITS = ("kW", "kVA", "kvar", "kvarh", "kVAh", "V", "A", "Hz")
LETTERS = frozenset("BDEGIKMNOQRSUVWXYZbgkmpqsvwxzВТкт /+·³%")
"""A label with one of these, or three letters in a row, stands in dots: seven segments do not show it."""


def needs_dots(text: str) -> bool:
    letters = "".join(c for c in text if not c.isdigit() and c not in GAPS)
    return bool(LETTERS & set(letters)) or len(letters) > 3


def value_cells(rng: np.random.Generator, style: LcdStyle, rows: Sequence[Row]) -> Cells:
    values = [row.value for row in rows if row.value]
    titled = any(row.label and len(row.label) > 8 and needs_dots(row.label) for row in rows)
    inline = chance(rng, 0.7 if titled else 0.1)
    dots = inline or style.cut.family == "dots"
    decimals = {len(v.partition(".")[2]) for v in values if v.count(".") == 1 and ":" not in v}
    small = decimals.pop() if style.small_decimals < 1 and len(decimals) == 1 and not dots else 0
    # A point needs room between the digits of every place: the panel is fixed.
    pitch = 5 / 7 * 1.2 if dots else style.pitch + min(0.1, style.point_room)
    spare = int(rng.integers(0, 3)) if chance(rng, 0.5) else 0
    big = 1
    for v in values:
        whole, _, rest = v.partition(".")
        if inline:
            big = max(big, len(v))
        elif small and len(rest) == small and rest.isdigit():
            big = max(big, len(whole))
        else:
            big = max(big, sum(c not in GAPS for c in v))
    colons = any(":" in v for v in values) or chance(rng, 0.2)
    return Cells(
        0, 0, 1.0, pitch, big + spare + small, small, style.small_decimals, dots, inline, right=True,
        colons=colons and not inline,
    )  # fmt: skip


LARGE_LABELS = 0.2
"""Share of the panels whose label is about as tall as the value, as on many with OBIS codes in a row of their own."""


def label_block(rng: np.random.Generator, style: LcdStyle, labels: Sequence[str]) -> Block | None:
    if not labels:
        if chance(rng, 0.85):
            return None
        labels = ("1.8.0",)
    dots = style.cut.family == "dots" or any(map(needs_dots, labels)) or chance(rng, 0.1)
    long = max(map(len, labels)) > 8
    inline = dots and (any(" " in label for label in labels) or chance(rng, 0.5))
    large = chance(rng, LARGE_LABELS)
    low, high = (0.55, 1.0) if dots and (long or large) else (0.55, 0.9) if large else (0.3, 0.6)
    tall = float(rng.uniform(low, high))
    count = max(len(x) if inline else sum(c not in GAPS for c in x) for x in labels)
    count += int(rng.integers(0, 3)) if chance(rng, 0.4) else 0
    pitch = 5 / 7 * 1.2 if dots else style.cut.aspect + float(rng.uniform(0.16, 0.32))
    star = any("*" in label for label in labels) and not inline
    cells = Cells(0, 0, tall, pitch, count, dots=dots, inline=inline, star=star)
    return Block(cells.width, tall, cells)


def unit_lines(rng: np.random.Generator, units: Sequence[str]) -> list[Block]:
    """A block for each stem: kW with its h, V, A …"""
    wanted = list(dict.fromkeys(units))
    extra = [u for u in EXTRA_UNITS if u not in wanted and chance(rng, 0.06)]
    names = [u for u in wanted + extra if not any(STEMS.get(other) == u for other in wanted + extra)]
    letters, size = Lettering.sample(rng), float(rng.uniform(0.24, 0.62))
    blocks = []
    for name in names:
        stem = STEMS.get(name)
        if stem is not None and (stem in wanted + extra or chance(rng, 0.3)):
            first = Print(stem, 0, 0, size, letters)
            gap = size * float(rng.uniform(0.1, 0.5) if chance(rng, 0.6) else rng.uniform(0.5, 1.4))
            rest = Print(name[len(stem) :].strip("·"), first.width + gap, 0, size, letters)
            # Letters differ in height, their feet do not.
            tall = max(first.tall, rest.tall)
            first, rest = (replace(p, y=tall - p.tall) for p in (first, rest))
            both = ((name, (first, rest)), (stem, (first,)))
            blocks.append(Block(rest.x + rest.width, tall, units=both, needed=name in wanted or stem in wanted))
        else:
            spelled = Print(pick(rng, SPELLINGS.get(name, (name,))), 0, 0, size, letters)
            blocks.append(Block(spelled.width, spelled.tall, units=((name, (spelled,)),), needed=name in wanted))
    return blocks


def scaled(block: Block, k: float) -> Block:
    def part(p: Print) -> Print:
        return replace(p, x=p.x * k, y=p.y * k, height=p.height * k)

    units = tuple((unit, tuple(map(part, parts))) for unit, parts in block.units)
    cells = block.cells and replace(block.cells, height=block.cells.height * k)
    marks = tuple(map(part, block.marks))
    return replace(block, width=block.width * k, height=block.height * k, cells=cells, units=units, marks=marks)


def mark_blocks(rng: np.random.Generator, screens: Sequence[Screen]) -> list[tuple[Block, str]]:
    """Marks with the band they stand in; tariffs keep together, and so do arrows."""
    wanted = list(dict.fromkeys(mark for screen in screens for mark in screen.marks))
    extras = int(rng.integers(0, 9)) if chance(rng, 0.7) else 0
    names = wanted + [m for m in (pick(rng, EXTRA_MARKS) for _ in range(extras)) if m not in wanted]
    names = list(dict.fromkeys(names))
    homes = {"T": pick(rng, ("left", "top", "bottom", "top")), "▼": pick(rng, ("bottom", "bottom", "top"))}
    homes |= {"①": pick(rng, ("bottom", "top")), "►": "right", "◄": "right", "▲": "bottom", "L": "bottom"}
    letters, size = Lettering.sample(rng), float(rng.uniform(0.15, 0.34))
    signs = "①▼▲►◄"
    discs = chance(rng, 0.5)  # ① as a digit cut out of a disc
    out = []
    for name in names:
        family = {"Т": "T", "②": "①", "③": "①", "④": "①"}.get(name[0], name[0])
        if family in "TL" and not name[-1].isdigit():
            family = ""
        frame = pick(rng, ("box", "cut")) if family not in signs and chance(rng, 0.08) else ""
        if family == "①" and discs:
            frame = "disc"
        tall = size * float(rng.uniform(0.85, 1.15)) * (1.2 if family == "①" else 1)
        part = Print(name, 0, 0, tall, replace(letters, stretch=1.0) if family in signs else letters, frame)
        at = homes.get(family) or pick(rng, ("top", "top", "bottom", "bottom", "left", "right"))
        out.append((Block(part.width, part.tall, marks=(part,), needed=name in wanted), at))
    return out
