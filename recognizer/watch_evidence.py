"""The frames that prove what a visit says, kept as JPEG: a bounded number, however long the camera looks."""

from collections.abc import Iterable

import cv2

from recognizer.vision.pixels import Pixels

NEWEST = 24
"""Read frames that are kept whatever they show: one counts only once its screen has stood for a while."""
QUALITY = 92


def encoded(pixels: Pixels) -> bytes:
    """A frame (BGR) as JPEG."""
    return cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1].tobytes()


class Evidence:
    """The newest frames and those that are the best of a register, by their times in seconds."""

    def __init__(self, newest: int = NEWEST) -> None:
        self._newest = newest
        self._frames: dict[float, tuple[bytes, float]] = {}
        """By the time of the frame: the JPEG, and until when its screen was seen to stand."""

    def keep(self, at: float, jpeg: bytes, best: Iterable[float]) -> None:
        """Add the frame read at ``at``; of the older ones those stay that stand for a time of ``best``."""
        self._frames[at] = jpeg, at
        wanted = {self._time_of(time) for time in best}
        newest = sorted(self._frames)[-self._newest :]
        self._frames = {time: frame for time, frame in self._frames.items() if time in wanted or time in newest}

    def stands(self, at: float, until: float) -> None:
        """The screen of the frame read at ``at`` still stood at ``until``."""
        if at in self._frames:
            jpeg, before = self._frames[at]
            self._frames[at] = jpeg, max(before, until)

    def frame_of(self, seconds: float) -> bytes | None:
        """The JPEG of the frame that was read then; None where it was let go."""
        time = self._time_of(seconds)
        return None if time is None else self._frames[time][0]

    def __len__(self) -> int:
        return len(self._frames)

    def _time_of(self, seconds: float) -> float | None:
        before = [time for time, (_, until) in self._frames.items() if time <= seconds <= until]
        return max(before, default=None)
