"""A short clip to photos: a bounded number of its frames, evenly over its first minute."""

import tempfile

import cv2

from recognizer.vision.clips import open_clip
from recognizer.vision.frame import Limits

MOST_FRAMES = 32
LONGEST = 60.0
STEP = 0.2
"""Seconds between frames at least: votes of a visit are counted in stretches of 0.4 s."""
MOST_DECODED = 240 * 60


def frames_of(data: bytes, limits: Limits) -> list[tuple[bytes, float]]:
    """(JPEG, seconds into the clip) of at most 32 frames. InputError where OpenCV finds no video in the bytes."""
    with tempfile.NamedTemporaryFile(suffix=".video") as file:
        file.write(data)
        file.flush()
        with open_clip(file.name, name="the video", limits=limits, most=MOST_DECODED) as clip:
            seconds = min(LONGEST, clip.seconds or LONGEST)
            frames: list[tuple[bytes, float]] = []
            for picture, at in clip.frames(max(STEP, seconds / MOST_FRAMES), LONGEST):
                encoded = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 95))[1]
                frames.append((encoded.tobytes(), at))
                if len(frames) == MOST_FRAMES:
                    break
    return frames
