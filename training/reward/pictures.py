"""What the critic learns from: rendered pictures, and some as the model would have drawn them."""
from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor

from ..conditioning import as_pictures
from ..device import DEVICE, half_precision
from ..edits.judge import worn
from ..latents import LatentSet
from ..scenes.captions import caption
from ..scenes.dataset import descriptions, shards
from ..scenes.world import Scene
from ..tokenizer import Tokenizer

SIZE, SIDE, BATCH, WEAR = "256x256", 128, 32, (60, 350)     # WEAR: timesteps


def halved(pictures: np.ndarray) -> np.ndarray:
    """(N, 256, 256, 3) to (N, 128, 128, 3)."""
    n = len(pictures)
    return pictures.reshape(n, SIDE, 2, SIDE, 2, 3).mean((2, 4)).astype(np.uint8)


@torch.no_grad()
def drawn(vae: torch.nn.Module, latents: Tensor) -> np.ndarray:
    with half_precision():
        return halved(as_pictures(vae.decoder(latents).float()))


def write(parts: dict, tokenizer: Tokenizer, work: Path, count: int) -> None:
    """work/critic.npz: count latents decoded, and count more after noise and three steps of the U-Net, and where the
    latents are in LatentSet(work, "256x256")."""
    source, rng, words = LatentSet(work, SIZE), np.random.default_rng(7), Random(7)
    torch.manual_seed(7)
    chosen, out = rng.choice(len(source), 2 * count, replace=False), []
    for i in range(0, 2 * count, BATCH):
        rows = [source.one(int(k)) for k in chosen[i:i + BATCH]]
        x = torch.from_numpy(np.stack([r[0] for r in rows])).to(DEVICE).float()
        if i >= count:
            x = worn(parts, tokenizer, x, [caption(s, words) for _, s in rows], int(rng.integers(*WEAR)))
        out.append(drawn(parts["vae"], x))
        if i // BATCH % 10 == 0:
            print("decoded", i, flush=True)
    np.savez(work / "critic.npz", pictures=np.concatenate(out), rows=chosen)


def decoded(work: Path, count: int | None) -> tuple[np.ndarray, list[Scene]]:
    """Pictures of critic.npz (N, 128, 128, 3), those that only went through the autoencoder first, and what they show."""
    data, source = np.load(work / "critic.npz"), LatentSet(work, SIZE)
    return data["pictures"][:count], [source.scenes[i] for i in data["rows"][:count]]


def load(work: Path) -> tuple[np.ndarray, list[Scene]]:
    """All pictures (N, 128, 128, 3) and what they show."""
    files = [p for p in shards(work / "pictures") if p.name.startswith(SIZE)]
    pictures = [np.concatenate([halved(part) for part in np.array_split(np.load(p, mmap_mode="r"), 10)]) for p in files]
    scenes = [s for p in files for s in descriptions(p)]
    worn_too, what = decoded(work, None)
    return np.concatenate([*pictures, worn_too]), [*scenes, *what]
