"""What a ledger holds, counted in one pass; memory is bounded, however many lines there are."""

import csv
import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recognizer.archive.ledger import Line, key
from recognizer.archive.table import plain
from recognizer.errors import InputError

BINS = 20
MOST_NAMES = 1000
"""Folders and reasons that are counted by name; what comes after goes under ``OTHERS``."""
OTHERS = "(others)"
LEAST_CERTAIN = 24
OF_A_REASON = 8
"""Photos shown of each reason for a refusal."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a photo truly shows."""

    text: str


@dataclass(slots=True)
class Survey:
    """Counts of a ledger, by status, and the photos worth looking at."""

    truth: Mapping[str, Label] = field(default_factory=dict)
    status: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    folders: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    histogram: list[Counter[str]] = field(default_factory=lambda: [Counter() for _ in range(BINS)])
    """Billed readings by confidence, in bins of equal width."""
    exact: list[tuple[float, bool]] = field(default_factory=list)
    """(confidence, whether all digits are right) of the best guess at each labelled photo's billed reading."""
    billing: list[tuple[float, bool]] = field(default_factory=list)
    """The same for the digits before the point."""
    accepted_wrong: int = 0
    """Labelled photos accepted with a wrong text."""
    _least: list[tuple[float, int, Line]] = field(default_factory=list)
    _refused: dict[str, list[tuple[int, Line]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def photos(self) -> int:
        return self.status.total()

    def add(self, line: Line) -> None:
        status, source = line["status"], line["source"]
        first = line["readings"][0] if line["readings"] else None
        codes = {f["code"] for f in line["findings"]} | {f["code"] for f in (first or {}).get("findings", [])}
        self.status[status] += 1
        self.failed += "error" in line
        for code in codes:
            _named(self.reasons, code)[status] += 1
        _named(self.kinds, first["kind"] if first else "none found")[status] += 1
        _named(self.folders, plain(source.rpartition("/")[0].partition("/")[0]) or ".")[status] += 1
        if first is not None:
            self.histogram[min(BINS - 1, int(first["confidence"] * BINS))][status] += 1
            self._score(source, status, first)
        elif source in self.truth:
            self._scored(0.0, False, False)
        if status == "refused":
            for code in codes:
                _keep(self._refused.get(code) if len(self._refused) >= MOST_NAMES else self._refused[code], line)
        elif first is not None:
            entry = (-first["confidence"], key(source), line)
            heapq.heappush(self._least, entry)
            if len(self._least) > LEAST_CERTAIN:
                heapq.heappop(self._least)

    def least_certain(self) -> list[Line]:
        """The readings that were given with the least confidence, the least first."""
        return [line for *_, line in sorted(self._least, key=lambda e: e[:2], reverse=True)]

    def refused(self) -> Iterator[tuple[str, list[Line]]]:
        """Some photos of each reason for a refusal, the most frequent reason first."""
        for code in sorted(self._refused, key=lambda c: (-self.reasons[c]["refused"], c)):
            yield code, [line for _, line in sorted(self._refused[code], key=lambda e: -e[0])]

    def _score(self, source: str, status: str, first: dict[str, Any]) -> None:
        label = self.truth.get(source)
        if label is None:
            return
        guess = first["candidates"][0]["text"] if first.get("candidates") else first["text"]
        right = bool(guess) and guess == label.text
        whole, wanted = (text.partition(".")[0].lstrip("0") for text in (guess, label.text))
        self._scored(first["confidence"], right, bool(guess) and whole == wanted)
        self.accepted_wrong += status == "accepted" and first["text"] != label.text

    def _scored(self, confidence: float, exact: bool, billing: bool) -> None:
        self.exact.append((confidence, exact))
        self.billing.append((confidence, billing))


def _named(counts: dict[str, Counter[str]], name: str) -> Counter[str]:
    return counts[name if name in counts or len(counts) < MOST_NAMES else OTHERS]


def _keep(kept: list[tuple[int, Line]] | None, line: Line) -> None:
    """A sample that does not depend on the order of the lines: those whose sources have the smallest digests."""
    if kept is None:
        return
    entry = (-key(line["source"]), line)
    if len(kept) < OF_A_REASON:
        heapq.heappush(kept, entry)
    elif entry[0] > kept[0][0]:
        heapq.heapreplace(kept, entry)


def read_labels(table: Path) -> dict[str, Label]:
    """Truth by source, of a CSV with the columns ``file`` and ``reading``; a row without a reading is left out.

    Raises InputError when it cannot be read or a column is missing.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            found = csv.DictReader(file)
            columns = found.fieldnames or []
            name = next((c for c in ("file", "source", "path") if c in columns), None)
            text = next((c for c in ("reading", "text", "truth") if c in columns), None)
            if name is None or text is None:
                raise InputError(f"{table}: a table of truths has the columns file and reading")
            pairs = ((row[name], (row[text] or "").replace(",", ".").replace(" ", "")) for row in found)
            return {source: Label(reading) for source, reading in pairs if reading}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: cannot be read ({error})") from error
