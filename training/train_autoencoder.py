"""Trains the autoencoder on random crops of rendered pictures.

The loss is the mean absolute error of the pixels and of their differences to the neighbours
(edges), and the mean squared error, without which small things such as stars would vanish. A light penalty keeps every latent channel near mean 0 and deviation 1, so that the
diffusion model needs no scaling factor, and a little noise on the latent makes the decoder
forgiving of what the diffusion model will get wrong.
"""
from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from .device import DEVICE, half_precision, load_checkpoint, save_checkpoint
from .models.autoencoder import Autoencoder
from .scenes.dataset import shards

CROP, BATCH, PEAK_RATE, NOISE = 64, 32, 2e-3, 0.06


def edges(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def loss_of(model: Autoencoder, pictures: torch.Tensor, half: bool) -> tuple[torch.Tensor, float]:
    with half_precision(half):
        out, z = model(pictures, NOISE)
    out = out.float()
    pixel = (out - pictures).abs().mean()
    edge = sum((a - b).abs().mean() for a, b in zip(edges(out), edges(pictures)))
    spread = z.mean((0, 2, 3)).square().mean() + (z.std((0, 2, 3)) - 1).square().mean()
    square = (out - pictures).square().mean()
    return pixel + edge + 3 * square + 0.03 * spread + 0.1 * (z.abs() - 2.7).clamp(min=0).square().mean(), pixel.item()


def crops(pictures: np.ndarray, rng: np.random.Generator, count: int) -> torch.Tensor:
    rows, cols = pictures.shape[1] - CROP, pictures.shape[2] - CROP
    picked = [pictures[i, y:y + CROP, x:x + CROP] for i, y, x in zip(
        rng.integers(len(pictures), size=count), rng.integers(rows + 1, size=count),
        rng.integers(cols + 1, size=count))]
    batch = torch.from_numpy(np.stack(picked)).permute(0, 3, 1, 2)
    return batch.to(DEVICE).float() / 127.5 - 1


def train(work: Path, steps: int, minutes: float) -> None:
    """Resumes from work/autoencoder.pt if it exists; stops after a total of `steps`, or `minutes` from now."""
    checkpoint = work / "autoencoder.pt"
    model = Autoencoder().to(DEVICE, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=1e-4, betas=(0.9, 0.98))
    step, began, shown = 0, time.time(), time.time()
    if state := load_checkpoint(checkpoint):
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step = state["step"]
    rng, mean = np.random.default_rng(step), 0.0
    while step < steps and (elapsed := time.time() - began) < minutes * 60:
        if step % 250 == 0 or mean == 0:
            known = shards(work / "pictures")
            pictures = np.concatenate([np.load(known[i]) for i in rng.choice(len(known), min(4, len(known)), False)])
        done = max(step / steps, elapsed / (minutes * 60))
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * min(1, (step + 1) / 200, max(0.01, (1 - done) / 0.4))
        loss, pixel = loss_of(model, crops(pictures, rng, BATCH), half=done < 0.85)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        mean = pixel if mean == 0 else 0.98 * mean + 0.02 * pixel
        if step % 100 == 0:
            print(f"step {step} pixel {mean * 127.5:.2f}/255 loss {loss.item():.4f} "
                  f"{100 * BATCH / (time.time() - shown):.0f} crops/s", flush=True)
            shown = time.time()
        if step % 500 == 0:
            save_checkpoint({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step}, checkpoint)
    save_checkpoint({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step}, checkpoint)
