"""Would catch: a value filed under another register, a power, clock, history or test screen taken for a reading,
a tariff mark believed without an energy unit, a doubtful label cut off instead of weighed, and a bad profile let in."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.conclude import conclude
from recognizer.domain.labels import meaning, unit_of
from recognizer.domain.meter import Known, Meter, Register
from recognizer.domain.observation import Display, Glyph, Mark, Observation
from recognizer.domain.profile import Profile, ProfileScreen, load_profiles
from recognizer.domain.register import Screen, is_title, which_register, without_time
from recognizer.errors import UsageError

PROFILES = load_profiles()
QUAD = ((200.0, 200.0), (440.0, 200.0), (440.0, 280.0), (200.0, 280.0))


def display(
    label: str | None = None, unit: str | None = None, *marks: str | None, text: str = "001234.5", p: float = 0.999
) -> Display:
    glyphs = tuple(Glyph(((char, 0.999),), i / len(text), (i + 1) / len(text)) for i, char in enumerate(text))
    beside = [Mark(t, p) if t is not None else None for t in (label, unit)]
    return Display("lcd", QUAD, 0.99, 0.99, glyphs, beside[0], beside[1], tuple(Mark(m, p) for m in marks if m))


def screen(*shown: str | None, profile: str | None = None) -> Screen:
    return which_register(display(*shown), PROFILES[profile] if profile else None)


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


@pytest.mark.parametrize(
    ("profile", "shown", "register", "reason"),
    [
        ("mercury-200", (None, "кВт·ч", "Т3"), "1.8.3", None),
        ("mercury-200", (None, "kWh"), "1.8.0", None),
        ("mercury-200", (None, "кВт", "Т1"), None, "power"),
        ("mercury-200", ("3.8.0", "kvarh"), None, "register_unknown"),
        ("energomera-ce301m", (None, "kWh"), "1.8.0", None),
        ("energomera-ce301m", (None, None, "T1"), None, "register_unknown"),
        ("secure-liberty-100", (None, None), None, "register_unknown"),
        ("secure-liberty-100", ("Import kWh", None), "1.8.0", None),
        ("qalcosonic-w1", (None, "m³"), "total", None),
        ("qalcosonic-w1", (None, "m³/h"), None, "other"),
        ("landis-gyr-obis-2", ("1.8.2", "kWh", "T1"), "1.8.2", None),
        ("landis-gyr-obis-2", ("1.8.4", "kWh"), None, "register_unknown"),
        ("polish-two-tariff", ("EB", None), "1.8.2", None),
        ("polish-two-tariff", ("EB", "kW"), None, "power"),
        ("polish-two-tariff", ("EB", "kvarh"), None, "register_unknown"),
        ("tsemc", ("1.8.1", "kWh"), "1.8.1", None),
        ("echelon-79010", ("T1", "kWh"), "1.8.1", None),
    ],
)
def test_profiles_say_what_the_display_does_not(
    profile: str, shown: tuple[str | None, ...], register: str | None, reason: str | None
) -> None:
    found = screen(*shown, profile=profile)
    assert (found.register, found.reason) == (register, reason)


def test_a_title_names_the_value_that_comes_without_a_label() -> None:
    secure = PROFILES["secure-liberty-100"]
    assert which_register(display(), secure, Mark("EXPORT KWH", 0.99)).register == "2.8.0"
    assert which_register(display(), secure, Mark("COST", 0.99)).reason == "register_unknown"
    assert which_register(display("1.8.0"), None, Mark("2.8.0", 0.99)).register == "1.8.0"


OWN = """
[lesco-mine]
family = "LESCO three-phase, mine"
source = "the leaflet beside the meter"
digits = 6
decimals = 2
screens = [
  { register = "1.8.0", label = "05" },
  { register = "1.8.1", label = "06", decimals = 1 },
  { skip = "history", label = "21" },
]
"""


def test_users_add_profiles_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(OWN, encoding="utf-8")
    profile = load_profiles(tmp_path / "mine.toml")["lesco-mine"]
    assert profile.registers == ("1.8.0", "1.8.1")
    assert which_register(display("05", "kWh", "T2"), profile).register == "1.8.0"
    assert which_register(display("05", "kWh", "MAX"), profile).reason == "demand"
    assert which_register(display("21", "kWh"), profile).reason == "history"
    assert [profile.misfit("1.8.0", t) is None for t in ("001234.56", "1234.56", "00123456", "0001234.56")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert profile.misfit("1.8.1", "001234.5") is None
    lost = conclude(Observation(640, 480, 9.0, (display("05", "kWh", text="00123456"),)), source="", profile=profile)
    assert (lost.status, [f.code for f in lost.readings[0].findings]) == ("review", ["wrong_shape"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[a]\nfamily = 'x'", "source"),
        ("[a]\nfamily = 1\nsource = 'x'", "family is of type str"),
        ("[a]\nfamily = 'x'\nsource = 'x'\ncolour = 'red'", "unknown: colour"),
        ("[a]\nfamily = 'x'\nsource = 'x'\ndigits = true", "digits is of type int"),
        ("[a]\nfamily = 'x'\nsource = 'x'\nseconds = -1", "up to 600"),
        ("[a]\nfamily = 'x'\nsource = 'x'\nscreens = [{ label = 'x' }]", "screen 1: a screen has either"),
        ("[a]\nfamily = 'x'\nsource = 'x'\nscreens = [{ skip = 'nonsense', label = 'x' }]", "skip is one of"),
        ("[a]\nfamily = 'x'\nsource = 'x'\nscreens = [{ register = '1.8', label = 'x' }]", "OBIS group"),
        ("[a]\nfamily = 'x'\nsource = 'x'\nscreens = [{ register = '1.8.1' }]", "told by its label"),
        ("[a]\nfamily = 'x'\nsource = 'x'\nscreens = [{ register = '1.8.1', mark = 'T1' }]", "mark alone"),
        ("[a]\nfamily = 'x'\nsource = 'x'\nscreens = [{ register = '1.8.1', label = 'Т1' }]", "mark alone"),
        (
            "[a]\nfamily = 'x'\nsource = 'x'\nscreens = [{ register = '1.8.1', label = 'x', unit = 'kW' }]",
            "not counted",
        ),
        ("[a]\nfamily = 'x'\nsource = 'x'\nscreens = [{ register = '1.8.1', unit = 'parsec' }]", "not known"),
        (
            "[a]\nfamily = 'x'\nsource = 'x'\nsplit = true\nscreens = [{ register = '1.8.1', unit = 'kWh' }]",
            "needs a label",
        ),
        (
            "[a]\nfamily = 'x'\nsource = 'x'\n"
            "screens = [{ register = '1.8.1', label = 'A' }, { skip = 'other', label = 'a' }]",
            "two screens",
        ),
        ("[a\n", "not a file of meter profiles"),
        ("a = 1", "wanted a table"),
    ],
)
def test_an_unusable_profile_says_what_is_wrong(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=why) as caught:
        load_profiles(tmp_path / "mine.toml")
    assert "mine.toml" in str(caught.value)


def test_a_profile_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_profiles(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"[\xe9]")
    with pytest.raises(UsageError, match="not a file"):
        load_profiles(tmp_path / "latin.toml")


def test_two_screens_that_fit_alike_but_differ_decide_nothing() -> None:
    profile = Profile(
        "x", "x", "x",
        screens=(
            ProfileScreen(register="1.8.1", label="A", mark="I"),
            ProfileScreen(register="1.8.2", label="A", unit="kWh"),
        ),
    )  # fmt: skip
    assert which_register(display("A", "kWh", "I"), profile).reason == "register_unknown"
    assert which_register(display("A", "kWh"), profile).register == "1.8.2"


def test_every_family_names_its_source() -> None:
    assert len(PROFILES) >= 7
    assert all(profile.source and profile.family for profile in PROFILES.values())


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
