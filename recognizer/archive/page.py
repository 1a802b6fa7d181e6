"""The report's HTML: one file that fetches nothing, runs nothing, and takes every name for hostile."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from urllib.parse import quote

from recognizer.archive.history import Impossible, Unusual
from recognizer.archive.ledger import STATUSES, Line
from recognizer.archive.survey import BINS, Survey
from recognizer.archive.table import plain
from recognizer.evaluate import calibration_error, risk_at, wilson

MOST_OF_A_TABLE = 50
MOST_REASONS = 20
"""Reasons for a refusal, the most frequent first, of which photos are shown."""
MOST_SAID = 8
"""Findings shown of one photo."""
LONGEST = 200
"""Characters of a name or message that are shown."""
COVERAGES = (1.0, 0.95, 0.9, 0.85, 0.8)
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;color:#1c1c22;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}table{border-collapse:collapse;margin:.4rem 0}
th,td{padding:.2rem .7rem .2rem 0;text-align:left;vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}tr+tr td{border-top:1px solid #e4e4ea}
.bar{display:flex;width:16rem;height:.9rem;background:#eee}.bar i{display:block;height:100%}
.accepted{background:#1f9d4d}.review{background:#d99100}.refused{background:#cc3333}
.sheet{display:flex;flex-wrap:wrap;gap:1rem}figure{width:22.5rem;margin:0;border:1px solid #ddd;padding:.4rem}
figure img{max-width:100%;display:block}figcaption{font-size:.85rem;overflow-wrap:anywhere}.key i{display:inline-block;
width:.8rem;height:.8rem;margin:0 .3rem 0 1rem}p.none{color:#666}
@media(prefers-color-scheme:dark){body{background:#17171b;color:#e8e8ee}tr+tr td{border-color:#333}a{color:#8ab4ff}
.bar{background:#333}figure{border-color:#444}}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo on the page: a path to it from there, and a JPEG as base64; None where there is none."""

    link: str | None
    picture: str | None


@dataclass(frozen=True, slots=True)
class History:
    """What the second pass showed: how often which rule was broken, and some examples of each list."""

    codes: Counter[str]
    impossible: Sequence[Impossible]
    unusual: Sequence[Unusual]


def page(name: str, survey: Survey, history: History, show: Callable[[Line], Shown]) -> Iterator[str]:
    """The parts of the page, in order."""
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"<title>Meter readings: {_text(name)}</title><style>{STYLE}</style></head><body>"
        f"<h1>Meter readings: {_text(name)}</h1>"
    )
    key = "".join(f'<i class="{s}"></i>{s} <b>{survey.status[s]}</b>' for s in STATUSES)
    yield f'<p class="key"><b>{survey.photos}</b> photos: {key}, {survey.failed} of these could not be looked at.</p>'
    yield from _shares("By display", "kind", survey.kinds)
    yield from _shares("By reason", "reason", survey.reasons)
    yield from _shares("By folder", "folder", survey.folders)
    yield from _histogram(survey)
    yield from _truth(survey)
    yield from _history(history)
    yield "<h2>Least certain readings</h2>"
    yield from _sheet(survey.least_certain(), show)
    for code, lines in islice(survey.refused(), MOST_REASONS):
        yield f"<h2>Refused: {_text(code)}</h2>"
        yield from _sheet(lines, show)
    yield "</body></html>\n"


def _shares(title: str, head: str, counts: Mapping[str, Counter[str]]) -> Iterator[str]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1].total(), item[0]))
    yield f"<h2>{title}</h2>"
    rows = (
        (_text(name), *(str(found[s]) for s in STATUSES), _bar(found, found.total()))
        for name, found in ranked[:MOST_OF_A_TABLE]
    )
    yield from _table((head, *STATUSES, ""), rows, "nothing")
    if len(ranked) > MOST_OF_A_TABLE:
        rest = sum(found.total() for _, found in ranked[MOST_OF_A_TABLE:])
        yield f"<p>and {len(ranked) - MOST_OF_A_TABLE} more, with {rest} photos.</p>"


def _histogram(survey: Survey) -> Iterator[str]:
    yield "<h2>Confidence of the billed readings</h2>"
    most = max((found.total() for found in survey.histogram), default=0)
    rows = (
        (f"{n / BINS:.2f} to {(n + 1) / BINS:.2f}", *(str(found[s]) for s in STATUSES), _bar(found, most))
        for n, found in enumerate(survey.histogram)
    )
    yield from _table(("confidence", *STATUSES, ""), rows, "nothing")


def _truth(survey: Survey) -> Iterator[str]:
    if not survey.truth:
        return
    n = len(survey.exact)
    yield f"<h2>Against the truth</h2><p>{n} of {len(survey.truth)} labelled photos are in these results"
    yield f"; {survey.accepted_wrong} readings were accepted that differ from the label.</p>"
    rows = []
    for title, scored in (("all digits and the point", survey.exact), ("digits before the point", survey.billing)):
        right = sum(ok for _, ok in scored)
        low, high = wilson(right, n)
        risks = [f"{risk_at(scored, coverage):.2%}" for coverage in COVERAGES]
        share = f"{right / n:.2%} ({low:.1%} to {high:.1%})" if n else ""
        rows.append((title, share, *risks, f"{calibration_error(scored):.3f}"))
    heads = [f"error at {coverage:.0%}" for coverage in COVERAGES]
    yield from _table(("best guess", "right (95 % interval)", *heads, "calibration error"), rows, "nothing")


def _history(history: History) -> Iterator[str]:
    yield "<h2>Readings that cannot be true in the order of time</h2>"
    if history.codes:
        found = ", ".join(f"{_text(code)} {n}" for code, n in history.codes.most_common())
        yield f"<p>{history.codes.total()} in all ({found}); {len(history.impossible)} are shown.</p>"
    head: tuple[str, ...] = ("meter", "register", "taken", "reading", "photo", "why")
    nothing = "None; only photos take part whose meter and time are known."
    yield from _table(head, (_impossible(found) for found in history.impossible), nothing)
    yield "<h2>Unusual use</h2>"
    head = ("meter", "register", "from", "to", "used", "times the usual", "photo")
    yield from _table(head, (_unusual(found) for found in history.unusual), "None.")


def _impossible(found: Impossible) -> tuple[str, ...]:
    r, why = found.reading, "<br>".join(_text(f"{f.code}: {f.message}") for f in found.findings)
    taken = r.taken_at.isoformat(" ", "minutes")
    return (*(_text(cell) for cell in (r.meter, r.register, taken, r.text, r.source)), why)


def _unusual(found: Unusual) -> tuple[str, ...]:
    r = found.reading
    since, until = found.since.date(), r.taken_at.date()
    use = format(found.used, "f"), f"{found.times:.2g}"
    return tuple(_text(cell) for cell in (r.meter, r.register, since, until, *use, r.source))


def _sheet(lines: Iterable[Line], show: Callable[[Line], Shown]) -> Iterator[str]:
    yield '<div class="sheet">'
    for line in lines:
        shown = show(line)
        name = _text(line["source"])
        if shown.link is not None:
            # The dot keeps a file called javascript:… from being taken for anything but a file.
            name = f'<a href="{escape(quote("./" + shown.link, errors="surrogateescape"))}">{name}</a>'
        picture = f'<img alt="" loading="lazy" src="data:image/jpeg;base64,{shown.picture}">' if shown.picture else ""
        yield f"<figure>{picture}<figcaption>{name}<br>{_said(line)}</figcaption></figure>"
    yield "</div>"


def _said(line: Line) -> str:
    nothing: Line = {"text": "", "confidence": 0.0, "findings": []}
    first = line["readings"][0] if line["readings"] else nothing
    why = [f"{f['code']}: {f['message']}" for f in (*first["findings"], *line["findings"])]
    read = f"<b>{_text(first['text'])}</b> {first['confidence']:.1%} " if first["text"] else ""
    return f"{read}{line['status']}<br>{'<br>'.join(_text(w) for w in list(dict.fromkeys(why))[:MOST_SAID])}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], nothing: str) -> Iterator[str]:
    """Cells are HTML already."""
    body = ["".join(f"<td{' class=n' if c.isdigit() else ''}>{c}</td>" for c in cells) for cells in rows]
    if not body:
        yield f'<p class="none">{escape(nothing)}</p>'
        return
    yield f"<table><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>"
    yield from (f"<tr>{cells}</tr>" for cells in body)
    yield "</table>"


def _bar(found: Counter[str], of: int) -> str:
    parts = (f'<i class="{s}" style="width:{100 * found[s] / max(1, of):.2f}%"></i>' for s in STATUSES if found[s])
    return f'<div class="bar">{"".join(parts)}</div>'


def _text(text: object) -> str:
    """Any text as HTML, cut where it is long."""
    words = plain(str(text))
    return escape(words if len(words) <= LONGEST else words[:LONGEST] + "…")
