"""Pairs to learn enlarging from: what the model makes of a large picture at half its resolution, and the picture's latents."""
from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..conditioning import as_input, encoded
from ..device import DEVICE, half_precision
from ..diffusion import ALPHA_BAR, guided, solve, timesteps
from ..latents import LatentSet
from ..scenes.captions import caption
from ..scenes.dataset import descriptions, shards
from ..tokenizer import Tokenizer

SIZE, BATCH, GUIDANCE = "512x512", 20, 5.0
STEPS, SWITCH = 20, 14                     # of the process, and those of them that are taken at half the resolution
EARLIEST = 10                              # the first step at half the resolution that is taken for a pair
SPECKLED = ("rainy", "snowy", "stormy")    # weathers with drops and flakes that half the resolution does not tell


@torch.no_grad()
def write(parts: dict, tokenizer: Tokenizer, work: Path) -> None:
    """work/halves/NAME.npy for every new shard of pictures of SIZE: clean latents (float16) as the process predicts them in
    its last step at half the resolution, of the pictures and then of their mirror images."""
    (work / "halves").mkdir(parents=True, exist_ok=True)
    words, rng, order = Random(11), np.random.default_rng(11), timesteps(STEPS)
    for shard in (s for s in shards(work / "pictures") if s.name.startswith(f"{SIZE}-")):
        target = work / "halves" / shard.name
        if target.exists():
            continue
        pictures, scenes, out = np.load(shard, mmap_mode="r"), descriptions(shard), []
        for flip in (False, True):
            for i in range(0, len(pictures), BATCH):
                x = F.avg_pool2d(as_input(np.array(pictures[i:i + BATCH])), 2)
                x = encoded(parts["vae"], x.flip(-1) if flip else x)
                shown = [s.mirrored() if flip else s for s in scenes[i:i + BATCH]]
                out.append(predicted(parts, tokenizer, x, [caption(s, words) for s in shown],
                                     order[int(rng.integers(EARLIEST, SWITCH)):SWITCH]).cpu().numpy().astype(np.float16))
        partial = target.with_suffix(".partial.npy")
        np.save(partial, np.concatenate(out))
        partial.replace(target)
        print("predicted", shard.name, flush=True)


def predicted(parts: dict, tokenizer: Tokenizer, latents: Tensor, captions: list[str], order: list[int]) -> Tensor:
    """The clean latents that guided steps at timesteps order make of latents with noise."""
    with half_precision():
        context, empty = (parts["text_encoder"](torch.from_numpy(tokenizer(texts)).to(DEVICE))
                          for texts in (captions, [""] * len(captions)))
        bar = ALPHA_BAR[order[0]]
        x = bar.sqrt() * latents + (1 - bar).sqrt() * torch.randn_like(latents)
        return solve(guided(parts["unet"], context, empty, GUIDANCE), x, order)


def doubled(latents: Tensor) -> Tensor:
    """Latents (N, C, H, W) at twice the resolution, as the engine enlarges them."""
    return F.interpolate(latents, scale_factor=2, mode="bilinear")


class Halves:
    """The pairs of work/halves and work/latents."""

    def __init__(self, work: Path):
        self.whole = LatentSet(work, SIZE)
        self.calm = np.array([i for i, scene in enumerate(self.whole.scenes) if scene.weather not in SPECKLED])
        self.halves = np.concatenate([np.load(p, mmap_mode="r") for p in sorted((work / "halves").glob(f"{SIZE}-*.npy"))
                                      if ".partial" not in p.name])
        if len(self.halves) != len(self.whole):
            raise ValueError(f"{work / 'halves'} has {len(self.halves)} latents, {work / 'latents'} {len(self.whole)} of {SIZE}")

    def batch(self, count: int, rng: np.random.Generator, words: Random,
              calm: bool = False) -> tuple[Tensor, Tensor, list[str]]:
        """Clean latents at half the resolution, those of the large pictures, and what these show. calm: not SPECKLED."""
        rows = rng.choice(self.calm, count) if calm else rng.integers(len(self.whole), size=count)
        pairs = [self.whole.one(int(k)) for k in rows]
        tensor = lambda arrays: torch.from_numpy(np.stack(arrays)).to(DEVICE).float()
        return tensor([self.halves[k] for k in rows]), tensor([x for x, _ in pairs]), [caption(s, words) for _, s in pairs]
