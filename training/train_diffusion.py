"""Trains the U-Net and the text encoder together on the latents, to draw and to edit, or to draw only.

The learning rate warms up, stays, and falls to nothing over the last part of the time given, so
every run ends with finished weights and the next run goes on from there. What is exported is an
exponential moving average of the weights.
"""
from __future__ import annotations

import copy
import time
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import nn

from . import optimiser
from .device import DEVICE, half_precision, load_checkpoint, save_checkpoint
from .diffusion import TRAIN_STEPS, noisy
from .export import load_part
from .edits.mixture import Batch, Mixture
from .models import text_encoder as text
from .models.text_encoder import TextEncoder
from .models.unet import CONFIG, UNet
from .team import Team
from .tokenizer import Tokenizer

WARM_UP, WARM_UP_AGAIN, EMA_DECAY, MAX_NORM = 50, 10, 0.995, 1.0
SIZES = {"256x256": 1.0, "384x256": 0.1, "256x384": 0.1, "512x512": 0.15}   # how often, where there are pictures
CROP_SHARE, CROPS = 0.35, (16, 20, 24)     # of the steps, and latents on a side
WORDS_RATE = 0.3                          # the text encoder's rate, as a share of the U-Net's


def checkpoint_of(work: Path, draws: bool) -> Path:
    return work / ("drawing.pt" if draws else "diffusion.pt")


def channels(draws: bool) -> int:
    """Of the U-Net's input: the latents, and beside them the mask and the known latents where it edits."""
    return CONFIG["out_channels"] if draws else CONFIG["in_channels"]


def new_model(vocabulary: int, draws: bool = False) -> nn.ModuleDict:
    return nn.ModuleDict({"unet": UNet({**CONFIG, "in_channels": channels(draws)}).initialise(),
                          "text_encoder": TextEncoder(text.config(vocabulary)).initialise()})


def from_export(folder: Path, draws: bool = False) -> nn.ModuleDict:
    return nn.ModuleDict({"unet": load_part(folder, "unet").widened(channels(draws)),
                          "text_encoder": load_part(folder, "text_encoder")})


def averaged(work: Path, draws: bool = False) -> nn.ModuleDict:
    """The averaged weights of the checkpoint in work."""
    state = load_checkpoint(checkpoint_of(work, draws))["ema"]
    model = new_model(state["text_encoder.text_model.embeddings.token_embedding.weight"].shape[0], draws)
    model.load_state_dict(state)
    return model.eval()


def loss_of(model: nn.ModuleDict, batch: Batch, ids: torch.Tensor) -> torch.Tensor:
    # One timestep from each equal slice of the schedule: less noise in the gradient than plain chance.
    latents = batch.latents
    slices = (torch.randperm(len(latents)) + torch.rand(len(latents))) / len(latents)
    t = (slices * TRAIN_STEPS).long().clamp(max=TRAIN_STEPS - 1).to(DEVICE)
    noise = torch.randn_like(latents)
    x, v, weight = noisy(latents, noise, t)
    if model["unet"].conv_in.in_channels > x.shape[1]:
        x = torch.cat([x, batch.mask, batch.known], 1)
    with half_precision():
        out = model["unet"](x.contiguous(memory_format=torch.channels_last), t, model["text_encoder"](ids))
    return (weight * batch.weight * (out.float() - v).square()).mean()


@torch.no_grad()
def average(ema: nn.Module, model: nn.Module, step: int) -> None:
    decay = min(EMA_DECAY, (1 + step) / (20 + step))
    for a, b in zip(ema.parameters(), model.parameters()):
        a.lerp_(b, 1 - decay)


def train(team: Team, work: Path, minutes: float, decay: float, batch: int, rate: float, muon: bool,
          start: Path | None, draws: bool, tokenizer_folder: Path, vae: nn.Module) -> None:
    """Goes on from the checkpoint in work, else from the export in start, else from nothing.

    minutes: wall-clock time of this run; decay: the share of it in which the rate falls; batch: of
    the whole team; draws: learn from words alone, with four input channels.
    """
    checkpoint = checkpoint_of(work, draws)
    state = load_checkpoint(checkpoint)
    tokenizer = Tokenizer.load(tokenizer_folder)
    torch.manual_seed(0)
    model = from_export(start, draws) if start and not state else new_model(len(tokenizer.vocabulary), draws)
    model = model.train().to(DEVICE, memory_format=torch.channels_last)
    ema, step, samples, seconds = copy.deepcopy(model).requires_grad_(False), 0, 0, 0.0
    optimisers = [*optimiser.build(model["unet"], rate, muon), *optimiser.build(model["text_encoder"], rate, muon)]
    for o in optimisers[len(optimisers) // 2:]:
        for group in o.param_groups:
            group["share"] = WORDS_RATE if start else 1.0
    if state:
        model.load_state_dict(state["model"])
        ema.load_state_dict(state["ema"])
        step, samples, seconds = state["step"], state["samples"], state["seconds"]
        for o, s in zip(optimisers, state["optimisers"]):
            o.load_state_dict(s)
    sets = [Mixture(work, vae, size, draws) for size in SIZES]
    began, shown, first, counted, mean, elapsed = time.time(), time.time(), step, samples, None, 0.0
    which = np.random.default_rng(step)                       # the same for the whole team
    seed = step * team.size + team.rank
    rng, words = np.random.default_rng([seed, 1]), Random(seed)
    torch.manual_seed(seed)

    def save() -> None:
        save_checkpoint({"model": model.state_dict(), "ema": ema.state_dict(), "step": step, "samples": samples,
                         "optimisers": [o.state_dict() for o in optimisers],
                         "seconds": seconds + time.time() - began}, checkpoint)

    if team.rank == 0:
        print(f"{sum(p.numel() for p in model['unet'].parameters())} parameters in the U-Net, "
              f"{sum(p.numel() for p in model['text_encoder'].parameters())} in the text encoder", flush=True)
    while elapsed < 1:
        if (step - first) % 100 == 0:
            for s in sets:
                s.refresh()
            odds = np.array([often * (len(s) > 0) for s, often in zip(sets, SIZES.values())])
        chosen = sets[which.choice(len(sets), p=odds / odds.sum())]
        side = int(which.choice(CROPS)) if chosen.has_edits and which.random() < CROP_SHARE else None
        learnt = chosen.batch(batch // team.size, rng, words, side)
        loss = loss_of(model, learnt, torch.from_numpy(tokenizer(learnt.captions)).to(DEVICE))
        for o in optimisers:
            o.zero_grad(set_to_none=True)
        loss.backward()
        elapsed = team.average_gradients(model, torch.tensor((time.time() - began) / (minutes * 60))).item()
        now = rate * min(1, (step - first + 1) / (WARM_UP_AGAIN if first else WARM_UP), max(0, 1 - elapsed) / decay)
        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        for o in optimisers:
            for group in o.param_groups:
                group["lr"] = now * group.get("share", 1.0)
            o.step()
        step, samples = step + 1, samples + len(learnt.captions) * team.size
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        if team.rank > 0:
            continue
        average(ema, model, step)
        if step % 20 == 0:
            print(f"step {step} samples {samples} loss {mean:.4f} rate {now:.1e} "
                  f"{(samples - counted) / (time.time() - shown):.0f} samples/s", flush=True)
            shown, counted = time.time(), samples
        if step % 100 == 0:
            save()
    if team.rank == 0:
        save()
