"""Would catch: a bad profile let in, a profile that names what it cannot tell, and one of the owner's own left out."""

from pathlib import Path

import pytest

from recognizer.domain.conclude import conclude
from recognizer.domain.observation import Mark, Observation
from recognizer.domain.profile import Profile, ProfileScreen, load_profiles
from recognizer.domain.register import which_register
from recognizer.errors import UsageError
from tests.domain.screens import PROFILES, display, screen


@pytest.mark.parametrize(
    ("profile", "shown", "register", "reason"),
    [
        ("mercury-200", (None, "кВт·ч", "Т3"), "1.8.3", None),
        ("mercury-200", (None, "kWh"), "1.8.0", None),
        ("mercury-200", (None, "кВт", "Т1"), None, "power"),
        ("mercury-200", ("3.8.0", "kvarh"), None, "register_unknown"),
        ("energomera-ce301m", (None, "kWh"), "1.8.0", None),
        ("energomera-ce301m", (None, None, "T1"), None, "register_unknown"),
        # 1.8.0 was read with 0.92 in a frame of 02601.19, beside which T4 stands; this display has no labels.
        ("energomera-ce301m", ("1.8.0", "kWh"), None, "register_unknown"),
        ("energomera-ce301m", ("T4", "kWh"), "1.8.4", None),
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
