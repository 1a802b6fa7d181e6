"""``python -m recognizer.synth``: write the sample photos, or a contact sheet to judge the renderers by eye."""

import argparse
from pathlib import Path

import cv2
import numpy as np

from recognizer.synth.ink import Image
from recognizer.synth.samples import render_samples
from recognizer.synth.scene import render_scene
from recognizer.synth.strips import render_strip

CELL = (320, 240)
COLUMNS, ROWS = 5, 5


def contact_sheet(kind: str, seed: int) -> Image:
    """Twenty-five renders of one kind ("lcd", "drum" or "scene") in a grid."""
    rng = np.random.default_rng(seed)
    w, h = CELL
    sheet: Image = np.zeros((ROWS * h, COLUMNS * w, 3), np.uint8)
    for i in range(ROWS * COLUMNS):
        if kind == "scene":
            image = render_scene(rng, CELL).image
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
    samples = commands.add_parser("samples", help="write the sample photos and their truth.json")
    samples.add_argument("--out", type=Path, default=Path("samples"), help="folder to write to (default: samples)")
    sheet = commands.add_parser("sheet", help="write a contact sheet")
    sheet.add_argument("kind", choices=("lcd", "drum", "scene"))
    sheet.add_argument("out", type=Path, help="PNG file to write")
    sheet.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    if chosen.command == "samples":
        truth = render_samples(chosen.out)
        print(f"{len(truth)} photos in {chosen.out}")
    else:
        _, code = cv2.imencode(".png", contact_sheet(chosen.kind, chosen.seed))
        chosen.out.write_bytes(code.tobytes())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
