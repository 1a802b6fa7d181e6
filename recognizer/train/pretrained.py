"""The first weights of the textline reader: those of the small recogniser of PP-OCRv6 (PaddlePaddle, Apache-2.0).

They lie as an ONNX file in the wheel ``rapidocr`` 3.10.0 (Apache-2.0), which ``pip download --no-deps`` brings; it is
not installed. Of its 18,709 characters ours keeps the digits and the point.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from recognizer.train.textline_net import TextlineNet, Weighed

MEMBER = "rapidocr/models/PP-OCRv6_rec_small.onnx"
SHA256 = "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
CHARACTERS = "0123456789."
GREY, OUR_GREY = 127.5, 64.0
"""What grey levels are divided by for the recogniser, and for ours (``vision.locate.normalise``)."""


def fill(net: TextlineNet, wheel: Path) -> None:
    """Give ``net`` the recogniser's weights; its fine picture stays as it is.

    Raises ValueError where the wheel holds another file than the one this was written for.
    """
    with ZipFile(wheel) as archive:
        data = archive.read(MEMBER) if MEMBER in archive.namelist() else b""
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ValueError(f"{wheel}: it has no {MEMBER}, or not that of rapidocr 3.10.0")
    model = onnx.load_from_string(data)
    weights = _in_order_of_use(model)
    stem = net.stem
    with torch.no_grad():
        for step in (stem.first, stem.narrow, stem.wide, stem.joined, stem.out):
            _convolution(step, weights)
        stem.first.weight.mul_(OUR_GREY / GREY)
        for block in net.blocks:
            _convolution(block.depthwise, weights)
            if isinstance(block.weighed, Weighed):
                _convolution(block.weighed.squeeze, weights)
                _convolution(block.weighed.excite, weights)
            _convolution(block.widen, weights)
            _convolution(block.narrow, weights)
        for row in (net.skipped, net.inward, net.beside):
            for part in (row[0].weight, row[1].weight, row[1].bias, row[1].running_mean, row[1].running_var):
                part.copy_(next(weights))
        for mixer in net.mixers:
            for part in (mixer.norm1, mixer.looks, mixer.seen, mixer.norm2, mixer.wide, mixer.narrow):
                _pair(part, weights)
        _pair(net.norm, weights)
        weight, bias = next(weights).mT, next(weights)
        kept = [0, *_classes(model)]
        net.head.weight.copy_(weight[kept])
        net.head.bias.copy_(bias[kept])


def _in_order_of_use(model: onnx.ModelProto) -> Iterator[Tensor]:
    """The recogniser's weights; what holds fewer numbers is a number of its formulas or a shape."""
    values = {value.name: value for value in model.graph.initializer}
    used = (values[name] for node in model.graph.node for name in node.input if name in values)
    arrays = (numpy_helper.to_array(value) for value in used)
    return (torch.from_numpy(array.copy()) for array in arrays if array.dtype == "float32" and array.size > 1)


def _classes(model: onnx.ModelProto) -> list[int]:
    """Where our characters stand among the recogniser's classes, of which 0 is the blank."""
    characters = next(p.value for p in model.metadata_props if p.key == "character").splitlines()
    return [characters.index(character) + 1 for character in CHARACTERS]


def _convolution(step: nn.Conv2d, weights: Iterator[Tensor]) -> None:
    assert step.bias is not None
    step.weight.copy_(next(weights))
    step.bias.copy_(next(weights).flatten())


def _pair(part: nn.LayerNorm | nn.Linear, weights: Iterator[Tensor]) -> None:
    weight = next(weights)
    part.weight.copy_(weight.mT if isinstance(part, nn.Linear) else weight)
    part.bias.copy_(next(weights))
