"""The loop that trains either network: warm-up, constant rate, falling rate; the averaged weights are what counts."""
from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from torch import nn

from .. import optimiser
from ..device import DEVICE, load_checkpoint, save_checkpoint
from ..team import Team

WARM_UP, WARM_UP_AGAIN, EMA_DECAY, MAX_NORM = 100, 20, 0.99, 1.0

# A step that takes longer than this many seconds was interrupted; the rest of it does not count as training time.
LONGEST_STEP = 20.0

# Adds the gradient of one batch of this member and returns figures to watch. The second generator
# gives the same numbers to the whole team.
Learn = Callable[[nn.Module, np.random.Generator, np.random.Generator], np.ndarray]


@torch.no_grad()
def average(ema: nn.Module, model: nn.Module, step: int) -> None:
    """Moves the averaged weights, and the statistics of batch norm, towards the model's."""
    decay = min(EMA_DECAY, (1 + step) / (20 + step))
    for a, b in zip(ema.state_dict().values(), model.state_dict().values()):
        a.lerp_(b, 1 - decay) if a.is_floating_point() else a.copy_(b)


def averaged(model: nn.Module, checkpoint: Path) -> nn.Module:
    """The model with the averaged weights of a checkpoint."""
    model.load_state_dict(load_checkpoint(checkpoint)["ema"])
    return model.eval().to(DEVICE)


def train(team: Team, model: nn.Module, checkpoint: Path, learn: Learn, names: tuple[str, ...], minutes: float,
          decay: float, size: int, rate: float) -> None:
    """Resumes from the checkpoint if it exists.

    names: of the figures that learn returns; minutes: wall-clock time of this run without interruptions;
    decay: the share of it in which the rate falls; size: samples of the whole team in a step.
    """
    model = model.train().to(DEVICE, memory_format=torch.channels_last)
    ema, step, samples, seconds = copy.deepcopy(model).requires_grad_(False), 0, 0, 0.0
    optimisers = optimiser.build(model, rate)
    if state := load_checkpoint(checkpoint):
        model.load_state_dict(state["model"])
        ema.load_state_dict(state["ema"])
        step, samples, seconds = state["step"], state["samples"], state["seconds"]
        for o, s in zip(optimisers, state["optimisers"]):
            o.load_state_dict(s)
    first, elapsed, mean = step, 0.0, None
    active, before, shown = 0.0, time.time(), time.time()
    own, common = np.random.default_rng([step, team.rank]), np.random.default_rng(step)

    def save() -> None:
        save_checkpoint({"model": model.state_dict(), "ema": ema.state_dict(), "step": step, "samples": samples,
                         "optimisers": [o.state_dict() for o in optimisers],
                         "seconds": seconds + active}, checkpoint)

    while elapsed < 1:
        for o in optimisers:
            o.zero_grad(set_to_none=True)
        figures = learn(model, own, common)
        active, before = active + min(time.time() - before, LONGEST_STEP), time.time()
        elapsed = team.average_gradients(model, torch.tensor(active / (minutes * 60))).item()
        now = rate * min(1, (step - first + 1) / (WARM_UP_AGAIN if first else WARM_UP), max(0, 1 - elapsed) / decay)
        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        for o in optimisers:
            for group in o.param_groups:
                group["lr"] = now
            o.step()
        step, samples = step + 1, samples + size
        mean = figures if mean is None else 0.97 * mean + 0.03 * figures
        if team.rank > 0:
            continue
        average(ema, model, step)
        if step % 25 == 0:
            print(f"step {step} samples {samples} " + " ".join(f"{n} {v:.3f}" for n, v in zip(names, mean))
                  + f" rate {now:.1e} {25 * size / (time.time() - shown):.1f}/s", flush=True)
            shown = time.time()
        if step % 100 == 0:
            save()
    if team.rank == 0:
        save()
