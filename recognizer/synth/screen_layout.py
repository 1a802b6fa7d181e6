"""Where things stand on one model of LCD, drawn by lot as makers do it, with room for all that it must show.

Seen on real panels: the label in small digits top left, left of the value, below it or at its right; units at the
right of the value, above small decimals or below; tariff marks in a column or a row; arrows along the lower edge.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recognizer.synth.ink import chance, pick
from recognizer.synth.labels import Screen
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.lettering import Lettering
from recognizer.synth.screen_blocks import label_block, mark_blocks, scaled, unit_lines, value_cells
from recognizer.synth.screen_parts import Block, Cells, Print, RowPlace, ScreenLayout

GAP = 0.12


def sample_layout(rng: np.random.Generator, style: LcdStyle, screens: Sequence[Screen]) -> ScreenLayout:
    """A panel that can show all of these screens, and some more that is never lit."""
    if max(len(screen.rows) for screen in screens) > 1:
        return _stacked(rng, style, screens)
    return _single(rng, style, screens)


def _single(rng: np.random.Generator, style: LcdStyle, screens: Sequence[Screen]) -> ScreenLayout:
    rows = [row for screen in screens for row in screen.rows]
    value = value_cells(rng, style, rows)
    label = label_block(rng, style, [row.label for row in rows if row.label])
    units = [row.unit for row in rows if row.unit]
    spread = mark_blocks(rng, screens)
    bands: dict[str, list[Block]] = {"top": [], "bottom": [], "left": [], "right": []}
    if label is not None:
        short = label.width < 1.5
        at = pick(rng, ("top", "top", "top", "left", "bottom", "right") if short else ("top", "top", "bottom"))
        bands[at].append(label)
    unit_cells = None
    above_decimals = None
    if value.inline:  # a character display has the unit in its own row
        unit_cells = Cells(0, 0, 1.0, value.pitch, max((len(u) for u in units), default=3) + 1, dots=True, inline=True)
    elif units:
        if chance(rng, 0.12):
            tall = float(rng.uniform(0.3, 0.5))
            unit_cells = Cells(0, 0, tall, 0.9, max(4, *map(len, units)), dots=True, inline=True)
            bands[pick(rng, ("right", "bottom", "top"))].append(Block(unit_cells.width, tall, unit_cells))
        else:
            lines = unit_lines(rng, units)
            at = pick(rng, ("right",) * 4 + ("bottom", "top"))
            if value.small and style.small_decimals < 0.75 and len(lines) == 1 and chance(rng, 0.6):
                room = 0.85 - value.small_height * value.height
                k = min(1.0, room / lines[0].height)
                above_decimals = scaled(lines[0], k)
            else:
                bands["right" if at == "right" and len(lines) < 4 else at].extend(lines)
    for block, at in spread:
        bands[at].append(block)
    if value.inline:
        bands["bottom"] += bands["right"]
        bands["right"] = []
    layout = _flow(rng, style, value, bands, above_decimals)
    place = layout.rows[0]
    if place.unit is None and unit_cells is not None:
        # The unit follows the value at once, in the same row of characters.
        unit = replace(unit_cells, x=place.value.left(place.value.count), y=place.value.y)
        layout = replace(layout, width=layout.width + unit.width, rows=(replace(place, unit=unit),))
    return layout


def _flow(
    rng: np.random.Generator, style: LcdStyle, value: Cells, bands: dict[str, list[Block]], above: Block | None
) -> ScreenLayout:
    """Columns beside the value, rows above and below it; what has no room goes, unless it is needed."""
    left, left_width = _column(rng, bands["left"])
    right, right_width = _column(rng, bands["right"])
    lean = 0 if value.dots else style.cut.slant
    row = value.width - (value.pitch - (5 / 7 if value.dots else style.cut.aspect)) * value.small_height + lean
    pad = float(rng.uniform(0.08, 0.35))
    x = pad + left_width + (GAP * 1.5 if left else float(rng.uniform(0, 0.4)))
    width = x + row + (GAP * 1.5 + right_width if right else float(rng.uniform(0, 0.5))) + pad
    top, width = _line(rng, bands["top"], width, pad)
    bottom, width = _line(rng, bands["bottom"], width, pad)
    top_height = max((b.height for b, _ in top), default=0.0)
    bottom_height = max((b.height for b, _ in bottom), default=0.0)
    y = float(rng.uniform(0.08, 0.3)) + (top_height + float(rng.uniform(0.1, 0.3)) if top else 0)
    foot = y + 1 + (float(rng.uniform(0.14, 0.3)) if bottom else 0)
    height = foot + bottom_height + float(rng.uniform(0.06, 0.3))
    above_y = (y - top_height) / 2
    placed = [b.at(bx, above_y + float(rng.uniform(0, top_height - b.height))) for b, bx in top]
    placed += [b.at(bx, foot + float(rng.uniform(0, bottom_height - b.height))) for b, bx in bottom]
    for blocks, bx, wide in ((left, pad, left_width), (right, x + row + GAP * 1.5, right_width)):
        spare = 1.0 - sum(b.height for b, _ in blocks) - 0.08 * (len(blocks) - 1)
        start = y + max(0.0, spare) * float(rng.uniform(0, 1))
        start += min(0.0, spare) / 2
        placed += [b.at(bx + (wide - b.width) * (0.0 if blocks is right else 0.5), start + by) for b, by in blocks]
    if above is not None:
        ax = x + value.left(value.count - value.small) - value.x
        if right:
            above = scaled(above, min(1.0, (x + row + GAP - ax) / above.width))
        placed.append(above.at(ax, y + 0.02))
        width = max(width, ax + above.width + pad)
    value = replace(value, x=x, y=y)
    labels = [b.cells for b in placed if b.cells is not None and not b.units and b.cells.pitch != 0.9]
    dotted = [b.cells for b in placed if b.cells is not None and b.cells.pitch == 0.9]
    units = tuple(u for b in placed for u in b.units)
    place = RowPlace(value, labels[0] if labels else None, (), units, dotted[0] if dotted else None)
    return ScreenLayout(width, height, (place,), tuple(m for b in placed for m in b.marks))


def _column(rng: np.random.Generator, blocks: list[Block]) -> tuple[list[tuple[Block, float]], float]:
    """Blocks one below the other with their y, and the widest's width; at most as high as the digits."""
    kept = [b for b in blocks if b.needed]
    kept += [b for b in blocks if not b.needed][: max(0, 3 - len(kept))]
    total = sum(b.height for b in kept) + 0.08 * max(0, len(kept) - 1)
    if total > 1.05:
        kept = [scaled(b, 1.05 / total) for b in kept]
    out, y = [], 0.0
    for block in kept:
        out.append((block, y))
        y += block.height + 0.08
    return out, max((b.width for b in kept), default=0.0)


def _line(
    rng: np.random.Generator, blocks: list[Block], width: float, pad: float
) -> tuple[list[tuple[Block, float]], float]:
    """Blocks side by side with their x, and the panel's width, wider where those needed have no room."""
    if not blocks:
        return [], width
    kept = [b for b in blocks if b.needed]
    room = width - 2 * pad

    def taken(bs: list[Block]) -> float:
        return sum(b.width for b in bs) + GAP * 1.3 * max(0, len(bs) - 1)

    for block in blocks:
        if not block.needed and taken([*kept, block]) <= room:
            kept.append(block)
    if chance(rng, 0.3):  # labels mostly stand first
        kept = kept[1:] + kept[:1]
    if taken(kept) > room:
        k = max(0.75, room / taken(kept))
        kept = [scaled(b, k) for b in kept]
        width = max(width, taken(kept) + 2 * pad)
    spare = max(0.0, width - 2 * pad - taken(kept))
    shares = rng.dirichlet(np.full(len(kept) + 1, 0.6)) * spare if chance(rng, 0.8) else np.zeros(len(kept) + 1)
    out, x = [], pad
    for block, share in zip(kept, shares[:-1], strict=True):
        x += float(share)
        out.append((block, x))
        x += block.width + GAP * 1.3
    return out, width


def _stacked(rng: np.random.Generator, style: LcdStyle, screens: Sequence[Screen]) -> ScreenLayout:
    """Several values at once, one below the other, each with its printed label and unit."""
    count = max(len(screen.rows) for screen in screens)
    rows = [row for screen in screens for row in screen.rows]
    value = value_cells(rng, replace(style, small_decimals=1.0), rows)
    letters, size = Lettering.sample(rng), float(rng.uniform(0.4, 0.7))
    dots = style.cut.family == "dots" or chance(rng, 0.3)
    names = [[row.label for s in screens for row in s.rows[i : i + 1] if row.label] for i in range(count)]
    names = [list(dict.fromkeys(row_names)) for row_names in names]
    prints = [[Print(name, 0, 0, size, letters) for name in row_names] for row_names in names]
    longest = max((len(name) for row_names in names for name in row_names), default=1)
    cells = Cells(0, 0, size, 0.9, longest, dots=True, inline=True) if dots or max(map(len, names)) > 1 else None
    wide = cells.width if cells else max((p.width for ps in prints for p in ps), default=0.0)
    lines = unit_lines(rng, [row.unit for row in rows if row.unit])
    x = 0.2 + wide + float(rng.uniform(0.25, 0.6))
    unit_x = x + value.width + 0.15
    step, y = 1 + float(rng.uniform(0.25, 0.6)), float(rng.uniform(0.15, 0.4))
    common = chance(rng, 0.3)  # one unit for all rows
    unit_row = int(rng.integers(count))
    places = []
    for i in range(count):
        line_y = y + (unit_row if common else i) * step
        room = min(1.0, 1.1 / sum(b.height + 0.08 for b in lines)) if lines else 1.0
        units: list[tuple[str, tuple[Print, ...]]] = []
        below = line_y + (0.0 if chance(rng, 0.5) or common else max(0.0, 1 - sum(b.height for b in lines) * room))
        for block in lines:
            units += scaled(block, room).at(unit_x, below).units
            below += (block.height + 0.08) * room
        top = y + i * step
        label = replace(cells, x=0.2, y=top + (1 - size) * 0.8) if cells else None
        printed = () if cells else tuple(replace(p, x=0.2, y=top + (1 - p.tall) * 0.8) for p in prints[i])
        places.append(RowPlace(replace(value, x=x, y=top), label, printed, tuple(units)))
    width = unit_x + max((b.width for b in lines), default=0.0) + 0.2
    height = y + (count - 1) * step + 1 + 0.3
    marks: list[Print] = []
    at = 0.25
    for block, _ in mark_blocks(rng, screens):
        if at + block.width < width - 0.2 or block.needed:
            marks += block.at(at, height).marks
            at += block.width + float(rng.uniform(0.2, 0.8))
    height = max([height, *(m.y + m.tall + 0.1 for m in marks)])
    return ScreenLayout(max(width, at), height, tuple(places), tuple(marks))
