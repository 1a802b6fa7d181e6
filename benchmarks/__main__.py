"""``python -m benchmarks COMMAND``: see ``--help`` of each."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import accuracy, run
from recognizer.errors import RecognizerError, UsageError
from recognizer.evaluate import read_truths


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark; 0 done, 1 a promise was broken, 2 wrong use or no photos."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except RecognizerError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return error.exit_code
    return code


def _accuracy(options: argparse.Namespace) -> int:
    data = run.data_folder(options.data)
    truths = read_truths(data / "photos.csv", options.split, options.sources)
    if not truths:
        raise UsageError(f"no photos of split {options.split} and sources {options.sources or 'all'} in {data}")
    if options.rescore:
        answers = run.load(options.rescore)
    else:
        files = [truth.file for truth in truths]
        answers = dict(zip(files, run.answer([data / f for f in files], options.jobs), strict=True))
        predictions = options.predictions or run.OUT / f"{options.split}.jsonl"
        run.save(predictions, list(answers), list(answers.values()))
        print(f"predictions: {predictions}", file=sys.stderr)
    cases = accuracy.cases_of(truths, answers)
    text = accuracy.markdown(cases, accuracy.environment((a for _, a in cases), options.split))
    print(text)
    # The published report is of the whole test split: a partial run must ask to overwrite it.
    whole = options.split == "test" and not options.sources
    out = options.out or (run.ROOT / "benchmarks" / "RESULTS.md" if whole else None)
    if out:
        out.write_text(text, encoding="utf-8")
    return 0


def _failures(options: argparse.Namespace) -> int:
    from benchmarks import failures  # drawing needs OpenCV, scoring does not

    data = run.data_folder(options.data)
    answers = run.load(options.predictions)
    cases = accuracy.cases_of(read_truths(data / "photos.csv", None, options.sources), answers)
    wrong = failures.worst(cases, options.limit)
    if wrong:
        out = options.out or run.OUT / f"{options.predictions.stem}-failures.png"
        failures.contact_sheet(wrong, data, out)
        print(f"{len(wrong)} worst failures of {len(cases)} photos: {out}")
    else:
        print(f"no failures in {len(cases)} photos")
    return 0


def _speed(options: argparse.Namespace) -> int:
    from benchmarks import speed

    suffixes = (".jpg", ".jpeg", ".png", ".webp")
    photos = sorted(p for p in options.photos.rglob("*") if p.suffix.lower() in suffixes)[: options.limit]
    if not photos:
        raise UsageError(f"no photos in {options.photos}")
    read = run.meter_reader()
    cold = speed.cold_start()
    print(f"cold start: import {cold['import_s']:.2f} s, models {cold['load_s']:.2f} s, {cold['rss_mb']:.0f} MB")
    print(f"one photo: {speed.seconds_per_photo(read, photos) * 1000:.0f} ms (median of {len(photos)})")
    for stage, share in speed.shares(read, photos).items():
        print(f"  {stage:<12} {share:6.1%}")
    same = speed.same_in_threads(read, photos)
    print(f"16 threads answer as one does: {'yes' if same else 'NO'}")
    return 0 if same else 1


def _history(options: argparse.Namespace) -> int:
    from benchmarks import history, history_bound

    counts = history.simulate(options.seed, options.meters, options.months)
    reviewed = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
    best = dict(zip(reviewed, history_bound.bound(options.seed, options.meters, options.months, reviewed), strict=True))
    text = history.report(counts, options.meters, options.months, options.seed, best)
    print(text)
    usual = (options.seed, options.meters, options.months) == (0, history.METERS, history.MONTHS)
    if usual:
        (run.ROOT / "benchmarks" / "HISTORY.md").write_text(text, encoding="utf-8")
    return 0


def _codes(options: argparse.Namespace) -> int:
    from benchmarks import codes

    data = run.data_folder(options.data)
    text, met = codes.run(run.meter_reader(), data, options.seed, options.share)
    print(text)
    # The published report is of all plates with the usual seed.
    if (options.seed, options.share) == (0, 1):
        (run.ROOT / "benchmarks" / "CODES.md").write_text(text, encoding="utf-8")
    return 0 if met else 1


def _serials(options: argparse.Namespace) -> int:
    from benchmarks import serials

    text, met = serials.run(run.data_folder(options.data), options.split)
    print(text)
    if options.split == "test":
        (run.ROOT / "benchmarks" / "SERIALS.md").write_text(text, encoding="utf-8")
    return 0 if met else 1


def _dials(options: argparse.Namespace) -> int:
    from benchmarks import dials

    text, met = dials.run(run.data_folder(options.data), options.seed)
    print(text)
    if options.seed == 0:
        (run.ROOT / "benchmarks" / "DIALS.md").write_text(text, encoding="utf-8")
    return 0 if met else 1


def _wheels(options: argparse.Namespace) -> int:
    from benchmarks import wheels

    text, met = wheels.run(run.data_folder(options.data))
    print(text)
    (run.ROOT / "benchmarks" / "WHEELS.md").write_text(text, encoding="utf-8")
    return 0 if met else 1


def _peers(options: argparse.Namespace) -> int:
    from benchmarks import peer_report, peers

    data = run.data_folder(options.data)
    truths = peers.sample(read_truths(data / "photos.csv", "test", options.sources), options.per_source, options.seed)
    missing: dict[str, str] = {}
    if options.rescore:
        rows = peers.load(options.kept)
    else:
        pythons = dict(options.python or ())
        rows, missing = peers.measure(truths, data, options.kept, run.OUT / "peers", pythons)
    text = peer_report.markdown(truths, rows, missing, peer_report.environment(rows, options.seed))
    print(text)
    # The published report is of all sources with the usual draw.
    usual = (options.seed, options.per_source, options.sources) == (0, 30, None)
    out = options.out or (run.ROOT / "benchmarks" / "PEERS.md" if usual else None)
    if out:
        out.write_text(text, encoding="utf-8")
    return 0


def _scroll(options: argparse.Namespace) -> int:
    from benchmarks import scroll, scroll_clips

    data = options.data if (options.data / "photos.csv").is_file() else None
    seed = scroll_clips.SEED if options.seed is None else options.seed
    out = options.lines or run.OUT / f"scroll-{seed}{'-perfect' * options.perfect}.jsonl"
    text, met = scroll.run(
        range(options.clips), out, seed, options.jobs, data, options.perfect, timed=not options.no_speed
    )
    print(text)
    if (options.clips, seed, options.perfect, options.no_speed) == (200, scroll_clips.SEED, False, False):
        (run.ROOT / "benchmarks" / "SCROLL.md").write_text(text, encoding="utf-8")
    return 0 if met else 1


def _archive(options: argparse.Namespace) -> int:
    from tempfile import TemporaryDirectory

    from benchmarks import archive

    scale = archive.Scale(options.photos, options.many, options.kills, options.workers, options.stand_in)
    with TemporaryDirectory(dir=options.folder) as folder:
        rows = archive.measure(Path(folder), scale, options.seed)
    where = f"{accuracy.processor()}, Python {sys.version.split()[0]}, commit {accuracy.commit()}"
    text = archive.markdown(rows, scale, where)
    print(text)
    if scale == archive.Scale():
        (run.ROOT / "benchmarks" / "ARCHIVE.md").write_text(text, encoding="utf-8")
    return int(any(row.met is False for row in rows))


def _service(options: argparse.Namespace) -> int:
    from tempfile import TemporaryDirectory

    from benchmarks import service

    scale = service.Scale(
        options.kills, options.concurrent, options.turns, options.uploads, options.real, options.storm, options.stand_in
    )
    with TemporaryDirectory(dir=options.folder) as folder:
        rows = service.measure(Path(folder), scale, options.seed)
    where = f"{accuracy.processor()}, Python {sys.version.split()[0]}, commit {accuracy.commit()}"
    text = service.markdown(rows, scale, where)
    print(text)
    if scale == service.Scale():
        (run.ROOT / "benchmarks" / "SERVICE.md").write_text(text, encoding="utf-8")
    return int(any(row.met is False for row in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(
        required=True,
        metavar="accuracy | failures | speed | history | codes | serials | dials | wheels | peers | scroll | archive | "
        "service",
    )

    command = commands.add_parser("accuracy", help="score every source of photos with truth")
    command.set_defaults(run=_accuracy)
    _data_options(command)
    command.add_argument("--split", choices=("train", "val", "test"), default="test")
    command.add_argument("--jobs", type=_positive, default=2, help="processes, each with a reader of its own")
    command.add_argument("--predictions", type=Path, help="where to keep the answers (default benchmarks/out)")
    command.add_argument("--rescore", type=Path, metavar="PREDICTIONS", help="score kept answers, read nothing")
    command.add_argument("--out", type=Path, help="the report (default benchmarks/RESULTS.md on the whole test split)")

    command = commands.add_parser("failures", help="draw the worst failures of kept answers")
    command.set_defaults(run=_failures)
    _data_options(command)
    command.add_argument("predictions", type=Path)
    command.add_argument("--limit", type=_positive, default=40)
    command.add_argument("--out", type=Path, help="the picture (default in benchmarks/out)")

    command = commands.add_parser("speed", help="where the time goes, the cold start, threads")
    command.set_defaults(run=_speed)
    command.add_argument("--photos", type=Path, default=run.ROOT / "samples", help="folder of photos to read")
    command.add_argument("--limit", type=_positive, default=20)

    command = commands.add_parser("history", help="simulate years of readings against the history rules")
    command.set_defaults(run=_history)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--meters", type=_positive, default=1000)
    command.add_argument("--months", type=_positive, default=36)

    command = commands.add_parser("codes", help="codes on damaged plates, ours and its peers; cost on real photos")
    command.set_defaults(run=_codes)
    command.add_argument("--data", type=Path, default=run.DATA, help="folder of photos.csv and its photos")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--share", type=_positive, default=1, help="draw one plate of so many, for a quick look")

    command = commands.add_parser("serials", help="printed serials: read, matched with the record; what it costs")
    command.set_defaults(run=_serials)
    command.add_argument("--data", type=Path, default=run.DATA, help="folder of photos.csv and its photos")
    command.add_argument("--split", choices=("train", "val", "test"), default="test")

    command = commands.add_parser("dials", help="pointer dials: found, read, settling the last wheel; what they cost")
    command.set_defaults(run=_dials)
    command.add_argument("--data", type=Path, default=run.DATA, help="folder of photos.csv and its photos")
    command.add_argument("--seed", type=int, default=0, help="of the rendered rows")

    command = commands.add_parser("wheels", help="single wheels: their turns, how people round, what that changes")
    command.set_defaults(run=_wheels)
    command.add_argument("--data", type=Path, default=run.DATA, help="folder of photos.csv and its photos")

    command = commands.add_parser("peers", help="what a user would pick instead, on the same photos")
    command.set_defaults(run=_peers)
    _data_options(command)
    command.add_argument(
        "--per-source", type=_positive, metavar="N", help="photos of a source, at most (default: 30)", default=30
    )
    command.add_argument("--seed", type=int, default=0, help="of the draw")
    command.add_argument(
        "--python",
        action="append",
        type=_engine,
        metavar="ENGINE=PATH",
        help="an interpreter that has a peer already (rapidocr, rapidocr_onnxruntime, meter_digits_recognizer); "
        "for the others an environment is made in benchmarks/out/peers",
    )
    command.add_argument(
        "--kept",
        type=Path,
        default=run.OUT / "peers.jsonl",
        help="where answers are kept; a killed run goes on from it",
    )
    command.add_argument("--rescore", action="store_true", help="score kept answers, install and read nothing")
    command.add_argument("--out", type=Path, help="the report (default benchmarks/PEERS.md for all sources)")

    command = commands.add_parser("scroll", help="scrolling displays: rendered clips, a real clip, real screens")
    command.set_defaults(run=_scroll)
    command.add_argument("--data", type=Path, default=run.DATA, help="folder of photos.csv, its photos and the clip")
    command.add_argument("--clips", type=_positive, default=200, help="rendered clips (default: %(default)d)")
    command.add_argument("--seed", type=int, help="of the rendered clips (default: one that no training used)")
    command.add_argument("--jobs", type=_positive, default=2, help="processes, each with a reader of its own")
    command.add_argument("--lines", type=Path, help="what is known of each clip; a killed run goes on from it")
    command.add_argument("--perfect", action="store_true", help="perfect vision: the rules alone, rendered clips only")
    command.add_argument("--no-speed", action="store_true", help="leave out the time, on a machine that is busy")

    command = commands.add_parser("archive", help="what a run over an archive costs, and that it loses nothing")
    command.set_defaults(run=_archive)
    command.add_argument("--photos", type=_positive, default=1000)
    command.add_argument("--many", type=_positive, default=20_000)
    command.add_argument("--kills", type=_positive, default=30)
    command.add_argument("--workers", type=_positive, default=2)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--stand-in", action="store_true", help="a reader that looks at nothing, for a quick look")
    command.add_argument("--folder", type=Path, help="where photos and ledgers are made, and removed (default: /tmp)")

    command = commands.add_parser("service", help="the service killed, at its limits, and what it adds to the library")
    command.set_defaults(run=_service)
    command.add_argument("--kills", type=_positive, default=20, help="on SQLite, and as many on PostgreSQL")
    command.add_argument("--concurrent", type=_positive, default=200, help="uploads at the time of a kill")
    command.add_argument("--turns", type=_positive, default=12, help="of all samples, for the time that is added")
    command.add_argument("--uploads", type=_positive, default=2000, help="to a stand-in for the reader, for memory")
    command.add_argument("--real", type=_positive, default=300, help="uploads to the real reader, at saturation")
    command.add_argument("--storm", type=float, default=25.0, metavar="SECONDS", help="of overload")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--stand-in", action="store_true", help="a reader that looks at nothing, for a quick look")
    command.add_argument("--folder", type=Path, help="where the services keep their data, removed (default: /tmp)")
    return parser


def _data_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, default=run.DATA, help="folder of photos.csv and its photos")
    command.add_argument("--sources", nargs="+", metavar="SOURCE", help="only these sources")


def _engine(text: str) -> tuple[str, Path]:
    engine, _, path = text.partition("=")
    if not path:
        raise argparse.ArgumentTypeError(f"{text} is not ENGINE=PATH")
    return engine, Path(path)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
