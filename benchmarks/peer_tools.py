"""The peers: each installed by itself, asked one photo at a time, on one thread, and timed in CPU seconds.

Python peers run in a virtual environment of their own (``peer_child.py``), for they bring other OpenCV wheels than
ours; Tesseract and ssocr are programs, called as a user's script would call them.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from benchmarks.peer_cuts import Given
from benchmarks.peer_scores import Line

Kind = Literal["whole", "region", "digits"]
CHILD = Path(__file__).with_name("peer_child.py")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1"}
PIP_LIMIT = 900.0
"""Seconds that an installation may take."""


@dataclass(frozen=True)
class Heard:
    """What a peer said of one photo, in CPU seconds for one call; an error where it could not say anything."""

    lines: tuple[Line, ...] = ()
    seconds: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Peer:
    """One reader with one kind of input, ready to be asked."""

    name: str
    kind: Kind
    ask: Callable[[Sequence[Path]], Heard]
    lcd_only: bool = False

    @property
    def key(self) -> str:
        return f"{self.name}, {self.kind}"

    def hear(self, given: Given) -> Heard:
        """Its answer; nothing, at no cost, where we found nothing to give it."""
        pictures = {"whole": (given.whole,), "region": given.regions, "digits": given.digits}[self.kind]
        return self.ask(pictures) if pictures else Heard()


@dataclass(frozen=True)
class Package:
    """A peer from PyPI: what to install without its dependencies, and these, with the one OpenCV wheel named."""

    name: str
    engine: str
    requirement: str
    needs: tuple[str, ...]
    kinds: tuple[Kind, ...]


_RAPID = ("Pillow", "PyYAML", "Shapely", "numpy<3", "opencv-python-headless<5", "pyclipper", "six", "tqdm")
PACKAGES = (
    Package(
        "RapidOCR 3.10.0",
        "rapidocr",
        "rapidocr==3.10.0",
        (*_RAPID, "colorlog", "omegaconf", "requests", f"onnxruntime=={version('onnxruntime')}"),
        ("whole", "region"),
    ),
    Package(
        "rapidocr-onnxruntime 1.4.4",
        "rapidocr_onnxruntime",
        "rapidocr-onnxruntime==1.4.4",
        (*_RAPID, f"onnxruntime=={version('onnxruntime')}"),
        ("whole", "region"),
    ),
    Package(
        "meter-digits-recognizer 0.2.3",
        "meter_digits_recognizer",
        "meter-digits-recognizer==0.2.3",
        ("numpy<3", "opencv-python-headless<5"),
        ("digits",),
    ),
)
SSOCR = ("ssocr", "-d", "-1", "-c", "digits")
SSOCR_WAYS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("-T",), ()),
    (("-T", "-f", "white"), ()),
    (("-T",), ("opening", "2", "remove_isolated")),
    (("-T",), ("shear", "12")),
    (("-a", "-t", "50"), ("dynamic_threshold", "24", "24")),
)
"""Options before and commands after: as it is, bright digits, cleaned, slanted, uneven light. The best counts."""


def open_peers(folder: Path, pythons: Mapping[str, Path], stack: ExitStack) -> tuple[list[Peer], dict[str, str]]:
    """The peers that can be had, and why the others cannot.

    ``pythons`` names interpreters by engine that have the peer already; for the rest a virtual environment is made in
    ``folder``, once. Processes are ended with ``stack``.
    """
    peers: list[Peer] = []
    missing: dict[str, str] = {}
    for package in PACKAGES:
        try:
            python = pythons.get(package.engine) or _environment(package, folder / package.engine)
            child = stack.enter_context(_Child(python, package.engine))
        except (OSError, subprocess.SubprocessError) as error:
            missing[package.name] = _reason(error)
            continue
        peers += [Peer(package.name, kind, child.asking(kind)) for kind in package.kinds]
    if shutil.which("tesseract"):
        name = f"Tesseract {_version('tesseract', '--version')}"
        peers.append(Peer(name, "region", lambda pictures: tesseract(pictures, 7)))
        peers.append(Peer(name, "whole", lambda pictures: tesseract(pictures, 11)))
    else:
        missing["Tesseract"] = "not installed: apt-get install tesseract-ocr"
    if shutil.which("ssocr"):
        peers.append(Peer(f"ssocr {_version('ssocr', '-V')}", "region", ssocr, lcd_only=True))
    else:
        missing["ssocr"] = "not installed: apt-get install ssocr"
    return peers, missing


def tesseract(pictures: Sequence[Path], psm: int) -> Heard:
    """Digits only, English model, one process a picture."""
    options = ("--psm", str(psm), "-c", "tessedit_char_whitelist=0123456789", "-c", "tessedit_create_tsv=1")
    return _programs([("tesseract", str(p), "stdout", *options) for p in pictures], _lines_of_tsv)


def ssocr(pictures: Sequence[Path]) -> Heard:
    """Every way of ``SSOCR_WAYS`` on every picture; it knows no confidence."""
    calls = [(*SSOCR, *before, *after, str(p)) for p in pictures for before, after in SSOCR_WAYS]
    return _programs(calls, lambda text: [Line(line.strip(), 1.0) for line in text.splitlines() if line.strip()])


def _programs(calls: Sequence[Sequence[str]], lines_of: Callable[[str], list[Line]]) -> Heard:
    begin = _children_seconds()
    lines: list[Line] = []
    for call in calls:
        # ssocr leaves with an error where it finds another number of digits; what it says counts all the same.
        done = subprocess.run(
            call, capture_output=True, text=True, errors="replace", check=False, env={**os.environ, **ONE_THREAD}
        )
        lines += lines_of(done.stdout)
    return Heard(tuple(lines), (_children_seconds() - begin) / len(calls))


def _lines_of_tsv(table: str) -> list[Line]:
    """Lines of Tesseract's TSV: level (5 is a word), page, block, paragraph, line, word, box, confidence, text."""
    words: dict[tuple[str, ...], list[list[str]]] = {}
    for row in table.splitlines():
        cells = row.split("\t")
        if len(cells) == 12 and cells[0] == "5" and cells[11].strip():
            words.setdefault(tuple(cells[1:5]), []).append(cells)
    lines: list[Line] = []
    for line in words.values():
        left, top, width, height = zip(*([float(c) for c in cells[6:10]] for cells in line), strict=True)
        right, bottom = map(sum, zip(left, width, strict=True)), map(sum, zip(top, height, strict=True))
        box = (min(left), min(top), max(right), max(bottom))
        text = " ".join(cells[11].strip() for cells in line)
        lines.append(Line(text, min(float(cells[10]) for cells in line) / 100, box))
    return lines


class _Child:
    """A Python peer in its own interpreter, ended when the block is left."""

    def __init__(self, python: Path, engine: str) -> None:
        # -I: neither this folder nor the user's settings reach the peer's imports.
        self._process = subprocess.Popen(
            (str(python), "-I", str(CHILD), engine),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **ONE_THREAD},
        )

    def __enter__(self) -> "_Child":
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what a dead one was not told is of no use to anybody
                if pipe:
                    pipe.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def asking(self, kind: Kind) -> Callable[[Sequence[Path]], Heard]:
        return lambda pictures: self._ask(kind, pictures)

    def _ask(self, kind: Kind, pictures: Sequence[Path]) -> Heard:
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps({"given": kind, "pictures": [str(p) for p in pictures]}) + "\n")
            self._process.stdin.flush()
            said = json.loads(self._process.stdout.readline() or '{"error": "the process ended"}')
        except OSError as error:
            return Heard(error=f"the process ended ({error})")
        if "error" in said:
            return Heard(error=said["error"])
        lines = (Line(text, confidence, tuple(box) if box else None) for text, confidence, box in said["lines"])
        return Heard(tuple(lines), said["seconds"])


def _environment(package: Package, folder: Path) -> Path:
    """The interpreter of the peer's virtual environment, which is made when it is not there."""
    python, made = folder / "bin" / "python", folder / "made"
    if not made.is_file():
        print(f"installing {package.requirement} in {folder}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        for arguments in (package.needs, ("--no-deps", package.requirement)):
            command = (str(python), "-m", "pip", "install", "--quiet", *arguments)
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_LIMIT)
        made.write_text(package.requirement + "\n", encoding="utf-8")
    return python


def _reason(error: Exception) -> str:
    said = getattr(error, "stderr", None)
    return said.strip().splitlines()[-1] if isinstance(said, str) and said.strip() else str(error)


def _version(program: str, option: str) -> str:
    done = subprocess.run((program, option), capture_output=True, text=True, check=False)
    return next((word for word in (done.stdout + done.stderr).split() if word[0].isdigit()), "of unknown version")


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
