"""Encodes rendered shards, and their mirror images, to latents beside the pictures."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from .device import DEVICE, half_precision
from .models.autoencoder import Autoencoder
from .scenes.dataset import descriptions, shards
from .scenes.world import Scene

BATCH = 20


@torch.no_grad()
def encode_shards(autoencoder: Autoencoder, work: Path) -> None:
    """Writes work/latents/NAME.npy (float16, the pictures and then their mirror images) for every new shard."""
    (work / "latents").mkdir(parents=True, exist_ok=True)
    for shard in shards(work / "pictures"):
        target = work / "latents" / shard.name
        if target.exists():
            continue
        pictures, out = np.load(shard, mmap_mode="r"), []
        for flip in (False, True):
            for i in range(0, len(pictures), BATCH):
                batch = torch.from_numpy(np.array(pictures[i:i + BATCH])).permute(0, 3, 1, 2)
                batch = (batch.flip(-1) if flip else batch).to(DEVICE).float() / 127.5 - 1
                with half_precision():
                    out.append(autoencoder.encoder(batch).float().cpu().numpy().astype(np.float16))
        partial = target.with_suffix(".partial.npy")
        np.save(partial, np.concatenate(out))
        partial.replace(target)
        print("encoded", shard.name, flush=True)


class LatentSet:
    """The latents of one picture size in memory, with their scenes."""

    def __init__(self, work: Path, size: str):
        self.work, self.size = work, size
        self.known: set[str] = set()
        self.latents: list[np.ndarray] = []
        self.scenes: list[Scene] = []
        self.refresh()

    def refresh(self) -> None:
        """Loads the shards that were added since the last call."""
        for path in sorted((self.work / "latents").glob(f"{self.size}-*.npy")):
            if path.name in self.known or ".partial" in path.name:
                continue
            self.known.add(path.name)
            self.latents.append(np.load(path, mmap_mode="r"))
            scenes = descriptions(self.work / "pictures" / path.name)
            self.scenes += [*scenes, *(s.mirrored() for s in scenes)]
        self.starts = np.cumsum([0] + [len(a) for a in self.latents])

    def __len__(self) -> int:
        return len(self.scenes)

    def one(self, index: int) -> tuple[np.ndarray, Scene]:
        block = int(np.searchsorted(self.starts, index, "right")) - 1
        return self.latents[block][index - self.starts[block]], self.scenes[index]
