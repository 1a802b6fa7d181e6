"""Codes on damaged plates, read by ours and by its peers in one run; on real photos, what the search costs."""

import csv
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import zxingcpp

from benchmarks.accuracy import commit, processor, table
from benchmarks.code_plates import DAMAGES, MODULE, USUAL, Kind, Plate, draw_plate
from benchmarks.run import Read
from recognizer.synth.ink import Image
from recognizer.vision.codes import find_codes
from recognizer.vision.frame import load_frame

PLATES: dict[Kind, int] = {"QRCode": 14, "DataMatrix": 8, "Code128": 8}
"""Plates with each kind of damage."""
TARGETS: dict[Kind, float] = {"QRCode": 0.84, "DataMatrix": 0.73, "Code128": 0.82}
MOST_TIME = 0.15
"""Of a whole reading, spent on the search for codes in photos that have none."""
OURS, PLAIN = "recognizer", "zxing-cpp"
PHOTOS = 60

Reader = Callable[[Image], list[str]]


@dataclass(frozen=True)
class Tally:
    """What one reader made of the plates."""

    right: Mapping[tuple[Kind, str], int]
    """By kind of code and damage."""
    wrong: int
    """Texts that stand on no plate, over all kinds."""
    milliseconds: float
    """Median of a plate."""


@dataclass(frozen=True)
class Cost:
    """Real photos: seconds of whole readings and of the search alone, photos in which codes turned up."""

    photos: int
    whole: float
    search: float
    found: int


def readers() -> dict[str, Reader | None]:
    """Ours and the peers, each as its documentation says to call it; None for one that is not installed."""
    plain, aruco, bars = cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco(), cv2.barcode.BarcodeDetector()

    def opencv(picture: Image) -> list[str]:
        # Each of the two QR detectors by the call with which it reads more.
        texts = [plain.detectAndDecode(picture)[0], *aruco.detectAndDecodeMulti(picture)[1]]
        return [text for text in {*texts, *bars.detectAndDecodeMulti(picture)[1]} if text]

    return {
        OURS: lambda picture: [code.text for code in find_codes(picture)],
        PLAIN: lambda picture: [code.text for code in zxingcpp.read_barcodes(picture)],
        "pyzbar": _pyzbar(),
        "OpenCV": opencv,
    }


def plates(seed: int, share: int = 1) -> Iterator[Plate]:
    """The plates of the benchmark, or one of ``share`` of them; each has a seed of its own."""
    for k, (kind, count) in enumerate(PLATES.items()):
        for d, damage in enumerate(DAMAGES):
            for i in range(0, count, share):
                yield draw_plate(np.random.default_rng((seed, k, d, i)), kind, damage)


def tally(reader: Reader, shown: Sequence[Plate]) -> Tally:
    right: Counter[tuple[Kind, str]] = Counter()
    wrong, times = 0, []
    for plate in shown:
        begin = time.perf_counter()
        texts = reader(plate.picture)
        times.append(time.perf_counter() - begin)
        right[plate.kind, plate.damage] += plate.text in texts
        wrong += sum(text != plate.text for text in texts)
    return Tally(right, wrong, 1000 * statistics.median(times))


def photos(data: Path, known: bool) -> list[tuple[Path, str]]:
    """Photos with a known code and that code's text, or those without one, in the order of the table."""
    with open(data / "photos.csv", encoding="utf-8", newline="") as file:
        rows = [(row["file"], row.get("code") or "") for row in csv.DictReader(file)]
    # Some codes are noted with their kind: "Code 128:18264814".
    return [(data / name, re.sub(r"^(QR )?Code( \d+)?:", "", code)) for name, code in rows if bool(code) == known]


def cost(read: Read, sample: Sequence[Path]) -> Cost:
    """Time of the search against that of a whole reading; the better of two, for others use the machine too."""
    whole = search = 0.0
    found = 0
    for photo in sample:
        frame = load_frame(photo)
        found += bool(find_codes(frame))  # and the pixels are decoded now, which the reading pays for
        whole += min(_seconds(read, photo) for _ in range(2))
        search += min(_seconds(find_codes, frame) for _ in range(2))
    return Cost(len(sample), whole, search, found)


def known_read(reader: Reader, known: Sequence[tuple[Path, str]]) -> int:
    """In how many real photos the reader finds the code that stands in the table."""
    return sum(code in reader(load_frame(photo).pixels) for photo, code in known)


def run(read: Read, data: Path, seed: int, share: int = 1) -> tuple[str, bool]:
    """The report as Markdown, and whether every target is met."""
    shown = list(plates(seed, share))
    asked = Counter(plate.kind for plate in shown)
    peers = readers()
    tallies = {name: tally(reader, shown) if reader else None for name, reader in peers.items()}
    known = photos(data, known=True)
    reads = {name: known_read(reader, known) if reader else None for name, reader in peers.items()}
    unknown = [photo for photo, _ in photos(data, known=False)]
    spent = cost(read, random.Random(seed).sample(unknown, min(PHOTOS // share, len(unknown))))  # noqa: S311
    promises = _promises(tallies, asked, spent)
    sections = (
        "# Codes",
        f"Written by `python -m benchmarks codes` (seed {seed}); do not edit. Hardware: {processor()}; "
        f"commit {commit()}.",
        "## Damaged plates",
        "Drawn plates with one code each, 13 kinds of damage, the same pictures for all readers. Wrong counts texts "
        "that are not on the plate. OpenCV reads neither Data Matrix nor Code 128, zbar no Data Matrix.",
        table(("reader", *asked, "wrong", "ms a plate"), [_row(name, t, asked) for name, t in tallies.items()]),
        "Right by damage, ours against plain zxing-cpp, of as many plates each:",
        table(("damage", *asked), [_damage_row(damage, tallies, asked) for damage in DAMAGES]),
        "## Real photos",
        table(
            ("reader", f"known codes read, of {len(known)}"),
            [(name, "not installed" if n is None else str(n)) for name, n in reads.items()],
        ),
        f"{spent.photos} photos without a known code, seed {seed}: a whole reading takes "
        f"{1000 * spent.whole / spent.photos:.0f} ms on average, the search for codes "
        f"{1000 * spent.search / spent.photos:.1f} ms. In {spent.found} of them it reads a code nobody had noted.",
        "## Targets",
        table(("figure", "measured", "target", ""), promises),
        "## How the plates are damaged",
        "Every plate is in the usual condition of a phone photo, apart from what its damage changes. A module is "
        f"this many pixels wide: {_ranges(MODULE)}; blur and motion are in modules, contrast and cover are shares, "
        "noise and glare grey levels, tilt and turn degrees, shadow is the light in it against that beside it.",
        table(("condition", "usual"), [(name, _range(bounds)) for name, bounds in USUAL.items()]),
        table(("damage", "what it changes"), [(name, _ranges(change)) for name, change in DAMAGES.items()]),
    )
    return "\n\n".join(sections) + "\n", all(row[-1] == "met" for row in promises)


def _promises(
    tallies: Mapping[str, Tally | None], asked: Mapping[Kind, int], spent: Cost
) -> list[tuple[str, str, str, str]]:
    rows = []
    for kind, count in asked.items():
        hits = {name: _hits(t, kind) for name, t in tallies.items() if t}
        best = max(n for name, n in hits.items() if name != OURS)
        ours, target = hits[OURS], f"{TARGETS[kind]:.0%}, and more than {best / count:.1%}"
        rows.append(
            (f"{kind} read", f"{ours / count:.1%}", target, _met(ours > best and ours >= TARGETS[kind] * count))
        )
    ours_tally = tallies[OURS]
    assert ours_tally is not None
    rows.append(("wrong texts", str(ours_tally.wrong), "0", _met(ours_tally.wrong == 0)))
    part = spent.search / spent.whole
    rows.append(("search, of a whole reading", f"{part:.1%}", f"at most {MOST_TIME:.0%}", _met(part <= MOST_TIME)))
    return rows


def _row(name: str, counts: Tally | None, asked: Mapping[Kind, int]) -> tuple[str, ...]:
    if counts is None:
        return (name, *("not installed" for _ in asked), "", "")
    shares = (f"{_hits(counts, kind)} of {n} ({_hits(counts, kind) / n:.1%})" for kind, n in asked.items())
    return (name, *shares, str(counts.wrong), f"{counts.milliseconds:.1f}")


def _damage_row(damage: str, tallies: Mapping[str, Tally | None], asked: Mapping[Kind, int]) -> tuple[str, ...]:
    ours, plain = tallies[OURS], tallies[PLAIN]
    assert ours is not None
    assert plain is not None
    each = (
        f"{ours.right[kind, damage]} : {plain.right[kind, damage]} of {n // len(DAMAGES)}" for kind, n in asked.items()
    )
    return (damage, *each)


def _hits(counts: Tally, kind: Kind) -> int:
    return sum(n for (of, _), n in counts.right.items() if of == kind)


def _ranges(named: Mapping[Any, tuple[float, float]]) -> str:
    return "; ".join(f"{name} {_range(bounds)}" for name, bounds in named.items())


def _range(bounds: tuple[float, float]) -> str:
    low, high = bounds
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _met(met: bool) -> str:
    return "met" if met else "missed"


def _seconds(work: Callable[[Any], object], on: object) -> float:
    begin = time.perf_counter()
    work(on)
    return time.perf_counter() - begin


def _pyzbar() -> Reader | None:
    try:
        from pyzbar import pyzbar
    except (ImportError, OSError):
        return None
    return lambda picture: [code.data.decode("utf-8", "replace") for code in pyzbar.decode(picture)]
