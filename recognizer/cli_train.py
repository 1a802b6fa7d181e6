"""``meter train``: the counter trained on with a user's own photos."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recognizer.errors import UsageError

if TYPE_CHECKING:
    from recognizer.train.own_guard import Comparison

EXTRA = "training needs an extra: pip install 'meter-recognizer[train]'"
MOST_NAMED = 5
"""Photos left out that are named on standard error; the file has all."""


def add_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    command = commands.add_parser(
        "train",
        parents=[common],
        help="train on with your own photos",
        description="Train the counter on with your own photos and judge it on a part of them that it did not see. "
        "Models that come out worse than those in use are refused (exit code 1).",
    )
    command.add_argument("photos", type=Path, metavar="PHOTOS", help="folder of the photos")
    command.add_argument(
        "readings",
        type=Path,
        metavar="READINGS.csv",
        help="columns file and reading as displayed, and of these any: legible (1, 0), kind (lcd, drum), meter",
    )
    command.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="for --models-dir; resumes what it holds"
    )
    command.add_argument("--steps", type=_positive, default=600, metavar="N", help="batches of 32 strips (%(default)s)")
    command.add_argument(
        "--hold-back", type=_share, default=0.2, metavar="SHARE", help="of the photos, to judge by (%(default)s)"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="another one holds back others")
    command.add_argument("--licence", metavar="TEXT", help="of your photos, for the card of the model")
    command.add_argument("--threads", type=_positive, default=1, metavar="N", help="of the network (%(default)s)")
    command.set_defaults(run=run_train)


def run_train(args: argparse.Namespace, _: Callable[[Path | None], Any]) -> int:
    try:
        from recognizer.train.own import train_own
    except ModuleNotFoundError as error:
        if error.name in ("torch", "onnx"):
            raise UsageError(EXTRA) from None
        raise
    trained = train_own(
        args.photos,
        args.readings,
        args.out,
        models_dir=args.models_dir,
        steps=args.steps,
        share=args.hold_back,
        seed=args.seed,
        licence=args.licence,
        threads=args.threads,
        tell=lambda message: print(f"meter: {message}", file=sys.stderr, flush=True),
    )
    for one in trained.left_out[:MOST_NAMED]:
        print(f"meter: left out: {one.file}: {one.reason}", file=sys.stderr)
    if len(trained.left_out) > MOST_NAMED:
        print(f"meter: {len(trained.left_out)} left out, all in {args.out / 'work' / 'left_out.csv'}", file=sys.stderr)
    if trained.refused is not None:
        print(f"meter: the new counter is refused: {trained.refused}", file=sys.stderr)
        return 1
    print(f"held-back photos:  {_told(trained.held)}")
    print(f"rendered pictures: {_told(trained.rendered)}")
    print(f"The models are in {args.out}: meter read --models-dir {args.out} PHOTO")
    return 0


def _told(pair: "Comparison") -> str:
    before, after = (sum(s.accepted for s in side) for side in (pair.before, pair.after))
    wrong = [sum(s.accepted and not s.right for s in side) for side in (pair.before, pair.after)]
    return f"{pair}; accepted {before} before ({wrong[0]} wrong) and {after} after ({wrong[1]} wrong)"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return number
