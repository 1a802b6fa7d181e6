"""What the text of one code, or one printed line, says about whose meter it stands on.

A text becomes identities: serials it may carry, each with the pattern it was found by. Nothing is decided here
(``recognizer.domain.identity`` does) and nothing is guessed: what fits no pattern is kept as ``other``.
Every text is answered, however hostile, in time that does not depend on its length beyond ``MAX_TEXT``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Pattern = Literal["din", "aep", "labelled", "serial", "bill", "link", "device", "other", "account"]
"""How a serial was found, the most telling first:

``din`` DIN 43863-5, now DIN 43849; ``aep`` ANSI C12.10 in AEP's form; ``labelled`` after "S/N" or in a link's
``?serial=``; ``serial`` a plain number; ``bill`` CounterId of a payment code; ``link`` an unnamed part of a link;
``device`` a gateway, modem or SIM card on the same plate; ``other`` whatever else a code says;
``account`` the customer's account of a payment code, which is no serial at all.
"""

MAX_TEXT = 8000
"""The largest symbol, a QR code, holds 7089 digits: a longer text comes from no code."""
MAX_WHOLE = 64
MAX_IDENTITIES = 20
PRINTED = "printed"
"""The witness of a serial that was read as print."""
UNCLEAR = "unclear print"
"""The witness of a serial in print that readings differ on: worth a look, and no proof of anything."""

_LOWER = ascii_lowercase + "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
# One letter for one letter: str.upper() would also make S of the long s and SS of the German sharp one.
_CANONICAL = str.maketrans(_LOWER, _LOWER.upper(), " \t\u00a0\u2007\u2009\u202f-\u2010\u2011\u2012\u2013\u2014\u2212")
_LATIN = str.maketrans("АВЕКМНОРСТУХЁ", "ABEKMHOPCTYXE")
_LETTER = "A-ZА-ЯЁ"
_DIN = re.compile("[12456789F][A-Z]{3}[0-9A-Z]{2}[0-9]{8}")
_DIN_DEVICE = re.compile("[EG][A-Z]{3}[0-9A-Z]{2}[0-9]{8}")
_AEP = re.compile("[0-9A-Z]{3}([0-9]{9})[0-9A-Z]{5}")
_SERIAL = re.compile(f"[{_LETTER}]{{0,4}}[0-9]{{6,17}}[{_LETTER}]{{0,2}}")
_LIKE_SERIAL = re.compile(f"(?=[^0-9]*[0-9])[0-9{_LETTER}]{{4,32}}")
_MAC = re.compile("(?:[0-9A-F]{2}[:-]){5,7}[0-9A-F]{2}", re.IGNORECASE)
_SIM = re.compile("89[0-9]{17,18}")
_LABELLED = re.compile(
    r"(?:S/?N|SER(?:IAL)?(?: ?(?:NO|NR|NUMBER))?|METER ?(?:NO|NR|ID|NUMBER|SERIAL)|NO"
    r"|(?:Z(?:ÄHLER)?[ -]?)?NR|ЗАВ(?:ОДСКОЙ)?|№|#)"
    r"(?:[ .:=#№]+|(?<=[№#]))(.+)",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?://|www\.)[^\s\x00-\x1f\x7f]+", re.IGNORECASE)
_NAMES = {"serial", "serialno", "serialnumber", "sn", "meter", "meterid", "meterno", "meterserial", "counterid"}
_VAGUE_NAMES = {"id", "n", "no", "nr", "num", "number", "code", "device", "m", "s"}
_PAYMENT = re.compile(r"(?:\ufeff|\xef\xbb\xbf)?\s*ST0001([123])(.?)", re.DOTALL)
_ENCODINGS = {"1": "cp1251", "2": "utf-8", "3": "koi8-r"}
_TRADE_ITEMS = {"ean13", "ean8", "upca", "upce", "databar"}


@dataclass(frozen=True, slots=True)
class Identity:
    """One serial that a code or print may stand for."""

    serial: str
    """In ``canonical`` form; an AEP serial without the zeros that pad it."""
    pattern: Pattern
    witness: str
    """Kind of the code, in lower case without marks (``qrcode``, ``itf``), or ``printed``."""


def canonical(serial: str) -> str:
    """A serial as it is compared: letters upper case; no spaces, no dashes. Every other character counts."""
    return serial.strip().translate(_CANONICAL) if len(serial) <= MAX_TEXT else ""


def latin(text: str) -> str:
    """Print in upper case, with Latin letters for Cyrillic ones that look the same: print does not tell them apart."""
    return text.upper().translate(_LATIN)


def read_code(kind: str, text: str, data: bytes = b"") -> tuple[Identity, ...]:
    """All that a decoded code says about its meter; ``data`` are its raw bytes where the decoder gives them."""
    witness = re.sub("[^a-z0-9]", "", kind[:MAX_WHOLE].lower())
    fields = payment_fields(text, data)
    found = _of_payment(fields, witness) if fields is not None else _of_text(text, witness)
    return tuple(dict.fromkeys(identity for identity, _ in zip(found, range(MAX_IDENTITIES), strict=False)))


def read_printed(text: str) -> tuple[Identity, ...]:
    """The same for one line read as print."""
    return read_code(PRINTED, text)


def payment_fields(text: str, data: bytes = b"") -> dict[str, str] | None:
    """Fields of a payment code (GOST R 56042) by name, or None when the text is none; of a repeated name the first.

    The text is ``ST0001``, a digit for the encoding, then fields parted by whatever character follows that digit.
    ``PersonalAcc`` is the payee's bank account, ``CounterVal`` stands on the bill and is no reading of today,
    ``Sum`` is in kopecks. Letters that a decoder took for Latin-1 are put right, from ``data`` or the text itself.
    """
    text = text if len(text) <= MAX_TEXT else ""
    in_data = _PAYMENT.match(data[:32].decode("latin-1")) if len(data) <= MAX_TEXT else None
    head = in_data or _PAYMENT.match(text)
    if head is None:
        return None
    raw = data if in_data else _undecoded(text)
    if raw is not None:
        text = _decoded(raw, _ENCODINGS[head[1]], text)
    body = _PAYMENT.match(text)
    if body is None or (body[2].isalnum() and "=" not in text):
        return None  # ST00012345678 is a serial like another
    fields: dict[str, str] = {}
    for name, mark, value in (part.partition("=") for part in text[body.end() :].split(body[2] or None)):
        if mark:
            fields.setdefault(name.strip(), value.strip())
    return fields


def _undecoded(text: str) -> bytes | None:
    """The bytes of a text that a decoder took for Latin-1 or cp1252; None when they cannot have been that."""
    try:
        return b"".join(c.encode("latin-1" if c < "\u0100" else "cp1252") for c in text)
    except UnicodeEncodeError:
        return None


def _decoded(raw: bytes, encoding: str, text: str) -> str:
    # Codes that declare one encoding and use UTF-8 exist; two Cyrillic letters in a row in cp1251 or KOI8-R never
    # are UTF-8, so what decodes as UTF-8 is.
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # Not the UTF-8 that it declares: the decoder's own text is better than one with holes.
        keep = encoding == "utf-8" and _PAYMENT.match(text)
        return text if keep else raw.decode(encoding, errors="replace")


def _of_payment(fields: dict[str, str], witness: str) -> Iterator[Identity]:
    patterns: dict[str, Pattern] = {"counterid": "bill", "persacc": "account"}
    for name, value in fields.items():
        pattern, serial = patterns.get(name.lower()), canonical(value)
        if pattern and 0 < len(serial) <= MAX_WHOLE:
            yield Identity(serial, pattern, witness)


def _of_text(text: str, witness: str) -> Iterator[Identity]:
    text = text.strip("\ufeff\x00 \t\r\n") if len(text) <= MAX_TEXT else ""
    if _LINK.fullmatch(text):
        yield from _of_link(text, witness)
        return
    whole = canonical(text)
    if 0 < len(whole) <= MAX_WHOLE:
        aep = _AEP.fullmatch(whole)
        if aep and aep[1].strip("0"):
            yield Identity(aep[1].lstrip("0"), "aep", witness)
        yield Identity(whole, "other" if aep else _pattern(text, whole, witness), witness)
    for piece in re.split(r"[\r\n;,|]+", text):
        label = _LABELLED.fullmatch(piece.strip()) if len(piece) <= MAX_WHOLE else None
        if label and _LIKE_SERIAL.fullmatch(value := canonical(label[1])):
            yield Identity(value, "din" if _DIN.fullmatch(value) else "labelled", witness)


def _pattern(text: str, whole: str, witness: str) -> Pattern:
    if witness in _TRADE_ITEMS:
        return "other"  # all meters of one type carry the same
    if _DIN.fullmatch(whole):
        return "din"
    if _DIN_DEVICE.fullmatch(whole) or _MAC.fullmatch(text) or _SIM.fullmatch(whole) or _is_imei(whole):
        return "device"
    return "serial" if _LIKE_SERIAL.fullmatch(whole) else "other"


def well_formed(serial: str) -> bool:
    """Whether a serial, in canonical form, looks like one by itself: a number, perhaps letters before or behind it.

    Type designations (``CE101S6145``) do not: two meters of one type share them.
    """
    return bool(_SERIAL.fullmatch(serial) or _DIN.fullmatch(serial))


def _is_imei(serial: str) -> bool:
    if not re.fullmatch("[0-9]{15}", serial):
        return False
    doubled = (int(c) * (1 + i % 2) for i, c in enumerate(serial))
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def _of_link(text: str, witness: str) -> Iterator[Identity]:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:
        return
    named = ""
    for step in [*parts.path.split("/"), *parts.fragment.split("/")]:
        yield from _of_part(named, unquote(step), witness)
        named = "serial" if _name(step) in _NAMES else "id"
    for name, value in parse_qsl(parts.query):
        yield from _of_part(name, value, witness)


def _of_part(name: str, value: str, witness: str) -> Iterator[Identity]:
    serial = canonical(value)
    if _name(name) in _NAMES and _LIKE_SERIAL.fullmatch(serial):
        yield Identity(serial, "din" if _DIN.fullmatch(serial) else "labelled", witness)
    elif _name(name) in _VAGUE_NAMES and len(serial) >= 6 and _LIKE_SERIAL.fullmatch(serial):
        yield Identity(serial, "link", witness)


def _name(text: str) -> str:
    return re.sub("[^a-z]", "", text.lower())
