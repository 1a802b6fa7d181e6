"""``python -m recognizer.synth``: write sample photos or clips, or a contact sheet to judge the renderers by eye."""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from recognizer.errors import RecognizerError
from recognizer.synth.clip_files import write_clips
from recognizer.synth.ink import Image
from recognizer.synth.samples import render_sample_clips, render_samples
from recognizer.synth.scene import render_scene
from recognizer.synth.screen import draw_screen
from recognizer.synth.strips import render_strip

CELL = (320, 240)
COLUMNS, ROWS = 5, 5


def contact_sheet(kind: str, seed: int) -> Image:
    """Twenty-five renders of one kind ("lcd", "drum", "screen" or "scene") in a grid."""
    rng = np.random.default_rng(seed)
    w, h = CELL
    sheet: Image = np.zeros((ROWS * h, COLUMNS * w, 3), np.uint8)
    for i in range(ROWS * COLUMNS):
        if kind == "scene":
            image = render_scene(rng, CELL).image
        elif kind == "screen":
            image = draw_screen(rng).image
        else:
            image = render_strip(rng, "lcd" if kind == "lcd" else "drum").image
        k = min(w / image.shape[1], h / image.shape[0])
        part = cv2.resize(image, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
        y, x = i // COLUMNS * h, i % COLUMNS * w
        sheet[y : y + part.shape[0], x : x + part.shape[1]] = part
    return sheet


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m recognizer.synth", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    samples = commands.add_parser("samples", help="write the sample photos and clips with their truth")
    samples.add_argument("--out", type=Path, default=Path("samples"), help="folder to write to (default: samples)")
    sheet = commands.add_parser("sheet", help="write a contact sheet")
    sheet.add_argument("kind", choices=("lcd", "drum", "screen", "scene"))
    sheet.add_argument("out", type=Path, help="PNG file to write")
    sheet.add_argument("--seed", type=int, default=0)
    clips = commands.add_parser("clips", help="write clips of scrolling meters (MP4), each with its truth (JSON)")
    clips.add_argument("--out", type=Path, required=True, help="folder to write to")
    clips.add_argument("--number", type=int, default=7, help="how many (default: 7, one of each family)")
    clips.add_argument("--seed", type=int, default=0)
    clips.add_argument("--size", type=int, nargs=2, default=(640, 480), metavar=("WIDTH", "HEIGHT"), help="in pixels")
    clips.add_argument("--seconds", type=float, help="length of each clip (default: a whole cycle)")
    chosen = parser.parse_args(arguments)
    if chosen.command == "samples":
        truth = render_samples(chosen.out)
        clips_written = render_sample_clips(chosen.out / "clips")
        print(f"{len(truth)} photos and {len(clips_written)} clips in {chosen.out}")
    elif chosen.command == "clips":
        try:
            for clip in write_clips(chosen.out, chosen.number, chosen.seed, tuple(chosen.size), chosen.seconds):
                print(f"{clip['file']}: {clip['seconds']} s, {len(clip['registers'])} registers", flush=True)
        except RecognizerError as error:
            print(error, file=sys.stderr)
            return error.exit_code
    else:
        _, code = cv2.imencode(".png", contact_sheet(chosen.kind, chosen.seed))
        chosen.out.write_bytes(code.tobytes())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
