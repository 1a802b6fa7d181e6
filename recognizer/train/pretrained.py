"""The first weights of the textline reader: those of the mobile recogniser of PP-OCRv4 (PaddlePaddle, Apache-2.0).

They lie as an ONNX file in the wheel ``rapidocr-onnxruntime`` 1.4.4 (Apache-2.0), which ``pip download --no-deps``
brings; it is not installed. Of its 6,624 characters ours keeps the digits and the point.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from recognizer.train.textline_net import ScaledSwish, TextlineNet, Weighed

MEMBER = "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
SHA256 = "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"
CHARACTERS = "0123456789."
GREY, OUR_GREY = 127.5, 64.0
"""What grey levels are divided by for the recogniser, and for ours (``vision.locate.normalise``)."""
LEARNED = re.compile(r"(?!p2o|fill_constant).*\.[wb]_\d")
"""Names of the constants that are weights; the others are numbers of its formulas."""


def fill(net: TextlineNet, wheel: Path) -> None:
    """Give ``net`` the recogniser's weights; its fine picture stays as it is.

    Raises ValueError where the wheel holds another file than the one this was written for.
    """
    with ZipFile(wheel) as archive:
        data = archive.read(MEMBER)
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ValueError(f"{wheel}: its {MEMBER} is not that of rapidocr-onnxruntime 1.4.4")
    model = onnx.load_from_string(data)
    weights = _in_order_of_use(model)
    with torch.no_grad():
        _stem(net.stem, weights)
        for block in net.blocks:
            _convolution(block.depthwise, weights, block.act1)
            if isinstance(block.weighed, Weighed):
                _convolution(block.weighed.squeeze, weights)
                _convolution(block.weighed.excite, weights)
            _convolution(block.pointwise, weights, block.act2)
        _normalised(net.inward[0], weights)
        _normalised(net.inward[1], weights)
        for mixer in net.mixers:
            for part in (mixer.norm1, mixer.looks, mixer.seen, mixer.norm2, mixer.wide, mixer.narrow):
                _pair(part, weights)
        _pair(net.norm, weights)
        for row in (net.outward, *net.joined):
            _normalised(row, weights)
        weight, bias = next(weights).mT, next(weights)
        kept = [0, *_classes(model)]
        net.head.weight.copy_(weight[kept])
        net.head.bias.copy_(bias[kept])


def _in_order_of_use(model: onnx.ModelProto) -> Iterator[Tensor]:
    values = {node.output[0]: node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"}
    used = [name for node in model.graph.node for name in node.input if name in values]
    return (torch.from_numpy(numpy_helper.to_array(values[name]).copy()) for name in used if LEARNED.fullmatch(name))


def _classes(model: onnx.ModelProto) -> list[int]:
    """Where our characters stand among the recogniser's classes, of which 0 is the blank."""
    characters = next(p.value for p in model.metadata_props if p.key == "character").splitlines()
    return [characters.index(character) + 1 for character in CHARACTERS]


def _stem(step: nn.Conv2d, weights: Iterator[Tensor]) -> None:
    """The first convolution, its normalisation folded into it, for grey levels as ours are."""
    weight, gain, shift, mean, variance = (next(weights) for _ in range(5))
    gain = gain / (variance + 1e-5).sqrt()
    assert step.bias is not None
    step.weight.copy_(weight * gain[:, None, None, None] * (OUR_GREY / GREY))
    step.bias.copy_(shift - mean * gain)


def _convolution(step: nn.Conv2d, weights: Iterator[Tensor], after: ScaledSwish | None = None) -> None:
    """With what follows it before the swish, a gain and a shift, folded into it."""
    weight, bias = next(weights), next(weights)
    if after is not None:
        gain, shift = next(weights), next(weights)
        weight, bias = weight * gain, bias * gain + shift
        after.scale.copy_(next(weights))
        after.shift.copy_(next(weights))
    assert step.bias is not None
    step.weight.copy_(weight)
    step.bias.copy_(bias)


def _normalised(row: nn.Sequential, weights: Iterator[Tensor]) -> None:
    step, norm = row[0], row[1]
    for part in (step.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var):
        part.copy_(next(weights))


def _pair(part: nn.LayerNorm | nn.Linear, weights: Iterator[Tensor]) -> None:
    weight = next(weights)
    part.weight.copy_(weight.mT if isinstance(part, nn.Linear) else weight)
    part.bias.copy_(next(weights))
