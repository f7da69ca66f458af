"""Rendered pictures with labels on disk, in shards, and the same pictures as the diffusion model would have them.

A shard is NAME.npy (N, 256, 256, 3) uint8 pictures, NAME.labels.npy (N, 256, 256) uint8 and NAME.json, one
{scene, things} each; NAME.worn.npy has the pictures with the model's own faults, where they are made yet.
"""
from __future__ import annotations

import json
from multiprocessing import Pool
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, nn

from ..conditioning import to_draw
from ..device import DEVICE, half_precision
from ..diffusion import ALPHA_BAR
from ..scenes.captions import caption
from ..scenes.draw import render
from ..scenes.world import Scene, training_scene
from ..tokenizer import Tokenizer

SHARD, SIDE, OUTSIDE, BATCH = 250, 256, 255, 10
MEAN_COLOUR = (124, 116, 104)
SIZES = ((256, 256), (256, 256), (256, 256), (256, 168), (168, 256))
# How a picture is worn: through the autoencoder only, or noised to a timestep up to this and denoised.
MAX_WEAR, WEAR_STEPS = 450, 3
WORN_SHARE = 0.4


def padded(picture: np.ndarray, fill: int | tuple[int, int, int]) -> np.ndarray:
    """Resizes a picture or label map to a long side of SIDE pixels; pads it to a square on the right and at the bottom."""
    out = np.empty((SIDE, SIDE, *picture.shape[2:]), np.uint8)
    out[:] = fill
    out[:picture.shape[0], :picture.shape[1]] = picture
    return out


def save_array(array: np.ndarray, path: Path) -> None:
    partial = path.with_name(path.name + ".partial.npy")
    np.save(partial, array)
    partial.replace(path)


def _render_shard(job: tuple[Path, int]) -> Path:
    folder, index = job
    target = folder / f"{index:04d}.npy"
    if not target.exists():
        rng, pictures, labels, entries = Random(f"sight/{index}"), [], [], []
        for _ in range(SHARD):
            scene = training_scene(rng)
            picture, shown, things = render(scene, rng.getrandbits(32), *rng.choice(SIZES))
            pictures.append(padded(np.asarray(picture), MEAN_COLOUR))
            labels.append(padded(shown, OUTSIDE))
            entries.append({"scene": scene.to_dict(), "things": things, "size": picture.size})
        target.with_suffix(".json").write_text(json.dumps(entries))
        save_array(np.stack(labels), target.with_suffix(".labels.npy"))
        save_array(np.stack(pictures), target)
    return target


def render_shards(folder: Path, count: int, processes: int) -> None:
    """Renders count pictures (rounded up to whole shards); shards already there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    with Pool(processes) as pool:
        for path in pool.imap(_render_shard, [(folder, i) for i in range(-(-count // SHARD))]):
            print("rendered", path.name, flush=True)


def shards(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("[0-9]*.npy") if p.name.count(".") == 1)


@torch.no_grad()
def denoised(parts: dict[str, nn.Module], latent: Tensor, context: Tensor, start: int) -> Tensor:
    """Noise to timestep start, and back in WEAR_STEPS deterministic steps (DDIM, arXiv:2010.02502)."""
    order = [round(start * (1 - i / WEAR_STEPS)) for i in range(WEAR_STEPS)]
    levels = [(ALPHA_BAR[t].sqrt().item(), (1 - ALPHA_BAR[t]).sqrt().item()) for t in order] + [(1.0, 0.0)]
    x = levels[0][0] * latent + levels[0][1] * torch.randn_like(latent)
    more = to_draw(parts, len(x), 8 * x.shape[3], 8 * x.shape[2])
    for t, (a, s), (a1, s1) in zip(order, levels, levels[1:]):
        seen = x if more is None else torch.cat([x, more], 1)
        v = parts["unet"](seen, torch.full((len(x),), t, device=x.device), context).float()
        x = a1 * (a * x - s * v) + s1 * (s * x + a * v)
    return x


@torch.no_grad()
def worn(parts: dict[str, nn.Module], tokenizer: Tokenizer, pictures: np.ndarray, captions: list[str],
         rng: Random) -> np.ndarray:
    """Pictures (N, H, W, 3) of one size, noised and denoised again by the diffusion model."""
    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).to(DEVICE).float() / 127.5 - 1
    with half_precision():
        latent = parts["vae"].encoder(x).float()
        if rng.random() < 0.6:
            context = parts["text_encoder"](torch.from_numpy(tokenizer(captions)).to(DEVICE))
            latent = denoised(parts, latent, context, rng.randint(60, MAX_WEAR))
        out = parts["vae"].decoder(latent).float()
    return out.clamp(-1, 1).add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def wear_shards(folder: Path, parts: dict[str, nn.Module], tokenizer: Tokenizer, count: int) -> None:
    """Makes the worn pictures of the first count pictures; those already there are kept."""
    for path in shards(folder)[:-(-count // SHARD)]:
        target = path.with_suffix(".worn.npy")
        if target.exists():
            continue
        pictures, entries, rng = np.load(path), json.loads(path.with_suffix(".json").read_text()), Random(path.stem)
        for size in sorted({tuple(e["size"]) for e in entries}):
            width, height = size
            rows = [i for i, e in enumerate(entries) if tuple(e["size"]) == size]
            for start in range(0, len(rows), BATCH):
                some = rows[start:start + BATCH]
                words = [caption(Scene.from_dict(entries[i]["scene"]), rng) for i in some]
                pictures[some, :height, :width] = worn(parts, tokenizer, pictures[some, :height, :width], words, rng)
        save_array(pictures, target)
        print("worn", path.name, flush=True)


class Sights:
    """All shards of a folder; pictures stay on disk until they are asked for."""

    def __init__(self, folder: Path):
        self.folder, self.known, self.entries = folder, [], []
        self.refresh()

    def refresh(self) -> None:
        """Loads the shards and worn pictures that were added since the last call."""
        have = {path for path, *_ in self.known}
        for path in shards(self.folder):
            if path not in have:
                self.known.append((path, np.load(path, mmap_mode="r"),
                                   np.load(path.with_suffix(".labels.npy"), mmap_mode="r")))
                self.entries += json.loads(path.with_suffix(".json").read_text())
        self.worn = {block: np.load(p.with_suffix(".worn.npy"), mmap_mode="r") for block, (p, *_)
                     in enumerate(self.known) if p.with_suffix(".worn.npy").exists()}

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, dict]:
        """(picture, labels, {scene, things, size}) by chance, WORN_SHARE of the pictures worn."""
        if self.worn and rng.random() < WORN_SHARE:
            block = rng.choice(list(self.worn))
            pictures = self.worn[block]
        else:
            block = rng.integers(len(self.known))
            pictures = self.known[block][1]
        row = rng.integers(SHARD)
        return pictures[row], self.known[block][2][row], self.entries[block * SHARD + row]
