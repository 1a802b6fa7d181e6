"""Whether a line of a peer is right, leniently: what stands beside the digits is forgiven, and so is the point.

Right is what ``recognizer.evaluate`` calls right by the main figure of the photo's source, as in RESULTS.md. Of a peer
the best of all its lines counts, and each line may be cut and its point placed so that it suits.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from recognizer.evaluate import Truth, digits, main_form

LOOKALIKES = str.maketrans("OoQDIl|SBZ", "0000111582")
"""What generic recognisers make of digits; a line is tried as it stands and with these taken for digits."""
FEWEST_DIGITS = 3
"""Of what is cut out of a line, and before a point that is placed for a peer: fewer stand in any serial."""
SURE = 0.5
"""Confidence that a line must have to be named by a peer: RapidOCR's own default."""
LONGEST_ROW = 12
"""Boxes of one row that are joined in every way; no display is cut into more."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """What a reader says stands somewhere, with its confidence from 0 to 1, and the upright box if it gives one."""

    text: str
    confidence: float
    box: Box | None = None


def best_line_right(truth: Truth, lines: Sequence[Line]) -> bool:
    """Whether any line, or any run of neighbouring lines of one row, can be taken for the truth."""
    return _any_right(truth, [*(line.text for line in lines), *_joined(lines)])


def own_point_right(truth: Truth, lines: Sequence[Line]) -> bool:
    """Whether a line, reduced to digits and its own point, is right by the measure that ours is held to."""
    form = main_form(truth.source)
    return any(form(_kept(line.text), truth) == form(truth.text, truth) for line in lines if _kept(line.text))


def named_line_right(truth: Truth, lines: Sequence[Line]) -> bool:
    """The same of the one line that a user who does not know the truth would take."""
    line = named(lines)
    return line is not None and _any_right(truth, [line.text])


def named(lines: Iterable[Line]) -> Line | None:
    """Of the lines that the reader is sure of the one with most digits, then with most confidence; None for none."""
    sure = (line for line in lines if line.confidence >= SURE and _kept(line.text))
    return max(sure, key=lambda line: (len(_kept(line.text).replace(".", "")), line.confidence), default=None)


def _any_right(truth: Truth, texts: Iterable[str]) -> bool:
    form = main_form(truth.source)
    wanted, all_digits = form(truth.text, truth), digits(truth.text, truth)
    pieces = {piece for text in texts for t in (text, text.translate(LOOKALIKES)) for piece in _pieces(t)}
    # Either all digits are those of the truth, or the text is right by its source with the point where it suits.
    return any(
        digits(piece, truth) == all_digits or any(form(t, truth) == wanted for t in _placed(piece)) for piece in pieces
    )


def _placed(text: str) -> Iterator[str]:
    """The text, without its point, and with the point behind each digit from the third to the last but one."""
    plain = text.replace(".", "")
    yield from (text, plain)
    yield from (f"{plain[:k]}.{plain[k:]}" for k in range(FEWEST_DIGITS, len(plain)))


def _pieces(text: str) -> set[str]:
    """The whole text, each word, and each run of digits and points, reduced to digits and at most one point.

    Words and runs of one or two digits are left out: somewhere in a photo any of them stands.
    """
    plain = unicodedata.normalize("NFKC", text)
    parts = (_kept(part) for part in (*plain.split(), *re.findall(r"[0-9][0-9., ]*", plain)))
    return {_kept(plain), *(part for part in parts if len(part.replace(".", "")) >= FEWEST_DIGITS)} - {""}


def _kept(text: str) -> str:
    """Digits and the point, a comma counting as one; of several points none is kept."""
    plain = unicodedata.normalize("NFKC", text).replace(",", ".")
    kept = "".join(c for c in plain if c in "0123456789.").strip(".")
    return kept if kept.count(".") < 2 else kept.replace(".", "")


def _joined(lines: Sequence[Line]) -> Iterator[str]:
    """Texts of neighbouring boxes of one row, left to right: detectors cut a drum into its wheels."""
    for row in _rows(lines):
        for start in range(len(row)):
            for end in range(start + 2, min(len(row), start + LONGEST_ROW) + 1):
                yield "".join(line.text for line in row[start:end])


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Boxes whose middles lie within half a height of each other, left to right."""
    rows: list[list[Line]] = []
    boxed = [(line, line.box) for line in lines if line.box is not None]
    for line, box in sorted(boxed, key=lambda pair: pair[1][1] + pair[1][3]):
        last = rows[-1][-1].box if rows else None
        if last is not None and _middle(box) - _middle(last) <= (last[3] - last[1]) / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.box or ()) for row in rows]


def _middle(box: Box) -> float:
    return (box[1] + box[3]) / 2
