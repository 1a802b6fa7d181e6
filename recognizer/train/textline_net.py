"""The network of a recogniser of text lines, the small one of PP-OCRv6, with a fine picture beside it.

Its first weights are the recogniser's own (``recognizer.train.pretrained``): of real LCDs there are a thousand to train
on, and what a digit looks like in any typeface and any light is known to one that has read millions of prints.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizer.train.nets import Separable, conv

BLOCKS: tuple[tuple[int, int, int, bool], ...] = (
    (96, 96, 1, True),
    (96, 96, 1, False),
    (96, 96, 1, False),
    (96, 192, 2, False),
    (192, 192, 1, True),
    (192, 192, 1, False),
    (192, 192, 1, True),
    (192, 192, 1, False),
    (192, 192, 1, True),
    (192, 192, 1, False),
    (192, 384, 2, False),
    (384, 384, 1, True),
    (384, 384, 1, False),
)
"""Channels in and out, downward stride, and whether channels are weighed, of each block of the small recogniser."""
KEPT = 3
"""First blocks that meters teach nothing: edges and strokes are the same in any print."""
WIDTH, HEADS = 120, 8
DROPPED = 0.1


class Stem(nn.Module):
    """(N, 3, 48, 224) line to (N, 96, 12, 56): what two paths see, one of which keeps the brightest (PP-HGNetV2)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 48, 3, 2, 1)
        self.narrow, self.wide = nn.Conv2d(48, 24, 2), nn.Conv2d(24, 48, 2)
        self.joined, self.out = nn.Conv2d(96, 48, 3, 2, 1), nn.Conv2d(48, 96, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        seen = self.wide(_one_more(self.narrow(_one_more(x)).relu())).relu()
        x = torch.cat([functional.max_pool2d(_one_more(x), 2, 1), seen], 1)
        return self.out(self.joined(x).relu()).relu()


def _one_more(x: Tensor) -> Tensor:
    """A column and a row of zeros at the right and the bottom end."""
    return functional.pad(x, (0, 1, 0, 1))


class Weighed(nn.Module):
    """Every channel by a weight that is made of all their means (Hu et al. 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(width, width // 4, 1), nn.Conv2d(width // 4, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)
        return x * functional.hardsigmoid(self.excite(functional.relu(self.squeeze(means))))


class Block(nn.Module):
    """Depthwise convolution among neighbours, then every cell by itself; normalisations are folded into both."""

    def __init__(self, inp: int, out: int, stride: int, weighed: bool) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inp, inp, 3, (stride, 1), 1, groups=inp)
        self.weighed = Weighed(inp) if weighed else nn.Identity()
        self.widen, self.narrow = nn.Conv2d(inp, max(out, 2 * inp), 1), nn.Conv2d(max(out, 2 * inp), out, 1)
        self.residual = inp == out

    def forward(self, x: Tensor) -> Tensor:
        x = self.weighed(self.depthwise(x))
        y = self.narrow(functional.gelu(self.widen(x)))
        return x + y if self.residual else y


class Mixer(nn.Module):
    """Every column looks at all others (SVTR's global mixing, Du et al. 2022): (N, columns, WIDTH) to the same."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, 1e-5), nn.LayerNorm(WIDTH, 1e-5)
        self.looks, self.seen = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.wide, self.narrow = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.drop = nn.Dropout(DROPPED)

    def forward(self, x: Tensor) -> Tensor:
        n, columns, _ = x.shape
        a, b, c = self.looks(self.norm1(x)).reshape(n, columns, 3, HEADS, -1).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = (a * (WIDTH // HEADS) ** -0.5 @ b.transpose(2, 3)).softmax(3) @ c
        x = x + self.drop(self.seen(mixed.transpose(1, 2).reshape(n, columns, WIDTH)))
        return x + self.drop(self.narrow(functional.silu(self.wide(self.norm2(x)))))


class TextlineNet(nn.Module):
    """(N, 3, 96, 448) upright strip to (N, 28, 12) logits: a CTC column every sixteen pixels.

    Classes: blank, then ``0``-``9``, then ``.``. Digits are read from the strip at half its size, at which a text
    recogniser takes its lines; ``fine`` adds what only the whole shows, points of LCDs above all, and starts silent.
    """

    def __init__(self, classes: int = 12) -> None:
        super().__init__()
        self.stem = Stem()
        self.blocks = nn.Sequential(*(Block(*block) for block in BLOCKS))  # 3 x 56
        kept = BLOCKS[KEPT][0]
        self.fine = nn.Sequential(
            conv(3, 16, 3, 2),  # 48 x 224
            Separable(16, 24),
            Separable(24, 24),
            Separable(24, 48, (3, 3), (2, 2)),  # 24 x 112
            Separable(48, 48),
            nn.Conv2d(48, kept, 3, 2, 1, bias=False),  # 12 x 56
            nn.BatchNorm2d(kept),
        )
        nn.init.zeros_(self.fine[-1].weight)
        last = BLOCKS[-1][1]
        self.skipped, self.inward = _along(last, WIDTH, 1), _along(last, WIDTH, 1)
        self.beside = _along(WIDTH, WIDTH, 7, groups=WIDTH)
        self.mixers, self.norm = nn.Sequential(Mixer(), Mixer()), nn.LayerNorm(WIDTH, 1e-6)
        self.drop, self.head = nn.Dropout(DROPPED), nn.Linear(WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        y = self.blocks[:KEPT](self.stem(functional.avg_pool2d(x, 2))) + self.fine(x)
        y = functional.avg_pool2d(self.blocks[KEPT:](y), (3, 2))  # 1 x 28
        inward = self.inward(y)
        mixed = self.norm(self.mixers((inward + self.beside(inward)).squeeze(2).transpose(1, 2)))
        return self.head(self.drop(mixed + self.skipped(y).squeeze(2).transpose(1, 2)))

    def keep_first_blocks(self) -> None:
        """Leave the first KEPT blocks as they are, which spares much of a step's time."""
        for part in (self.stem, self.blocks[:KEPT]):
            part.requires_grad_(False)


def _along(inp: int, out: int, kernel: int, groups: int = 1) -> nn.Sequential:
    """A convolution along the one row that is left."""
    row = nn.Conv2d(inp, out, (1, kernel), 1, (0, kernel // 2), groups=groups, bias=False)
    return nn.Sequential(row, nn.BatchNorm2d(out), nn.SiLU())
