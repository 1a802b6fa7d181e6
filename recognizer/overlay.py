"""Draw what was read onto the photo, so that a person sees at a glance whether it is right.

The photo keeps its content: boxes are outlines, and below it a panel shows every display once more, turned
upright, with the text that was read under it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from recognizer.domain.observation import Quad
from recognizer.domain.reading import Reading, Report

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {"accepted": (40, 200, 80), "review": (255, 176, 0), "refused": (240, 60, 60)}
PANEL: Rgb = (24, 24, 28)
WHITE: Rgb = (245, 245, 245)

LONGEST, NARROWEST = 1600, 640
"""A drawing is scaled into these bounds: it is for a screen, and lettering on a 200 px strip cannot be read."""


def draw_overlay(pixels: NDArray[np.uint8], report: Report) -> NDArray[np.uint8]:
    """A BGR picture for people: the photo with every box, and a panel of the readings below it.

    ``pixels`` is the upright full-size BGR photo that ``report`` is about; it is left as it is. The result is
    scaled to a long side of at most 1600 pixels and a width of at least 640.
    """
    height, width = pixels.shape[:2]
    scale = max(min(1.0, LONGEST / max(width, height)), NARROWEST / width)
    size = (round(width * scale), min(round(height * scale), 2 * LONGEST))
    photo = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    letter = max(16, size[0] // 34)

    canvas = _image(np.asarray(photo, np.uint8))
    for reading in report.readings:
        _draw_box(canvas, reading, (size[0] / width, size[1] / height), letter)
    rows = [_reading_row(pixels, reading, size[0], letter) for reading in report.readings]
    reasons = [f"{finding.code}: {finding.message}" for finding in report.findings]
    if not rows or reasons:
        headline = f"{report.status}: no reading" if not rows else f"photo: {report.status}"
        rows.append(_text_row([(headline, letter, COLOURS[report.status])], reasons, size[0], letter))

    whole = Image.new("RGB", (size[0], canvas.height + sum(row.height for row in rows)), PANEL)
    top = 0
    for part in (canvas, *rows):
        whole.paste(part, (0, top))
        top += part.height
    return np.ascontiguousarray(np.asarray(whole)[:, :, ::-1])


def _draw_box(canvas: Image.Image, reading: Reading, scale: tuple[float, float], letter: int) -> None:
    draw = ImageDraw.Draw(canvas)
    colour = COLOURS[reading.status]
    corners = [(x * scale[0], y * scale[1]) for x, y in reading.box]
    ring = [*corners, corners[0], corners[1]]
    thick = max(2, letter // 8)
    draw.line(ring, fill=(0, 0, 0), width=2 * thick + 2, joint="curve")
    draw.line(ring, fill=colour, width=thick, joint="curve")
    # A dot marks the first corner of the reading order: it tells a display that was taken upside down.
    (x, y), radius = corners[0], 2 * thick
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=(0, 0, 0))

    font = _font(letter)
    text = _plain(_headline(reading))
    left, above, right, below = draw.textbbox((0, 0), text, font=font)
    pad = letter // 4
    box_width, box_height = right - left + 2 * pad, below - above + 2 * pad
    at_x = min(max(0.0, min(x for x, _ in corners)), max(0.0, canvas.width - box_width))
    at_y = min(y for _, y in corners) - box_height - 2 * thick
    if at_y < 0:
        at_y = min(max(y for _, y in corners) + 2 * thick, canvas.height - box_height)
    draw.rectangle((at_x, at_y, at_x + box_width, at_y + box_height), fill=colour)
    draw.text((at_x + pad - left, at_y + pad - above), text, fill=(0, 0, 0), font=font)


def _reading_row(pixels: NDArray[np.uint8], reading: Reading, width: int, letter: int) -> Image.Image:
    """The display upright and enlarged, the text spread out to the same width under it, then the reasons."""
    strip = _upright_strip(pixels, reading.box, width - 2 * letter, 5 * letter)
    text = reading.text or "not read"
    fitting = int(2 * letter * strip.width / max(1.0, _font(2 * letter).getlength(_plain(text))))
    words = [
        (text, max(letter, min(fitting, 3 * letter)), WHITE if reading.text else COLOURS["refused"]),
        (_headline(reading, with_text=False), letter, COLOURS[reading.status]),
    ]
    below = _text_row(words, [f"{f.code}: {f.message}" for f in reading.findings], width, letter)
    row = Image.new("RGB", (width, strip.height + letter // 2 + below.height), PANEL)
    row.paste(strip, (letter, letter // 2))
    row.paste(below, (0, letter // 2 + strip.height))
    return row


def _text_row(words: list[tuple[str, int, Rgb]], reasons: list[str], width: int, letter: int) -> Image.Image:
    small = max(14, letter * 2 // 3)
    lines = [part for reason in reasons for part in _wrapped(_plain(reason), _font(small), width - 2 * letter)]
    tallest = max(size for _, size, _ in words)
    row = Image.new("RGB", (width, tallest + letter + len(lines) * small * 5 // 4), PANEL)
    draw = ImageDraw.Draw(row)
    left = float(letter)
    for text, size, colour in words:
        draw.text((left, letter // 4 + tallest), _plain(text), fill=colour, font=_font(size), anchor="ls")
        left += _font(size).getlength(_plain(text)) + letter
    for number, line in enumerate(lines):
        draw.text((letter, tallest + letter * 3 // 4 + number * small * 5 // 4), line, fill=WHITE, font=_font(small))
    return row


def _upright_strip(pixels: NDArray[np.uint8], box: Quad, most_width: int, most_height: int) -> Image.Image:
    """Cut out of the full-size photo, in its true proportions, as large as fits."""
    quad = np.array(box, np.float32)
    length = max(1.0, float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])) / 2)
    height = max(1.0, float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2)
    scale = min(most_width / length, most_height / height)
    size = (max(8, round(length * scale)), max(8, round(height * scale)))
    corners = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, corners)
    strip = cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return _image(np.asarray(strip, np.uint8))


def _headline(reading: Reading, *, with_text: bool = True) -> str:
    parts = [reading.text or "not read"] if with_text else []
    parts += [reading.unit] if reading.unit else []
    return "  ".join([*parts, f"{100 * reading.confidence:.1f} %", reading.status])


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _plain(text: str) -> str:
    """The built-in typeface has little more than ASCII."""
    return text.replace("³", "3").replace("—", "-").replace("–", "-")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _image(bgr: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(bgr[:, :, ::-1]))
