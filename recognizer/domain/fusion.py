"""Several frames of one register fused into one posterior over its texts.

Each vote gives every text a chance; the chances are multiplied (log-odds added) as if votes were independent, which
frames of one camera are only in part: glare and focus spoil them alike. So votes are one a time window, few for each
text, and agreement may raise the confidence above that of the most certain frame by no more than ``most_gain``. Within
that limit, and as far as the confidence of a single frame is calibrated, the result is again the chance that the whole
reading is right.
"""

from collections.abc import Sequence
from math import exp, log

from recognizer.domain.alike import adds
from recognizer.domain.reading import Candidate
from recognizer.domain.sightings import Vote
from recognizer.domain.visit_rules import FusionRules

CUT_SHORT = 2
"""Votes that count for a text that others read with a digit more: cuts that are too short come in runs, and lose
the same digit. 230147 of 230147.8 was read in most of the first frames of a clip."""
BELIEVED = 0.7
"""Chance of a text with a digit more from which it counts so: less have those of a display that changes."""


def fuse(votes: Sequence[Vote], rules: FusionRules) -> tuple[Candidate, ...]:
    """The texts with their posterior chances, best first; what is missing to 1 is that of a text no frame gave.

    A single vote comes out as it went in. The order of the votes does not matter.
    """
    if not votes:
        return ()
    # Sums of floats depend on their order in the last place.
    votes = _with_few_cut_short(sorted(votes, key=lambda vote: vote.rank))
    read = {vote.candidates[0].text for vote in votes}
    given = [{c.text: c.probability for c in vote.candidates} for vote in votes]
    # What a vote leaves to texts it does not give.
    rests = [max(1e-6, 1 - sum(chances.values())) for chances in given]
    weights = dict.fromkeys(sorted(text for text in set().union(*given)), 0.0)
    for text in weights:
        for vote, chances, rest in zip(votes, given, rests, strict=True):
            least = rules.may_add if _shows_more(vote, text) else rules.may_mislead
            weights[text] += log(max(chances.get(text, rest / rules.spread), least if len(read) > 1 else 1e-9))
    other = sum(map(log, rests)) - (len(votes) - 1) * log(rules.spread)
    top = max(*weights.values(), other)
    total = sum(exp(w - top) for w in weights.values()) + exp(other - top)
    fused = []
    for text, weight in weights.items():
        chance = exp(weight - top) / total
        alone = max(chances.get(text, 0.0) for chances in given)
        fused.append(Candidate(text, min(chance, raised(alone, rules.most_gain))))
    return tuple(sorted(fused, key=lambda c: (-c.probability, c.text)))


def _with_few_cut_short(votes: Sequence[Vote]) -> list[Vote]:
    """The votes, but no more than CUT_SHORT for a text that others read with a digit more."""
    read = {vote.candidates[0].text for vote in votes}
    kept: list[Vote] = []
    for text in sorted(read):
        own = [vote for vote in votes if vote.candidates[0].text == text]
        kept += own[:CUT_SHORT] if any(_shows_more(vote, text) for vote in votes) else own
    return sorted(kept, key=lambda vote: vote.rank)


def _shows_more(vote: Vote, text: str) -> bool:
    """Whether a frame shows the text with a digit more."""
    read = vote.candidates[0]
    return read.probability >= BELIEVED and adds(read.text, text)


def raised(chance: float, gain: float) -> float:
    """The chance with its log-odds raised by ``gain``."""
    odds = exp(gain) * chance
    return odds / (odds + 1 - chance)
