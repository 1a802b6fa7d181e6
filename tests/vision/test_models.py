"""A model is only run when it is the very file its card describes."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.errors import ModelError
from recognizer.vision.card import Card, read_card, write_card
from recognizer.vision.models import default_models_dir, list_cards, load_model


def message(*fields: tuple[int, int | bytes | str]) -> bytes:
    """Protocol-buffer message of short fields, enough to write a tiny ONNX file without the onnx package."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += bytes([number << 3, value])
        else:
            body = value.encode() if isinstance(value, str) else value
            out += bytes([number << 3 | 2, len(body)]) + body
    return out


def relu() -> bytes:
    """y = max(x, 0) for rows of three."""
    shape = message((1, message((2, "rows"))), (1, message((1, 3))))
    kind = message((1, message((1, 1), (2, shape))))
    node = message((1, "x"), (2, "y"), (4, "Relu"))
    graph = message((1, node), (2, "g"), (11, message((1, "x"), (2, kind))), (12, message((1, "y"), (2, kind))))
    return message((1, 8), (7, graph), (8, message((1, ""), (2, 13))))


def settings_for(data: bytes, role: str = "counter") -> dict[str, Any]:
    return {
        "role": role,
        "sha256": hashlib.sha256(data).hexdigest(),
        "alphabet": "0123456789.",
        "data": ["drawn", 'a "quoted" name'],
        "licences": ["Apache-2.0"],
        "recipe": "none",
        "input": {"height": 1, "width": 3, "channels": 1},
        "scores": {"exact": 0.875, "by source": {"a b": 1}},
    }


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "counter"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(relu())
    write_card(folder, Card(settings_for(relu())))
    return tmp_path


def test_a_model_is_loaded_and_run(models: Path) -> None:
    model = load_model("counter", models)
    assert model.digest == hashlib.sha256(relu()).hexdigest()[:12]
    assert model.card.input["width"] == 3
    assert model.card.settings["scores"]["by source"] == {"a b": 1}
    outputs = model.run(np.array([[-1, 0, 2]], np.float32))
    assert [output.tolist() for output in outputs] == [[[0, 0, 2]]]


def test_threads_share_a_model(models: Path) -> None:
    model = load_model("counter", models)
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: model.run(np.full((1, 3), n, np.float32))[0][0, 0], range(100))
    assert list(answers) == list(range(100))


def test_a_changed_model_never_reaches_the_runtime(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a checksum that is compared too late, or only when the file is bad enough to fail by itself."""
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)  # importing it now would fail
    path = models / "counter" / "model.onnx"
    path.write_bytes(relu()[:-1] + b"\x0e")
    with pytest.raises(ModelError, match="is not the file its card describes") as caught:
        load_model("counter", models)
    assert str(path) in str(caught.value)
    assert "reinstall" in str(caught.value)


def test_missing_files_are_named(models: Path) -> None:
    (models / "counter" / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"counter/model\.onnx: cannot be read"):
        load_model("counter", models)
    (models / "counter" / "card.toml").unlink()
    with pytest.raises(ModelError, match=r"counter/card\.toml: the model card is missing"):
        load_model("counter", models)
    with pytest.raises(ModelError, match="holds no models"):
        list_cards(models)


def test_what_the_runtime_cannot_run(models: Path) -> None:
    folder = models / "counter"
    (folder / "model.onnx").write_bytes(b"no model")
    write_card(folder, Card(settings_for(b"no model")))
    with pytest.raises(ModelError, match=r"model\.onnx: is not a model this onnxruntime can run"):
        load_model("counter", models)


def test_input_that_does_not_fit(models: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot take float32 input of \(1, 4\)"):
        load_model("counter", models).run(np.zeros((1, 4), np.float32))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("role = ", "not a model card"),
        ("role = 'counter'", "lacks sha256, input"),
        ("\udcff", "not a model card"),
    ],
)
def test_bad_cards(models: Path, text: str, said: str) -> None:
    (models / "counter" / "card.toml").write_text(text, errors="surrogateescape")
    with pytest.raises(ModelError, match=said):
        load_model("counter", models)


def test_a_card_belongs_to_its_folder(models: Path) -> None:
    """Catches two model folders that were swapped, each valid by itself."""
    (models / "counter").rename(models / "locator")
    with pytest.raises(ModelError, match="is the card of 'counter', in the folder of 'locator'"):
        load_model("locator", models)


@pytest.mark.parametrize("change", [{"sha256": "1234"}, {"input": 3}, {"scores": []}])
def test_a_card_checks_itself(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"sha256 has 64|are tables"):
        Card(settings_for(b"") | change)


VALUES = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.dates(),
)
TABLES = st.recursive(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES | st.lists(VALUES), max_size=4),
    lambda tables: st.dictionaries(st.text("ab .\"'é", max_size=3), tables, max_size=3),
    max_leaves=4,
)


@given(extra=TABLES)
def test_a_written_card_reads_back_equal(tmp_path_factory: pytest.TempPathFactory, extra: dict[str, Any]) -> None:
    """Catches names and texts that TOML wants quoted; what the card says decides how the model is used."""
    folder = tmp_path_factory.mktemp("cards") / "counter"
    folder.mkdir()
    card = Card(settings_for(b"") | {"calibration": extra})
    write_card(folder, card)
    assert read_card(folder) == card


def test_the_models_of_this_repository() -> None:
    """Catches a model committed without its card, a card without what honest use needs, an unfinished one in use."""
    roles = {path.name for path in default_models_dir().iterdir() if path.is_dir()} - {"unfinished"}
    cards = list_cards()
    assert {card.role for card in cards} == roles
    for card in cards:
        load_model(card.role)
        for key in ("data", "licences", "scores", "recipe"):
            assert card.settings[key], f"{card.role}: {key} is empty"
