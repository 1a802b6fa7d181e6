"""The settings by which an observation becomes a report: limits, thresholds, and how confidence is weighed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from math import exp

from recognizer.domain.decode import RollRule
from recognizer.domain.dials import DialRules
from recognizer.domain.observation import DisplayKind
from recognizer.domain.photo import PhotoRules
from recognizer.domain.plausibility import Rules
from recognizer.domain.turns import TurnRules


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns what is known about one reading into the chance that the whole of it is right.

    A weighted sum of log-odds through a sigmoid. The weights are not negative: more evidence never lowers a
    confidence. The default hands the probability of the best text through unchanged; the figures that fit a
    trained model stand in its card.
    """

    top: float = 1.0
    """Weight of the probability of the best text."""
    weakest: float = 0.0
    """Weight of the least certain position: one bad digit spoils a reading, a mean would hide it."""
    legible: float = 0.0
    score: float = 0.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        weights = (self.top, self.weakest, self.legible, self.score)
        if min(weights) < 0:
            raise ValueError(f"weights of a calibration are >= 0, got {weights}")

    def confidence(self, parts: Sequence[float]) -> float:
        """Chance from 0 to 1 that the reading is right, from its ``features``."""
        top, weakest, legible, score = parts
        total = self.top * top + self.weakest * weakest + self.legible * legible + self.score * score + self.offset
        return 1 / (1 + exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True, slots=True)
class Policy:
    """What a reading must fulfil. Utilities differ, so these are settings and none of them is a constant."""

    min_score: float = 0.3
    """Displays the locator is less sure of are taken for background."""
    min_legible: float = 0.5
    accept_above: float = 0.9
    """Readings of at least this confidence are accepted, others go to a person."""
    refuse_below: float = 0.1
    """Readings of less than this confidence are refused instead: not even a person should be led by them."""
    min_digits: int = 3
    max_digits: int = 9
    """More than any register has: a serial number or two rows run together."""
    point_missed: float = 0.5
    """What is left of the confidence where a point, or red wheels, were missed and the reading is ten to a thousand
    times too high: of a drum with more whole wheels than are made, and of a row beside one that has decimals."""
    candidates: int = 5
    roll: RollRule = field(default_factory=RollRule)
    dials: DialRules = field(default_factory=DialRules)
    turns: TurnRules = field(default_factory=TurnRules)
    rules: Rules = field(default_factory=Rules)
    photos: PhotoRules = field(default_factory=PhotoRules)
    lcd: Calibration = field(default_factory=Calibration)
    drum: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        shares = (self.min_score, self.min_legible, self.accept_above, self.refuse_below)
        if any(not 0 <= share <= 1 for share in shares):
            raise ValueError(f"thresholds lie between 0 and 1, got {shares}")
        if self.refuse_below > self.accept_above:
            raise ValueError(f"refuse_below {self.refuse_below} is above accept_above {self.accept_above}")
        if not 1 <= self.min_digits <= self.max_digits or self.candidates < 1:
            raise ValueError(
                f"wanted 1 <= min_digits <= max_digits and candidates >= 1, "
                f"got {self.min_digits}, {self.max_digits} and {self.candidates}"
            )

    def calibration(self, kind: DisplayKind) -> Calibration:
        return self.lcd if kind == "lcd" else self.drum


def rules_id(policy: Policy) -> str:
    """Which rules these are: the version of this package and a digest of the policy's figures."""
    try:
        release = version("meter-recognizer")
    except PackageNotFoundError:  # run from a checkout that was never installed
        release = "0"
    return f"{release}+{sha256(repr(policy).encode()).hexdigest()[:8]}"
