"""What a clip is, wherever its frames come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from math import floor, inf
from typing import NamedTuple, Self

from recognizer.vision.frame import Limits
from recognizer.vision.pixels import Pixels


class ClipFrame(NamedTuple):
    """One frame (BGR), and when it is in seconds from the clip's first."""

    pixels: Pixels
    seconds: float


class Clip(ABC):
    """A source of frames; to be closed, or used as a context."""

    name: str
    """As people know the source; without the password of an address."""
    live = False
    """Whether frames come when they come, and those not taken in time are lost."""
    seconds: float | None = None
    """How long it says it is; None where it does not, or has no end."""
    dropped = 0
    """Frames of a live source that came while nobody was ready for them."""
    late = False
    """Whether the frames stopped because ``longest`` was reached, and not because there were no more."""

    @property
    @abstractmethod
    def troubles(self) -> tuple[str, ...]:
        """What could not be read up to now, in sentences."""

    @abstractmethod
    def frames(self, every: float = 0.0, longest: float = inf) -> Iterator[ClipFrame]:
        """Frames at least ``every`` seconds apart, up to ``longest`` seconds into the clip; to be asked for once.

        Raises InputError where the source turns out to hold no frame at all.
        """

    def close(self) -> None:  # noqa: B027 - a folder has nothing to let go of
        """Let go of the file or the camera."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Pace:
    """Which frames are due, of those that come: one for every ``every`` seconds, on a grid from 0 on."""

    def __init__(self, every: float) -> None:
        self._every, self._due = every, 0.0

    def due(self, at: float) -> bool:
        """Whether a frame at this time is wanted."""
        return at + 1e-6 >= self._due

    def taken(self, at: float) -> None:
        """One was taken; after a gap none are made up for."""
        if self._every > 0:
            self._due = (floor((at + 1e-6) / self._every) + 1) * self._every


def unusable(picture: Pixels, limits: Limits) -> bool:
    """Whether a frame is too small or too large to be looked at."""
    height, width = picture.shape[:2]
    small, large = min(height, width) < limits.min_side, max(height, width) > limits.max_side
    return bool(small or large or height * width > limits.max_pixels)
