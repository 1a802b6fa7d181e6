"""The photos of a running visit: of every text that was read the frame that shows it most surely, and no other."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_TEXTS = 48
"""Photos kept of one visit: a meter has a handful of registers, the rest are misreadings on their way out."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The frame, ``at`` seconds into the visit, that shows a text most surely."""

    confidence: float
    at: float
    sha256: str

    @property
    def rank(self) -> tuple[float, float, str]:
        """The surest first, and of equally sure ones the earliest, as the votes of a visit are ranked."""
        return -self.confidence, self.at, self.sha256


class KeptPhotos:
    """The photos of one visit in a folder of its own, bounded in number. Not for several threads at once."""

    def __init__(self, folder: Path, most: int = MOST_TEXTS) -> None:
        self._folder, self._most = folder, most
        self._best: dict[str, Shown] = {}

    def offer(self, photo: bytes | None, sha256: str, at: float, texts: Mapping[str, float]) -> None:
        """Keep the photo where it shows one of its ``texts`` more surely (0 to 1) than any before; drop the others.

        None stands for a photo that was offered before a restart, and counts if it was kept then.
        """
        if photo is None and not self._path(sha256).is_file():
            return
        before = {shown.sha256 for shown in self._best.values()}
        for text, confidence in texts.items():
            new = Shown(confidence, at, sha256)
            if text not in self._best or new.rank < self._best[text].rank:
                self._best[text] = new
        while len(self._best) > self._most:
            del self._best[max(self._best, key=lambda text: self._best[text].rank)]
        now = {shown.sha256 for shown in self._best.values()}
        if photo is not None and sha256 in now and sha256 not in before:
            self._write(photo, sha256)
        for gone in (before | {sha256}) - now:
            self._path(gone).unlink(missing_ok=True)

    def best(self, text: str) -> Shown | None:
        return self._best.get(text)

    def read(self, sha256: str) -> bytes | None:
        """The bytes of a photo that is kept; None where somebody removed it."""
        try:
            return self._path(sha256).read_bytes()
        except OSError:
            return None

    def clear(self) -> None:
        self._best.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, photo: bytes, sha256: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # A restart must never find half a photo.
        partial = self._folder / f"{sha256}.partial"
        with partial.open("wb") as file:
            file.write(photo)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path(sha256))

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256
