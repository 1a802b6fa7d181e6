"""``python -m recognizer.train`` with what to train (or find, fit, export) and the data folder."""

import argparse
import logging
from pathlib import Path

import cv2
import torch

from recognizer.synth import typefaces
from recognizer.train import CHECKPOINTS, recipes
from recognizer.train.calibrate import calibrate
from recognizer.train.calibrate_screen import calibrate_screen
from recognizer.train.corners import SOURCES, find_corners
from recognizer.train.data import CORNERS_CSV
from recognizer.train.export import export_role
from recognizer.train.fit import Schedule


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m recognizer.train", description=__doc__)
    networks = ("locator", "counter", "textline", "screen", "dial", "wheel")
    parser.add_argument("what", choices=("corners", *networks, "average", "calibrate", "export"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--checkpoints", type=Path, default=CHECKPOINTS)
    parser.add_argument("--name", help="checkpoint name; default: the role")
    parser.add_argument("--start-from", type=Path, help="checkpoint, model.onnx or (textline) wheel to start from")
    parser.add_argument("--threads", type=int, default=1, help="of the network; its pictures are drawn beside it")
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--keep", type=float, default=0.0, help="share of --start-from's weights in the result, 0 to 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--of", nargs="+", metavar="NAME=SHARE", help="average: counters' checkpoints and their shares")
    parser.add_argument("--sources", nargs="+", default=list(SOURCES), help="corners: sources to find anew")
    parser.add_argument("--roles", nargs="+", default=["locator", "counter"], help="export, calibrate: which models")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(0)
    typefaces.use_installed()
    checkpoint = args.checkpoints / f"{args.name or args.what}.pt"
    if args.what == "corners":
        find_corners(args.data, args.models, CORNERS_CSV, CORNERS_CSV, args.sources)
    elif args.what == "locator":
        schedule = _schedule(args, 16)
        recipes.train_locator(args.data, checkpoint, schedule, args.start_from)
    elif args.what == "counter":
        schedule = _schedule(args, 32)
        recipes.train_counter(args.data, args.models, checkpoint, schedule, args.start_from)
    elif args.what == "textline":
        schedule = _schedule(args, 32)
        recipes.train_textline(args.data, args.models, checkpoint, schedule, args.start_from)
    elif args.what == "screen":
        schedule = _schedule(args, 16)
        recipes.train_screen(args.data, checkpoint, schedule, args.start_from)
    elif args.what == "dial":
        schedule = Schedule(args.steps, 64, args.rate, warmup=100, average=0.997, seed=args.seed)
        recipes.train_dial(args.data, checkpoint, schedule, args.start_from)
    elif args.what == "wheel":
        schedule = Schedule(args.steps, 128, args.rate, warmup=100, average=0.998, seed=args.seed)
        recipes.train_wheel(args.data, args.models, checkpoint, schedule, args.start_from)
    elif args.what == "average":
        parts = [part.partition("=") for part in args.of or parser.error("average needs --of NAME=SHARE …")]
        shares = [(float(share or 1), args.checkpoints / f"{name}.pt") for name, _, share in parts]
        recipes.average_counters(args.data, args.models, shares, checkpoint, args.seed)
    elif args.what == "export":
        for role in args.roles:
            export_role(role, args.checkpoints / f"{args.name or role}.pt", args.models)
    else:
        fit = {"counter": calibrate, "screen": calibrate_screen}
        for role in [role for role in args.roles if role in fit]:
            fit[role](args.data, args.models)


def _schedule(args: argparse.Namespace, batch: int) -> Schedule:
    """Short runs warm up for a tenth of their steps, and their average forgets where they started from."""
    warmup, average = min(300, args.steps // 10), min(0.999, 1 - 10 / max(args.steps, 20))
    return Schedule(args.steps, batch, args.rate, warmup=warmup, average=average, seed=args.seed, keep=args.keep)


if __name__ == "__main__":
    main()
