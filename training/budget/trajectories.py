"""What the full process computes for prompts that nobody judges: the latents and results of its every step.

A shard NAME.npz in work/trajectories holds `latents` (N, steps, 4, H, W), what each step begins with, and `results`,
the denoised latents that it gives, guidance included (float16), and NAME.json the prompts.
"""
from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, nn

from ..device import DEVICE, half_precision
from ..diffusion import ALPHA_BAR, guided, sample
from ..scenes.captions import caption
from ..scenes.world import training_scene
from ..tokenizer import Tokenizer

SHARD, BATCH, STEPS, GUIDANCE = 128, 32, 20, 5.0
SIDE = 32                                  # of the latents


@torch.no_grad()
def trajectories(parts: dict[str, nn.Module], tokenizer: Tokenizer, captions: list[str], noise: Tensor) -> tuple[Tensor, Tensor]:
    """What each step begins with and its result, (N, steps, 4, H, W) each."""
    context, empty = (parts["text_encoder"](torch.from_numpy(tokenizer(t)).to(DEVICE))
                      for t in (captions, [""] * len(captions)))
    steps, began, results = guided(parts["unet"], context, empty, GUIDANCE), [], []

    def predict(x: Tensor, t: int) -> Tensor:
        bar = ALPHA_BAR[t].item()
        with half_precision():
            v = steps(x, t)
        began.append(x)
        results.append(bar ** 0.5 * x - (1 - bar) ** 0.5 * v)
        return v

    sample(predict, noise, STEPS)
    return torch.stack(began, 1), torch.stack(results, 1)


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
        parted = [trajectories(parts, tokenizer, captions[i:i + BATCH], noise[i:i + BATCH])
                  for i in range(0, SHARD, BATCH)]
        latents, results = (torch.cat(half).half().cpu().numpy() for half in zip(*parted))
        target.with_suffix(".json").write_text(json.dumps(captions))
        partial = target.with_suffix(".partial.npz")
        np.savez(partial, latents=latents, results=results)
        partial.replace(target)
        print("followed", target.name, flush=True)


class Trajectories:
    """The shards in memory."""

    def __init__(self, folder: Path):
        self.folder, self.known, self.captions = folder, set(), []
        self.latents: list[np.ndarray] = []
        self.results: list[np.ndarray] = []
        self.refresh()

    def refresh(self) -> None:
        for path in sorted(self.folder.glob("*.npz")):
            if path.name in self.known or ".partial" in path.name:
                continue
            self.known.add(path.name)
            data = np.load(path)
            self.latents.append(data["latents"])
            self.results.append(data["results"])
            self.captions.append(json.loads(path.with_suffix(".json").read_text()))

    def batch(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, list[str]]:
        """Latents and results (N, steps, 4, H, W) of trajectories of one shard, and their prompts."""
        shard = int(rng.integers(len(self.latents)))
        rows = rng.choice(len(self.latents[shard]), count, replace=False)
        tensor = lambda a: torch.from_numpy(a[rows].astype(np.float32)).to(DEVICE)
        return tensor(self.latents[shard]), tensor(self.results[shard]), [self.captions[shard][i] for i in rows]
