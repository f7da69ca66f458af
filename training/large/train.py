"""The last steps of a large picture, without guidance: from what the first steps made at half the resolution, enlarged.

The engine takes the first steps of a large picture at half the resolution, where a composition is right, and noises what
they predict again, enlarged (as in SDEdit, Meng et al., ICLR 2022, arXiv:2108.01073). The network never learnt from
enlarged latents, so it made ragged outlines of them. Here it learns to end at the latents of the large picture. At the
sizes that it knows it is to predict what it did (Hinton et al. 2015, arXiv:1503.02531).
"""
from __future__ import annotations

import copy
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, nn

from ..device import DEVICE, half_precision
from ..diffusion import ALPHA_BAR, TRAIN_STEPS, noisy, solve, timesteps
from ..edits.mixture import Mixture
from ..finetune import Finetuning
from ..tokenizer import Tokenizer
from ..train_diffusion import SIZES
from .halves import STEPS, SIZE, SWITCH, Halves, doubled

KEPT = 12                                  # samples of the sizes that it knows in a step
KEEP, FIRST = 2.0, 0.4                     # the weight of their loss; how often the first enlarged step is learnt
DECAY = 0.4


def unguided(model: nn.ModuleDict, ids: Tensor):
    """The model's predictions for a batch."""
    with half_precision():
        context = model["text_encoder"](ids)

    def predict(x: Tensor, t: int) -> Tensor:
        with half_precision():
            return model["unet"](x.contiguous(memory_format=torch.channels_last), torch.full((len(x),), t, device=DEVICE),
                                 context).float()
    return predict


def reached(predict, x: Tensor, order: list[int], taken: int) -> Tensor:
    """The latents, noised to timestep order[taken], that the first steps of order lead to; without gradients."""
    seen = []

    def noting(x: Tensor, t: int) -> Tensor:
        seen.append(x)
        return predict(x, t) if len(seen) <= taken else torch.zeros_like(x)
    with torch.no_grad():
        solve(noting, x, order[:taken + 1])
    return seen[-1]


def enlarging_loss(model: nn.ModuleDict, half: Tensor, whole: Tensor, ids: Tensor, taken: int) -> Tensor:
    """The squared error of the clean latents that the step after `taken` enlarged ones predicts, over its noise."""
    order = timesteps(STEPS)[SWITCH:]
    bar = ALPHA_BAR[order[0]]
    predict = unguided(model, ids)
    x = reached(predict, bar.sqrt() * doubled(half) + (1 - bar).sqrt() * torch.randn_like(whole), order, taken)
    bar = ALPHA_BAR[order[taken]]
    clean = bar.sqrt() * x - (1 - bar).sqrt() * predict(x, order[taken])
    return (clean - whole).square().mean() / (1 - bar).sqrt()


def plain_loss(model: nn.ModuleDict, whole: Tensor, ids: Tensor) -> Tensor:
    """The squared error of v for large pictures, at the timesteps of the enlarged steps."""
    last = timesteps(STEPS)[SWITCH - 1]
    t = ((torch.randperm(len(whole)) + torch.rand(len(whole))) / len(whole) * last).long().to(DEVICE)
    x, v, _ = noisy(whole, torch.randn_like(whole), t)
    with half_precision():
        out = model["unet"](x.contiguous(memory_format=torch.channels_last), t, model["text_encoder"](ids))
    return (out.float() - v).square().mean()


def kept_loss(model: nn.ModuleDict, before: nn.ModuleDict, latents: Tensor, ids: Tensor) -> Tensor:
    """How far the predictions are from those of the model before."""
    t = ((torch.randperm(len(latents)) + torch.rand(len(latents))) / len(latents) * TRAIN_STEPS).long().to(DEVICE)
    x, _, _ = noisy(latents, torch.randn_like(latents), t)
    x = x.contiguous(memory_format=torch.channels_last)
    with half_precision():
        with torch.no_grad():
            right = before["unet"](x, t, before["text_encoder"](ids)).float()
        out = model["unet"](x, t, model["text_encoder"](ids))
    return (out.float() - right).square().mean()


def train(work: Path, parts: dict[str, nn.Module], tokenizer: Tokenizer, minutes: float, batch: int, rate: float) -> None:
    """Goes on from work/large.pt, else from parts; predictions at known sizes stay those of parts."""
    before = nn.ModuleDict({n: copy.deepcopy(parts[n]) for n in ("unet", "text_encoder")}).requires_grad_(False)
    before.to(DEVICE, memory_format=torch.channels_last)
    run = Finetuning(work / "large.pt", parts, minutes, rate, DECAY)
    torch.manual_seed(run.step)
    halves, rng, words = Halves(work), np.random.default_rng([run.step, 6]), Random(run.step)
    known = {size: often for size, often in SIZES.items() if size != SIZE}
    sets = [Mixture(work, parts["vae"], size, True) for size in known]
    odds = np.array([often * (len(s) > 0) for s, often in zip(sets, known.values())])
    ids_of = lambda captions: torch.from_numpy(tokenizer(captions)).to(DEVICE)
    while run.elapsed < 1:
        run.begin()
        half, whole, captions = halves.batch(batch, rng, words, calm=True)
        taken = 0 if rng.random() < FIRST else int(rng.integers(1, STEPS - SWITCH))
        enlarged = enlarging_loss(run.model, half, whole, ids_of(captions), taken)
        enlarged.backward()
        _, whole, captions = halves.batch(batch // 2, rng, words)
        plain = plain_loss(run.model, whole, ids_of(captions))
        plain.backward()
        learnt = sets[rng.choice(len(sets), p=odds / odds.sum())].batch(KEPT, rng, words)
        kept = kept_loss(run.model, before, learnt.latents, ids_of(learnt.captions))
        (KEEP * kept).backward()
        run.end({"first" if taken == 0 else "later": enlarged, "plain": plain, "kept": kept})
    run.save()
