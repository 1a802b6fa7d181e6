"""What the print on a plate says: whose meter it is, and its unit, constant and model.

Print is a weaker witness than a code. It has no checksum, a plate carries numbers of standards, approvals and types
beside the serial, and a misread digit makes another meter's number of it. So a number counts as read only where
independent readings of its line agree (``SURE``), and what is found without a word for it is no more than the best
guess. ``recognizer.domain.identity`` weighs the rest.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import dist

from recognizer.domain.code import Code
from recognizer.domain.labels import unit_of
from recognizer.domain.observation import Display, PlateText, Quad
from recognizer.domain.payload import PRINTED, UNCLEAR, Identity, Pattern, canonical, latin, read_printed, well_formed

SURE = 0.9
"""Confidence from which print counts as read: all readings of the line agree (``vision.plate.AGREED``)."""
MAX_LINE = 200
LEAST_DISPLAY = 0.3
"""Score of a display whose digits are told apart from print."""
MOST_TOKENS = 6
"""Parts that a serial is printed in: ``1 EMH 00 0123 4567`` has five."""

_LABEL = re.compile(
    # In Latin letters where Cyrillic ones look like them; N° is read as N2 or NE, No as Mo or N0.
    r"(?<![0-9A-ZА-ЯЁ])(?:S ?/ ?N|S[LI1]\.? ?N[O0]|SER(?:IAL)?\.?(?: ?N(?:[O0R°]|UMBER)?)?|(?:METER|PEA) ?N[O0]"
    r"|ЗAB(?:OДCKOЙ)?\.?(?: ?(?:№|N[O0°]?))?|Z(?:ÄHLER)?[ .-]*NR|[NM][O0°ºE2]|NR|M?№O?)(?![A-ZА-ЯЁ])"
    r"(?:[ .:,;_°º'-]+|(?=[0-9A-Z]))(.+)"
)
_EDGES = " .,:;_'\"|()[]{}<>-‚‘’“”„°*«»~!\\/=+—–"
_STANDARD = re.compile(r"(?:IEC|EC|IS|EN|BS|DIN|ISO|ГOCT|GOST|TCVN|PDM|DIRECTIVE)\W{0,3}$")
_MIXED = re.compile("(?=(?:[A-Z]*[0-9]){6})[0-9A-Z]{8,20}")
_CONSTANT = re.compile(
    r"(?<![0-9.,])([0-9]{1,6}(?:[.,][0-9]{1,3})?) ?(IMP|ИMП|XUNG|PULSES?|PULS|P|REV|R|U|OБ|OБP|OBR|0BR|VÒNG|TR)\.? ?/ ?"
    r"([A-ZА-Я]{1,4}(?: ?[·•*.:-] ?[HЧ])?[³3]?)"
)
_TURNS = frozenset(("REV", "R", "U", "OБ", "OБP", "OBR", "0BR", "VÒNG", "TR"))
_MODEL = re.compile(r"(?<![A-ZА-ЯЁ])(?:TYPE|TYP|MODEL|MODÈLE|KIỂU|LOẠI|TИП)(?![A-ZА-ЯЁ])(?: NO)?[ .:]*(.+)")
_NOT_PRINTED = frozenset(("Wh", "L"))
"""Units that no plate counts in: ``Wh`` is what is left of ``kWh``."""
_COUNTED = frozenset(("active", "reactive", "apparent", "volume", "heat"))


@dataclass(frozen=True, slots=True)
class PlateFacts:
    """What the plate says of the meter itself; None for what it does not say, or says twice and differently."""

    unit: str | None = None
    """``kWh``, ``kvarh``, ``m³`` …"""
    constant: str | None = None
    """``1600 imp/kWh``, ``375 rev/kWh``."""
    model: str | None = None


def identities(
    texts: Sequence[PlateText], displays: Sequence[Display] = (), codes: Sequence[Code] = ()
) -> tuple[Identity, ...]:
    """The serials that the print may give, without repeats.

    A number behind a word for a serial (No., S/N, №, зав. №) is ``labelled``, one in DIN 43863-5's form ``din``. Of all
    others the one beside a code, or else in the largest print, is a plain ``serial``, and the rest are ``other``, which
    may turn out to be the expected serial and are nothing else. Where codes were read, only what stands beside one can
    be the plain serial: it is the second witness of the code.

    Numbers that readings differ on have the witness ``unclear print``. What stands on the display is its reading and
    never a serial, unless the word for one stands before it.
    """
    found: list[Identity] = []
    plain: list[tuple[bool, float, float, Identity]] = []
    for text in texts:
        witness = PRINTED if text.confidence >= SURE else UNCLEAR
        line = latin(text.text[:MAX_LINE])
        label = _LABEL.search(line)
        value = _first_serial(label[1]) if label else None
        if value is not None:
            found += _identities(value, witness, "labelled")
            continue
        if _on_display(text.box, displays):
            continue
        for value in _numbers(line, text.beside_code):
            height = dist(text.box[0], text.box[3])
            pattern: Pattern = "serial" if well_formed(value) else "other"
            plain += [
                (text.beside_code, height, text.confidence, identity)
                for identity in _identities(value, witness, pattern)
            ]
    allowed = [p for p in plain if p[0] or not codes]
    sure = [p for p in allowed if p[3].witness == PRINTED and p[3].pattern == "serial"]
    best = max(sure, key=lambda p: (p[0], p[1], p[2], p[3].serial))[3] if sure else None
    for *_, identity in plain:
        keep = identity == best or identity.pattern != "serial"
        found.append(identity if keep else Identity(identity.serial, "other", identity.witness))
    return tuple(dict.fromkeys(found))


def facts(texts: Sequence[PlateText]) -> PlateFacts:
    """Unit, constant and model, of the lines that independent readings agree on."""
    units, constants, models = set(), set(), set()
    for text in texts:
        if text.confidence < SURE:
            continue
        line = latin(text.text[:MAX_LINE])
        for number, what, per in _CONSTANT.findall(line):
            if (unit := unit_of(per)) is not None and unit[1] in _COUNTED:
                constants.add(f"{number} {'rev' if what in _TURNS else 'imp'}/{unit[0]}")
                units.add(unit[0])
        for word in line.split():
            unit = unit_of(word.strip(_EDGES)) if len(word) > 1 else None
            if unit is not None and unit[1] in _COUNTED and unit[0] not in _NOT_PRINTED:
                units.add(unit[0])
        if (model := _MODEL.search(line)) and (name := _model(model[1])):
            models.add(name)
    return PlateFacts(*(next(iter(said)) if len(said) == 1 else None for said in (units, constants, models)))


def _identities(value: str, witness: str, pattern: Pattern) -> Iterator[Identity]:
    """What ``payload`` makes of a number (a SIM card's is no serial), found by this pattern."""
    for identity in read_printed(value):
        as_found = pattern if identity.pattern == "serial" else identity.pattern
        if identity.pattern in {"serial", "din", "device"}:
            yield Identity(identity.serial, as_found, witness)


def _first_serial(text: str) -> str | None:
    """The number that a text begins with, its parts joined; what follows it (a year, say) is left out."""
    tokens = [token for token in (part.strip(_EDGES) for part in text.split()) if token][:MOST_TOKENS]
    for end in range(1, len(tokens) + 1):
        value = canonical("".join(tokens[:end]))
        if well_formed(value):
            return value
        if not re.fullmatch("[0-9A-Z]*", value) or (end > 1 and not tokens[end - 1].isalnum()):
            return None
    return None


def _numbers(line: str, beside_code: bool) -> Iterator[str]:
    """Numbers of a line that look like a serial by themselves."""
    tokens = [token for token in (part.strip(_EDGES) for part in line.split()) if token]
    for start, token in enumerate(tokens):
        # Standards and years are printed with dashes: IEC 62053-21, PDM 336-2015.
        dashed = "-" in token and not beside_code
        if well_formed(canonical(token)) and not dashed and not _STANDARD.search(" ".join(tokens[:start])):
            yield canonical(token)
        joined = "".join(tokens[start : start + 5])
        if len(token) == 1 and len(joined) == 14 and well_formed(joined):
            yield joined  # DIN 43863-5
    for token in tokens:
        # Letters between digits, as in I20BA008111: no form of its own, but a record may hold it.
        if _MIXED.fullmatch(token) and not well_formed(token):
            yield token
    whole = "".join(tokens)
    if 1 < len(tokens) <= 4 and whole.isdigit() and well_formed(whole) and {len(t) for t in tokens} <= {2, 3, 4}:
        yield whole  # in groups; longer parts are numbers by themselves, the year beside the serial for one


def _model(text: str) -> str | None:
    name = re.split(r"[\s,;(]", text.strip())[0].strip(_EDGES)
    mixed = any(c.isalpha() for c in name) and any(c.isdigit() for c in name)
    return name if mixed and 2 <= len(name) <= 20 else None


def _on_display(box: Quad, displays: Sequence[Display]) -> bool:
    """Whether the middle of a text lies on the surest display; further ones may be print taken for a display."""
    sure = [display for display in displays if display.score >= LEAST_DISPLAY]
    if not sure:
        return False
    quad = max(sure, key=lambda display: display.score).quad
    x, y = (sum(point[axis] for point in box) / 4 for axis in (0, 1))
    sides = [
        (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) for a, b in zip(quad, (*quad[1:], quad[0]), strict=True)
    ]
    return all(side >= 0 for side in sides) or all(side <= 0 for side in sides)
