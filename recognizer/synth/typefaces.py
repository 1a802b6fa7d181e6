"""Typefaces that are installed on the machine, for all that is printed on plates and glass.

Every maker letters its meters differently, and a network that saw one sans reads no other. Only training asks for them:
samples and benchmarks must not depend on what a machine has.
"""

import logging
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2

log = logging.getLogger(__name__)
FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
FAMILIES = (
    "B612", "Cantarell", "Comfortaa", "DejaVuSans", "Dosis", "FreeSans", "Hack", "Inter", "Jura", "Lato",
    "LiberationMono", "LiberationSans", "NimbusSans", "NotoMono", "NotoSans", "OpenSans", "Oxygen", "PTC", "PTM", "PTN",
    "PTS", "Play", "Quicksand", "Roboto", "Tuffy", "URWGothic", "osifont", "tuffy",
)  # fmt: skip
"""How the files of sans and monospaced families begin, as Debian names them; serifs are rare on meters."""
OWN = ""
"""The sans that OpenCV brings along."""
ONE_IN = 8
"""How often OWN is taken where there are others."""
_used: tuple[str, ...] = ()


def use_installed() -> None:
    """From now on this process, and those that it forks, letter prints in what is installed."""
    global _used
    paths = sorted(p for folder in FOLDERS for kind in ("ttf", "otf") for p in folder.rglob(f"*.{kind}"))
    _used = tuple(str(p) for p in paths if p.name.startswith(FAMILIES))
    if not _used:
        log.warning("no typefaces in %s: prints are drawn in one sans", ", ".join(map(str, FOLDERS)))
    log.info("%d typefaces", len(_used))


def by_lot(*told: object) -> str:
    """A typeface's path, or OWN, always the same for what is told: no draw that others' pictures would depend on."""
    number = zlib.crc32(repr(told).encode())
    return OWN if not _used or number % ONE_IN == 0 else _used[number // ONE_IN % len(_used)]


@lru_cache(maxsize=512)
def face(path: str) -> Any:
    """OpenCV's handle; kept, since it confuses glyphs of typefaces whose handles lay in the same place."""
    return cv2.FontFace(path or "sans")
