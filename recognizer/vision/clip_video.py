"""Clips that OpenCV opens: video files, and live cameras and streams."""

import os
import threading
import time
from collections.abc import Iterator
from math import inf, isfinite

import cv2

from recognizer.errors import InputError
from recognizer.vision.clip import Clip, ClipFrame, Pace, unusable
from recognizer.vision.frame import Limits
from recognizer.vision.pixels import Pixels, sealed

USUAL_FPS = 25.0
"""Where a file does not say its rate, or says one that no camera has."""
PAUSE = 0.5
"""Seconds between two frames that are taken for lost ones, where the clip is not that slow."""
MOST_GAP = 60.0
"""Seconds between two frames that are taken for damaged time stamps instead."""
PATIENCE = 10.0
"""Seconds that a connection or a live frame is waited for."""
MISSES = 30
"""Failed attempts at a live frame, 50 ms apart, that are the end of the stream."""

# FFmpeg writes to standard error by itself; whatever matters comes as an error or a trouble.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def open_capture(source: str | int, name: str, advice: str) -> cv2.VideoCapture:
    """OpenCV's capture of a file, an address or a camera's number; InputError with the advice where it opens none."""
    waiting = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        int(1000 * PATIENCE),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        int(1000 * PATIENCE),
    ]
    log = cv2.utils.logging
    level = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        # The back end by name: others read lists of files and network addresses out of what is uploaded.
        capture = (
            cv2.VideoCapture(source) if isinstance(source, int) else cv2.VideoCapture(source, cv2.CAP_FFMPEG, waiting)
        )
    except cv2.error as error:
        raise InputError(f"{name}: {advice}") from error
    finally:
        log.setLogLevel(level)
    if not capture.isOpened():
        raise InputError(f"{name}: {advice}")
    return capture


class VideoFile(Clip):
    """A video with an end. At most ``most`` frames are decoded, wanted or not, whatever the file claims.

    Times are the file's own where they make sense, else counted by its rate. Raises InputError for too large pictures.
    """

    def __init__(self, capture: cv2.VideoCapture, name: str, limits: Limits, most: int | None = None) -> None:
        self.name, self._capture, self._limits, self._most = name, capture, limits, most
        width, height = (int(capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > limits.max_pixels:
            self.close()
            raise InputError(f"{name}: {width}x{height} pixels are too many")
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._rate = rate if 1 <= rate <= 240 else USUAL_FPS
        self._count = int(count) if 0 < count < 1e9 else 0
        self.seconds = self._count / self._rate if self._count else None
        self._ended_at: tuple[int, float] | None = None
        self._bad = self._unstamped = self._gaps = 0
        self._lost = 0.0

    @property
    def troubles(self) -> tuple[str, ...]:
        told = []
        if self._ended_at is not None and self._ended_at[0] < 0.98 * self._count - 1:
            number, at = self._ended_at
            told.append(f"The video ends early: {number} of {self._count} frames are there, up to {at:.1f} s.")
        if self._gaps:
            told.append(f"Frames are missing: {self._gaps} gaps, {self._lost:.1f} s in all.")
        if self._bad:
            told.append(f"{self._bad} frames could not be decoded.")
        if self._unstamped:
            told.append(f"{self._unstamped} frames have no usable time: counted by {self._rate:g} frames a second.")
        return tuple(told)

    def frames(self, every: float = 0.0, longest: float = inf) -> Iterator[ClipFrame]:
        pace, given, number, at = Pace(every), 0, 0, 0.0
        start: float | None = None
        while self._most is None or number < self._most:
            if not _grabbed(self._capture):
                self._ended_at = number, at
                break
            number += 1
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if start is None:
                start = stamp if isfinite(stamp) else 0.0
            else:
                at = self._time(at, stamp - start)
            if at > longest:
                self.late = True
                break
            if not pace.due(at):
                continue
            picture = _picture(self._capture)
            if picture is None or unusable(picture, self._limits):
                self._bad += 1
                continue
            pace.taken(at)
            given += 1
            yield ClipFrame(picture, at)
        if not given:
            raise InputError(f"{self.name}: none of its frames can be decoded")

    def close(self) -> None:
        self._capture.release()

    def _time(self, before: float, stamp: float) -> float:
        if not isfinite(stamp) or not before < stamp <= before + MOST_GAP:
            self._unstamped += 1
            return before + 1 / self._rate
        if stamp - before > max(PAUSE, 4 / self._rate):
            self._gaps += 1
            self._lost += stamp - before
        return stamp


class LiveVideo(Clip):
    """A camera or a stream. A thread reads on, and only the newest frame waits: a late one shows what is no more."""

    live = True

    def __init__(self, capture: cv2.VideoCapture, name: str, limits: Limits) -> None:
        self.name, self._capture, self._limits = name, capture, limits
        self._there = threading.Condition()
        self._newest: ClipFrame | None = None
        self._closed = self._over = False
        self._told: list[str] = []
        self._started = time.monotonic()
        # A daemon: a driver that hangs must not keep the program.
        threading.Thread(target=self._read, name="clip", daemon=True).start()

    @property
    def troubles(self) -> tuple[str, ...]:
        return tuple(self._told)

    def frames(self, every: float = 0.0, longest: float = inf) -> Iterator[ClipFrame]:
        pace, given = Pace(every), 0
        while (now := time.monotonic() - self._started) < longest:
            with self._there:
                self._there.wait_for(lambda: self._newest is not None or self._over, min(PATIENCE, longest - now))
                frame, self._newest = self._newest, None
            if frame is None and not self._over and time.monotonic() - self._started >= longest:
                break
            if frame is None:
                why = "The stream ended" if self._over else f"No picture came for {PATIENCE:g} s"
                self._told.append(f"{why}, {time.monotonic() - self._started:.1f} s after the start.")
                break
            if pace.due(frame.seconds):
                pace.taken(frame.seconds)
                given += 1
                yield frame
        self.late = not self._told
        if not given and self._told:
            raise InputError(f"{self.name}: not one picture came; check the camera and the connection")

    def close(self) -> None:
        self._closed = True

    def _read(self) -> None:
        misses = 0
        while not self._closed and misses < MISSES:
            picture = _picture(self._capture) if _grabbed(self._capture) else None
            if picture is None or unusable(picture, self._limits):
                misses += 1
                time.sleep(0.05)
                continue
            misses = 0
            with self._there:
                self.dropped += self._newest is not None
                self._newest = ClipFrame(picture, time.monotonic() - self._started)
                self._there.notify_all()
        with self._there:
            self._over = True
            self._there.notify_all()
        self._capture.release()


def _grabbed(capture: cv2.VideoCapture) -> bool:
    try:
        return bool(capture.grab())
    except cv2.error:
        return False


def _picture(capture: cv2.VideoCapture) -> Pixels | None:
    try:
        good, picture = capture.retrieve()
    except cv2.error:
        return None
    return sealed(picture) if good and picture.ndim == 3 else None
