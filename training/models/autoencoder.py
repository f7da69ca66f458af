"""AutoencoderTiny as in diffusers 0.27: pictures in [-1, 1], latents at an eighth of their size."""
from __future__ import annotations

import torch
from torch import Tensor, nn

CONFIG = {
    "_class_name": "AutoencoderTiny", "_diffusers_version": "0.27.2", "act_fn": "relu",
    "block_out_channels": [32, 32, 32, 32], "decoder_block_out_channels": [32, 32, 32, 32],
    "encoder_block_out_channels": [32, 32, 32, 32], "force_upcast": False, "in_channels": 3,
    "latent_channels": 4, "latent_magnitude": 3, "latent_shift": 0.5, "num_decoder_blocks": [2, 2, 1, 0],
    "num_encoder_blocks": [0, 1, 1, 2], "out_channels": 3, "scaling_factor": 1.0,
    "upsampling_scaling_factor": 2}


def conv(inputs: int, outputs: int, **options) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, **options)


class Block(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Sequential(conv(channels, channels), nn.ReLU(), conv(channels, channels), nn.ReLU(),
                                  conv(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x) + x)


class Encoder(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        layers: list[nn.Module] = []
        for i, (channels, blocks) in enumerate(zip(config["encoder_block_out_channels"],
                                                   config["num_encoder_blocks"])):
            layers.append(conv(config["in_channels"], channels) if i == 0
                          else conv(channels, channels, stride=2, bias=False))
            layers += [Block(channels) for _ in range(blocks)]
        layers.append(conv(channels, config["latent_channels"]))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers((x + 1) / 2)


class Decoder(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        widths, blocks = config["decoder_block_out_channels"], config["num_decoder_blocks"]
        layers: list[nn.Module] = [conv(config["latent_channels"], widths[0]), nn.ReLU()]
        for i, (channels, count) in enumerate(zip(widths, blocks)):
            last = i == len(blocks) - 1
            layers += [Block(channels) for _ in range(count)]
            if not last:
                layers.append(nn.Upsample(scale_factor=2))
            layers.append(conv(channels, config["out_channels"] if last else channels, bias=last))
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(torch.tanh(z / 3) * 3) * 2 - 1


class Autoencoder(nn.Module):
    def __init__(self, config: dict = CONFIG):
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)

    def forward(self, x: Tensor, noise: float = 0.0) -> tuple[Tensor, Tensor]:
        """Reconstruction (N, 3, H, W) and latent (N, 4, H/8, W/8); noise: standard deviation of what is added to the latent
        before decoding."""
        z = self.encoder(x).float()
        return self.decoder(z + noise * torch.randn_like(z) if noise else z), z
