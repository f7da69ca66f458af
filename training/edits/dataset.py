"""Edits on disk, in shards: latents only, since a picture can be drawn again from its shard's seed.

A shard is NAME.npy (N, 2 + MASKS, 4, H/8, W/8) float16, the latents of the picture with the thing, without it, and
with each of its masks as a grey hole; NAME.masks.npy (N, MASKS, H/8, W/8), the masks; NAME.json, what the things are.
"""
from __future__ import annotations

import json
from multiprocessing import Pool
from pathlib import Path
from random import Random

import numpy as np
import torch

from ..conditioning import as_input, coarse, encoded, holed
from ..models.autoencoder import Autoencoder
from ..scenes.world import Scene
from .compose import random_edit
from .masks import around

SHARD, MASKS = 100, 2


def _write_shard(vae: Autoencoder, folder: Path, index: int, width: int, height: int) -> Path:
    target = folder / f"{width}x{height}-{index:04d}.npy"
    if target.exists():
        return target
    rng = Random(f"edits/{width}x{height}/{index}")
    generator = np.random.default_rng(rng.getrandbits(32))
    edits = [random_edit(rng, width, height) for _ in range(SHARD)]
    drawn = [[around(e.thing, generator) for _ in range(MASKS)] for e in edits]
    masks = torch.from_numpy(np.array([[m for m, _ in row] for row in drawn]))
    whole, bare = (as_input(np.stack([getattr(e, name) for e in edits])) for name in ("whole", "bare"))
    latents = [encoded(vae, x) for x in (whole, bare, *(holed(whole, masks[:, k, None]) for k in range(MASKS)))]
    entries = [{"scene": e.scene.to_dict(), "kind": e.kind, "colour": e.colour, "place": e.place,
                "forms": [form for _, form in row]} for e, row in zip(edits, drawn)]
    target.with_suffix(".json").write_text(json.dumps(entries))
    np.save(target.with_suffix(".masks.npy"), np.array([[coarse(m) for m, _ in row] for row in drawn]))
    partial = target.with_suffix(".partial.npy")
    np.save(partial, torch.stack(latents, 1).cpu().numpy().astype(np.float16))
    partial.replace(target)
    return target


_vae: Autoencoder


def _prepare(vae: Autoencoder) -> None:
    global _vae
    torch.set_num_threads(1)
    _vae = vae


def _job(args: tuple[Path, int, int, int]) -> Path:
    return _write_shard(_vae, *args)


def write_shards(vae: Autoencoder, folder: Path, count: int, width: int, height: int, first: int,
                 processes: int) -> None:
    """Makes count pictures (rounded up to whole shards); shards already there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(folder, first + i, width, height) for i in range(-(-count // SHARD))]
    with Pool(processes, _prepare, (vae,)) as pool:
        for path in pool.imap(_job, jobs):
            print("made", path.name, flush=True)


class EditSet:
    """The edits of one picture size; latents stay on disk until they are asked for."""

    def __init__(self, folder: Path, size: str):
        self.folder, self.size = folder, size
        self.known: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.entries: list[dict] = []
        self.refresh()

    def refresh(self) -> None:
        """Loads the shards that were added since the last call."""
        for path in sorted(self.folder.glob(f"{self.size}-*.npy")):
            if path.name not in self.known and path.name.count(".") == 1:
                self.known[path.name] = (np.load(path, mmap_mode="r"), np.load(path.with_suffix(".masks.npy")))
                self.entries += json.loads(path.with_suffix(".json").read_text())
        self.shards = list(self.known.values())

    def __len__(self) -> int:
        return len(self.entries)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, dict, Scene]:
        """The four kinds of latents, the masks, the thing and the scene of a random picture."""
        index = int(rng.integers(len(self)))
        latents, masks = self.shards[index // SHARD]
        entry = self.entries[index]
        return latents[index % SHARD], masks[index % SHARD], entry, Scene.from_dict(entry["scene"])
