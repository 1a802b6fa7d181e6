"""A contact sheet of the worst failures: photo with box, straightened strip, truth, text and confidence."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import Case, is_right
from recognizer.errors import InputError
from recognizer.vision.rectify import rectify

Image = NDArray[np.uint8]
CELL_WIDTH, PHOTO_HEIGHT, STRIP_HEIGHT, TEXT_HEIGHT, COLUMNS = 360, 300, 80, 64, 4
RED, GREEN, WHITE = (60, 60, 230), (80, 200, 80), (235, 235, 235)


def worst(cases: Sequence[Case], limit: int) -> list[Case]:
    """Cases that are wrong, accepted ones first, then the most confident first."""
    wrong = [case for case in cases if not is_right(case)]
    wrong.sort(key=lambda case: (case[1].status != "accepted", -case[1].confidence, case[0].file))
    return wrong[:limit]


def contact_sheet(cases: Sequence[Case], data: Path, out: Path) -> None:
    """Write the cases as one picture; the box found is red, the box of the truth green.

    Raises InputError where a photo of the data folder cannot be read.
    """
    cells = [_cell(case, data) for case in cases]
    blank = np.full_like(cells[0], 30)
    cells += [blank] * (-len(cells) % COLUMNS)
    rows = [np.hstack(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)]
    out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out), np.vstack(rows))


def _cell(case: Case, data: Path) -> Image:
    truth, answer = case
    photo = cv2.imread(str(data / truth.file))
    if photo is None:
        raise InputError(f"the photo {data / truth.file} is missing or damaged")
    cell = np.full((PHOTO_HEIGHT + STRIP_HEIGHT + TEXT_HEIGHT, CELL_WIDTH, 3), 30, np.uint8)
    found = np.array(answer.corners, np.float32)
    strip_area = cell[PHOTO_HEIGHT : PHOTO_HEIGHT + STRIP_HEIGHT]
    if len(found):
        _paste(strip_area, np.asarray(rectify(np.asarray(photo, np.uint8), found), np.uint8))
    thickness = max(1, max(photo.shape) // 250)
    for corners, colour in ((truth.corners, GREEN), (answer.corners, RED)):
        if corners:
            cv2.polylines(photo, [np.array(corners, np.int32)], True, colour, thickness)
            # The first side is the top of the text: a dot on its first corner tells upside-down from upright.
            cv2.circle(photo, (int(corners[0][0]), int(corners[0][1])), 2 * thickness, colour, -1)
    _paste(cell[:PHOTO_HEIGHT], np.asarray(photo, np.uint8))
    lines = (
        truth.file.removeprefix("photos/")[-52:],
        f"truth {truth.text or truth.demand}",
        f"read  {answer.guess or '-'}  {answer.confidence:.2f} {answer.status} {' '.join(answer.findings)}",
    )
    for number, line in enumerate(lines):
        place = (6, PHOTO_HEIGHT + STRIP_HEIGHT + 16 + 20 * number)
        cv2.putText(cell, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, WHITE, 1, cv2.LINE_AA)
    return cell


def _paste(area: Image, picture: Image) -> None:
    """Scale a picture into an area, centred, its shape kept."""
    scale = min((area.shape[0] - 6) / picture.shape[0], (area.shape[1] - 6) / picture.shape[1])
    size = (max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    y, x = (area.shape[0] - size[1]) // 2, (area.shape[1] - size[0]) // 2
    area[y : y + size[1], x : x + size[0]] = small
