"""Trains the ControlNet of a frozen model that draws."""
from __future__ import annotations

import copy
import time
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, nn

from .. import optimiser, safetensors
from ..device import DEVICE, half_precision, load_checkpoint, save_checkpoint
from ..diffusion import TRAIN_STEPS, noisy
from ..export import write_json
from ..models.controlnet import ControlNet
from ..tokenizer import Tokenizer
from ..train_diffusion import average
from .sketches import SketchSet

WARM_UP, MAX_NORM, NO_WORDS = 20, 1.0, 0.1


def as_picture(lines: np.ndarray) -> Tensor:
    """Lines (N, H, W) to the ControlNet's picture (N, 3, H, W), white on black."""
    return torch.from_numpy(lines).to(DEVICE).float()[:, None].expand(-1, 3, -1, -1)


def averaged(work: Path, parts: dict[str, nn.Module]) -> ControlNet:
    """The averaged weights of work/control.pt."""
    model = ControlNet(parts["unet"])
    model.load_state_dict(load_checkpoint(work / "control.pt")["ema"])
    return model.eval()


def export(model: ControlNet, folder: Path) -> None:
    safetensors.save(model.state_dict(), folder / "diffusion_pytorch_model.safetensors")
    write_json(model.config, folder / "config.json")


def train(work: Path, parts: dict[str, nn.Module], tokenizer: Tokenizer, minutes: float, decay: float, batch: int,
          rate: float) -> None:
    """Goes on from work/control.pt, else from a copy of the U-Net in parts; the rate falls over the last part of the
    time given (decay: its share)."""
    checkpoint, state = work / "control.pt", load_checkpoint(work / "control.pt")
    unet, words = parts["unet"].requires_grad_(False), parts["text_encoder"].requires_grad_(False)
    torch.manual_seed(0)
    model = ControlNet(unet).requires_grad_(True).train().to(DEVICE, memory_format=torch.channels_last)
    ema, step, samples = copy.deepcopy(model).requires_grad_(False), 0, 0
    optimisers = optimiser.build(model, rate)
    if state:
        model.load_state_dict(state["model"])
        ema.load_state_dict(state["ema"])
        step, samples = state["step"], state["samples"]
        for o, s in zip(optimisers, state["optimisers"]):
            o.load_state_dict(s)
    data, rng, chance = SketchSet(work, "256x256"), np.random.default_rng(step), Random(step)
    torch.manual_seed(step)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    began, shown, counted, first, mean, elapsed = time.time(), time.time(), samples, step, None, 0.0
    while elapsed < 1:
        latents, lines, captions = zip(*(data.draw(rng, chance) for _ in range(batch)))
        captions = ["" if chance.random() < NO_WORDS else c for c in captions]
        latents = torch.from_numpy(np.stack(latents)).to(DEVICE).float()
        slices = (torch.randperm(batch) + torch.rand(batch)) / batch
        t = (slices * TRAIN_STEPS).long().clamp(max=TRAIN_STEPS - 1).to(DEVICE)
        x, v, _ = noisy(latents, torch.randn_like(latents), t)
        x = x.contiguous(memory_format=torch.channels_last)
        with half_precision():
            with torch.no_grad():
                context = words(torch.from_numpy(tokenizer(captions)).to(DEVICE))
            out = unet(x, t, context, model(x, t, context, as_picture(np.stack(lines))))
        loss = (out.float() - v).square().mean()     # min-SNR would hide the steps that lay a picture out
        for o in optimisers:
            o.zero_grad(set_to_none=True)
        loss.backward()
        elapsed = (time.time() - began) / (minutes * 60)
        now = rate * min(1, (step - first + 1) / WARM_UP, max(0, 1 - elapsed) / decay)
        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        for o in optimisers:
            for group in o.param_groups:
                group["lr"] = now
            o.step()
        step, samples = step + 1, samples + batch
        average(ema, model, step)
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        if step % 20 == 0:
            print(f"step {step} samples {samples} loss {mean:.4f} rate {now:.1e} "
                  f"{(samples - counted) / (time.time() - shown):.0f} samples/s", flush=True)
            shown, counted = time.time(), samples
        if step % 100 == 0 or elapsed >= 1:
            save_checkpoint({"model": model.state_dict(), "ema": ema.state_dict(), "step": step, "samples": samples,
                             "optimisers": [o.state_dict() for o in optimisers]}, checkpoint)
