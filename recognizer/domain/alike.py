"""Two numbers near each other: one of them misread, a digit of it lost, or what no register can have counted."""

from decimal import Decimal

from recognizer.domain.sightings import Stretch

COUNTED = 2
"""Steps of the last place that a register may count on between two looks."""
FAR_TO_MISREAD, NEAR = Decimal("0.002"), Decimal("0.2")
"""How far two numbers are apart, as a share of the larger, of which the second is neither a misread last digit nor that
of another register."""


def adds(text: str, to: str) -> bool:
    """Whether a text is another one and a digit more in front, or any behind its point, or both: these are lost, hardly
    added.

    A cut that ends at the point loses all behind it. A zero or an eight in front may be an unlit cell that was read.
    """
    longer = (text,) if text.startswith(("0", "8")) else (text, text[1:])
    return text != to and any(of.startswith(to) and to.startswith(of.partition(".")[0]) for of in longer)


def nearly(text: str, other: str) -> bool:
    """Whether one text is the other with one digit exchanged, or with a digit more at either end."""
    if len(text) == len(other):
        return sum(a != b for a, b in zip(text, other, strict=True)) == 1
    return one_lost(text, other)


def one_lost(text: str, other: str) -> bool:
    """Whether one of the two is the other and a digit more. Which one it is, is open where both are whole numbers."""
    return adds(text, other) or adds(other, text) or text[:-1] == other or other[:-1] == text


def jumps(text: str, stood: Stretch, other_text: str, other_stood: Stretch) -> bool:
    """Whether two numbers of one form, one after the other, are near each other and yet no count apart."""
    if len(text) != len(other_text) or text.find(".") != other_text.find(".") or stood.within(other_stood, 0.0):
        return False
    (earlier, _), (later, _) = sorted(((text, stood), (other_text, other_stood)), key=lambda one: one[1].first)
    places = len(text.partition(".")[2])
    step, most = Decimal(later) - Decimal(earlier), max(Decimal(earlier), Decimal(later))
    if 0 <= step <= COUNTED * Decimal(1).scaleb(-places):
        return False
    return FAR_TO_MISREAD * most <= abs(step) <= NEAR * most
