"""Trajectories of edits: what the model that edits does in its full process, for masks and words of the training data."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, nn

from ..conditioning import grey_latents
from ..device import DEVICE
from ..edits.compose import removal_caption, thing_caption
from ..edits.dataset import MASKS, EditSet
from ..edits.mixture import around
from ..scenes.captions import caption
from ..scenes.world import Group
from ..tokenizer import Tokenizer
from .trajectories import Canvas, write_shard

GUIDANCE, SHARD = 3.0, 64
SHARES = {"edit": 0.68, "remove": 0.19, "empty": 0.04, "draw": 0.04, "extend": 0.05}
# Picture sizes, and the latents of a side of the squares around the masks that are followed; None: whole pictures.
PARTS = (("256x256", None), ("256x256", 24), ("256x256", None), ("256x256", 20), ("512x512", 40), ("256x256", None),
         ("256x256", 24), ("512x512", None))


def canvases(data: EditSet, grey: Tensor, side: int | None, count: int, rng: np.random.Generator,
             words: Random) -> tuple[Canvas, list[str]]:
    """What count edits paint on, and their prompts; grey: latents (4, H, W) of a picture of which nothing is kept."""
    rows, captions = [], []
    while len(rows) < count:
        kinds, drawn, entry, scene = data.draw(rng)
        k, way = int(rng.integers(MASKS)), rng.choice(list(SHARES), p=list(SHARES.values()))
        whole, bare, hole, mask = kinds[0], kinds[1], kinds[2 + k], drawn[k]
        if way == "draw":
            row = (np.ones_like(mask), grey, whole)
            text = caption(replace(scene, groups=(Group(entry["kind"], entry["colour"]),)), words)
        elif way == "extend":
            mask = strip(mask.shape, rng)
            row, text = (mask, np.where(mask, grey, bare), bare), removal_caption(scene, words)
        elif way == "empty":
            row, text = (np.zeros_like(mask), whole, whole), ""      # as the engine records pictures
        else:
            row = (mask, hole, bare if way == "edit" else whole)
            text = removal_caption(scene, words) if way == "remove" else \
                thing_caption(scene, entry["kind"], entry["colour"], entry["place"], words)
        if side:
            square = around(mask, side, rng)
            if square is None:
                continue
            row = tuple(part[..., square[0], square[1]] for part in row)
        rows.append(row)
        captions.append(text)
    mask, known, original = (torch.from_numpy(np.stack(part).astype(np.float32)).to(DEVICE) for part in zip(*rows))
    return Canvas(mask[:, None], known, original), captions


def strip(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A mask (H, W) of an eighth to a half of a picture, along one of its sides."""
    mask = np.zeros(shape, bool)
    side = np.rot90(mask, int(rng.integers(4)))            # a view
    side[:, :max(1, round(rng.uniform(0.125, 0.5) * side.shape[1]))] = True
    return mask


def write_shards(work: Path, parts: dict[str, nn.Module], tokenizer: Tokenizer, count: int) -> None:
    """Follows count edits of work/edits (rounded up to whole shards) into work/edit-trajectories."""
    folder = work / "edit-trajectories"
    folder.mkdir(parents=True, exist_ok=True)
    data = {size: EditSet(work / "edits", size) for size, _ in PARTS}
    for index in range(-(-count // SHARD)):
        target, (size, side) = folder / f"{index:04d}.npz", PARTS[index % len(PARTS)]
        if target.exists() or not len(data[size]):
            continue
        grey = grey_latents(parts["vae"], *map(int, size.split("x")))[0].cpu().numpy()
        canvas, captions = canvases(data[size], grey, side, SHARD, np.random.default_rng(index),
                                    Random(f"edit-trajectory/{index}"))
        noise = torch.randn(canvas.original.shape, generator=torch.Generator().manual_seed(index)).to(DEVICE)
        write_shard(target, parts, tokenizer, captions, noise, GUIDANCE, canvas)
