"""A wider network that answers as a trained narrower one does, to go on training from (Net2Net, Chen 2016).

Every new channel is a copy of an old one, and what reads the copies shares the old weight among them. A little noise
keeps the copies from staying alike.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

NOISE = 0.005
"""Noise on the weights, as a share of their spread."""


def widened(narrow: Mapping[str, Tensor], wide: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """The state of ``wide``, a network of the same layers as that of the state ``narrow``.

    Layers of one width must have one width in ``wide`` as well, since residual connections add them up.
    Raises ValueError when a layer became narrower or two of one width did not stay so.
    """
    torch.manual_seed(seed)
    copies: dict[int, Tensor] = {}
    state = {}
    for name, target in wide.state_dict().items():
        old = narrow[name]
        if old.ndim == 0:
            state[name] = old.clone()
            continue
        kept = _copies(copies, old.shape[0], target.shape[0])
        new = old[kept]
        if old.ndim == 4 and old.shape[1] > 1:
            read = _copies(copies, old.shape[1], target.shape[1])
            shares = torch.bincount(read, minlength=old.shape[1])[read]
            new = new[:, read] / shares[None, :, None, None]
        if old.ndim == 4 and new.shape != old.shape:
            new = new + torch.randn_like(new) * NOISE * new.std()
        state[name] = new
    return state


def _copies(known: dict[int, Tensor], old: int, new: int) -> Tensor:
    """Which old channel each new one is a copy of, the same for all layers of that width."""
    if old == new:
        return torch.arange(old)
    if new < old or (old in known and len(known[old]) != new):
        raise ValueError(f"a layer of {old} channels cannot become one of {new}")
    if old not in known:
        known[old] = torch.cat([torch.arange(old), torch.randint(old, (new - old,))])
    return known[old]
