"""What a model that edits sees beside the noised latents: a mask, and the latents of what is to be kept.

Channels as in Stable Diffusion's inpainting models: 4 of noised latents, 1 of the mask (1 where the model paints), 4 of
the picture's latents with a grey hole in the mask's place. Drawing is painting everywhere: a mask of ones, and the
latents of a picture that is grey all over.
"""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .device import DEVICE, half_precision

GREY = 0.0                                # of the hole, where pictures are from -1 to 1
CELL = 8                                  # pixels of a latent's side
BATCH = 20


def as_input(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).to(DEVICE).float() / 127.5 - 1


def as_pictures(x: Tensor) -> np.ndarray:
    return x.clamp(-1, 1).add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


@torch.no_grad()
def encoded(vae: nn.Module, x: Tensor, half: bool = True) -> Tensor:
    with half_precision(half):
        return torch.cat([vae.encoder(part) for part in x.split(BATCH)]).float()


@torch.no_grad()
def decoded(vae: nn.Module, latents: Tensor, half: bool = False) -> np.ndarray:
    with half_precision(half):
        return np.concatenate([as_pictures(vae.decoder(part).float()) for part in latents.split(BATCH)])


def holed(x: Tensor, masks: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) in which the pixels under masks (N, 1, H, W) are grey."""
    return x.masked_fill(masks > 0, GREY)


def coarse(mask: np.ndarray) -> np.ndarray:
    """The latents (…, H/8, W/8) that hold any masked pixel of (…, H, W)."""
    h, w = mask.shape[-2:]
    return mask.reshape(*mask.shape[:-2], h // CELL, CELL, w // CELL, CELL).any((-3, -1))


def grey_latents(vae: nn.Module, width: int, height: int) -> Tensor:
    """The latents (1, 4, H/8, W/8) that stand for "nothing to keep", for generating."""
    return encoded(vae, torch.full((1, 3, height, width), GREY, device=DEVICE), half=False)


def to_draw(parts: dict[str, nn.Module], count: int, width: int, height: int) -> Tensor | None:
    """The further channels of a drawing model's input; None for a model that only draws."""
    if parts["unet"].conv_in.in_channels == 4:
        return None
    grey = grey_latents(parts["vae"], width, height)
    return torch.cat([torch.ones_like(grey[:, :1]), grey], 1).expand(count, -1, -1, -1)


def to_edit(parts: dict[str, nn.Module], pictures: Tensor, masks: np.ndarray) -> Tensor | None:
    """The further channels for pictures (N, 3, H, W) and masks (N, H, W); None for a model that only draws."""
    if parts["unet"].conv_in.in_channels == 4:
        return None
    masks = torch.from_numpy(masks)[:, None]
    cells = torch.from_numpy(coarse(masks.numpy())).to(DEVICE).float()
    return torch.cat([cells, encoded(parts["vae"], holed(pictures, masks.to(DEVICE)), half=False)], 1)
