"""Models are loaded here and nowhere else: card, checksum, then the runtime.

A model lies in ``models/<role>/`` as ``model.onnx`` with a ``card.toml`` beside it. Its SHA-256 is compared
before the runtime sees a byte, every time: a damaged or swapped model would give wrong readings in silence.
"""

import hashlib
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognizer.errors import ModelError
from recognizer.vision.card import CARD_NAME, Card, read_card

MODEL_NAME = "model.onnx"


class Model:
    """A loaded network. Immutable; one instance serves any number of threads."""

    def __init__(self, card: Card, session: Any, path: Path) -> None:
        inputs = session.get_inputs()
        if len(inputs) != 1:
            raise ModelError(f"{path}: a model has one input, this one has {len(inputs)}")
        self.card = card
        self._session = session
        self._path = path
        self._input = inputs[0].name

    @property
    def digest(self) -> str:
        """First 12 digits of the SHA-256 of the model file."""
        return self.card.digest

    def run(self, array: NDArray[Any]) -> list[NDArray[Any]]:
        """All outputs for one input, in the model's order. ModelError when the input does not fit the model."""
        try:
            outputs = self._session.run(None, {self._input: array})
        except Exception as error:  # the runtime's exceptions have no common base of their own
            raise ModelError(f"{self._path}: cannot take {array.dtype} input of {array.shape} ({error})") from error
        return [np.asarray(output) for output in outputs]


def load_model(role: str, models_dir: Path | None = None) -> Model:
    """Load ``<models_dir>/<role>``; by default the models that came with this package.

    Raises ModelError, naming the file and what to do, when a file is missing, differs from its card, or is not a
    model that this runtime can run.
    """
    folder = (models_dir or default_models_dir()) / role
    card = read_card(folder)
    path = folder / MODEL_NAME
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); reinstall meter-recognizer") from error
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"{path}: is not the file its card describes (SHA-256 {found[:12]}…, not {card.digest}…); "
            "restore it from the repository or reinstall meter-recognizer"
        )
    import onnxruntime  # here, because it takes longer to import than all the rest

    options = onnxruntime.SessionOptions()
    # Networks this small gain nothing from threads of their own: callers run several photos side by side instead.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; they come as exceptions as well
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions have no common base of their own
        raise ModelError(f"{path}: is not a model this onnxruntime can run ({error})") from error
    return Model(card, session, path)


class LazyModel:
    """A model that is loaded when it is first needed, by whichever thread needs it; one that may be missing."""

    def __init__(self, role: str, models_dir: Path | None = None) -> None:
        self._role, self._models_dir = role, models_dir
        self._lock = Lock()
        self._model: Model | None = None
        self.present = ((models_dir or default_models_dir()) / role / CARD_NAME).is_file()

    def load(self) -> Model:
        """The model; ModelError as of ``load_model``."""
        with self._lock:
            if self._model is None:
                self._model = load_model(self._role, self._models_dir)
            return self._model


def list_cards(models_dir: Path | None = None) -> tuple[Card, ...]:
    """The cards of all models in the folder, by role."""
    root = models_dir or default_models_dir()
    cards = tuple(read_card(path.parent) for path in sorted(root.glob("*/card.toml")))
    if not cards:
        raise ModelError(f"{root}: holds no models; reinstall meter-recognizer or give another folder")
    return cards


def default_models_dir() -> Path:
    """Inside the package when installed from a wheel, the repository's ``models/`` in a checkout."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "_models"
    return packed if packed.is_dir() else package.parent / "models"
