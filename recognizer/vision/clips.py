"""Frames of a clip, one by one: a video file, a folder of pictures, a camera, an address of a stream.

One frame is in memory at a time. What can be read comes out, and ``troubles`` says what could not; only a source that
gives nothing at all is an error. A video whose frames change size comes out in its first size: OpenCV scales them, and
does not say so.
"""

import os
import re
import stat
from collections.abc import Iterator
from math import inf
from pathlib import Path

import cv2

from recognizer.errors import InputError
from recognizer.vision.clip import Clip, ClipFrame, Pace
from recognizer.vision.clip_video import LiveVideo, VideoFile, open_capture
from recognizer.vision.frame import DEFAULT_LIMITS, Limits, load_frame

__all__ = ["Clip", "ClipFrame", "open_clip"]

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif")
SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "srt", "tcp", "udp")
FOLDER_FPS = 5.0
"""Pictures a second that a folder is taken to hold."""
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"v=0")
"""How files begin that make FFmpeg open other files and addresses, which nobody named."""


def open_clip(
    source: str | Path,
    *,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    folder_fps: float = FOLDER_FPS,
    most: int | None = None,
) -> Clip:
    """The clip at a path, the number of a camera (``"0"``), or an address (``rtsp://``, ``http://`` …).

    ``name`` is what messages call it; ``most`` frames of a file are decoded at the most. An address counts as live
    where it says no length. Raises InputError, saying what to do, where there is no such file, no video in it, no
    picture in the folder, no camera, or no connection.
    """
    text, path = str(source), Path(source)
    scheme, address, _ = text.partition("://")
    if address and not os.path.lexists(path):
        if scheme.lower() not in SCHEMES:
            raise InputError(f"{text}: an address starts with {', '.join(f'{s}://' for s in SCHEMES)}")
        shown = name or re.sub(r"//[^/]*@", "//", text)
        capture = open_capture(text, shown, "no video comes from there; check the address, the network and the camera")
        ends = capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0
        return VideoFile(capture, shown, limits, most) if ends else LiveVideo(capture, shown, limits)
    if re.fullmatch(r"\d{1,2}", text) and not os.path.lexists(path):
        shown = name or f"camera {text}"
        capture = open_capture(int(text), shown, "there is no such camera, or another program has it")
        return LiveVideo(capture, shown, limits)
    shown = name or text
    if path.is_dir():
        return PictureFolder(path, shown, limits, folder_fps)
    _check_file(path, shown)
    # The whole path: FFmpeg takes what stands before a colon for a protocol.
    advice = "no video was found in it; give an MP4, MOV, AVI or WebM file"
    if path.suffix.lower() in (".mp4", ".mov", ".m4v", ".3gp"):
        advice += ". One that was cut off while it was recorded lacks its index and cannot be opened: record it again"
    return VideoFile(open_capture(os.path.abspath(path), shown, advice), shown, limits, most)


def _check_file(path: Path, name: str) -> None:
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):  # a pipe would block, a device never end
            raise InputError(f"{name}: is not a regular file; a camera is given by its number")
        with open(path, "rb") as file:
            start = file.read(64)
    except FileNotFoundError:
        raise InputError(f"{name}: there is no such file or folder") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        raise InputError(f"{name!r}: cannot be read ({error})") from error
    if not start:
        raise InputError(f"{name}: is empty")
    if start.lstrip().startswith(_PLAYLISTS):
        raise InputError(f"{name}: no video was found in it, but a list of others; give one of those")


class PictureFolder(Clip):
    """The pictures of a folder in natural order (2 before 10), so many a second. InputError where there are none."""

    def __init__(self, folder: Path, name: str, limits: Limits, fps: float) -> None:
        self.name, self._limits, self._fps = name, limits, fps
        try:
            self._files = sorted((p for p in folder.iterdir() if p.suffix.lower() in PICTURES), key=_natural)
        except OSError as error:
            raise InputError(f"{name}: cannot be read ({error.strerror})") from error
        if not self._files:
            raise InputError(f"{name}: no pictures in the folder; frames are {', '.join(PICTURES)} files")
        self.seconds = len(self._files) / fps
        self._bad, self._first_bad, self._resized = 0, "", 0

    @property
    def troubles(self) -> tuple[str, ...]:
        told = []
        if self._bad:
            told.append(f"{self._bad} of {len(self._files)} pictures could not be read: {self._first_bad}.")
        if self._resized:
            told.append(f"The size of the pictures changes, {self._resized} times.")
        return tuple(told)

    def frames(self, every: float = 0.0, longest: float = inf) -> Iterator[ClipFrame]:
        pace, size = Pace(every), None
        for number, path in enumerate(self._files):
            at = number / self._fps
            if at > longest:
                self.late = True
                break
            if not pace.due(at):
                continue
            try:
                pixels = load_frame(path, limits=self._limits).pixels
            except InputError as error:
                self._bad += 1
                self._first_bad = self._first_bad or str(error)
                continue
            self._resized += size not in (None, pixels.shape)
            size = pixels.shape
            pace.taken(at)
            yield ClipFrame(pixels, at)
        if size is None:
            raise InputError(f"{self.name}: none of its pictures can be read: {self._first_bad}")


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Numbers in names by what they count: frame2 before frame10."""
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name
