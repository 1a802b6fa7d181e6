"""``meter batch`` reads an archive, ``meter report`` shows what came of it."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from recognizer.archive import Archive, InProcess, Pool, Progress, Reader, Version, run
from recognizer.archive.ledger import standing_lines
from recognizer.archive.pool import SECONDS, Engine
from recognizer.archive.run import stopping
from recognizer.archive.table import writer
from recognizer.archive.work import rules_of
from recognizer.errors import InputError, UsageError

Open = Callable[[Path | None], Reader]
Tell = Callable[[Progress], None]

POOL_PAYS = 16
"""Photos from which starting processes is quicker than reading in this one."""
LINE_SECONDS, JSON_SECONDS = 30.0, 1.0


def add_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """The two commands' arguments."""
    command = commands.add_parser("batch", parents=[common], help="read all photos and clips of an archive, resumably")
    command.add_argument(
        "where", metavar="DIR", help="a folder, a .zip or .tar[.gz], a manifest (.csv, .parquet), or a URL of such"
    )
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="results, one JSON object a line; .csv, .parquet or .duckdb: a table, with the lines beside it",
    )
    command.add_argument("--pattern", metavar="GLOB", help="only file names like this, such as '*.jpg'")
    command.add_argument("--visits", action="store_true", help="the files of one folder are one visit: one line")
    command.add_argument("--retry", choices=("errors",), help="read again what could not be looked at")
    command.add_argument("--keep", action="store_true", help="results of earlier models and rules stand")
    command.add_argument("--engine", choices=("auto", "here", "pool", "dask"), default="auto")
    command.add_argument("--workers", type=_positive, metavar="N", help="processes (default: one a core)")
    command.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask cluster, such as tcp://host:8786")
    command.add_argument(
        "--photo-seconds",
        type=_positive,
        default=SECONDS,
        metavar="N",
        help="longest time a photo may take (%(default)g)",
    )
    command.add_argument("--progress", choices=("bar", "lines", "json"), help="on standard error (default: by where)")
    command.add_argument("--quiet", action="store_true", help="print errors only")
    command.set_defaults(run=run_batch)

    command = commands.add_parser("report", parents=[common], help="show the results of a batch as one HTML file")
    command.add_argument("results", type=Path, metavar="RESULTS", help="the lines that meter batch wrote")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="HTML")
    command.add_argument("--truth", type=Path, metavar="CSV", help="what the photos show: columns file and reading")
    command.add_argument("--photos", type=Path, metavar="DIR", help="where the photos lie now")
    command.add_argument("--review", type=Path, metavar="CSV", help="also write the queue of what to review")
    command.set_defaults(run=run_report)


def run_batch(args: argparse.Namespace, open_reader: Open) -> int:
    table = writer(args.out)
    ledger = args.out.with_name(args.out.name + ".jsonl") if table else args.out
    archive = Archive(args.where, args.pattern, args.visits)
    reader: Reader | None = open_reader(args.models_dir)  # a model that does not work is told once, and at once
    assert reader is not None
    version = None if args.keep else _version(reader, args.models_dir)

    def choose(waiting: int | None) -> Engine:
        nonlocal reader
        opened, reader = reader, None  # a pool has readers of its own
        assert opened is not None
        return _engine(args, open_reader, opened, waiting)

    with stopping() as stop, _telling(args) as tell:
        summary = run(
            archive, ledger, choose, version=version, retry=args.retry is not None, progress=tell, stop=stop
        )  # fmt: skip
    if table:
        table(standing_lines(ledger))
    if not args.quiet:
        earlier = f", {summary.earlier} of them in an earlier run" if summary.earlier else ""
        print(
            f"{summary.total} photos{earlier}: {summary.accepted} accepted, {summary.review} to review, "
            f"{summary.refused} refused ({summary.failed} of them bad files). Results: {args.out}"
        )
    if summary.stopped:
        print("meter: stopped before the end; the same command goes on from here", file=sys.stderr)
        return 130
    return int(summary.refused > 0)


def run_report(args: argparse.Namespace, _: Open) -> int:
    from recognizer.archive.report import write_report
    from recognizer.archive.survey import read_labels

    if args.results.suffix.lower() in (".csv", ".parquet", ".duckdb"):
        raise UsageError(f"{args.results} is a table: a report is made of {args.results}.jsonl, which lies beside it")
    if args.photos is not None and not args.photos.is_dir():
        raise InputError(f"{args.photos}: is not a folder")
    labels = read_labels(args.truth) if args.truth else None
    written = write_report(args.results, args.out, labels=labels, photos=args.photos, queue=args.review)
    queue = f"; {written.review} to review: {args.review}" if args.review else ""
    print(f"{written.photos} photos, {written.impossible} readings impossible in the order of time: {args.out}{queue}")
    return 0


def _version(reader: Reader, models_dir: Path | None) -> Version | None:
    from recognizer.vision.models import list_cards

    rules = rules_of(reader)
    return None if rules is None else Version({card.role: card.digest for card in list_cards(models_dir)}, rules)


def _engine(args: argparse.Namespace, open_reader: Open, reader: Reader, waiting: int | None) -> Engine:
    workers = args.workers or len(os.sched_getaffinity(0))
    if args.engine == "dask" or (args.engine == "auto" and args.scheduler):
        from recognizer.archive.cluster import Dask

        return Dask(partial(open_reader, args.models_dir), args.scheduler, workers, args.photo_seconds)
    if args.scheduler:
        raise UsageError("--scheduler goes with --engine dask")
    few = workers == 1 or (waiting is not None and waiting < POOL_PAYS)
    if args.engine == "here" or (args.engine == "auto" and few):
        return InProcess(reader)
    return Pool(partial(open_reader, args.models_dir), workers, args.photo_seconds)


@contextmanager
def _telling(args: argparse.Namespace) -> Iterator[Tell | None]:
    how = args.progress or ("bar" if sys.stderr.isatty() else "lines")
    if args.quiet:
        yield None
    elif how == "bar":
        with _bar() as tell:
            yield tell
    else:
        every, form = (JSON_SECONDS, _as_json) if how == "json" else (LINE_SECONDS, _as_line)
        last: Progress | None = None
        told = time.monotonic()

        def now_and_then(now: Progress) -> None:
            nonlocal last, told
            last = now
            if time.monotonic() - told >= every:
                print(form(now), file=sys.stderr, flush=True)
                told, last = time.monotonic(), None

        yield now_and_then
        if last is not None and how == "json":
            print(form(last), file=sys.stderr, flush=True)


@contextmanager
def _bar() -> Iterator[Tell]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda now: bar.update(task, completed=now.done, total=now.total, description=_counts(now))


def _counts(now: Progress) -> str:
    left = "" if now.left is None else f"  {_duration(now.left)} left"
    return (
        f"{now.rate:.1f} photos/s{left}  {now.accepted} accepted, {now.review} to review, "
        f"{now.refused} refused, {now.failed} errors"
    )


def _as_line(now: Progress) -> str:
    return f"{now.done} of {now.total if now.total is not None else 'unknown'}  {_counts(now)}"


def _as_json(now: Progress) -> str:
    left = None if now.left is None else round(now.left, 1)
    return json.dumps({
        "done": now.done, "total": now.total, "read": now.read, "rate": round(now.rate, 3), "left": left,
        "accepted": now.accepted, "review": now.review, "refused": now.refused, "errors": now.failed,
        "source": now.source,
    })  # fmt: skip


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number
