"""Whose meter it is: codes and printed serials against the serials that the record expects.

A wrong serial never becomes a match: serials are compared character by character in ``canonical`` form, and only
AEP's form, which pads its serial with zeros, is compared without them. A mismatch must be founded as well, since
a plate also carries the numbers of seals, modems and approvals. Whatever is neither is ``unknown``.
Print is misread now and then: what is ``near`` an expected serial is neither that one nor another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from recognizer.domain.payload import MAX_WHOLE, PRINTED, UNCLEAR, Identity, Pattern, canonical, latin, well_formed
from recognizer.domain.reading import Agreement, Finding

CHECKSUMMED = frozenset(
    ("qrcode", "qrcodemodel2", "microqrcode", "rmqrcode", "datamatrix", "aztec", "pdf417", "micropdf417", "maxicode")
    + ("code128", "code93", "ean13", "ean8", "upca", "upce", "databar", "databarexpanded")
)
"""Symbologies that check what they carry. ITF, Code 39, Codabar and any unknown kind do not, nor does print:
part of a code may be read as the whole of a shorter one."""
SEALS = frozenset(("datamatrix", "aztec"))
"""Small codes that stand on seals and approvals as well: a plain number in one need not be a meter's."""
MIN_MATCH = 4
MIN_SERIAL = 6
"""A serial shorter than this may be read by chance: it takes a code with a checksum to match and never founds a
mismatch."""

MISREAD = 2
"""Characters that may be wrong, lost or added in print before it is taken for another serial: where two readings of a
line agreed on a misread serial of the training photos, one or two of its characters were."""

_ALIKE = str.maketrans("ODQILZЗSGБB", "00011235668")
"""Characters that print leaves open, which count as the same here."""
_PATTERNS = get_args(Pattern)
_FORM = str.maketrans("0123456789", "9" * 10)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the photo shows the expected meter, and why."""

    agreement: Agreement
    serial: str | None
    """What it rests on: of a match the expected serial, otherwise the best one seen."""
    findings: tuple[Finding, ...] = ()
    identities: tuple[Identity, ...] = ()
    """Everything the codes and the print say, best first."""


def agree(seen: Iterable[Identity], expected: Iterable[str] = ()) -> Verdict:
    """Judge what ``read_code`` and ``read_printed`` found against the serials that the record holds for the meter.

    A **match** is an expected serial in a code with a checksum; or as the whole text of another code, in clear print
    or in a bill's CounterId, of at least 6 characters, when no founded serial speaks against it, and against a bill
    not even an unfounded one.
    A **mismatch** takes a well-formed serial in a code with a checksum, or the same one by two different witnesses, or
    clear print behind a word for a serial, in the form of an expected one and not ``near`` any; while nothing on the
    meter equals, contains or is part of an expected serial, and no print is near one.
    Anything else, and always when nothing is expected, is **unknown**. Unclear print only ever leaves it unknown.

    Findings: ``wrong_meter`` with a mismatch; ``serial_disagreement`` where code and print differ;
    ``several_meters`` where a second meter's number (DIN) stands beside the expected one, which leaves it unknown;
    ``serial_unclear`` where it stays unknown and print is near an expected serial;
    ``serial_from_bill`` with a match that rests on nothing fixed to the meter; ``serial_from_print``, a note, with one
    that rests on print alone.
    """
    expected = (expected,) if isinstance(expected, str) else expected
    wanted = tuple(dict.fromkeys(s for s in map(canonical, expected) if 0 < len(s) <= MAX_WHOLE))
    ranked = rank(seen, wanted)
    clear = tuple(i for i in ranked if i.witness != UNCLEAR)
    matches = [i for i in clear if any(_equal(i, s) for s in wanted)]
    against = [i for i in ranked if _founded(i, ranked, wanted)]
    findings = _disagreement(ranked)
    best = next((i.serial for i in clear if i.pattern not in {"account", "device", "other"}), None)
    basis = next((i for i in matches if _sure(i)), None)
    if basis is None and not against:
        basis = next((i for i in matches if _exact(i) and not (i.pattern == "bill" and _doubted(ranked, wanted))), None)
    if basis is not None:
        serial = next(s for s in wanted if _equal(basis, s))
        other = next((i for i in against if i.pattern == "din" and _checked(i)), None)
        if other is not None:
            message = f"The number of a second meter, {other.serial}, stands beside the expected {serial}."
            return Verdict("unknown", serial, (*findings, Finding("several_meters", message)), ranked)
        if basis.pattern == "bill":
            message = "The serial stands in a payment code, which is on a bill and not on the meter."
            findings = (*findings, Finding("serial_from_bill", message))
        if basis.witness == PRINTED:
            # About one sure number in thirty is misread by a digit (benchmarks/SERIALS.md).
            message = "The serial was read as print only, which may take it for that of the next meter of its batch."
            findings = (*findings, Finding("serial_from_print", message, note=True))
        return Verdict("match", serial, findings, ranked)
    close = _close(ranked, wanted, against)
    related = any(_related(i, s) for i in ranked if i.pattern != "bill" for s in wanted)
    if wanted and against and not related and close is None:
        message = f"The meter in the photo has the serial {against[0].serial}, expected is {' or '.join(wanted[:3])}."
        return Verdict("mismatch", against[0].serial, (Finding("wrong_meter", message), *findings), ranked)
    if close is not None:
        message = f"The print may be {close[0].serial}, expected is {close[1]}: compare them by eye."
        findings = (*findings, Finding("serial_unclear", message))
    return Verdict("unknown", best, findings, ranked)


def serials_of(verdict: Verdict) -> frozenset[str]:
    """What a display must not be read as: every number of a code, and the serial in print."""
    clear = (i for i in verdict.identities if i.witness != UNCLEAR)
    return frozenset(i.serial for i in clear if not (i.witness == PRINTED and i.pattern == "other"))


def near(printed: str, serial: str) -> bool:
    """Whether print that reads so may be that serial: at most ``MISREAD`` characters apart, lookalikes not counted."""
    a, b = (latin(text).translate(_ALIKE) for text in (printed, serial))
    if abs(len(a) - len(b)) > MISREAD:
        return False
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (one != other))
    return row[-1] <= MISREAD


def rank(seen: Iterable[Identity], expected: Sequence[str] = ()) -> tuple[Identity, ...]:
    """Identities without repeats, best first: the expected ones, then by pattern, then codes with a checksum.

    ``expected`` are serials in canonical form. The order does not depend on that of ``seen``.
    """

    def place(identity: Identity) -> tuple[bool, int, bool, str, str]:
        unexpected = not any(_equal(identity, s) for s in expected)
        pattern = _PATTERNS.index(identity.pattern)
        return unexpected, pattern, not _checked(identity), identity.serial, identity.witness

    return tuple(sorted(set(seen), key=place))


def _equal(identity: Identity, serial: str) -> bool:
    if identity.pattern == "account":
        return False
    if identity.pattern == "aep":
        # Seventeen characters of another form may look like AEP's, so a short serial proves nothing.
        return len(identity.serial) >= MIN_SERIAL and identity.serial.zfill(9) == serial.zfill(9)
    if identity.witness == PRINTED:
        return latin(identity.serial) == latin(serial)
    return identity.serial == serial


def _printed(identity: Identity) -> bool:
    return identity.witness in (PRINTED, UNCLEAR)


def _close(
    ranked: Sequence[Identity], wanted: Sequence[str], against: Sequence[Identity]
) -> tuple[Identity, str] | None:
    """Print that may be an expected serial, and which; not where another witness confirms what it reads."""
    confirmed = {i.serial for i in against if not _printed(i)}
    for identity in ranked:
        if _printed(identity) and len(identity.serial) >= MIN_MATCH and identity.serial not in confirmed:
            for serial in wanted:
                clear = identity.witness == PRINTED and _equal(identity, serial)
                if near(identity.serial, serial) and not clear:
                    return identity, serial
    return None


def _checked(identity: Identity) -> bool:
    """Whether a code on the meter vouches for every character; a bill's code does, but is not fixed to the meter."""
    return identity.witness in CHECKSUMMED and identity.pattern not in {"bill", "account"}


def _sure(identity: Identity) -> bool:
    # An unnamed part of a link may as well be the customer's number.
    return _checked(identity) and identity.pattern != "link" and len(identity.serial) >= MIN_MATCH


def _exact(identity: Identity) -> bool:
    part = identity.pattern in {"aep", "link"}
    return len(identity.serial) >= MIN_SERIAL and (_checked(identity) or not part)


def _doubted(ranked: Sequence[Identity], wanted: Sequence[str]) -> bool:
    """Whether anything on the meter itself looks like another serial, be it badly read."""
    plain = [i for i in ranked if i.pattern in {"din", "aep", "labelled", "serial"} and well_formed(i.serial)]
    return any(all(not _related(i, s) for s in wanted) for i in plain)


def _related(identity: Identity, serial: str) -> bool:
    """One within the other: a code with a prefix, a record with less than the whole. No match, but no stranger."""
    if identity.pattern == "account":
        return False
    if serial in identity.serial:
        return True
    return _equal(identity, serial) or (len(identity.serial) >= MIN_SERIAL and identity.serial in serial)


def _founded(identity: Identity, ranked: Sequence[Identity], wanted: Sequence[str]) -> bool:
    """Whether this identity is the serial of another meter than the expected ones."""
    if identity.pattern in {"account", "device", "other"} or len(identity.serial) < MIN_SERIAL:
        return False
    if any(_related(identity, s) for s in wanted):
        return False
    same_form = any(_form(identity.serial) == _form(s) for s in wanted)
    formed = well_formed(identity.serial) or identity.pattern == "aep"
    alone = identity.pattern in {"din", "aep", "labelled"} or identity.witness not in SEALS
    if _checked(identity) and (same_form or (formed and alone and identity.pattern != "link")):
        return True
    if identity.witness == PRINTED and identity.pattern in {"din", "labelled"} and same_form:
        return not any(near(identity.serial, s) for s in wanted)
    # Frames of one shot repeat their faults: only witnesses of different kinds are two.
    witnesses = {
        (PRINTED if _printed(i) else i.witness, i.pattern == "bill") for i in ranked if i.serial == identity.serial
    }
    return formed and len(witnesses) >= 2


def _form(serial: str) -> str:
    return "".join("A" if c.isalpha() else c for c in serial.translate(_FORM))


def _disagreement(ranked: Sequence[Identity]) -> tuple[Finding, ...]:
    """The serial printed beside a code is a second witness; a code for it that says another is worth a look."""
    printed = [i for i in ranked if i.witness == PRINTED and i.pattern != "other" and well_formed(i.serial)]
    codes = [i for i in ranked if _checked(i) and i.pattern in {"din", "aep", "labelled", "serial"}]
    codes = [i for i in codes if well_formed(i.serial)]
    if not printed or not codes or any(_related(c, p.serial) for c in codes for p in printed):
        return ()
    message = f"The code says {codes[0].serial}, the print beside it {printed[0].serial}."
    return (Finding("serial_disagreement", message),)
