"""What the full process computes for prompts that nobody judges: the latents and results of its every step.

A shard NAME.npz holds `latents` (N, steps, 4, H, W), what each step begins with, and `results`, the denoised latents
that it gives, guidance included (float16), and NAME.json the prompts. Shards of edits (edits.py) also have `mask`,
`known` and `original`.
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, nn

from ..device import DEVICE, half_precision
from ..diffusion import ALPHA_BAR, guided, sample, timesteps
from ..scenes.captions import caption
from ..scenes.world import training_scene
from ..tokenizer import Tokenizer

SHARD, BATCH, STEPS, GUIDANCE = 128, 32, 20, 5.0
SIDE = 32                                  # of the latents


@dataclass
class Canvas:
    """What an edit paints on: a mask (N, 1, H, W), the latents (N, 4, H, W) with a hole in its place, and those without."""
    mask: Tensor
    known: Tensor
    original: Tensor

    @property
    def channels(self) -> Tensor:
        """The further channels (N, 5, H, W) of the network's input."""
        return torch.cat([self.mask, self.known], 1)

    @property
    def keep(self) -> tuple[Tensor, Tensor]:
        return self.original, self.mask

    def __getitem__(self, some: slice) -> Canvas:
        return Canvas(self.mask[some], self.known[some], self.original[some])


@dataclass
class Followed:
    """Latents and results (N, steps, 4, H, W) of trajectories, their prompts, and what edits paint on."""
    latents: Tensor
    results: Tensor
    captions: list[str]
    canvas: Canvas | None = None

    @property
    def noise(self) -> Tensor:
        """The noise (N, 4, H, W) that they begin with; outside an edit's mask the first step sees the noised original."""
        first = self.latents[:, 0]
        if self.canvas is None:
            return first
        bar = ALPHA_BAR[timesteps(STEPS)[0]].item()
        original, mask = self.canvas.keep
        return torch.where(mask > 0, first, (first - bar ** 0.5 * original) / (1 - bar) ** 0.5)


@torch.no_grad()
def trajectories(parts: dict[str, nn.Module], tokenizer: Tokenizer, captions: list[str], noise: Tensor,
                 guidance: float = GUIDANCE, canvas: Canvas | None = None) -> tuple[Tensor, Tensor]:
    """What each step begins with and its result, (N, steps, 4, H, W) each."""
    context, empty = (parts["text_encoder"](torch.from_numpy(tokenizer(t)).to(DEVICE))
                      for t in (captions, [""] * len(captions)))
    steps = guided(parts["unet"], context, empty, guidance, canvas and canvas.channels)
    began, results = [], []

    def predict(x: Tensor, t: int) -> Tensor:
        bar = ALPHA_BAR[t].item()
        with half_precision():
            v = steps(x, t)
        began.append(x)
        results.append(bar ** 0.5 * x - (1 - bar) ** 0.5 * v)
        return v

    sample(predict, noise, STEPS, canvas and canvas.keep)
    return torch.stack(began, 1), torch.stack(results, 1)


def write_shard(target: Path, parts: dict[str, nn.Module], tokenizer: Tokenizer, captions: list[str], noise: Tensor,
                guidance: float = GUIDANCE, canvas: Canvas | None = None) -> None:
    """Follows the trajectories of a shard; the file appears whole or not at all."""
    batch = max(1, BATCH * SIDE ** 2 // noise[0, 0].numel())
    parted = [trajectories(parts, tokenizer, captions[i:i + batch], noise[i:i + batch], guidance,
                           canvas and canvas[i:i + batch]) for i in range(0, len(captions), batch)]
    arrays = dict(zip(("latents", "results"), (torch.cat(half) for half in zip(*parted)))) | (vars(canvas) if canvas else {})
    target.with_suffix(".json").write_text(json.dumps(captions))
    partial = target.with_suffix(".partial.npz")
    np.savez(partial, **{name: data.half().cpu().numpy() for name, data in arrays.items()})
    partial.replace(target)
    print("followed", target.name, flush=True)


def write_shards(parts: dict[str, nn.Module], tokenizer: Tokenizer, folder: Path, count: int) -> None:
    """Follows count trajectories (rounded up to whole shards); shards already there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(-(-count // SHARD)):
        target = folder / f"{index:04d}.npz"
        if target.exists():
            continue
        rng = Random(f"trajectory/{index}")
        captions = [caption(training_scene(rng), rng) for _ in range(SHARD)]
        noise = torch.randn((SHARD, 4, SIDE, SIDE), generator=torch.Generator().manual_seed(index)).to(DEVICE)
        write_shard(target, parts, tokenizer, captions, noise)


class Trajectories:
    """The shards in memory."""

    def __init__(self, folder: Path):
        self.folder, self.known, self.captions = folder, set(), []
        self.shards: list[dict[str, np.ndarray]] = []
        self.refresh()

    def refresh(self) -> None:
        for path in sorted(self.folder.glob("*.npz")):
            if path.name in self.known or ".partial" in path.name:
                continue
            self.known.add(path.name)
            self.shards.append(dict(np.load(path)))
            self.captions.append(json.loads(path.with_suffix(".json").read_text()))

    def batch(self, count: int, rng: np.random.Generator) -> Followed:
        """Trajectories of one shard; fewer than count where they are larger than SIDE."""
        index = int(rng.integers(len(self.shards)))
        shard, captions = self.shards[index], self.captions[index]
        size = shard["latents"][0, 0, 0].size
        rows = rng.choice(len(captions), max(1, min(2 * count, count * SIDE ** 2 // size)), replace=False)
        taken = {name: torch.from_numpy(data[rows].astype(np.float32)).to(DEVICE) for name, data in shard.items()}
        latents, results = taken.pop("latents"), taken.pop("results")
        return Followed(latents, results, [captions[i] for i in rows], Canvas(**taken) if taken else None)
