"""Where displays are to each other in a picture, whichever way it is turned."""

from math import hypot

from recognizer.domain.observation import Point, Quad

ROWS_UNLIKE, ROWS_ALONG, ROWS_DOWN = 1.5, 0.6, (0.8, 2.5)
"""Rows of one display: the most that their heights differ by, and how far apart their middles are, in lengths along and
in heights down."""
HEIGHTS_OFF = 1.7
"""How far above or below its title a value may stand, in heights of the taller one: in the same row or in the next one.
What is printed beside the display stays there all the time."""


def in_one_stack(one: Quad, other: Quad) -> bool:
    """Whether two rows of digits stand one below the other on what may be one display: as tall, and close."""
    tall, as_tall = _length(_down(one)), _length(_down(other))
    if not tall or not 1 / ROWS_UNLIKE <= as_tall / tall <= ROWS_UNLIKE:
        return False
    along, down = _seen_from(one, _middle(other))
    low, high = ROWS_DOWN
    return abs(along - 0.5) <= ROWS_ALONG and low <= abs(down - 0.5) <= high


def in_place_of(value: Quad, title: Quad) -> bool:
    """Whether a value stands where a title stood."""
    along = [_seen_from(title, corner)[0] for corner in value]
    _, down = _seen_from(title, _middle(value))
    taller = max(1.0, _length(_down(value)) / max(1e-9, _length(_down(title))))
    return min(along) <= 1 and max(along) >= 0 and abs(down - 0.5) <= HEIGHTS_OFF * taller


def how_far_down(quad: Quad, other: Quad) -> float:
    """Where the middle of another quad lies below the top of this one, in its heights, as its digits stand."""
    return _seen_from(quad, _middle(other))[1]


def _seen_from(quad: Quad, point: Point) -> Point:
    """How far along the quad and down it a point lies, both from 0 to 1 inside; far outside for a quad without area."""
    (ax, ay), (along_x, along_y), (down_x, down_y) = quad[0], _along(quad), _down(quad)
    area = along_x * down_y - along_y * down_x
    if abs(area) < 1:
        return 1e9, 1e9
    x, y = point[0] - ax, point[1] - ay
    return (x * down_y - y * down_x) / area, (along_x * y - along_y * x) / area


def _along(quad: Quad) -> Point:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = quad
    return (bx + cx - ax - dx) / 2, (by + cy - ay - dy) / 2


def _down(quad: Quad) -> Point:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = quad
    return (dx + cx - ax - bx) / 2, (dy + cy - ay - by) / 2


def _middle(quad: Quad) -> Point:
    return sum(x for x, _ in quad) / 4, sum(y for _, y in quad) / 4


def _length(vector: Point) -> float:
    return hypot(*vector)
