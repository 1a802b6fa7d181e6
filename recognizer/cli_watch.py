"""``meter watch``: point a camera at a scrolling display and get every register that is wanted."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recognizer.cli_known import read_known
from recognizer.domain.meter import NOTHING_KNOWN
from recognizer.domain.profile import Profile, load_profiles
from recognizer.domain.reading import Report
from recognizer.domain.visit import Visit
from recognizer.errors import InputError, UsageError

if TYPE_CHECKING:  # watching needs OpenCV, and `meter --help` must be quick
    from recognizer.watch import Progress, Watched

Open = Callable[[Path | None], Any]
"""From a folder of models to a reader with ``observe`` and ``policy``."""
Tell = Callable[["Progress"], None]

EXIT_CODES = "Exit codes: 0 all that is wanted was read, 1 it was not, 2 the command was wrong."
MARKS = {"accepted": "✓", "review": "?", "refused": "✗"}


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """The command's arguments."""
    command = commands.add_parser(
        "watch", parents=[common], help="watch a scrolling display until all registers are read", epilog=EXIT_CODES
    )
    command.add_argument(
        "source",
        metavar="SOURCE",
        help="a video file, a folder of frames, a camera's number, an rtsp:// or http:// address",
    )
    command.add_argument(
        "--want",
        action="append",
        default=[],
        metavar="REGISTER",
        help="a register to wait for, such as 1.8.1 or total; may be given several times; all: those of --profile or "
        "--meter, or else whatever the whole clip shows (default: those of --meter, or else any)",
    )
    command.add_argument("--timeout", type=_positive, metavar="S", help="seconds of the clip after which to give up")
    command.add_argument("--profile", metavar="NAME", help="the family of the meter: which screens it shows")
    command.add_argument("--profiles", type=Path, metavar="TOML", help="your own profiles beside the built-in ones")
    command.add_argument("--meter", type=Path, metavar="TOML", help="the meter's record: id, serials, registers")
    command.add_argument(
        "--previous",
        action="append",
        default=[],
        metavar="[REGISTER=]VALUE@TIME",
        help="an earlier reading to check against, such as 1.8.1=1234.5@2026-10-01; may be given several times",
    )
    command.add_argument("--evidence", type=Path, metavar="DIR", help="save the best frame of each register here")
    command.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    command.add_argument("--quiet", action="store_true", help="no live line")
    command.add_argument("--fps", type=_positive, metavar="N", help="frames looked at in a second (default: 8)")
    command.add_argument(
        "--folder-fps",
        type=_positive,
        default=5.0,
        metavar="N",
        help="frames a second in a folder (default: %(default)g)",
    )
    command.add_argument(
        "--threads", type=_count, default=2, metavar="N", help="frames read at once (default: %(default)d)"
    )
    command.set_defaults(run=run_watch)


def run_watch(args: argparse.Namespace, open_reader: Open) -> int:
    """``meter watch``: 0 where all that is wanted is accepted, else 1."""
    profile = _profile(args)
    known = read_known(args.meter, args.previous, None)
    wanted, to_the_end = _wanted(args.want, profile, has_record=known is not None and known.meter is not None)
    if args.evidence is not None:
        _make_folder(args.evidence)
    reader = open_reader(args.models_dir)

    from recognizer.vision.clips import open_clip
    from recognizer.watch import FRAMES_A_SECOND, watch

    with open_clip(args.source, folder_fps=args.folder_fps) as clip:
        visit = Visit(
            source=clip.name, wanted=wanted, policy=reader.policy, known=known or NOTHING_KNOWN, profile=profile
        )
        with _telling(args, visit) as tell:
            watched = watch(
                clip,
                reader,
                visit,
                timeout=args.timeout,
                frames_a_second=args.fps or FRAMES_A_SECOND,
                threads=args.threads,
                stop=not to_the_end,
                serials=known.meter.serials if known is not None and known.meter is not None else (),
                tell=tell,
            )
    files = {} if args.evidence is None else _save(args.evidence, watched)
    if args.json:
        print(json.dumps(_as_json(watched, files)), flush=True)
    else:
        _print(watched, files)
    if watched.ended == "interrupted":
        return 130
    return 0 if visit.done else 1


def _profile(args: argparse.Namespace) -> Profile | None:
    if args.profile is None:
        if args.profiles is not None:
            raise UsageError("--profiles names a file; say with --profile which of its meters this is")
        return None
    profiles = load_profiles(args.profiles)
    if args.profile not in profiles:
        raise UsageError(f"no profile {args.profile!r}; there are {', '.join(sorted(profiles))}")
    return profiles[args.profile]


def _wanted(want: Sequence[str], profile: Profile | None, *, has_record: bool) -> tuple[tuple[str, ...] | None, bool]:
    """The registers to wait for (None: those of the record), and whether to go on to the end whatever was read."""
    codes = [code.strip() for text in want for code in text.split(",")]
    for code in codes:
        if code != "all" and not re.fullmatch(r"total|\d{1,3}\.\d{1,3}\.\d{1,3}", code):
            raise UsageError(f"--want takes a register such as 1.8.1, total, or all; got {code!r}")
    if "all" not in codes:
        return tuple(codes) or None, False
    if len(codes) > 1:
        raise UsageError("--want all goes without other registers")
    if profile is not None and profile.registers:
        return profile.registers, False
    # Without profile and record nobody knows how many there are.
    return None, not has_record


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot make the folder ({error.strerror})") from error


def _save(folder: Path, watched: "Watched") -> dict[str, str]:
    """By register, the file of its best frame: ``1.8.1-12.40s.jpg``."""
    files = {}
    for register, (at, jpeg) in watched.evidence.items():
        path = folder / f"{register}-{at:.2f}s.jpg"
        try:
            path.write_bytes(jpeg)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror})") from error
        files[register] = str(path)
    return files


def _as_json(watched: "Watched", files: dict[str, str]) -> dict[str, Any]:
    """The contract's report, and what of the clip was looked at."""
    clip = {
        "ended": watched.ended,
        "seconds": round(watched.seconds, 3),
        "frames": watched.frames,
        "read": watched.read,
        "dropped": watched.dropped,
    }
    return watched.report.to_dict() | {"clip": clip} | ({"evidence": files} if files else {})


def _print(watched: "Watched", files: dict[str, str]) -> None:
    from recognizer.cli_table import print_table

    report = watched.report
    rows: list[tuple[str, ...]] = []
    for reading in report.readings:
        why = "; ".join(dict.fromkeys(finding.message for finding in reading.findings))
        confidence = f"{100 * reading.confidence:.1f} %"
        frame = files.get(reading.register, "")
        rows.append((reading.register, reading.text, reading.unit or "", confidence, reading.status, why, frame))
    rows += [(code, "", "", "", "missing", "", "") for code in report.missing or () if code not in _given(report)]
    if rows:
        print_table(("register", "reading", "unit", "confidence", "status", "why", "frame"), rows)
    for finding in report.findings:
        print(f"meter: {finding.message}", file=sys.stderr)


def _given(report: Report) -> set[str]:
    return {reading.register for reading in report.readings}


@contextmanager
def _telling(args: argparse.Namespace, visit: Visit) -> Iterator[Tell]:
    """Shows on a terminal what is captured and what is awaited."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if args.quiet or not console.is_terminal:
        yield lambda _: None
        return
    with Live(console=console, transient=True, refresh_per_second=8) as live:
        yield lambda now: live.update(live_line(now, visit.missing))


def live_line(now: "Progress", missing: Sequence[str]) -> Any:
    """``12.4 s  ✓ 1.8.1 001234.5 kWh  ? 1.8.2 000812.0 kWh  … 1.8.3  (40 of 96 frames read)``, coloured."""
    from rich.text import Text

    line = Text(f"{now.seconds:.1f} s", no_wrap=True, overflow="ellipsis")
    for reading in now.report.readings:
        words = f"  {MARKS[reading.status]} {reading.register} {reading.text} {reading.unit or ''}".rstrip()
        line.append(words, style="green" if reading.status == "accepted" else "yellow")
    given = _given(now.report)
    for code in missing:
        if code not in given:
            line.append(f"  … {code}", style="dim")
    line.append(f"  ({now.read} of {now.frames} frames read)", style="dim")
    return line


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not isfinite(number) or number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of threads")
    return int(text)
