"""Tesseract behind one function: pictures of single lines of print to words. The only module that imports pytesseract.

All lines go through one process, as a list of files: to start it and load its languages costs as much as reading a
dozen lines.
"""

import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from recognizer.vision.code_cuts import Grey

LANGUAGES = ("eng", "rus")
"""Those of them that are installed are used; English must be."""
TIMEOUT = 20.0
"""Seconds for all lines of a photo, which take half of one on an idle machine; then the process is ended."""
RAW_LINE = 13
"""Tesseract's page segmentation mode: the picture is one line, taken as it is."""


class NotReadError(Exception):
    """Tesseract is missing, failed or took too long; the message says which. It never leaves ``recognizer.vision``."""


def missing_reader() -> str | None:
    """What has to be installed for print to be read, as a sentence that says how; None when all is there."""
    return _installed()[1]


def read_lines(pictures: Sequence[Grey]) -> list[list[str]]:
    """The words of each picture, which shows one line of dark print. Raises NotReadError, and nothing else."""
    languages, missing = _installed()
    if missing is not None:
        raise NotReadError(missing)
    if not pictures:
        return []
    import pytesseract

    try:
        with TemporaryDirectory(prefix="plate-") as folder:
            files = [Path(folder, f"{number:03}.pgm") for number in range(len(pictures))]
            for file, picture in zip(files, pictures, strict=True):
                file.write_bytes(cv2.imencode(".pgm", picture)[1].tobytes())
            listed = Path(folder, "lines.txt")
            listed.write_text("".join(f"{file}\n" for file in files))
            table = pytesseract.image_to_data(
                str(listed), lang="+".join(languages), config=f"--psm {RAW_LINE} --dpi 300", timeout=TIMEOUT
            )
        return _words(str(table), len(pictures))
    except (OSError, RuntimeError, ValueError, IndexError) as error:  # pytesseract's own errors are the first two
        late = "timeout" in str(error)
        why = f"took more than {TIMEOUT:g} s" if late else f"failed ({type(error).__name__}: {error})"
        raise NotReadError(f"Print on the plate was not read: Tesseract {why}.") from error


def _words(table: str, pictures: int) -> list[list[str]]:
    """Rows of Tesseract's TSV: level (5 is a word), page (the picture, from 1), nine cells more, text."""
    found: list[list[str]] = [[] for _ in range(pictures)]
    for row in table.splitlines():
        cells = row.split("\t")
        if len(cells) == 12 and cells[0] == "5" and cells[11].strip():
            found[int(cells[1]) - 1].append(cells[11].strip())
    return found


@cache
def _installed() -> tuple[tuple[str, ...], str | None]:
    """The languages to read with, and what is missing; asked once, for it takes a process."""
    try:
        import pytesseract
    except ImportError:
        return (), "Print on the plate was not read, pytesseract is not installed: pip install pytesseract"
    # More threads only wait for one another over pictures as small as these, and processes are the user's to start.
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    command = (pytesseract.pytesseract.tesseract_cmd, "--list-langs")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        languages: tuple[str, ...] = ()
    else:
        languages = tuple(language for language in LANGUAGES if language in done.stdout.split())
    if LANGUAGES[0] not in languages:
        return (), (
            "Print on the plate was not read, Tesseract or its English is not installed: "
            "apt-get install tesseract-ocr tesseract-ocr-rus"
        )
    return languages, None
