"""Fits a multistep sampler of few steps, so that it ends near where the full process ends.

As in S4S (Frankel et al. 2025, arXiv:2502.17423) a step is any weighted sum of the latents that it begins with and of the
results of this step and the two before it. The weights come from least squares, step by step: from what the steps before
it made, a step is to reach what the full process has at the next place. The places are steps of the full process, found
by moving one of them, or it and all later ones, as long as that helps.
"""
from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..device import DEVICE, half_precision
from ..diffusion import ALPHA_BAR, guided, timesteps
from ..tokenizer import Tokenizer
from .trajectories import BATCH, GUIDANCE, STEPS, Trajectories

HISTORY = 3                                # results that a step adds up
RIDGE = 1e-6                               # relative to latents of deviation 1
SEARCHED = 96                              # trajectories that places are searched with
PASSES = 3                                 # of the last fit: a trajectory weighs the less, the farther it ended in the pass before


@dataclass
class Process:
    """Trajectories of the full process, and what computes a step of them."""
    latents: Tensor                        # (N, STEPS, 4, H, W): what each step begins with
    final: Tensor                          # (N, 4, H, W)
    context: Tensor                        # (N, L, D)
    empty: Tensor                          # (1, L, D)
    unet: nn.Module

    def __len__(self) -> int:
        return len(self.final)

    def first(self, count: int) -> Process:
        return replace(self, latents=self.latents[:count], final=self.final[:count], context=self.context[:count])

    def result(self, x: Tensor, t: int) -> Tensor:
        """The denoised latents (N, 4, H, W) of latents x at timestep t, guidance included."""
        bar, parts = ALPHA_BAR[t].item(), []
        for part, context in zip(x.split(BATCH), self.context.split(BATCH)):
            predict = guided(self.unet, context, self.empty.expand(len(part), -1, -1), GUIDANCE)
            with half_precision():
                parts.append(predict(part.contiguous(memory_format=torch.channels_last), t))
        return bar ** 0.5 * x - (1 - bar) ** 0.5 * torch.cat(parts)


@torch.no_grad()
def followed(work: Path, parts: dict[str, nn.Module], tokenizer: Tokenizer, count: int) -> Process:
    """The first trajectories of work/trajectories, which `trajectories` writes."""
    data = Trajectories(work / "trajectories")
    join = lambda shards: torch.from_numpy(np.concatenate(shards)[:count].astype(np.float32)).to(DEVICE)
    captions = [text for shard in data.captions for text in shard][:count]
    words = lambda texts: parts["text_encoder"](torch.from_numpy(tokenizer(texts)).to(DEVICE))
    return Process(join([s["latents"] for s in data.shards]), join([s["results"][:, -1] for s in data.shards]), words(captions), words([""]),
                   parts["unet"].to(DEVICE, memory_format=torch.channels_last))


def solved(terms: list[Tensor], target: Tensor, trust: Tensor) -> list[float]:
    """The weights of terms (N, 4, H, W) whose sum is nearest to the target; trust (N) weighs the squared errors."""
    rows = torch.stack([t.flatten() for t in terms], 1).double()
    trusted = rows * trust[:, None].expand(-1, target[0].numel()).reshape(-1, 1)
    square = rows.T @ trusted / (trust.sum() * target[0].numel())
    return torch.linalg.solve(square + RIDGE * torch.eye(len(terms)).to(square),
                              trusted.T @ target.flatten().double() / (trust.sum() * target[0].numel())).tolist()


@torch.no_grad()
def fit(process: Process, places: list[int], passes: int = 1) -> tuple[list[list[float]], float]:
    """The weights of each step, and how near it ends: the mean of -10 log10 of the squared error of the latents.

    places: steps of the full process, ascending, the first of them 0.
    """
    order, trust = timesteps(STEPS), torch.ones(len(process), device=DEVICE)
    for _ in range(passes):
        x, results, weights = process.latents[:, 0], [], []
        for step, place in enumerate(places):
            results = [process.result(x, order[place]), *results][:HISTORY]
            target = process.latents[:, places[step + 1]] if step + 1 < len(places) else process.final
            terms = [x, *results]
            weights.append(solved(terms, target, trust))
            x = sum(w * term for w, term in zip(weights[-1], terms))
        trust = 1 / (x - process.final).square().flatten(1).mean(1)
    return weights, (10 * trust.log10()).mean().item()


def moved(places: list[int]) -> list[list[int]]:
    """Places of which one, or one and all later ones, are a step earlier or later."""
    many = []
    for i in range(1, len(places)):
        for end in (i + 1, len(places)):
            many += [[*places[:i], *(p + by for p in places[i:end]), *places[end:]] for by in (1, -1)]
    return [m for m in many if m[-1] < STEPS and all(a < b for a, b in zip(m, m[1:]))]


def search(process: Process, count: int) -> list[int]:
    """Places of count steps, from even ones on."""
    process = process.first(SEARCHED)
    best = [round(i * STEPS / count) for i in range(count)]
    tried = {tuple(best): fit(process, best)[1]}
    improved = True
    while improved:
        improved = False
        for places in moved(best):
            if tuple(places) in tried:
                continue
            tried[tuple(places)] = fit(process, places)[1]
            if tried[tuple(places)] > tried[tuple(best)]:
                best, improved = places, True
                print(best, f"{tried[tuple(best)]:.2f} dB", flush=True)
                break
    return best


def write(config: Path, places: list[int], weights: list[list[float]]) -> str:
    """Puts the weights into a scheduler's config, in place of those with as many steps; returns the step plan for them."""
    at = [timesteps(STEPS)[place] for place in places]
    settings = json.loads(config.read_text())
    others = [one for one in settings.get("learned_steps", []) if len(one["timesteps"]) != len(at)]
    mine = {"timesteps": at, "weights": [[round(w, 5) for w in row] for row in weights]}
    settings["learned_steps"] = sorted([*others, mine], key=lambda one: len(one["timesteps"]))
    config.write_text(json.dumps(settings, indent=2) + "\n")
    return " ".join(["F" * len(at), *map(str, at)])
