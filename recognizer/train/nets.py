"""The networks: small convolution stacks that train on a processor."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizer.vision.screen import LABEL_CHARACTERS, SCREEN_MARKS, SCREEN_UNITS

LOCATOR_STRIDE = 4
LOCATOR_KINDS = ("lcd", "drum")
LABEL_ROWS = 11
"""Rows of four pixels in which the label of a screen is read: titles are as tall as the digits, 38 pixels."""
CORNER_UNIT = 32.0
"""Corner offsets are predicted in units of this many input pixels."""


def conv(inp: int, out: int, kernel: int = 3, stride: int | tuple[int, int] = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inp, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out), nn.Hardswish(inplace=True)
    )


class Separable(nn.Module):
    """Depthwise then pointwise convolution, with a residual where shapes allow one."""

    def __init__(self, inp: int, out: int, kernel: tuple[int, int] = (3, 3), stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        pad = (kernel[0] // 2, kernel[1] // 2)
        self.depthwise = nn.Conv2d(inp, inp, kernel, stride, pad, groups=inp, bias=False)
        self.norm1 = nn.BatchNorm2d(inp)
        self.pointwise = nn.Conv2d(inp, out, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)
        self.act = nn.Hardswish(inplace=True)
        self.residual = inp == out and stride == (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.pointwise(self.norm1(self.depthwise(x))))
        return self.act(x + y if self.residual else y)


class Crossed(nn.Module):
    """As a full 3x3 convolution, but a column of three first and a row of three then (Jaderberg et al. 2014).

    With half as many channels between them it takes about half the time.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.column = nn.Conv2d(width, width // 2, (3, 1), 1, (1, 0), bias=False)
        self.row = nn.Conv2d(width // 2, width, (1, 3), 1, (0, 1), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.row(self.column(x))


class Residual(nn.Module):
    """Two convolutions, full or ``crossed`` ones, and what came in."""

    def __init__(self, width: int, *, crossed: bool = False) -> None:
        super().__init__()
        one, other = (Crossed(width) if crossed else nn.Conv2d(width, width, 3, 1, 1, bias=False) for _ in range(2))
        self.first = nn.Sequential(one, nn.BatchNorm2d(width), nn.Hardswish(inplace=True))
        self.second = other
        self.norm = nn.BatchNorm2d(width)
        self.act = nn.Hardswish(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.norm(self.second(self.first(x))))


class Compared(nn.Module):
    """Scales and shifts each channel by what stands in the middle and on the whole (Hu et al. 2018, Perez et al. 2018).

    A cell of the screen reader sees an eighth of the panel. Whether a mark in it is lit is told by how dark the digits
    are, which stand in the middle of every panel. A fresh one changes nothing.
    """

    MIDDLE = (0.42, 0.68), (0.42, 0.58)
    """Rows and columns, as shares of the panel, where digits stand however long the value is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.seen = nn.Linear(3 * width, width // 2)
        self.act = nn.Hardswish()
        self.told = nn.Linear(width // 2, 2 * width)
        nn.init.zeros_(self.told.weight)
        nn.init.zeros_(self.told.bias)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = (slice(*(round(share * int(n)) for share in of))
                         for of, n in zip(self.MIDDLE, x.shape[2:], strict=True))  # fmt: skip
        middle = x[:, :, rows, columns]
        seen = torch.cat([middle.mean((2, 3)), middle.amax((2, 3)), x.mean((2, 3))], 1)
        scale, shift = self.told(self.act(self.seen(seen))).chunk(2, 1)
        return x * (1 + scale[:, :, None, None]) + shift[:, :, None, None]


class LocatorNet(nn.Module):
    """(N, 3, H, W) picture, H and W multiples of 32, to (N, 2 + 8 + 1, H/4, W/4).

    Channels: heat logit per kind of ``LOCATOR_KINDS``; the eight offsets from the cell's centre to the four
    corners in reading order (x, y each, in ``CORNER_UNIT`` pixels); legibility logit.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(conv(3, 16, 3, 2), conv(16, 32, 3, 2), Residual(32))
        self.stage2 = nn.Sequential(conv(32, 64, 3, 2), Residual(64))
        self.stage3 = nn.Sequential(conv(64, 96, 3, 2), Residual(96))
        self.stage4 = nn.Sequential(conv(96, 144, 3, 2), Residual(144))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.lat4, self.lat3, self.lat2 = (nn.Conv2d(c, 64, 1) for c in (144, 96, 64))
        self.merge3, self.merge2 = conv(64, 64), conv(64, 64)
        self.reduce = nn.Conv2d(64, 32, 1)
        self.lat1 = nn.Conv2d(32, 32, 1)
        self.merge1 = nn.Sequential(conv(32, 32), conv(32, 32))
        self.head = nn.Conv2d(32, len(LOCATOR_KINDS) + 9, 1)
        with torch.no_grad():
            self.head.bias[: len(LOCATOR_KINDS)] = -4.0  # displays are rare: start from "nothing here"

    def forward(self, x: Tensor) -> Tensor:
        a = _kept_in_order(self.stage1(x))
        b = _kept_in_order(self.stage2(a))
        c = _kept_in_order(self.stage3(b))
        d = _kept_in_order(self.stage4(c))
        y = _kept_in_order(self.merge3(self.up(self.lat4(d)) + self.lat3(c)))
        y = _kept_in_order(self.merge2(self.up(y) + self.lat2(b)))
        y = self.merge1(self.up(self.reduce(y)) + self.lat1(a))
        # Corners are told to a fraction of a pixel: half precision would round them to two.
        with torch.autocast("cpu", enabled=False):
            return self.head(y.float())


class CounterNet(nn.Module):
    """(N, 3, 96, 448) upright strip to (N, 56, 12) logits: a CTC column every eight pixels.

    Classes: blank, then ``0``-``9``, then ``.``. Digits are read from the strip at half its size, as they were before
    it was this large; ``fine`` adds what only the whole shows, the points of LCDs above all. One with 0.9 M
    parameters instead of 0.3 M, trained as long, read no more of the held-back photos: photos are missing, not room.
    """

    def __init__(self, classes: int = 12) -> None:
        super().__init__()
        a, b, c, d, e = 24, 48, 72, 128, 192
        self.fine = nn.Sequential(
            conv(3, 16, 3, 2),  # 48 x 224
            Separable(16, a),
            Separable(a, a),
            nn.Conv2d(a, a, 3, 2, 1, bias=False),  # 24 x 112
            nn.BatchNorm2d(a),
        )
        self.features = nn.Sequential(
            conv(3, a, 3, 2),  # 24 x 112
            Separable(a, b, (3, 3), (1, 1)),
            Separable(b, c, (3, 3), (2, 2)),  # 12 x 56
            Separable(c, c),
            Separable(c, c, (5, 5)),
            Separable(c, d, (5, 3), (2, 1)),  # 6 x 56
            Separable(d, d, (3, 5)),
            Separable(d, d, (5, 5)),
            Separable(d, d, (5, 5)),
        )
        self.collapse = nn.Sequential(nn.Conv2d(d, e, (6, 1), bias=False), nn.BatchNorm2d(e), nn.Hardswish())
        self.context = nn.Sequential(
            Separable(e, e, (1, 9)), Separable(e, e, (1, 9)), nn.Dropout(0.1), nn.Conv2d(e, classes, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.features[0](functional.avg_pool2d(x, 2)) + self.fine(x)
        y = self.context(self.collapse(self.features[1:](y)))
        return y.squeeze(2).transpose(1, 2)


class ScreenNet(nn.Module):
    """(N, 3, 144, 384) panel to label logits (N, 192, 42; a CTC column every two pixels), units, marks and heights.

    One map says of every cell whether a part of the label stands there, one for each unit and each mark whether that
    does. The best cell of a map answers for it; the label is read along the middle of where its map is lit. Its height,
    0 at the top of the panel and 1 at its bottom, is told of every second column of the label (N, 96).
    """

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            conv(3, 24, 3, 2),  # 72 x 192
            conv(24, 32),  # small labels are ten pixels tall: their strokes are seen before anything is shrunk
            conv(32, 64, 3, 2),  # 36 x 96
            Compared(64),
            Residual(64, crossed=True),
            Residual(64, crossed=True),
        )
        self.coarse = nn.Sequential(
            conv(64, 128, 3, (2, 1)),  # 18 x 96
            Compared(128),
            Residual(128, crossed=True),
            Residual(128, crossed=True),
        )
        self.cells = nn.Conv2d(128, len(SCREEN_UNITS) + len(SCREEN_MARKS), 1)
        self.context = nn.Sequential(
            conv(LABEL_ROWS * 64 + 128, 128, 1), Separable(128, 128, (1, 9)), Separable(128, 128, (1, 9)),
            nn.Dropout(0.1), nn.Conv2d(128, 2 * (len(LABEL_CHARACTERS) + 1), 1),
        )  # fmt: skip
        with torch.no_grad():
            self.context[-1].bias.view(2, -1)[:, 0] = 3.0  # type: ignore[operator]  # most columns show nothing
            self.cells.bias.fill_(-4.0)  # type: ignore[union-attr]  # and most cells

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        label, units, marks, cells = self.with_cells(x)
        return label, units, marks, (_middles(cells[:, :1]).flatten(1) + 0.5) / cells.shape[2]

    def with_cells(self, x: Tensor, told: Tensor | None = None) -> tuple[Tensor, ...]:
        """Beside the answers the maps, as logits (N, 1 + units that there are + marks, 18, 96).

        ``told``, (N, 1, 18, 96): of each picture the cells of its label, where it is to be read; NaN: where its own map
        says.
        """
        fine = _kept_in_order(self.fine(x))
        y = _kept_in_order(self.coarse(fine))
        cells = self.cells(y)
        rows = torch.arange(y.shape[2], dtype=y.dtype)[:, None]
        heat = cells[:, :1]
        middle, lit = _middles(heat), heat.sigmoid().amax(2, keepdim=True)
        if told is not None:
            known = told.sum(2, keepdim=True)
            at = (told * rows).sum(2, keepdim=True) / known.clamp(min=1)
            middle = torch.where(known.isnan(), middle, at.nan_to_num(0.0))
            lit = torch.where(known.isnan(), lit, (known > 0).to(lit.dtype))
        # The rows around the middle one below the other, so that the strip keeps what is above and what below.
        around = torch.arange(LABEL_ROWS) - LABEL_ROWS // 2
        strip = _along(fine, 2 * middle + 0.5 + around[:, None], lit)
        label = self.context(torch.cat([strip, _along(y, middle, lit)], 1)).squeeze(2).transpose(1, 2)
        # Two answers a column: the characters of small labels stand six pixels apart, and some need a blank between.
        label = label.reshape(x.shape[0], 2 * y.shape[3], -1)
        best = cells[:, 1:].amax((2, 3))
        units = len(SCREEN_UNITS) - 1
        return label, torch.cat([torch.zeros_like(best[:, :1]), best[:, :units]], 1), best[:, units:], cells


def _middles(heat: Tensor) -> Tensor:
    """The row around which a map (N, 1, H, W) is lit in each of its columns, (N, 1, 1, W)."""
    rows = torch.arange(heat.shape[2], dtype=heat.dtype)[:, None]
    return (heat.softmax(2) * rows).sum(2, keepdim=True)


def _along(y: Tensor, middles: Tensor, lit: Tensor) -> Tensor:
    """Rows of ``y`` (N, C, H, W) at heights (N, 1, K, W), between two of them by distance: (N, K C, 1, W)."""
    rows = torch.arange(y.shape[2], dtype=y.dtype)
    near = (1 - (rows - middles.transpose(2, 3).unsqueeze(4)).abs()).relu()[:, 0]  # N, W, K, H
    taken = (near * lit[:, 0, 0, :, None, None]).to(y.dtype) @ y.permute(0, 3, 2, 1)  # N, W, K, C
    return taken.flatten(2).transpose(1, 2).unsqueeze(2)


def _kept_in_order(y: Tensor) -> Tensor:
    """With gradients in the order of memory that batch normalisation is fast with; else a step takes twice as long."""
    if y.requires_grad:
        y.register_hook(lambda slope: slope.contiguous(memory_format=torch.channels_last))
    return y


class DialNet(nn.Module):
    """(N, 3, 48, 48) cut of a dial to (N, 105): what ``recognizer.vision.dial`` makes of it stands there.

    100 logits of the needle's turn clockwise from the top, in hundredths of the circle; logits of a dial being there
    and of its numbers running anticlockwise; its pivot's place, x and y from the middle, in half sides; the logarithm
    of its radius over that of a dial that fills the cut.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv(3, 16, 3, 2),  # 24 x 24
            Separable(16, 32),
            Separable(32, 64, (5, 5), (2, 2)),  # 12 x 12
            Separable(64, 64, (5, 5)),
            Separable(64, 128, (5, 5), (2, 2)),  # 6 x 6
            Separable(128, 128, (5, 5)),
        )
        self.collapse = nn.Sequential(nn.Conv2d(128, 192, 6, groups=4, bias=False), nn.BatchNorm2d(192), nn.Hardswish())
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(192, 105))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.collapse(self.features(x)))


class WheelNet(nn.Module):
    """(N, 3, 48, 32) cut of one wheel to (N, 100) logits of its turn, in hundredths from 0 round to 0 again."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv(3, 24, 3, 2),  # 24 x 16
            Separable(24, 48),
            Separable(48, 96, (5, 5), (2, 2)),  # 12 x 8
            Separable(96, 96, (5, 5)),
            Separable(96, 96, (5, 5)),
            Separable(96, 128, (5, 3), (2, 2)),  # 6 x 4
            Separable(128, 128, (5, 3)),
        )
        self.collapse = nn.Sequential(
            nn.Conv2d(128, 256, (6, 4), groups=4, bias=False), nn.BatchNorm2d(256), nn.Hardswish()
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(256, 100))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.collapse(self.features(x)))
