"""Rendered clips watched to their ends: one line for each, kept as it finishes, so that a killed run goes on."""

import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.scroll_meters import PerfectReader, RenderedClip, profile_of, rendering
from recognizer.domain.policy import Policy, rules_id
from recognizer.domain.visit import Visit
from recognizer.domain.visit_rules import VisitRules
from recognizer.synth.clip import Clip as Rendering
from recognizer.watch import Progress, watch

SEED = 4242
"""Training draws its pictures by seeds that begin with that of its schedule, which is 0."""
LONG_ENOUGH = 2.0
"""Seconds that a register must be shown for, changes not counted."""

Line = dict[str, Any]

_reader: Any = None
"""The reader of this process; None: a perfect one for each clip."""


def measured(
    numbers: Sequence[int],
    out: Path,
    *,
    seed: int,
    jobs: int,
    perfect: bool = False,
    size: tuple[int, int] = (640, 480),
) -> list[Line]:
    """The lines of these clips, read from ``out`` or watched now and added there; ``jobs`` processes watch.

    Lines of another seed, size, model or rule are passed over. ``perfect``: the rules alone, behind perfect vision.
    """
    key = _key(seed, size, perfect)
    lines = {line["clip"]: line for line in kept(out) if line["key"] == key and line["clip"] in numbers}
    out.parent.mkdir(parents=True, exist_ok=True)
    whole = not out.exists() or out.read_bytes()[-1:] in (b"", b"\n")
    with out.open("a", encoding="utf-8") as file:
        file.write("" if whole else "\n")
        left = [number for number in numbers if number not in lines]
        for line in _watched(left, seed, size, jobs, perfect):
            lines[line["clip"]] = line | {"key": key}
            file.write(json.dumps(lines[line["clip"]], ensure_ascii=False) + "\n")
            file.flush()
    return [lines[number] for number in numbers]


def kept(out: Path) -> list[Line]:
    """The whole lines of a file; the last one may have been cut off by a kill."""
    lines = []
    for text in out.read_text(encoding="utf-8").splitlines() if out.exists() else ():
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines


def watch_clip(number: int, seed: int, size: tuple[int, int], reader: Any = None) -> Line:
    """One clip watched to its end, whatever was read: what was ever accepted, and what stood there in the end.

    Without a reader a perfect one looks.
    """
    drawn = rendering(seed, number, size)
    clip = RenderedClip(drawn)
    reader = reader or PerfectReader(clip)
    # All of the meter's, also those whose screen never comes: the owner knows them.
    wanted = list(dict.fromkeys(r.register for s, _ in drawn.meter.cycle for r in s.rows if r.register is not None))
    visit = Visit(wanted=wanted, policy=reader.policy, profile=profile_of(drawn.meter))
    accepted: dict[tuple[str, str], Line] = {}
    done: list[float] = []

    def told(now: Progress) -> None:
        for reading in now.report.readings:
            if reading.status == "accepted" and (reading.register, reading.text) not in accepted:
                at = visit.evidence[reading.register]
                source = judged(drawn, reading.register, reading.text, at)
                accepted[reading.register, reading.text] = {
                    "register": reading.register, "text": reading.text, "at": now.seconds, "frame": at, "from": source,
                }  # fmt: skip
        if wanted and visit.done and not done:
            done.append(now.seconds)

    watched = watch(clip, reader, visit, stop=False, tell=told)
    final = [
        {
            "register": r.register,
            "unit": r.unit,
            "text": r.text,
            "status": r.status,
            "findings": [f.code for f in r.findings],
        }
        for r in watched.report.readings
    ]
    return {
        "clip": number,
        "family": drawn.meter.family,
        "fps": drawn.fps,
        "seconds": drawn.seconds,
        "truth": [asdict(register) for register in drawn.registers],
        "wanted": wanted,
        "accepted": list(accepted.values()),
        "final": final,
        "done": done[0] if done else None,
        "frames": watched.frames,
        "read": watched.read,
        "models": dict(watched.report.models),
    }


def same_register(one: str, other: str) -> bool:
    """Whether two codes mean one register: a display that states none shows its total, which is 1.8.0 where it does."""
    return one == other or {one, other} == {"total", "1.8.0"}


def judged(clip: Rendering, register: str, text: str, at: float) -> str:
    """Where an accepted reading comes from: ``right``, ``wrong register``, ``misread``, or what was on the display.

    ``at`` is the time of the frame that it was read from. A number of another register is told by itself, whenever it
    was read; anything else by what stood there then: ``transition``, or a kind of screen such as ``power``.
    """
    rows = [row for showing in clip.showings for row in showing.screen.rows if row.register is not None]
    if any(row.value == text and same_register(str(row.register), register) for row in rows):
        return "right"
    if any(row.value == text for row in rows):
        return "wrong register"
    index = next((i for i, s in enumerate(clip.showings) if at < s.end), len(clip.showings) - 1)
    showing = clip.showings[index]
    if index and at - showing.start < clip.response.settled:
        return "transition"
    if showing.screen.kind != "energy":
        return showing.screen.kind
    there = [str(row.register) for row in showing.screen.rows]
    return "misread" if any(same_register(one, register) for one in there) else "wrong register"


def _watched(numbers: Sequence[int], seed: int, size: tuple[int, int], jobs: int, perfect: bool) -> Iterator[Line]:
    if not numbers:
        return
    _start(perfect)  # with more jobs too: a model that is missing is told once and plainly
    if jobs == 1:
        yield from (_one(number, seed, size) for number in numbers)
        return
    # Spawned, not forked: the threads of OpenCV and onnxruntime do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(perfect,)) as pool:
        running = [pool.submit(partial(_one, seed=seed, size=size), number) for number in numbers]
        yield from (one.result() for one in as_completed(running))


def _start(perfect: bool) -> None:
    global _reader
    if perfect:
        _reader = None
        return
    from recognizer.reader import MeterReader

    _reader = MeterReader()


def _one(number: int, seed: int, size: tuple[int, int]) -> Line:
    return watch_clip(number, seed, size, _reader)


def _key(seed: int, size: tuple[int, int], perfect: bool) -> str:
    """What a line depends on, but for the code that made it."""
    from recognizer.reader import MeterReader
    from recognizer.vision.models import list_cards

    cards = [] if perfect else sorted((card.role, card.digest) for card in list_cards(None))
    policy = Policy() if perfect else MeterReader().policy
    what = repr((seed, size, cards, rules_id(policy), VisitRules()))
    return hashlib.sha256(what.encode()).hexdigest()[:12]
