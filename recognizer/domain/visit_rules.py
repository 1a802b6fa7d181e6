"""The settings of a visit: when a frame counts, and how far several are believed beyond one."""

from dataclasses import dataclass, field
from math import inf, isfinite

from recognizer.errors import UsageError


@dataclass(frozen=True, slots=True)
class FusionRules:
    """How far several frames are believed beyond one."""

    most_votes: int = 4
    """Votes that count for one text. More windows of the same screen say nothing new: they share its glare."""
    most_gain: float = 2.25
    """Log-odds by which agreement may raise the most certain frame: odds nine times as good, 0.75 to 0.966, so
    that frames which are wrong one time in four are not accepted for being many."""
    may_mislead: float = 0.1
    """Chance left to a text that other frames give, by a frame that reads something else however surely: frames
    that are certain and wrong come in runs, behind a reflection."""
    may_add: float = 0.01
    """The same left to a text by a frame that reads a digit more, in front or behind its point (``alike.adds``): of
    1753 frames that were read with a chance of a half or more 16 had lost the last or first digit, none had one added.
    """
    spread: float = 100.0
    """Texts among which the chance of an unknown one is shared out: two doubtful frames seldom mean the same one."""

    def __post_init__(self) -> None:
        chances = (self.may_mislead, self.may_add)
        if self.most_votes < 1 or self.most_gain < 0 or not all(0 < c < 1 for c in chances) or self.spread < 1:
            raise UsageError("wanted most_votes >= 1, most_gain >= 0, 0 < may_mislead, may_add < 1 and spread >= 1")


@dataclass(frozen=True, slots=True)
class VisitRules:
    """When what a frame shows counts. Times are in seconds."""

    window: float = 0.4
    """Frames of one window share one vote: near-copies see the same glare."""
    settle: float = 0.4
    """A text must stand this long: ghosts of a changing LCD and partly refreshed frames last 0.05 to 0.3."""
    share: float = 0.25
    """A text must be on this share of the frames between its first and its last: of many misread frames two may read
    the same."""
    stands_out: float = 3.0
    """How many times more frames a label needs than another one that stood on the same number meanwhile."""
    gap: float = 1.5
    """Frames of one text up to this far apart are one stretch: longer than a lost second, shorter than a screen."""
    echo: float = 1.0
    """A number that stood under another label just before must stand this long under the new one, else it is the old
    number whose label has changed already."""
    bare: float = 1.5
    """A number without a label, beside which a tariff mark may be lit, must stand this long; 0: photos, each a look of
    its own. A mark in faint segments is overlooked in some frames."""
    reach: float = 1.5
    """Within this time of a title its value must appear; later, another screen may have been missed between."""
    apart: float = 0.4
    """Two sightings this far apart agree in time, not only in one frame's copies."""
    single_above: float = 0.98
    """A reading seen only once must be this certain."""
    least: float = 0.5
    """Frames whose reading is less certain than this have no vote: of two texts they would give either."""
    most_texts: int = 256
    """Texts remembered at once, misread ones among them: what bounds the memory of a long visit."""
    most_stretches: int = 64
    """Stretches of one text: more than an hour of one-minute cycles."""
    fusion: FusionRules = field(default_factory=FusionRules)

    def __post_init__(self) -> None:
        times = (self.window, self.settle, self.gap, self.echo, self.reach, self.apart)
        if not all(isfinite(t) and t > 0 for t in times) or self.gap < self.settle:
            raise UsageError(f"times of a visit are above zero and gap is not below settle, got {times}")
        if not 0 < self.share <= 1 or self.stands_out < 1 or not 0 <= self.bare < inf:
            got = f"{self.share}, {self.stands_out} and {self.bare}"
            raise UsageError(f"wanted 0 < share <= 1, stands_out >= 1 and bare >= 0 seconds, got {got}")
        if not 0 <= self.least <= self.single_above <= 1 or self.most_texts < 16 or self.most_stretches < 2:
            raise UsageError("wanted 0 <= least <= single_above <= 1, most_texts >= 16 and most_stretches >= 2")
