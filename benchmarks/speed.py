"""Speed as ratios and budgets that mean something on any machine: where a photo's time goes, the cold start,
and whether many threads that share one reader give the same answers as one.
"""

import cProfile
import json
import pstats
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.run import ROOT, Read

_COLD_START = """
import json, resource, time
begin = time.perf_counter()
import recognizer
from recognizer.reader import MeterReader
imported = time.perf_counter()
MeterReader()
loaded = time.perf_counter()
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"import_s": imported - begin, "load_s": loaded - imported, "rss_mb": rss}))
"""


def shares(read: Read, photos: Sequence[Path], orchestrator: str = "recognizer/reader.py") -> dict[str, float]:
    """Share of the reading time spent under each module that the orchestrator calls, largest first.

    Measured under a profiler, which makes pure Python look dearer than it is.
    """
    profile = cProfile.Profile()
    begin = time.perf_counter()
    profile.runcall(lambda: [read(photo) for photo in photos])
    total = time.perf_counter() - begin
    spent: Counter[str] = Counter()
    stats: dict[tuple[str, int, str], tuple[object, ...]] = vars(pstats.Stats(profile))["stats"]
    for (file, _, _), (*_, callers) in stats.items():
        if file.endswith(orchestrator) or "/recognizer/" not in file or not isinstance(callers, dict):
            continue
        seconds = sum(timing[3] for caller, timing in callers.items() if caller[0].endswith(orchestrator))
        spent[Path(file).stem] += seconds / total
    return {stage: share for stage, share in spent.most_common() if share > 0}


def cold_start() -> dict[str, float]:
    """Seconds to import and to load the models in a fresh process, and its peak memory in MB (Linux)."""
    command = (sys.executable, "-c", _COLD_START)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def seconds_per_photo(read: Read, photos: Sequence[Path]) -> float:
    """Median over the photos, after one to warm up."""
    read(photos[0])
    times = []
    for photo in photos:
        begin = time.perf_counter()
        read(photo)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def same_in_threads(read: Read, photos: Sequence[Path], threads: int = 16) -> bool:
    """Whether threads that share the reader answer as one thread does."""
    alone = [read(photo) for photo in photos]
    with ThreadPoolExecutor(threads) as pool:
        together = list(pool.map(read, [*photos, *photos]))
    return together == alone + alone
