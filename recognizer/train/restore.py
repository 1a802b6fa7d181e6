"""A network for further training from its committed ONNX file, where the checkpoint it came from is gone.

The export folds every batch normalisation into the convolution before it. Training needs them back, so each gets the
statistics that the folded network shows on real inputs, and a scale and shift that leave its output unchanged.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn


def restore(net: nn.Module, model: Path, run: Callable[[], object]) -> None:
    """Fill ``net`` with the weights of ``model``; ``run`` puts a training batch through ``net``.

    Raises:
        ValueError: the file's convolutions are not those of ``net``.
    """
    graph = onnx.load(str(model)).graph
    values = _values(graph)
    folded = [[values[name] for name in node.input[1:]] for node in graph.node if node.op_type == "Conv"]
    linear = [values[node.input[1]] for node in graph.node if node.op_type == "MatMul" and node.input[1] in values]
    net.eval()
    steps = _in_order_of_use(net, run)
    convolutions = [m for m in steps if isinstance(m, nn.Conv2d)]
    if [tuple(c.weight.shape) for c in convolutions] != [tuple(parts[0].shape) for parts in folded]:
        raise ValueError(f"{model} holds another network than {type(net).__name__}")
    with torch.no_grad():
        for step, after in zip(steps, [*steps[1:], None], strict=True):
            if not isinstance(step, nn.Conv2d):
                continue
            weight, *biases = folded.pop(0)
            step.weight.copy_(weight)
            for bias in biases:
                if step.bias is not None:
                    step.bias.copy_(bias)
                elif isinstance(after, nn.BatchNorm2d):
                    after.bias.copy_(bias)
        # Those of convolutions are in place, by their order: a layer put between others shifts all names after it.
        placed = {id(parameter) for c in convolutions for parameter in c.parameters()}
        for name, parameter in net.named_parameters():
            if name in values and id(parameter) not in placed:
                parameter.copy_(values[name])
        # A linear step along columns is exported turned about and nameless; one of a single row keeps its name.
        for step in (m for m in steps if isinstance(m, nn.Linear)):
            if linear:
                step.weight.copy_(linear.pop(0).mT)
        _normalise_anew(steps, run)


def _values(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """The constants of a graph by name, those whole that the export has packed, and equal ones under each name."""
    values = {i.name: torch.from_numpy(numpy_helper.to_array(i).astype(np.float32)) for i in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
        elif node.op_type == "Mul" and all(name in values for name in node.input):
            values[node.output[0]] = values[node.input[0]] * values[node.input[1]]
    return values


def _in_order_of_use(net: nn.Module, run: Callable[[], object]) -> list[nn.Module]:
    used: list[nn.Module] = []
    watched = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.BatchNorm2d, nn.Linear))]
    hooks = [m.register_forward_pre_hook(lambda module, _: used.append(module)) for m in watched]
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()
    return used


def _normalise_anew(steps: list[nn.Module], run: Callable[[], object]) -> None:
    """On its way through the network each normalisation measures what comes in, and keeps what goes out as it was."""

    def measure(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        comes = inputs[0].float()  # in half precision where ``run`` computes in it
        mean, variance = comes.mean((0, 2, 3)), comes.var((0, 2, 3), unbiased=False)
        module.running_mean = mean
        module.running_var = variance
        module.weight.copy_((variance + module.eps).sqrt())
        module.bias.copy_(module.bias + mean)

    hooks = [m.register_forward_pre_hook(measure) for m in steps if isinstance(m, nn.BatchNorm2d)]
    run()
    for hook in hooks:
        hook.remove()
