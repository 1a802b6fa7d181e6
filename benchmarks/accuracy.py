"""The accuracy report: every source by itself and all together, as Markdown.

Everything below the header is a pure function of truths and answers, so a report is reproducible from
stored predictions.
"""

import platform
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path

from benchmarks import corrections
from benchmarks.run import ROOT
from recognizer.evaluate import (
    Answer,
    Figure,
    Truth,
    calibration_error,
    digit_errors,
    figures,
    right,
    risk_at,
    wilson,
)

Case = tuple[Truth, Answer]
COVERAGES = (1.0, 0.95, 0.9, 0.85, 0.8)
READING_COLUMNS = ("source", "n", "accepted", "wrong among accepted", "to review", "refused", "digits")

NOTES = """\
**Right** counts readings that were given: a refused photo is not right where a reading is wanted. The best
guess takes the likeliest text of refused photos too. Where nothing can or should be read, only an accepted
reading is wrong. Intervals are Wilson's at 95 %. Nothing is given to the reader but the photo."""


def markdown(cases: Sequence[Case], header: str) -> str:
    """The whole report; ``header`` says where, when and with what it was measured."""
    sections = [
        "# Accuracy on real photos",
        header,
        NOTES,
        "## Figures",
        table(
            ("source", "figure", "n", "right", "share", "95 % interval", "best guess", "target", ""), _figures(cases)
        ),
        "## Readings",
        "Photos with a reading to give. Error is the share of wrong readings among the most certain 100 to 80 % of "
        "them, best guesses included; ECE is the expected calibration error of the confidence over 15 bins.",
        table(
            (*READING_COLUMNS, *(f"error at {coverage:.0%}" for coverage in COVERAGES), "ECE"),
            _by_source(cases, "reading", _confidence_row),
        ),
        "## Nothing to accept",
        "Photos of displays that are off or unreadable, and of screens that show no register.",
        table(
            ("source", "asked for", "n", "accepted", "to review", "refused"),
            _by_source(cases, "refusal", _negative_row) + _by_source(cases, "other page", _negative_row),
        ),
        *_corrected([case for case in cases if case[0].demand == "reading"]),
    ]
    return "\n\n".join(sections) + "\n"


def _corrected(cases: Sequence[Case]) -> tuple[str, ...]:
    """What the truths that are wrong change; nothing where there are none."""
    rights = [(is_right(case), is_right(case, guess=True)) for case in cases]
    rows = corrections.rows(cases, rights, corrections.corrections())
    if not rows:
        return ()
    return "## Truths that are wrong", str(corrections.__doc__).strip(), table(corrections.COLUMNS, rows)


def environment(answers: Iterable[Answer], split: str) -> str:
    """Header of a report: command, date, hardware, models and commit."""
    models = Counter(f"{role} `{digest}`" for a in answers for role, digest in a.models)
    lines = (
        f"Written by `python -m benchmarks accuracy` on {datetime.now(UTC):%Y-%m-%d}; do not edit.",
        f"- split: {split}",
        f"- hardware: {processor()}, {cpu_count()} threads, {platform.system()}, Python {platform.python_version()}",
        f"- models: {', '.join(sorted(models)) or 'none'}",
        f"- commit: {commit()}",
    )
    return lines[0] + "\n\n" + "\n".join(lines[1:])


def by_source(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """Cases by source, sources in alphabetical order, cases by file."""
    groups: dict[str, list[Case]] = {}
    for case in sorted(cases, key=lambda case: (case[0].source, case[0].file)):
        groups.setdefault(case[0].source, []).append(case)
    return groups


def is_right(case: Case, *, guess: bool = False) -> bool:
    """Whether a case is right by the main figure of its source for what it demands."""
    truth, answer = case
    main = next(f for f in figures(truth.source, (truth.demand,)) if f.demand == truth.demand)
    return right(main, truth, answer, guess=guess)


def _figures(cases: Iterable[Case]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for source, group in by_source(cases).items():
        demands = {truth.demand for truth, _ in group}
        rows += [_figure_row(f, group) for f in figures(source, demands) if f.demand in demands]
    # Figures with a target first: they decide, the rest informs.
    return sorted(rows, key=lambda row: row[-2] == "")


def _figure_row(figure: Figure, group: Sequence[Case]) -> tuple[str, ...]:
    asked = [(t, a) for t, a in group if t.demand == figure.demand]
    hits = sum(right(figure, t, a) for t, a in asked)
    low, high = wilson(hits, len(asked))
    guesses = sum(right(figure, t, a, guess=True) for t, a in asked) if figure.demand == "reading" else None
    met = "" if figure.target is None else "met" if hits >= figure.target * len(asked) else "missed"
    return (
        figure.source,
        figure.name,
        str(len(asked)),
        str(hits),
        _share(hits, len(asked)),
        f"{low:.1%} to {high:.1%}",
        "" if guesses is None else _share(guesses, len(asked)),
        "" if figure.target is None else f"{figure.target:.0%}",
        met,
    )


def _by_source(
    cases: Iterable[Case], demand: str, row: Callable[[str, Sequence[Case]], tuple[str, ...]]
) -> list[tuple[str, ...]]:
    asked = [case for case in cases if case[0].demand == demand]
    rows = [row(source, group) for source, group in by_source(asked).items()]
    return [*rows, row("**all**", asked)] if asked else []


def _confidence_row(source: str, group: Sequence[Case]) -> tuple[str, ...]:
    statuses = Counter(answer.status for _, answer in group)
    wrong = sum(answer.status == "accepted" and not is_right((truth, answer)) for truth, answer in group)
    scored = [(answer.confidence, is_right((truth, answer), guess=True)) for truth, answer in group]
    errors = [digit_errors(truth, answer.guess) for truth, answer in group]
    return (
        source,
        str(len(group)),
        _share(statuses["accepted"], len(group)),
        f"{wrong} ({_share(wrong, statuses['accepted'])})",
        _share(statuses["review"], len(group)),
        _share(statuses["refused"], len(group)),
        f"{1 - sum(e for e, _ in errors) / max(1, sum(n for _, n in errors)):.2%}",
        *(f"{risk_at(scored, coverage):.1%}" for coverage in COVERAGES),
        f"{calibration_error(scored):.3f}",
    )


def _negative_row(source: str, group: Sequence[Case]) -> tuple[str, ...]:
    statuses = Counter(answer.status for _, answer in group)
    counts = (str(statuses[status]) for status in ("accepted", "review", "refused"))
    return (source, group[0][0].demand, str(len(group)), *counts)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def processor() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def commit() -> str:
    command = ("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def cases_of(truths: Iterable[Truth], answers: Mapping[str, Answer]) -> list[Case]:
    """Pairs of truth and answer, for the files that have both."""
    return [(truth, answers[truth.file]) for truth in truths if truth.file in answers]
