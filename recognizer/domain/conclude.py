"""From an observation to the report its user gets: readings with a status, and the reasons for it.

Every limit and every figure of the calibration is a value of the Policy, so a changed rule replays over
stored observations without running vision again.
"""

from dataclasses import replace

from recognizer.domain.dials import row_reading
from recognizer.domain.identity import agree, serials_of
from recognizer.domain.look import look, not_accepted
from recognizer.domain.meter import NOTHING_KNOWN, Known
from recognizer.domain.observation import Observation
from recognizer.domain.payload import read_code
from recognizer.domain.photo import check_photo
from recognizer.domain.plate import facts, identities
from recognizer.domain.policy import Policy
from recognizer.domain.profile import Profile
from recognizer.domain.reading import Finding, Reading, Report


def conclude(
    observation: Observation,
    *,
    source: str,
    policy: Policy | None = None,
    known: Known = NOTHING_KNOWN,
    profile: Profile | None = None,
) -> Report:
    """The report on one photo; ``source`` is its name there, ``known`` what is known of the meter beforehand.

    ``profile`` says what the screens of this family of meters show.

    One reading for every display found, the billed register's first: with nothing else known, that of the most
    prominent display, a little less prominent but readable ones before one that says nothing. The report takes
    that reading's status, and is refused (``no_meter``) without any.
    The text of a refused reading is empty, so that no guess passes for a reading; its candidates tell what
    was seen.
    """
    policy = policy or Policy()
    expected = known.meter.serials if known.meter else ()
    coded = [i for code in observation.codes for i in read_code(code.kind, code.text, code.raw)]
    whose = agree([*coded, *identities(observation.plate, observation.displays, observation.codes)], expected)
    unread = observation.plate_not_read
    not_read = () if unread is None else (Finding("plate_not_read", unread, note=True),)
    report = Report(
        source,
        "refused",
        findings=(*whose.findings, *not_read),
        serial=whose.serial,
        agreement=whose.agreement,
        codes=observation.codes,
        models=observation.models,
        plate=observation.plate,
    )
    serials = serials_of(whose)
    unit = facts(observation.plate).unit
    readings = [_with_printed_unit(seen.reading, unit) for seen in look(observation, policy, known, profile, serials)]
    if (row := row_reading(observation.displays, policy.dials, policy.accept_above)) is not None:
        readings.insert(0, row)
    if readings:
        if whose.agreement == "mismatch":
            wrong = next(f for f in whose.findings if f.code == "wrong_meter")
            readings = [not_accepted(replace(r, findings=(*r.findings, wrong))) for r in readings]
        values = [(r.register, r.value) for r in readings if r.value is not None]
        photo = check_photo(observation.photo, known, values, policy.photos)
        if against := tuple(f for f in photo if not f.note):
            readings = [not_accepted(replace(r, findings=(*r.findings, *against))) for r in readings]
        findings = (*report.findings, *photo)
        return replace(report, status=readings[0].status, readings=tuple(readings), findings=findings)
    finding = Finding("no_meter", "No meter display was found in the photo.")
    photo = check_photo(observation.photo, known, (), policy.photos)
    return replace(report, findings=(finding, *report.findings, *photo))


def _with_printed_unit(reading: Reading, unit: str | None) -> Reading:
    """A drum counts what its plate says; an LCD changes between registers of several units."""
    return replace(reading, unit=unit) if unit and reading.unit is None and reading.kind == "drum" else reading
