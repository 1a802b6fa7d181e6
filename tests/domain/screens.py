"""What tests of screens share: a display with its label, unit and marks, and which register it is."""

from recognizer.domain.observation import Display, Glyph, Mark
from recognizer.domain.profile import load_profiles
from recognizer.domain.register import Screen, which_register

PROFILES = load_profiles()
QUAD = ((200.0, 200.0), (440.0, 200.0), (440.0, 280.0), (200.0, 280.0))


def display(
    label: str | None = None, unit: str | None = None, *marks: str | None, text: str = "001234.5", p: float = 0.999
) -> Display:
    glyphs = tuple(Glyph(((char, 0.999),), i / len(text), (i + 1) / len(text)) for i, char in enumerate(text))
    beside = [Mark(t, p) if t is not None else None for t in (label, unit)]
    return Display("lcd", QUAD, 0.99, 0.99, glyphs, beside[0], beside[1], tuple(Mark(m, p) for m in marks if m))


def screen(*shown: str | None, profile: str | None = None) -> Screen:
    return which_register(display(*shown), PROFILES[profile] if profile else None)
