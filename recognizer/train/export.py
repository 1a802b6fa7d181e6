"""From a checkpoint to ``models/<role>/``: the ONNX file and its card. Fails when the two networks disagree."""

import hashlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from recognizer.train.counter import ALPHABET
from recognizer.train.fit import load_weights
from recognizer.train.nets import (
    LOCATOR_KINDS,
    CounterNet,
    DialNet,
    LocatorNet,
    ScreenNet,
    WheelNet,
)
from recognizer.train.textline_net import TextlineNet
from recognizer.vision.card import Card, write_card
from recognizer.vision.dial_cut import REACH, SIDE
from recognizer.vision.models import load_model
from recognizer.vision.panel import PANEL_HEIGHT, PANEL_WIDTH
from recognizer.vision.rectify import STRIP_HEIGHT, STRIP_WIDTH
from recognizer.vision.screen import LABEL_CHARACTERS, SCREEN_MARKS, SCREEN_UNITS
from recognizer.vision.wheel import WHEEL_HEIGHT, WHEEL_WIDTH

OPSET = 17
EVENED = "BGR, evened by recognizer.vision.rectify, then (x - 127.5) / 64"
TOLERANCE, TOLERANCE_PACKED = 1e-3, 0.5
"""By how much the answers of the two networks may differ, which are logits."""
HALVED, IN_EIGHT_BITS = 256, 30_000
"""From how many numbers on an array of the textline reader is kept in half precision, and from how many in eight bits
with a scale to each channel: its three million fit into 4 MB. Of 206 held-back strips one is read otherwise for it."""

DATA = [
    "bdci-water, toloka-water, thai-electricity, dss188-electricity, cesc-electricity, vn-lcd, pafal-sequence, "
    "prepaid-balance, lcd-strips, fuel-pump-lcd, off-lcd: training splits of ../shared/data",
    "pictures drawn by recognizer.synth",
]
LICENCES = [
    "the largest real set, toloka-water, is CC BY-NC-ND 4.0; most others come from public repositories that state none",
    "no picture of these sets is part of the project; the weights are under Apache-2.0 as far as that is ours to give",
]


def export_role(role: str, checkpoint: Path, models_dir: Path) -> None:
    """Export ``locator``, ``counter``, ``textline``, ``dial``, ``screen`` or ``wheel`` with its card."""
    if role == "locator":
        settings: dict[str, Any] = {
            "input": {"height": 0, "width": 0, "channels": 3, "note": "any multiple of 32; BGR, (x - 127.5) / 64"},
            "kinds": list(LOCATOR_KINDS),
            "data": DATA,
        }
        _export(LocatorNet(), checkpoint, models_dir / role, (128, 256), settings)
    elif role == "dial":
        note = f"BGR cuts by recognizer.vision.dial_cut, a radius {SIDE / 2 / REACH:.1f} pixels, then (x - 127.5) / 64"
        settings = {
            "input": {"height": SIDE, "width": SIDE, "channels": 3, "note": note},
            "data": [
                "needle-crops less a held-back fifth, near-copies kept together (jomjol, no licence stated)",
                "bdci-water: pointers of training photos without their turns; spots that are none, of them and of "
                "thai-electricity, dss188-electricity, cesc-electricity, vn-lcd",
                "dials drawn by recognizer.synth",
            ],
            "licences": ["needle-crops and the photos come from public repositories that state none", LICENCES[1]],
        }
        _export(DialNet(), checkpoint, models_dir / role, (SIDE, SIDE), settings)
    elif role == "wheel":
        note = "BGR cut of one wheel by recognizer.vision.wheel, evened as a strip, then (x - 127.5) / 64"
        settings = {
            "input": {"height": WHEEL_HEIGHT, "width": WHEEL_WIDTH, "channels": 3, "note": note},
            "data": [
                "digit-crops less 7 of its 34 folders (Apache-2.0, haverland/Tenth-of-step-of-a-meter-digit)",
                "wheels of training counters that stand still, and the same turned on: bdci-water, toloka-water, "
                "thai-electricity, dss188-electricity, pafal-sequence",
                "wheels drawn by recognizer.synth",
            ],
        }
        _export(WheelNet(), checkpoint, models_dir / role, (WHEEL_HEIGHT, WHEEL_WIDTH), settings)
    elif role == "screen":
        note = "BGR panel by recognizer.vision.panel, evened as a strip, then (x - 127.5) / 64"
        settings = {
            "input": {"height": PANEL_HEIGHT, "width": PANEL_WIDTH, "channels": 3, "note": note},
            "alphabet": LABEL_CHARACTERS,
            "units": list(SCREEN_UNITS),
            "marks": list(SCREEN_MARKS),
            "data": [
                "screens drawn by recognizer.synth in typefaces of Debian, before parts of the training photos",
                "clear frames of its clips",
                "screens drawn onto training photos of displays that are off (cesc-electricity, vn-lcd, off-lcd)",
                "labels and units of vn-lcd, cesc-electricity and prepaid-balance",
                "lcd-strips as panels without labels, with units of some that were seen by eye",
                "fuel-pump-lcd as panels without any",
            ],
        }
        _export(ScreenNet(), checkpoint, models_dir / role, (PANEL_HEIGHT, PANEL_WIDTH), settings)
    else:
        settings = {
            "input": {"height": STRIP_HEIGHT, "width": STRIP_WIDTH, "channels": 3, "note": EVENED},
            "alphabet": ALPHABET,
            "data": [*DATA, "digit-crops (Apache-2.0, haverland/Tenth-of-step-of-a-meter-digit), pasted into drums"],
        }
        if role == "textline":
            settings["data"].append("first weights: the small recogniser of PP-OCRv6, from rapidocr 3.10.0")
            settings["licences"] = ["first weights: Apache-2.0 (PaddlePaddle, RapidAI)", *LICENCES]
        net = TextlineNet() if role == "textline" else CounterNet()
        _export(net, checkpoint, models_dir / role, (STRIP_HEIGHT, STRIP_WIDTH), settings)


def _export(net: nn.Module, checkpoint: Path, folder: Path, shape: tuple[int, int], settings: dict[str, Any]) -> None:
    """Raises ValueError when ONNX Runtime's output differs from PyTorch's by more than TOLERANCE."""
    net.load_state_dict(load_weights(checkpoint))
    net.eval()
    example = torch.rand(1, 3, *shape) * 4 - 2
    data = to_onnx(
        net, example, any_size=settings["input"]["height"] == 0, any_number=folder.name in ("dial", "wheel"),
        outputs=("label", "unit", "marks", "heights") if folder.name == "screen" else ("output",),
        packed=folder.name == "textline",
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(data)
    card = {
        "role": folder.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "licences": LICENCES,
        **settings,
        "recipe": f"python -m recognizer.train {folder.name}; {checkpoint.stem}, {_told(checkpoint)}",
        "scores": {"parameters": sum(p.numel() for p in net.parameters())},
    }
    write_card(folder, Card(card))
    with torch.no_grad():
        answer = net(example)
    wanted = answer if isinstance(answer, tuple) else (answer,)
    found = load_model(folder.name, folder.parent).run(example.numpy())
    difference = max(float(np.abs(f - w.numpy()).max()) for f, w in zip(found, wanted, strict=True))
    if not difference <= (TOLERANCE_PACKED if folder.name == "textline" else TOLERANCE):
        raise ValueError(f"ONNX and PyTorch differ by {difference:.2g} on the same input")


def to_onnx(
    net: nn.Module,
    example: Tensor,
    *,
    any_size: bool = False,
    any_number: bool = False,
    outputs: Sequence[str] = ("output",),
    packed: bool = False,
) -> bytes:
    """The ONNX file of a network in eval mode, its normalisations folded into its convolutions.

    ``packed``: weights are kept in few bits and made whole once, when the file is loaded.
    """
    buffer = io.BytesIO()
    free = {"picture": {2: "height", 3: "width"}} if any_size else None
    if any_number:
        free = {"picture": {0: "pictures"}, "output": {0: "pictures"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is announced as deprecated; it is also exact here
        torch.onnx.export(
            net, (example,), buffer, input_names=["picture"], output_names=list(outputs),
            dynamic_axes=free,
            dynamo=False, opset_version=OPSET,
        )  # fmt: skip
    return _packed(buffer.getvalue()) if packed else buffer.getvalue()


def _packed(data: bytes) -> bytes:
    model = onnx.load_from_string(data)
    graph = model.graph
    # A convolution has its channels in front, a product of columns by a matrix has them behind.
    behind = {node.input[1] for node in graph.node if node.op_type == "MatMul"}
    kept, unpacked = [], []
    for value in graph.initializer:
        array, name = numpy_helper.to_array(value), value.name
        channels = array.ndim - 1 if name in behind else 0
        if array.dtype != np.float32 or array.size < HALVED:
            kept.append(value)
        elif array.size < IN_EIGHT_BITS:
            kept.append(numpy_helper.from_array(array.astype(np.float16), f"{name}_half"))
            unpacked.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
        else:
            others = tuple(axis for axis in range(array.ndim) if axis != channels)
            scale = np.maximum(np.abs(array).max(others, keepdims=True), 1e-12) / np.float32(127)
            whole = np.round(array / scale).astype(np.int8)
            kept += [numpy_helper.from_array(whole, f"{name}_bits"), numpy_helper.from_array(scale, f"{name}_scale")]
            unpacked.append(helper.make_node("Cast", [f"{name}_bits"], [f"{name}_cast"], to=TensorProto.FLOAT))
            unpacked.append(helper.make_node("Mul", [f"{name}_cast", f"{name}_scale"], [name]))
    nodes = [*unpacked, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def _told(checkpoint: Path) -> str:
    """How the weights of a checkpoint came about."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if "of" in state:
        return "average of " + ", ".join(f"{name} ({share:.2f})" for name, share in state["of"].items())
    return f"step {state['step']}"
