"""A folder of photos, or millions, to a file of results that can be stopped and run again at any time.

``sources`` and ``join`` say which photos and visits there are, ``work`` and ``visit`` make a line of one, ``pool`` and
``cluster`` do that side by side, ``ledger`` keeps the lines, ``run`` puts these together. ``table``, ``history``,
``survey`` and ``page`` look at them.
"""

from recognizer.archive.job import Outcome
from recognizer.archive.pool import InProcess, Pool
from recognizer.archive.run import Progress, Summary, Version, batch, run
from recognizer.archive.sources import SUFFIXES, Archive
from recognizer.archive.work import Reader, examine

__all__ = [
    "SUFFIXES",
    "Archive",
    "InProcess",
    "Outcome",
    "Pool",
    "Progress",
    "Reader",
    "Summary",
    "Version",
    "batch",
    "examine",
    "run",
]
