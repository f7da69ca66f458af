"""ControlNetModel as in diffusers 0.27: a copy of the U-Net's way down that sees a picture too."""
from __future__ import annotations

import copy

import torch.nn.functional as F
from torch import Tensor, nn

from .unet import UNet, WayDown

HINT_CHANNELS = [4, 8, 24, 48]


class HintEncoder(nn.Module):
    """Embeds a picture (N, 3, 8h, 8w) with values from 0 to 1 as (N, C, h, w)."""

    def __init__(self, channels: list[int], out: int):
        super().__init__()
        self.conv_in = nn.Conv2d(3, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for a, b in zip(channels, channels[1:]):
            self.blocks += [nn.Conv2d(a, a, 3, padding=1), nn.Conv2d(a, b, 3, padding=1, stride=2)]
        self.conv_out = nn.Conv2d(channels[-1], out, 3, padding=1)
        for layer in (self.conv_in, *self.blocks, self.conv_out):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")     # with torch's own, lines fade on the way
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.conv_in(x))
        for block in self.blocks:
            x = F.silu(block(x))
        return self.conv_out(x)


def _zero(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class ControlNet(WayDown):
    def __init__(self, unet: UNet):
        """Initialized as a copy of the U-Net with zero outputs, so it changes nothing until it is trained."""
        super().__init__()
        c = unet.config
        widths = c["block_out_channels"]
        self.conv_in, self.time_embedding = copy.deepcopy(unet.conv_in), copy.deepcopy(unet.time_embedding)
        self.down_blocks, self.mid_block = copy.deepcopy(unet.down_blocks), copy.deepcopy(unet.mid_block)
        self.controlnet_cond_embedding = HintEncoder(HINT_CHANNELS, widths[0])
        skips = [widths[0]]
        for i, w in enumerate(widths):
            skips += [w] * (c["layers_per_block"] + (i < len(widths) - 1))
        self.controlnet_down_blocks = nn.ModuleList(_zero(nn.Conv2d(w, w, 1)) for w in skips)
        self.controlnet_mid_block = _zero(nn.Conv2d(widths[-1], widths[-1], 1))
        gone = ("center_input_sample", "conv_in_kernel", "conv_out_kernel", "mid_block_only_cross_attention", "out_channels",
                "sample_size", "up_block_types")
        self.config = {**{k: v for k, v in c.items() if k not in gone}, "_class_name": "ControlNetModel",
                       "conditioning_channels": 3, "conditioning_embedding_out_channels": HINT_CHANNELS,
                       "controlnet_conditioning_channel_order": "rgb", "global_pool_conditions": False}

    def forward(self, sample: Tensor, timestep: Tensor, context: Tensor, picture: Tensor) -> list[Tensor]:
        """What is added to the U-Net: for each skip connection, finest first, then for the middle block."""
        hint = self.controlnet_cond_embedding(picture)
        skips, x = self.down(self.conv_in(sample) + hint, self.time(timestep), context)
        return [*(zero(s) for zero, s in zip(self.controlnet_down_blocks, skips)), self.controlnet_mid_block(x)]
