"""The command ``meter``: results go to standard output, everything else to standard error."""

import argparse
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from recognizer.archive import Outcome, Reader, examine
from recognizer.cli_batch import add_commands
from recognizer.cli_known import Informed, read_known
from recognizer.cli_table import print_table
from recognizer.cli_train import add_train
from recognizer.cli_watch import add_command
from recognizer.domain.meter import NOTHING_KNOWN
from recognizer.errors import InputError, RecognizerError, UsageError

# Heavy imports (rich, OpenCV, the runtime) wait inside the functions that need them: `meter --help` must be quick.

logger = logging.getLogger(__name__)

EXIT_CODES = (
    "Exit codes: 0 everything was read (accepted, or for a person to review), "
    "1 something was refused or could not be used, 2 the command was wrong."
)
OVERLAY_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def open_reader(models_dir: Path | None) -> Reader:
    """The reader the command works with."""
    from recognizer.reader import MeterReader

    return MeterReader(models_dir)


def main(argv: Sequence[str] | None = None, *, open_reader: Callable[[Path | None], Reader] = open_reader) -> int:
    """Run the command and return its exit code; no error escapes as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # file names need not be text
            stream.reconfigure(errors="backslashreplace")
    args = _parser().parse_args(argv)
    _log(args.verbose)
    try:
        code: int = args.run(args, open_reader)
        sys.stdout.flush()
        return code
    except RecognizerError as error:
        print(f"meter: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has left. The interpreter flushes once more at its end: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("meter: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        logger.exception("internal error")
        print(f"meter: internal error: {type(error).__name__}: {error} (--verbose shows where)", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--models-dir", type=Path, metavar="DIR", help="models to use instead of the built-in ones")
    common.add_argument("--verbose", action="store_true", help="log details to standard error")
    parser = argparse.ArgumentParser(prog="meter", description="Read utility meters in photos.", epilog=EXIT_CODES)
    parser.add_argument("--version", action="version", version=f"meter {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    read = commands.add_parser("read", parents=[common], help="read photos and print what they show")
    read.add_argument("photos", nargs="+", metavar="PHOTO")
    read.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    read.add_argument(
        "--overlay",
        type=Path,
        metavar="OUT",
        help="draw what was read: a picture file for one photo, a folder (made if needed) for several",
    )
    read.add_argument("--meter", type=Path, metavar="TOML", help="the meter's record: id, serials, registers")
    read.add_argument(
        "--previous",
        action="append",
        default=[],
        metavar="[REGISTER=]VALUE@TIME",
        help="an earlier reading to check against, such as 1234.5@2026-10-01; may be given several times",
    )
    read.add_argument("--taken-at", metavar="TIME", help="when the photos were taken (ISO 8601; default: now)")
    read.add_argument(
        "--store",
        metavar="PATH|URL",
        help="check against earlier readings and photos kept here, and add these: a SQLite file or a PostgreSQL URL",
    )
    read.add_argument(
        "--plate",
        action="store_true",
        help="read the print on the meter too, serial and unit (slow; with serials in --meter done where needed)",
    )
    read.set_defaults(run=_read)

    replay = commands.add_parser("replay", parents=[common], help="conclude what is stored by the present rules")
    replay.add_argument("store", metavar="STORE", help="a store of `meter read --store`")
    replay.add_argument("--meter", metavar="ID", help="only this meter")
    replay.add_argument("--apply", action="store_true", help="keep the new conclusions; a person's decisions stay")
    replay.add_argument("--json", action="store_true", help="one JSON object for every change")
    replay.set_defaults(run=_replay)

    add_commands(commands, common)
    add_command(commands, common)
    add_train(commands, common)

    submit = commands.add_parser("submit-text", parents=[common], help="write a report as a utility takes it")
    submit.add_argument("report", type=Path, metavar="REPORT", help="a report of `meter read --json`; - for stdin")
    submit.add_argument("--format", required=True, metavar="NAME", help="integer, sms, decimal, csv, json, phone …")
    submit.add_argument("--forms", type=Path, metavar="TOML", help="your own forms beside the built-in ones")
    submit.add_argument("--register", action="append", metavar="CODE", help="in the utility's order (default: total)")
    submit.add_argument("--account", help="the customer's account")
    submit.add_argument("--serial", help="the meter's serial, where the report does not have it")
    submit.add_argument("--confirmed", action="store_true", help="a person looked at it: take readings under review")
    submit.set_defaults(run=_submit)

    models = commands.add_parser("models", parents=[common], help="list and verify the models in use")
    models.set_defaults(run=_models)
    return parser


def _version() -> str:
    try:
        return version("meter-recognizer")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "(not installed)"


def _log(verbose: bool) -> None:
    log = logging.getLogger("recognizer")
    log.addHandler(logging.StreamHandler() if verbose else logging.NullHandler())
    if verbose:
        log.setLevel(logging.DEBUG)
    elif not sys.warnoptions:
        warnings.simplefilter("ignore")  # Pillow warns of damaged metadata, which is of no use to the user


def _read(args: argparse.Namespace, open_reader: Callable[[Path | None], Reader]) -> int:
    targets = _overlay_targets(args.photos, args.overlay) if args.overlay else [None] * len(args.photos)
    known = read_known(args.meter, args.previous, args.taken_at)
    if args.store is not None:
        from recognizer.cli_store import keeping

        with keeping(args, known, open_reader) as keeper:
            return _read_all(args, keeper, targets)
    reader = open_reader(args.models_dir)
    if known is not None or args.plate:
        reader = Informed(reader, known or NOTHING_KNOWN, plate=True if args.plate else None)
    return _read_all(args, reader, targets)


def _read_all(args: argparse.Namespace, reader: Reader, targets: Sequence[Path | None]) -> int:
    outcomes = []
    for photo, target in zip(args.photos, targets, strict=True):
        outcome = examine(reader, Path(photo), photo)
        outcomes.append(outcome)
        if args.json:
            print(json.dumps(outcome.to_dict()), flush=True)
        if outcome.error is not None:
            print(f"meter: {outcome.error}", file=sys.stderr)
        elif target is not None:
            _write_overlay(Path(photo), outcome, target)
    if not args.json:
        _print_readings([outcome for outcome in outcomes if outcome.error is None])
    return int(any(outcome.report.status == "refused" for outcome in outcomes))


def _replay(args: argparse.Namespace, open_reader: Callable[[Path | None], Reader]) -> int:
    from recognizer.cli_store import replay_store

    return replay_store(args, open_reader)


def _submit(args: argparse.Namespace, _: Callable[[Path | None], Reader]) -> int:
    from recognizer.domain.forms import load_forms
    from recognizer.domain.submission import Answer, submission_text

    forms = load_forms(args.forms)
    if args.format not in forms:
        raise UsageError(f"no form {args.format!r}; there are {', '.join(sorted(forms))}")
    text = _read_text(args.report)
    try:
        report = json.loads(text)
    except ValueError as error:
        raise InputError(f"{args.report} is not one report of `meter read --json` ({error})") from error
    line = submission_text(
        Answer.from_dict(report),
        forms[args.format],
        registers=args.register or ["total"],
        account=args.account,
        meter=args.serial,
        confirmed=args.confirmed,
    )
    print(line)
    return 0


def _read_text(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def _models(args: argparse.Namespace, _: Callable[[Path | None], Reader]) -> int:
    from recognizer.vision.models import list_cards, load_model

    rows = []
    for card in list_cards(args.models_dir):
        model = load_model(card.role, args.models_dir)
        shape = " ".join(f"{key}={value}" for key, value in card.input.items())
        scores = ", ".join(f"{name} {value}" for name, value in card.scores.items())
        rows.append((card.role, model.digest, shape, scores))
    print_table(("model", "digest", "input", "scores"), rows)
    return 0


def _overlay_targets(photos: Sequence[str], out: Path) -> list[Path]:
    if len(photos) == 1 and not out.is_dir():
        if out.suffix.lower() not in OVERLAY_SUFFIXES:
            raise UsageError(f"{out}: an overlay is a {', '.join(OVERLAY_SUFFIXES)} file")
        return [out]
    if out.suffix.lower() in OVERLAY_SUFFIXES:
        raise UsageError(f"{out}: for several photos --overlay takes a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: cannot make the folder ({error.strerror})") from error
    names = [Path(photo).stem for photo in photos]
    # Photos of different folders may share a name: number them then.
    return [out / (f"{n}-{i}.png" if names.count(n) > 1 else f"{n}.png") for i, n in enumerate(names, 1)]


def _write_overlay(photo: Path, outcome: Outcome, target: Path) -> None:
    import cv2

    from recognizer.overlay import draw_overlay
    from recognizer.vision.frame import load_frame

    picture = draw_overlay(load_frame(photo).pixels, outcome.report)
    try:
        target.write_bytes(cv2.imencode(target.suffix.lower(), picture)[1].tobytes())
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror})") from error


def _print_readings(outcomes: Sequence[Outcome]) -> None:
    rows = []
    for report in (outcome.report for outcome in outcomes):
        reasons = [finding.message for finding in report.findings]
        if not report.readings:
            rows.append((report.source, "", "", "", report.status, "; ".join(reasons)))
        for number, reading in enumerate(report.readings):
            why = [finding.message for finding in reading.findings] + (reasons if number == 0 else [])
            name = report.source if number == 0 else ""
            confidence = f"{100 * reading.confidence:.1f} %"
            reasons_once = "; ".join(dict.fromkeys(why))
            rows.append((name, reading.text, reading.unit or "", confidence, reading.status, reasons_once))
    if rows:
        print_table(("photo", "reading", "unit", "confidence", "status", "why"), rows)
