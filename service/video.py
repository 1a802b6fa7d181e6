"""A short clip to photos: a bounded number of its frames, evenly over its first minute."""

import tempfile

import cv2

from recognizer.errors import InputError
from recognizer.vision.frame import Limits

MOST_FRAMES = 32
LONGEST = 60.0
STEP = 0.2
"""Seconds between frames at least: votes of a visit are counted in stretches of 0.4 s."""
MOST_SKIPPED = 240 * 60


def frames_of(data: bytes, limits: Limits) -> list[tuple[bytes, float]]:
    """(JPEG, seconds into the clip) of at most 32 frames. InputError where OpenCV finds no video in the bytes."""
    with tempfile.NamedTemporaryFile(suffix=".video") as file:
        file.write(data)
        file.flush()
        # The back end by name: others read lists of files and network addresses out of what is uploaded.
        clip = cv2.VideoCapture(file.name, cv2.CAP_FFMPEG)
        try:
            return _frames(clip, limits)
        finally:
            clip.release()


def _frames(clip: cv2.VideoCapture, limits: Limits) -> list[tuple[bytes, float]]:
    if not clip.isOpened():
        raise InputError("the video: no video was found in it; give an MP4, MOV, AVI or WebM file")
    width, height = (int(clip.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > limits.max_pixels:
        raise InputError(f"the video: {width}x{height} pixels are too many")
    rate, count = clip.get(cv2.CAP_PROP_FPS), clip.get(cv2.CAP_PROP_FRAME_COUNT)
    rate = rate if 1 <= rate <= 240 else 25.0
    seconds = min(LONGEST, count / rate) if count > 0 else LONGEST
    step = max(STEP, seconds / MOST_FRAMES)
    frames: list[tuple[bytes, float]] = []
    for number in range(MOST_SKIPPED):
        at = number / rate
        if len(frames) == MOST_FRAMES or at > LONGEST or not clip.grab():
            break
        if at + 1e-6 < len(frames) * step:
            continue
        good, picture = clip.retrieve()
        if good and min(picture.shape[:2]) >= limits.min_side:
            encoded = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 95))[1]
            frames.append((encoded.tobytes(), at))
    if not frames:
        raise InputError("the video: none of its frames can be decoded")
    return frames
