"""What a network computes for an edit of a part: around the part, all of its maps are those of a recording.

So the engine edits (as in SIGE, Li et al., NeurIPS 2022, arXiv:2211.02048): it records an image once, with an empty mask
and no words, and an edit computes the rows of the part and of one position around it at every level. Norms take the
moments of the whole map.
"""
from __future__ import annotations

from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.norms import GroupNorm
from ..models.unet import Sampler


class Parts:
    """Replaces what lies around a part in all maps that a network's norms and samplers read."""

    def __init__(self, network: nn.Module):
        self.maps: list[Tensor] = []
        self.at, self.mask = -1, None
        for module in network.modules():
            if isinstance(module, (GroupNorm, Sampler)):
                module.register_forward_pre_hook(self._read)

    def _read(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        if self.at < 0:
            return None
        x, *others = inputs
        if self.mask is None:
            self.maps.append(x)
            return None
        x = torch.where(computed(self.mask, x.shape[-1]) > 0, x, self.maps[self.at])
        self.at += 1
        return x, *others

    def compute(self, recorded: Callable[[], Tensor], edit: Callable[[], Tensor], mask: Tensor) -> Tensor:
        """The network's output for an edit, with the maps of a recording around the mask (N, 1, H, W)."""
        self.maps, self.at, self.mask = [], 0, None
        try:
            recorded()
            self.mask = mask
            return edit()
        finally:
            self.maps, self.at, self.mask = [], -1, None


def computed(mask: Tensor, width: int) -> Tensor:
    """What is computed for a mask at the level of this width: one position more on all sides."""
    stride = mask.shape[-1] // width
    coarse = F.max_pool2d(mask, stride) if stride > 1 else mask
    return F.max_pool2d(coarse, 3, stride=1, padding=1)
