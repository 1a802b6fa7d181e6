"""The network of a recogniser of text lines, PP-LCNetV3 and SVTR as in PP-OCRv4, with a fine picture beside it.

Its first weights are the recogniser's own (``recognizer.train.pretrained``): of real LCDs there are a thousand to train
on, and what a digit looks like in any typeface and any light is known to one that has read millions of prints.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizer.train.nets import Separable, conv

BLOCKS: tuple[tuple[int, int, int, tuple[int, int], bool], ...] = (
    (3, 16, 32, (1, 1), False),
    (3, 32, 64, (1, 1), False),
    (3, 64, 64, (1, 1), False),
    (3, 64, 128, (2, 1), False),
    (3, 128, 128, (1, 1), False),
    (3, 128, 240, (1, 2), False),
    (5, 240, 240, (1, 1), False),
    (5, 240, 240, (1, 1), False),
    (5, 240, 240, (1, 1), False),
    (5, 240, 240, (1, 1), False),
    (5, 240, 480, (2, 1), True),
    (5, 480, 480, (1, 1), True),
    (5, 480, 480, (2, 1), False),
    (5, 480, 480, (1, 1), False),
)
"""Kernel, channels in and out, stride, and whether channels are weighed, of each block of PP-LCNetV3 x 0.95."""
KEPT = 5
"""First blocks that meters teach nothing: edges and strokes are the same in any print."""
WIDTH, HEADS = 120, 8


class ScaledSwish(nn.Module):
    """Hard swish, then a scale and a shift that are one for all channels."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(1)), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return functional.hardswish(x) * self.scale + self.shift


class Weighed(nn.Module):
    """Every channel by a weight that is made of all their means (Hu et al. 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(width, width // 4, 1), nn.Conv2d(width // 4, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)
        return x * functional.hardsigmoid(self.excite(functional.relu(self.squeeze(means))))


class Block(nn.Module):
    """Depthwise then pointwise convolution, their normalisations folded into them."""

    def __init__(self, kernel: int, inp: int, out: int, stride: tuple[int, int], weighed: bool) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inp, inp, kernel, stride, kernel // 2, groups=inp)
        self.act1 = ScaledSwish()
        self.weighed = Weighed(inp) if weighed else nn.Identity()
        self.pointwise = nn.Conv2d(inp, out, 1)
        self.act2 = ScaledSwish()

    def forward(self, x: Tensor) -> Tensor:
        return self.act2(self.pointwise(self.weighed(self.act1(self.depthwise(x)))))


class Mixer(nn.Module):
    """Every column looks at all others (SVTR's global mixing, Du et al. 2022): (N, columns, WIDTH) to the same."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, 1e-5), nn.LayerNorm(WIDTH, 1e-5)
        self.looks, self.seen = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.wide, self.narrow = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        n, columns, _ = x.shape
        a, b, c = self.looks(self.norm1(x)).reshape(n, columns, 3, HEADS, -1).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = (a * (WIDTH // HEADS) ** -0.5 @ b.transpose(2, 3)).softmax(3) @ c
        x = x + self.seen(mixed.transpose(1, 2).reshape(n, columns, WIDTH))
        return x + self.narrow(functional.silu(self.wide(self.norm2(x))))


class TextlineNet(nn.Module):
    """(N, 3, 96, 448) upright strip to (N, 28, 12) logits: a CTC column every sixteen pixels.

    Classes: blank, then ``0``-``9``, then ``.``. Digits are read from the strip at half its size, at which a text
    recogniser takes its lines; ``fine`` adds what only the whole shows, points of LCDs above all, and starts silent.
    """

    def __init__(self, classes: int = 12) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)  # 24 x 112
        self.blocks = nn.Sequential(*(Block(*block) for block in BLOCKS))  # 3 x 56
        self.fine = nn.Sequential(
            conv(3, 16, 3, 2),  # 48 x 224
            Separable(16, 24),
            Separable(24, 24),
            Separable(24, 48, (3, 3), (2, 2)),  # 24 x 112
            Separable(48, 48),
            nn.Conv2d(48, BLOCKS[KEPT][1], 3, (2, 1), 1, bias=False),  # 12 x 112
            nn.BatchNorm2d(BLOCKS[KEPT][1]),
        )
        nn.init.zeros_(self.fine[-1].weight)
        last = BLOCKS[-1][2]
        self.inward = nn.Sequential(_along(last, 60, 3), _along(60, WIDTH, 1))
        self.mixers, self.norm = nn.Sequential(Mixer(), Mixer()), nn.LayerNorm(WIDTH, 1e-6)
        self.outward = _along(WIDTH, last, 1)
        self.joined = nn.Sequential(_along(2 * last, 60, 3), _along(60, WIDTH, 1))
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        y = self.blocks[:KEPT](self.stem(functional.avg_pool2d(x, 2))) + self.fine(x)
        y = functional.avg_pool2d(self.blocks[KEPT:](y), (3, 2))  # 1 x 28
        mixed = self.norm(self.mixers(self.inward(y).squeeze(2).transpose(1, 2)))
        y = self.joined(torch.cat([y, self.outward(mixed.transpose(1, 2).unsqueeze(2))], 1))
        return self.head(y.squeeze(2).transpose(1, 2))

    def keep_first_blocks(self) -> None:
        """Leave the first KEPT blocks as they are, which spares half of a step's time."""
        for part in (self.stem, self.blocks[:KEPT]):
            part.requires_grad_(False)


def _along(inp: int, out: int, kernel: int) -> nn.Sequential:
    """A convolution along the one row that is left."""
    row = nn.Conv2d(inp, out, (1, kernel), 1, (0, kernel // 2), bias=False)
    return nn.Sequential(row, nn.BatchNorm2d(out), nn.SiLU())
