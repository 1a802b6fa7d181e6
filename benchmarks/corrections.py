"""Truths of test photos that do not say what the photo shows, as seen by eye where truth and reader disagreed.

Every score counts them as they are stated; what they change is said beside it. They were looked for where the reader
was wrong only, so they can only better its figures.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from recognizer.evaluate import Answer, Truth, digits

CORRECTIONS_CSV = Path(__file__).with_name("corrections.csv")
COLUMNS = ("", "n", "error of the best guess", "the same, as shown", "wrong among accepted", "the same, as shown")


def corrections() -> dict[str, str]:
    """By file the digits that the photo shows, ``?`` for one that cannot be told."""
    with CORRECTIONS_CSV.open(newline="", encoding="utf-8") as f:
        return {row["file"]: row["shows"] for row in csv.DictReader(f)}


def shown(text: str, shows: str, truth: Truth) -> bool:
    """Whether the digits of a text are those that the photo shows; a digit that cannot be told may be any."""
    return re.fullmatch(shows.replace("?", r"\d"), digits(text, truth)) is not None


def rows(
    cases: Sequence[tuple[Truth, Answer]], rights: Sequence[tuple[bool, bool]], known: Mapping[str, str]
) -> list[tuple[str, ...]]:
    """Of every source with corrections and of all: errors as stated and as shown.

    ``rights``: whether reading and best guess of each case are right as stated.
    """
    sources = sorted({truth.source for truth, _ in cases if truth.file in known})
    out: list[tuple[str, ...]] = []
    for source in [*sources, None]:
        picked = [(c, r) for c, r in zip(cases, rights, strict=True) if source in (None, c[0].source)]
        accepted = sum(answer.status == "accepted" for (_, answer), _ in picked)
        counts = [0, 0, 0, 0]
        for (truth, answer), (given, guessed) in picked:
            seen = (given, guessed)
            if truth.file in known:
                seen = (shown(answer.text, known[truth.file], truth), shown(answer.guess, known[truth.file], truth))
            counts[0] += not guessed
            counts[1] += not seen[1]
            counts[2] += answer.status == "accepted" and not given
            counts[3] += answer.status == "accepted" and not seen[0]
        n = len(picked)
        shares = (f"{c / of:.1%}" if of else "-" for c, of in zip(counts, (n, n, accepted, accepted), strict=True))
        stated, as_shown, wrong, still = (f"{c} ({s})" for c, s in zip(counts, shares, strict=True))
        out.append((source or "**all**", str(n), stated, as_shown, wrong, still))
    return out if sources else []
