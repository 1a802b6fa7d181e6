"""Would catch: a value filed under another register, a power, clock, history or test screen taken for a reading,
a tariff mark believed without an energy unit, and a doubtful label cut off instead of weighed."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.conclude import conclude
from recognizer.domain.labels import meaning, unit_of
from recognizer.domain.meter import Known, Meter, Register
from recognizer.domain.observation import Display, Mark, Observation
from recognizer.domain.profile import Profile, ProfileScreen
from recognizer.domain.register import is_title, which_register, without_time
from tests.domain.screens import PROFILES, QUAD, display, screen


@pytest.mark.parametrize(
    ("shown", "register"),
    [
        ((None, None), "total"),
        ((None, "kWh"), "total"),
        ((None, "м³"), "total"),
        ((None, "GJ"), "total"),
        ((None, "kvarh"), "3.8.0"),
        ((None, "kVAh"), "9.8.0"),
        ((None, "кВт·ч", "Т1"), "1.8.1"),
        ((None, "kW h", "②"), "1.8.2"),
        (("T2", "kWh"), "1.8.2"),
        ((None, "kWh", "TOTAL"), "1.8.0"),
        ((None, "kWh", "CUM"), "1.8.0"),
        ((None, "kWh", "T1", "EXP"), "2.8.1"),
        ((None, "kWh", "→", "L1"), "total"),
        (("1.8.1", None), "1.8.1"),
        (("1,8,1", "kWh"), "1.8.1"),
        (("1-0:1.8.2*255", "kWh"), "1.8.2"),
        (("15.8.0", "kWh"), "15.8.0"),
        (("3.8.0", "kvarh"), "3.8.0"),
        (("8-0:1.0.0", "m³"), "1.0.0"),
        (("1.8.2", "kWh", "T1"), "1.8.2"),  # the mark is the tariff in force, the code the one displayed
        (("T1", "kWh", "T1", "T3"), "1.8.1"),
        (("T1", "kWh", "T3"), "1.8.1"),
        (("1.8.0", "kWh", "Tt"), "1.8.0"),
        (("1.8.2", "kWh", "MAX"), "1.8.2"),  # D of the code is 8, of a maximum 6
    ],
)
def test_registers(shown: tuple[str | None, ...], register: str) -> None:
    found = screen(*shown)
    assert (found.register, found.reason) == (register, None)
    assert found.probability > 0.99


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ((None, "кВт", "Т1"), "power"),
        ((None, "с", "Т1"), "clock"),
        ((None, None, "T1"), "register_unknown"),
        ((None, None, "TOTAL"), "register_unknown"),
        ((None, "kWh", "T1", "T2"), "register_unknown"),
        ((None, "kWh", "T2", "TOTAL"), "register_unknown"),
        ((None, "kWh", "▼"), "register_unknown"),
        ((None, "furlong"), "register_unknown"),
        (("05", "kWh"), "register_unknown"),
        (("EA", "kWh"), "register_unknown"),
        (("00.01.00.00", "kWh"), "register_unknown"),
        (("3.8.0", "kWh"), "register_unknown"),
        (("1.8", "kWh"), "register_unknown"),
        (("1.8.0", "kW"), "power"),
        (("1.7.0", "kW"), "power"),
        ((None, "kVA"), "power"),
        (("1.6.0", None), "demand"),
        (("12", "kW", "T2", "MAX"), "demand"),
        (("13", "kW", "T2", "TOTAL", "CUM"), "demand"),
        (("05", "kWh", "MAX"), "demand"),
        (("1.8.2", "kW", "MAX"), "demand"),
        (("1.8.0*1", "kWh"), "history"),
        (("1.8.1.02", "kWh"), "history"),
        (("1.8.0", "kWh", "3"), "history"),
        (("1.9.1", "kWh"), "history"),
        (("1.19.0", None), "history"),
        (("BP 01", "kWh"), "history"),
        (("0.9.1", None), "clock"),
        (("ВРЕМЯ", None), "clock"),
        (("0.9.2", None), "date"),
        (("0.0.0", None), "serial"),
        (("C.1.0", None), "serial"),
        (("F.F", None), "error"),
        (("32.7.0", "V"), "other"),
        (("31.7.0", "A"), "other"),
        (("0.1.0", None), "other"),
        ((None, "m³/h"), "other"),
        (("8.8.8", "kWh"), "display_test"),
        ((None, "kWh", "T1", "T2", "T3", "T4"), "display_test"),
    ],
)
def test_what_is_no_reading_says_why_and_is_never_accepted(shown: tuple[str | None, ...], reason: str) -> None:
    found = screen(*shown)
    assert (found.register, found.reason) == (None, reason)
    answer = conclude(Observation(640, 480, 9.0, (display(*shown),)), source="a.jpg")
    assert answer.status == ("review" if reason == "register_unknown" else "refused")
    assert reason in [f.code for f in answer.readings[0].findings]
    assert answer.readings[0].register == "unknown"


@given(
    unit=st.sampled_from([None, "kW", "кВт", "s", "с", "V", "m³/h", "£", "?"]),
    tariff=st.integers(1, 8),
    letter=st.sampled_from("TТ"),
    p=st.floats(0, 1),
    profile=st.sampled_from([None, *PROFILES.values()]),
)
def test_a_tariff_mark_without_an_energy_unit_is_no_reading(
    unit: str | None, tariff: int, letter: str, p: float, profile: Profile | None
) -> None:
    shown = display(None, unit)
    shown = Display("lcd", QUAD, 0.99, 0.99, shown.glyphs, None, shown.unit, (Mark(f"{letter}{tariff}", p),))
    found = which_register(shown, profile)
    assert found.register in ((None,) if p > 0.9 else (None, "total"))


@given(st.floats(0.06, 1), st.floats(0.06, 1))
def test_doubt_about_a_label_or_unit_is_doubt_about_the_register(label: float, unit: float) -> None:
    shown = Display("lcd", QUAD, 0.99, 0.99, (), None, Mark("kWh", unit), (Mark("T1", label),))
    found = which_register(shown)
    if found.register == "1.8.1":
        assert found.probability == pytest.approx(label * unit, abs=1e-3)
    assert not (found.register == "total" and found.probability > 1 - label + 1e-3)
    coded = which_register(Display("lcd", QUAD, 0.99, 0.99, (), Mark("1.8.1", label), Mark("kWh", unit)))
    assert coded.register is None or coded.probability <= label + 1e-3


def test_a_label_that_cannot_be_read_is_one_all_the_same() -> None:
    """It may say 1.8.0*1; a mark as doubtful as that is noise."""
    unread = Display("lcd", QUAD, 0.9, 0.9, (), label=Mark("0", 0.01), unit=Mark("kWh", 0.999))
    assert which_register(unread).register is None
    marked = replace(unread, label=None, marks=(Mark("T1", 0.01),))
    assert which_register(marked).register == "total"


def test_the_confidence_of_a_reading_is_that_of_its_register_too() -> None:
    clear = conclude(Observation(640, 480, 9.0, (display("1.8.1", "kWh"),)), source="")
    doubtful = conclude(Observation(640, 480, 9.0, (display("1.8.1", "kWh", p=0.8),)), source="")
    assert (clear.status, clear.readings[0].register, clear.readings[0].unit) == ("accepted", "1.8.1", "kWh")
    assert (doubtful.status, doubtful.readings[0].register) == ("review", "1.8.1")
    assert doubtful.readings[0].confidence == pytest.approx(0.8 * clear.readings[0].confidence, rel=0.01)


def test_a_row_of_power_does_not_come_before_the_row_of_energy() -> None:
    small = ((200.0, 300.0), (320.0, 300.0), (320.0, 340.0), (200.0, 340.0))
    energy = display("1.8.0", "kWh")
    energy = Display("lcd", small, 0.99, 0.99, energy.glyphs, energy.label, energy.unit)
    answer = conclude(Observation(640, 480, 9.0, (display(None, "kW", text="001.250"), energy)), source="")
    assert [(r.register, r.status) for r in answer.readings] == [("1.8.0", "accepted"), ("unknown", "refused")]
    assert answer.status == "accepted"


def test_a_unit_that_is_not_the_records_is_another_register() -> None:
    known = Known(Meter("m", registers=(Register("1.8.0", "kWh"),)))
    for unit, status, register in (
        ("kWh", "accepted", "1.8.0"),
        ("кВт·ч", "accepted", "1.8.0"),
        ("m³", "review", "total"),
    ):
        answer = conclude(Observation(640, 480, 9.0, (display(None, unit),)), source="", known=known)
        assert (answer.status, answer.readings[0].register) == (status, register)


def test_marks_survive_the_way_through_a_store_and_old_displays_load_without() -> None:
    seen = Observation(640, 480, 9.0, (display("1.8.1", "кВт·ч", "Т1", "MAX"), display()))
    data = json.loads(json.dumps(seen.to_dict()))
    assert Observation.from_dict(data) == seen
    for old in data["displays"]:
        del old["label"], old["unit"], old["marks"]
    loaded = Observation.from_dict(data).displays[0]
    assert (loaded.label, loaded.unit, loaded.marks) == (None, None, ())


@pytest.mark.parametrize("wrong", [("", 0.5), (" ", 0.5), ("T1", 1.1), ("T1", -0.1)])
def test_a_mark_that_cannot_be_is_refused(wrong: tuple[str, float]) -> None:
    with pytest.raises(ValueError, match="a text and a probability"):
        Mark(*wrong)


@pytest.mark.parametrize(
    ("label", "code", "reason"),
    [("1.8.0T2", "1.8.0", None), ("1.8.2 T1", "1.8.2", None), ("1.7.0T2", None, "power"), ("1.8.0*1T2", None, None)],
)
def test_the_tariff_in_force_behind_a_code_is_no_part_of_it(label: str, code: str | None, reason: str | None) -> None:
    assert (meaning(label).code, meaning(label).reason) == (code, reason)


@given(st.text(max_size=12))
def test_any_text_has_a_meaning_and_none_is_a_register_by_chance(text: str) -> None:
    said = meaning(text)
    assert said.code is None or said.code.count(".") == 2
    assert unit_of(text) is None or unit_of(text) == unit_of(text.swapcase()) or not text.isascii()


def test_a_title_names_the_value_of_the_next_screen() -> None:
    """Catches the code 1.8.0 on a screen of its own, whose digits would pass for a value."""
    assert is_title(display("IMPORT kWh", text="0"), "", 3)
    assert is_title(display("1.8.0", text="1.8.0"), "1.8.0", 3)
    assert not is_title(display("1.8.0"), "001234.5", 3)
    assert not is_title(display(text="1.8.0"), "1.8.0", 3)


@pytest.mark.parametrize(
    ("chances", "register"),
    [((), "1.8.0"), ((0.05, 0.06), "1.8.0"), ((0.17, 0.13, 0.05, 0.25), None), ((0.97, 0.1), "1.8.1")],
)
def test_a_tariff_that_is_too_faint_to_read_is_not_the_total(chances: tuple[float, ...], register: str | None) -> None:
    """None of the four was likely, and yet one was lit: the value of T1 was accepted as the total."""
    shown = display(None, "kWh")
    marks = tuple(Mark(f"T{i}", chance) for i, chance in enumerate(chances, 1))
    seen = which_register(replace(shown, marks=marks), PROFILES["mercury-200"])
    assert seen.register == register


@pytest.mark.parametrize(
    ("chances", "register", "reason"),
    [
        ((0.996, 0.07, 0.65), "1.8.1", None), ((0.7, 0.999, 0.17), "1.8.2", None),
        ((0.99, 0.99), None, "register_unknown"), ((0.99, 0.99, 0.99), None, "display_test"),
    ],
)  # fmt: skip
def test_of_several_tariffs_that_may_be_lit_one_is(
    chances: tuple[float, ...], register: str | None, reason: str | None
) -> None:
    """T3 in unlit segments made T1 beside it unknown."""
    marks = tuple(Mark(f"T{i}", chance) for i, chance in enumerate(chances, 1))
    seen = which_register(replace(display(None, "kWh"), marks=marks), PROFILES["mercury-200"])
    assert (seen.register, seen.reason) == (register, reason)
    assert reason or seen.probability > 0.85


@pytest.mark.parametrize(
    ("text", "unit", "dropped"),
    [
        ("6320877.7", 0.95, True), ("002.722", 0.95, True), ("0915231", 0.95, True),
        ("091523", 0.95, False), ("23.05.11", 0.95, False), ("05.11.2026", 0.95, False), ("9.05", 0.95, False),
        ("6320877.7", 0.6, False), ("0915231", None, False),
    ],
)  # fmt: skip
def test_a_mark_of_time_does_not_make_a_time_of_any_digits(text: str, unit: float | None, dropped: bool) -> None:
    """6320877.7 kWh was a date by the ghosts beside it; a clock whose colons pass for digits shows no unit."""
    marks = (Mark("TIME", 0.8), Mark("T1", 0.9), Mark("DATE", 0.6))
    display = Display("lcd", QUAD, 0.9, 0.9, (), None, Mark("kWh", unit) if unit else None, marks)
    assert {m.text for m in without_time(display, text).marks} == ({"T1"} if dropped else {"TIME", "T1", "DATE"})


@pytest.mark.parametrize(
    ("read", "register"), [("P.07", "9.8.0"), ("P07", "9.8.0"), ("P06", "1.8.0"), ("P.08", None), ("80", None)]
)
def test_a_page_code_may_lack_its_point(read: str, register: str | None) -> None:
    """P07 was read of P.07 in 23 of 25 frames; without a letter the points are what tells codes apart."""
    pages = {"P.06": ("1.8.0", "kWh"), "P.07": ("9.8.0", "kVAh"), "8.0": ("2.8.0", "kWh")}
    screens = tuple(ProfileScreen(code, label=label, unit=unit) for label, (code, unit) in pages.items())
    unit = pages.get(read.replace("P0", "P.0"), (None, "kWh"))[1]
    found = which_register(display(read, unit), Profile("own", "own", "the owner", screens=screens))
    assert found.register == register
