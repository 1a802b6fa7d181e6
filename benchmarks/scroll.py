"""Rendered clips of seven families of meters, a real clip of a power page, photos of real screens.

Rendered clips are watched to their ends, each with what its owner can say of the meter: the built-in profile of its
family; for page codes and titles of split displays, a file that names the registers; else nothing. Whatever was
accepted at any time counts, also what the end of the clip took back.

The rules by which sums, titles, rows and tariff marks name registers, by which a total by absence waits for a mark,
by which the end of a label and unlit segments are told from digits, and how sums, lost digits and illegible labels are
weighed, were made on 357 clips of seven other seeds (777 to 783). On clips of seed 4242 itself were found: the doubt
about a digit before the cut (25), and that where its label ends tells whose it is (61, 110), that a number which wavers
is no total (1), that a brief look takes displays as upright (10), that a number beside which something illegible stands
is no total, and none is less than its tariffs (64), that marks which look lit by turns name nothing (42), that first
digits are lost and not added (21), but for eights (9), under a title too (136), that whole numbers lose last ones (32),
that both ends may be lost (162), that first digits need no doubt of their own (11), that a doubtful frame shows no
digit more (130), that a number beside a title is not its value (171), nor CUM there a total (157), that a single letter
is no title (55), that a total by sum may lack its last digit (98). That prints need many typefaces, panels more room
and `1.8.0 T2` a rule was found on these real screens, and on one of them each that an LCD without a unit stands back,
that MAX beside `1.8.2` is none, and that beside the label t1 other marks are those in force.
"""

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks import scroll_photos
from benchmarks.accuracy import commit, processor, table
from benchmarks.scroll_clips import LONG_ENOUGH, Line, measured, same_register
from benchmarks.scroll_meters import profile_of, rendering
from recognizer.domain.visit import Visit
from recognizer.evaluate import wilson
from recognizer.synth.clip_files import write_clip
from recognizer.synth.clip_meters import FAMILIES
from recognizer.vision.clips import open_clip
from recognizer.watch import watch

OTHER = (
    "transition",
    "test",
    "clock",
    "date",
    "power",
    "demand",
    "history",
    "serial",
    "error",
    "title",
    "blank",
    "other",
)
"""Where no reading may come from."""
SPEED_SIZE, SPEED_FPS, SPEED_SECONDS = (1280, 720), 10.0, 12.0
SPEED_SEED = 4243


class Row(NamedTuple):
    """A figure, what was measured, what is wanted, and whether it is reached; None: nothing is wanted of it."""

    name: str
    measured: str
    wanted: str = ""
    met: bool | None = None


class Tally(NamedTuple):
    """What became of the registers of some clips that were shown long enough."""

    asked: int
    exact: int
    review: int
    """Exact, but for a person to look at."""
    lost: Counter[str]
    """Why the others were not reported exactly."""


def tally(lines: Sequence[Line], seconds: str = "seconds") -> Tally:
    """Registers shown for ``LONG_ENOUGH`` by ``seconds`` or by ``clear_seconds``, without what nobody can read."""
    asked = exact = review = 0
    lost: Counter[str] = Counter()
    for line in lines:
        for truth in line["truth"]:
            if truth[seconds] < LONG_ENOUGH:
                continue
            asked += 1
            why = _why_lost(truth, line["final"])
            exact += why is None
            if why is not None:
                lost[why] += 1
                review += why.startswith("for review")
    return Tally(asked, exact, review, lost)


def _why_lost(truth: dict[str, Any], final: Sequence[dict[str, Any]]) -> str | None:
    mine = [r for r in final if same_register(r["register"], truth["register"])]
    right = [r for r in mine if r["text"] == truth["value"]]
    if any(r["status"] == "accepted" for r in right):
        return None
    if right:
        return "for review: " + ", ".join(right[0]["findings"])
    if mine:
        return "misread"
    if any(r["text"] == truth["value"] for r in final):
        return "filed elsewhere"
    return "not read"


def seconds_to_done(lines: Sequence[Line]) -> list[float]:
    """Seconds from the last wanted screen's appearance to done; infinite where that never came.

    Of clips that show every register of the meter long enough: of the others nothing can be promised.
    """
    fit = [line for line in lines if _fits(line)]
    last = [max(truth["first"] for truth in line["truth"]) for line in fit]
    return [float("inf") if line["done"] is None else line["done"] - at for line, at in zip(fit, last, strict=True)]


def _fits(line: Line) -> bool:
    shown = {truth["register"] for truth in line["truth"] if truth["seconds"] >= LONG_ENOUGH}
    return bool(shown) and shown == set(line["wanted"])


def clip_rows(lines: Sequence[Line]) -> list[Row]:
    """The figures of the rendered clips."""
    main, clear = tally(lines), tally(lines, "clear_seconds")
    origins = Counter(one["from"] for line in lines for one in line["accepted"])
    accepted, other = sum(origins.values()), {k: n for k, n in origins.items() if k in OTHER}
    waits = seconds_to_done(lines)
    median = statistics.median(waits) if waits else float("inf")
    never = sum(wait == float("inf") for wait in waits)
    return [
        Row(
            f"registers shown for {LONG_ENOUGH:g} s or more, reported exactly and accepted",
            _share(main.exact, main.asked), "95 % (goal 99 %)", main.asked > 0 and main.exact >= 0.95 * main.asked,
        ),
        Row("the same, with those for review", _share(main.exact + main.review, main.asked)),
        Row("the same as the first, of those that can be seen clearly for as long", _share(clear.exact, clear.asked)),
        Row(
            "values filed under another register", f"{origins['wrong register']} of {accepted} accepted", "0",
            origins["wrong register"] == 0,
        ),
        Row(
            "accepted from a transition, test, clock, power, demand or history screen",
            f"{sum(other.values())} of {accepted}{_list(other)}", "0", not other,
        ),
        Row("accepted under the right register with a wrong number", f"{origins['misread']} of {accepted}"),
        Row(
            "seconds from the last needed screen's appearance to done, median",
            f"{median:.2f} ({len(waits)} clips, {never} never done)", "≤ 1.0", median <= 1.0,
        ),
        Row("frames that were read, of those looked at", _share(_sum(lines, "read"), _sum(lines, "frames"))),
    ]  # fmt: skip


def family_rows(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    """Per family, what was asked, what came, and what went wrong."""
    rows: list[tuple[str, ...]] = []
    for family in FAMILIES:
        own = [line for line in lines if line["family"] == family]
        told = tally(own)
        bad = [one | {"clip": line["clip"]} for line in own for one in line["accepted"] if one["from"] != "right"]
        wrong = [f"clip {b['clip']}: {b['register']} {b['text']} at {b['frame']:.1f} s ({b['from']})" for b in bad]
        lost = "; ".join(f"{n} {why}" for why, n in told.lost.most_common())
        rows.append((family, str(len(own)), _share(told.exact, told.asked), lost, "<br>".join(wrong)))
    return rows


def speed(reader: Any, seconds: float = SPEED_SECONDS, threads: int = 2) -> Row:
    """Seconds of clips, read from MP4 files to their ends, over the seconds that it takes."""
    clip_seconds, spent, used = 0.0, 0.0, 0.0
    with TemporaryDirectory() as folder:
        for number in range(len(FAMILIES)):
            drawn = rendering(SPEED_SEED, number, SPEED_SIZE, SPEED_FPS, seconds)
            path = Path(folder) / f"{number}.mp4"
            write_clip(drawn, path)
            start, cpu = time.perf_counter(), time.process_time()
            with open_clip(path) as clip:
                visit = Visit(policy=reader.policy, profile=profile_of(drawn.meter))
                watch(clip, reader, visit, stop=False, threads=threads)
            spent, used = spent + time.perf_counter() - start, used + time.process_time() - cpu
            clip_seconds += drawn.seconds
    ratio = clip_seconds / spent
    name = f"clip seconds to a second of processing, {SPEED_SIZE[1]}p, {SPEED_FPS:g} frames/s, {threads} threads"
    told = f"{ratio:.2f} ({clip_seconds:.0f} s of clips, {clip_seconds / used:.2f} to a second of one core's work)"
    return Row(name, told, "≥ 1", ratio >= 1)


def real_rows(data: Path | None, reader: Any) -> tuple[list[Row], list[str]]:
    """The figures of real material, and what went wrong with it."""
    if data is None:
        return [Row("real clip and photos", "not measured: they are not here", "as promised", False)], []
    accepted = scroll_photos.watch_power(data, reader)
    photos = scroll_photos.read_photos(data, reader.read)
    rows = [
        Row(f"{scroll_photos.CLIP} (power): energy readings accepted", str(len(accepted)), "0", not accepted),
        Row(
            "real screens: register and unit as the truth states",
            _share(photos.agreed, photos.asked), "80 %", photos.asked > 0 and photos.agreed >= 0.8 * photos.asked,
        ),
        Row("the same, with a reading that is given", _share(photos.given, photos.asked)),
        Row(
            "real pages that are no reading: one accepted", f"{len(photos.taken)} of {photos.pages}", "0",
            not photos.taken,
        ),
    ]  # fmt: skip
    wrong = [f"{scroll_photos.CLIP}: accepted {what}" for what in accepted]
    wrong += [f"accepted: {what}" for what in photos.taken] + [f"not as stated: {what}" for what in photos.wrong]
    return rows, wrong


def run(
    numbers: Sequence[int], out: Path, seed: int, jobs: int, data: Path | None, perfect: bool, timed: bool
) -> tuple[str, bool]:
    """The report, and whether everything that must be reached is."""
    lines = measured(numbers, out, seed=seed, jobs=jobs, perfect=perfect)
    rows, wrong = clip_rows(lines), list[str]()
    if not perfect:
        from recognizer.reader import MeterReader

        reader = MeterReader()
        rows += [speed(reader)] if timed else []
        real, wrong = real_rows(data, reader)
        rows += real
    return report(lines, rows, wrong, seed), all(row.met is not False for row in rows)


def report(lines: Sequence[Line], rows: Sequence[Row], wrong: Sequence[str], seed: int) -> str:
    """The whole text, as Markdown."""
    models = Counter(f"{role} `{digest}`" for line in lines for role, digest in line["models"].items())
    header = (
        f"Written by `python -m benchmarks scroll` on {datetime.now(UTC):%Y-%m-%d}; do not edit. {len(lines)} clips, "
        f"seed {seed}. {processor()}, commit {commit()}, models: {', '.join(sorted(models)) or 'none'}."
    )
    met = {None: "", True: "met", False: "missed"}
    sections = [
        "# Scrolling displays",
        header,
        str(__doc__).strip(),
        table(("figure", "measured", "wanted", ""), [(r.name, r.measured, r.wanted, met[r.met]) for r in rows]),
        "## By family",
        table(("family", "clips", "reported exactly", "not", "accepted wrongly"), family_rows(lines)),
    ]
    if wrong:
        sections += ["## Real material", "\n".join(f"- {line}" for line in wrong)]
    return "\n\n".join(sections) + "\n"


def _share(part: int, whole: int) -> str:
    low, high = wilson(part, whole)
    return f"{part / whole:.1%} ({part} of {whole}; {low:.1%} to {high:.1%})" if whole else "- (none)"


def _list(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{n} {what}' for what, n in sorted(counts.items()))})" if counts else ""


def _sum(lines: Sequence[Line], what: str) -> int:
    return sum(line[what] for line in lines)
