"""Parts that several tests share: a drawn photo, and a reader that needs no models."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from recognizer.domain.reading import Candidate, Finding, Reading, Report, Status
from recognizer.vision.frame import load_frame

Picture = NDArray[np.uint8]
Encode = Callable[..., bytes]


class FakeReader:
    """Checks the photo as the real reader does, then answers by its name: review, refused, crash or anything else."""

    def __init__(self) -> None:
        self.sources: list[str] = []

    def read(self, photo: Path, *, source: str) -> Report:
        self.sources.append(source)
        frame = load_frame(photo)
        if "crash" in photo.name:
            raise ZeroDivisionError("a fault of ours")
        status: Status = "review" if "review" in photo.name else "refused" if "refused" in photo.name else "accepted"
        findings = () if status == "accepted" else (Finding("not_legible", "the display cannot be read"),)
        right, bottom = float(frame.width), float(frame.height)
        reading = Reading(
            register="total",
            unit="m³",
            text="" if status == "refused" else "00123.4",
            confidence=0.97,
            status=status,
            box=((0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)),
            kind="drum",
            findings=findings,
            candidates=(Candidate("00123.4", 0.97),),
        )
        return Report(source, status, (reading,), models=(("locator", "0123456789ab"),))


@pytest.fixture
def fake_reader() -> FakeReader:
    return FakeReader()


@pytest.fixture(scope="session")
def picture() -> Picture:
    """A BGR picture, 240 wide and 160 high, that is different in every orientation and in every channel."""
    canvas = np.full((160, 240, 3), (200, 180, 150), np.uint8)
    cv2.rectangle(canvas, (20, 20), (180, 80), (30, 30, 30), -1)
    cv2.putText(canvas, "00123", (30, 65), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (235, 240, 245), 3)
    cv2.circle(canvas, (200, 130), 18, (20, 40, 220), -1)
    canvas.flags.writeable = False
    return canvas


@pytest.fixture(scope="session")
def encode() -> Encode:
    """``encode(bgr_or_grey_array_or_image, "PNG", **options of Pillow)`` gives the bytes of a file."""

    def encode(picture: Any, form: str, **options: Any) -> bytes:
        if isinstance(picture, np.ndarray):
            colour = picture.ndim == 3
            picture = Image.fromarray(np.ascontiguousarray(picture[:, :, ::-1]) if colour else picture)
        file = BytesIO()
        picture.save(file, form, **options)
        return file.getvalue()

    return encode
