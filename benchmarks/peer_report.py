"""What ours and its peers made of the same photos, as Markdown: a pure function of truths and kept rows."""

import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from benchmarks.accuracy import commit, is_right, processor, table
from benchmarks.peer_scores import best_line_right, named_line_right, own_point_right
from benchmarks.peers import OURS, Row, Rows
from recognizer.errors import UsageError
from recognizer.evaluate import Truth, figures, wilson

Pairs = Sequence[tuple[Truth, Row]]
Judge = Callable[[Truth, Row], bool]

GIVEN = {"whole": "the photo", "region": "our region", "digits": "our digit positions"}

NOTES = """\
**Right** is what [RESULTS.md](RESULTS.md) calls right, by the main figure of each source. Ours is judged as there: a
refused photo is not right, and its point must stand where the truth has it. **Peers are judged leniently**: the best of
all their lines counts, of any confidence, and any run of neighbouring boxes of one row; what is no digit is cut away,
O, I, S, B and the like may stand for digits, and the point may stand anywhere. The row *as leniently* judges ours by
that too, refused photos included.

*Own point* counts the photos where a whole line, reduced to digits and its own point, is right as it stands, as is
asked of ours (Tesseract, limited to digits, and meter-digits-recognizer give no point). *Named* counts the photos where
the one line that a user who does not know the truth would take is right, leniently: of those with a confidence of at
least 0.5 the one with most digits; ssocr knows no confidence. Intervals are Wilson's at 95 %.

**Given**: *the photo* as it is (lcd-strips and rolling-strips are cut to the display already); *our region*, the
display that our locator found, straightened and upright, 96 pixels high, once inside its corners and once with a margin
(the better counts); *our digit positions*, one picture for each digit that we see, in two widths (the better counts).
Peers on regions and positions have the finding done for them; where we find no display they get nothing, and are
wrong.

**Time** is CPU time on one thread, photo by photo in turn with ours, loading of models aside, as a ratio to our whole
reading of that photo (median; ours also looks for codes and dials). On regions and positions it is for one of the two,
without the finding. Tesseract and ssocr start a process for each picture, and that is in their time."""

HELD = """\
Python peers read with what their packages hold: RapidOCR 3.10.0 with the small PP-OCRv6 models, with whose recogniser
our textline reader began its training, rapidocr-onnxruntime 1.4.4 with the mobile PP-OCRv4 models,
meter-digits-recognizer with its one network. Larger, English-only and server
models of the first two are downloads from elsewhere and were not tried; nor was Tesseract's third-party training data
for seven segments, which Debian does not carry: Tesseract reads with its English model, digits only (page segmentation
mode 7 on regions, 11 on photos). ssocr is made for seven segments, so only LCDs are fair and only LCDs it gets, with
five settings on each region, the best of which counts. All Python peers run in environments of their own, with one
headless OpenCV wheel below version 5 and our version of onnxruntime."""


def markdown(truths: Sequence[Truth], rows: Rows, missing: Mapping[str, str], header: str) -> str:
    """The report of the photos that every reader was asked about; ``missing`` says why other readers are not here.

    Raises UsageError when there is no such photo.
    """
    heard = complete(truths, rows)
    if not heard:
        raise UsageError(
            "no photo has an answer of every reader yet: run `python -m benchmarks peers` without --rescore"
        )
    readers = sorted({row.reader for _, group in heard for row in group}, key=_rank)
    pairs = {name: [(t, row) for t, group in heard for row in group if row.reader == name] for name in readers}
    sections = [
        "# Beside what else there is",
        header + f"\n- photos: {len(heard)} of the {len(truths)} drawn, all with a reading to give",
        NOTES,
        "## All together",
        "Sources count by the photos drawn of them, so large ones count less than they would.",
        _together(pairs),
        "## By source",
        "Right, of how many, and the 95 % interval. Peers by their best line.",
        _by_source(pairs),
        "## What was used",
        HELD,
        *(f"- {name} was not measured: {why}" for name, why in sorted(missing.items())),
        *_failures(pairs),
    ]
    return "\n\n".join(sections) + "\n"


def environment(rows: Rows, seed: int) -> str:
    """Header of a report: command, date, hardware, models and commit."""
    ours = [row.reader.partition(", ")[2] for row in rows.values() if row.answer][-1:]
    lines = (
        f"Written by `python -m benchmarks peers` on {datetime.now(UTC):%Y-%m-%d}; do not edit.",
        f"- hardware: {processor()}, {platform.system()}, Python {platform.python_version()}; one thread for each",
        f"- models: {ours[0] if ours else 'none'}",
        f"- commit: {commit()}",
        f"- split: test; at most so many of each source, drawn with seed {seed}",
    )
    return lines[0] + "\n\n" + "\n".join(lines[1:])


def complete(truths: Sequence[Truth], rows: Rows) -> list[tuple[Truth, list[Row]]]:
    """The photos with the rows of all readers that are asked about photos of their kind; of ours the latest models."""
    ours = [row.reader for row in rows.values() if row.answer][-1:]
    groups: dict[str, list[Row]] = {truth.file: [] for truth in truths}
    for row in rows.values():
        if row.file in groups and (row.answer is None or row.reader in ours):
            groups[row.file].append(row)
    asked: dict[str, set[str]] = {}
    for truth in truths:
        asked.setdefault(truth.kind, set()).update(row.reader for row in groups[truth.file])
    pairs = [(truth, groups[truth.file]) for truth in truths]
    return [(truth, group) for truth, group in pairs if group and {row.reader for row in group} == asked[truth.kind]]


def _together(pairs: Mapping[str, Pairs]) -> str:
    head = (
        "reader",
        "given",
        "drums",
        "LCDs",
        "all",
        "95 % interval",
        "own point",
        "named",
        "ours not",
        "only ours",
        "time",
    )
    ours = {t.file: _strictly(t, row) for group in pairs.values() for t, row in group if row.answer}
    lines = []
    for name, group in pairs.items():
        reader, _, kind = name.partition(", ")
        if reader == OURS:
            lines.append((f"**{OURS}**", "the photo", *_counts(group, _strictly), "", "", "", "", "1"))
            reader, kind = f"{OURS}, as leniently", "whole"
        only_it = sum(_leniently(t, row) and not ours[t.file] for t, row in group)
        only_ours = sum(ours[t.file] and not _leniently(t, row) for t, row in group)
        own = sum(own_point_right(t, row.heard.lines) for t, row in group)
        named = sum(named_line_right(t, row.heard.lines) for t, row in group)
        ratios = [row.heard.seconds / row.ours_seconds for _, row in group if row.heard.seconds]
        time = f"{statistics.median(ratios):.2g}" if ratios else "-"
        lines.append(
            (reader, GIVEN[kind], *_counts(group, _leniently), f"{own}", f"{named}", f"{only_it}", f"{only_ours}", time)
        )
    explained = (
        "*ours not*: photos that it has right and ours, as reported, has not; *only ours*: the other way about; "
        "*time*: ours is 1."
    )
    return table(head, lines) + "\n\n" + explained


def _failures(pairs: Mapping[str, Pairs]) -> list[str]:
    failed = {name: [row.heard.error for _, row in group if row.heard.error] for name, group in pairs.items()}
    return [
        f"- {name} failed on {len(errors)} photos, which count as wrong; first: {errors[0]}"
        for name, errors in failed.items()
        if errors
    ]


def _counts(group: Pairs, judge: Judge) -> tuple[str, str, str, str]:
    """Right of drums, of LCDs and of all, and the interval of all."""
    cells = []
    for kind in ("drum", "lcd"):
        asked = [(t, row) for t, row in group if t.kind == kind]
        cells.append(f"{sum(judge(t, row) for t, row in asked)} of {len(asked)}" if asked else "-")
    hits = sum(judge(t, row) for t, row in group)
    low, high = wilson(hits, len(group))
    return cells[0], cells[1], f"{hits} of {len(group)} ({hits / len(group):.1%})", f"{low:.1%} to {high:.1%}"


def _by_source(pairs: Mapping[str, Pairs]) -> str:
    """A row for each reader would be hard to compare: sources are rows, readers columns."""
    columns: list[tuple[str, Judge, Mapping[str, Pairs]]] = []
    for name, group in pairs.items():
        reader, _, kind = name.partition(", ")
        title = OURS if reader == OURS else f"{reader}, {GIVEN[kind]}"
        columns.append((title, _strictly if reader == OURS else _leniently, _sources(group)))
    ours = columns[0][2]
    lines = [
        (
            source,
            figures(source, ("reading",))[0].name,
            *(_share(judge, groups.get(source, ())) for _, judge, groups in columns),
        )
        for source in ours
    ]
    return table(("source", "figure", *(title for title, _, _ in columns)), lines)


def _sources(group: Pairs) -> dict[str, Pairs]:
    sources: dict[str, list[tuple[Truth, Row]]] = {}
    for truth, row in sorted(group, key=lambda pair: pair[0].source):
        sources.setdefault(truth.source, []).append((truth, row))
    return dict(sources)


def _share(judge: Judge, group: Pairs) -> str:
    if not group:
        return "-"
    hits = sum(judge(t, row) for t, row in group)
    low, high = wilson(hits, len(group))
    return f"{hits} of {len(group)}, {low:.0%} to {high:.0%}"


def _strictly(truth: Truth, row: Row) -> bool:
    return row.answer is not None and is_right((truth, row.answer))


def _leniently(truth: Truth, row: Row) -> bool:
    return best_line_right(truth, row.heard.lines)


def _rank(reader: str) -> tuple[bool, str]:
    """Ours first, then by name and by what they were given, the photo last."""
    return not reader.startswith(OURS), reader
