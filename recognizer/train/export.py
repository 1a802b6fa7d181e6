"""From a checkpoint to ``models/<role>/``: the ONNX file and its card. Fails when the two networks disagree."""

import hashlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from recognizer.train.fit import load_weights
from recognizer.vision.card import Card, write_card

OPSET = 17
TOLERANCE = 1e-3


def export(net: nn.Module, checkpoint: Path, folder: Path, shape: tuple[int, int], card: dict[str, Any]) -> str:
    """Write the checkpoint's averaged weights as ``folder/model.onnx`` with its card; returns the SHA-256.

    ``shape`` is (height, width) of an input to compare both runtimes on; a card with ``input.height`` 0 takes
    any size. Raises ValueError when ONNX Runtime's output differs from PyTorch's by more than TOLERANCE.
    """
    net.load_state_dict(load_weights(checkpoint))
    net.eval()
    example = torch.rand(1, 3, *shape) * 4 - 2
    free = {"picture": {2: "height", 3: "width"}} if card["input"]["height"] == 0 else None
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is announced as deprecated; it is also exact here
        torch.onnx.export(
            net, (example,), buffer, input_names=["picture"], output_names=["output"],
            dynamic_axes=free, dynamo=False, opset_version=OPSET,
        )  # fmt: skip
    data = buffer.getvalue()
    with torch.no_grad():
        wanted = net(example).numpy()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    found = session.run(None, {"picture": example.numpy()})[0]
    difference = float(np.abs(found - wanted).max())
    if not difference <= TOLERANCE:
        raise ValueError(f"ONNX and PyTorch differ by {difference:.2g} on the same input")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    write_card(folder, Card({"role": folder.name, "sha256": digest, **card}))
    return digest
