"""Counts suns and moons: renders never have two, so no description of them tells.

A small network says of every place whether a sun is there, and sees little more than that place: so it knows a second
sun, though it has never seen one.
"""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from .. import safetensors
from ..device import DEVICE, half_precision
from ..scenes.dataset import shards
from ..scenes.draw import SUN
from ..scenes.world import Scene
from .critic import as_input, varied
from .pictures import SIDE, SIZE, halved

BATCH, PEAK_RATE, TEST = 64, 2e-3, 500
SHRINK, CELL = 2, 8                        # the network sees SIDE / SHRINK pixels; pixels of a rendered picture in a cell
PRESENT = 3.0                              # how much more a cell of a sun counts
CLOUDED = ("cloudy", "rainy", "stormy")    # weathers that may hide a sun
MISSING = 8.0                              # a sun that is not there at all has a logit of about that much below 0
LEAST, AREA = 3, 12                        # cells of a sun that counts, and of a whole one


class Suns(nn.Module):
    """Pictures (N, 3, 128, 128) in [-1, 1] to logits (N, 32, 32): whether a sun or moon is there."""

    def __init__(self):
        super().__init__()
        layers, width = [], 3
        for outputs, stride, apart in ((24, 1, 1), (32, 2, 1), (48, 1, 2), (48, 1, 2), (48, 1, 2)):
            layers += [nn.Conv2d(width, outputs, 3, stride, apart, apart, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            width = outputs
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        with half_precision():
            out = self.layers(F.avg_pool2d(x, SHRINK).contiguous(memory_format=torch.channels_last))
        return out[:, 0].float()


def spots(there: np.ndarray) -> list[np.ndarray]:
    """The connected parts of (H, W) that have at least LEAST cells, the largest first."""
    left, found = there.copy(), []
    while left.any():
        part, grown = np.zeros_like(left), np.zeros_like(left)
        grown[np.unravel_index(left.argmax(), left.shape)] = True
        while (grown != part).any():
            part = grown
            grown = widened(part) & left
        left &= ~part
        found.append(part)
    return sorted((p for p in found if p.sum() >= LEAST), key=np.sum, reverse=True)


def widened(part: np.ndarray) -> np.ndarray:
    """Each cell of (H, W) and the eight around it."""
    padded = np.pad(part, 1)
    h, w = part.shape
    return np.logical_or.reduce([padded[y:y + h, x:x + w] for y in range(3) for x in range(3)])


def miscounted(logits: Tensor, scenes: list[Scene]) -> Tensor:
    """How wrong the number of suns is in pictures, (N), for gradients: what is not part of the largest, or any where none
    belongs; and that none is in a sky without clouds that has one. Without the second the model leaves out all suns."""
    sure = logits.detach().cpu().numpy() > 0
    kept = np.stack([widened(found[0]) if SUN[scene.time] and (found := spots(there)) else np.zeros_like(there)
                     for there, scene in zip(sure, scenes)])
    outside = torch.from_numpy(~kept).to(logits.device)
    shown = torch.tensor([SUN[s.time] is not None and s.weather not in CLOUDED for s in scenes], device=logits.device)
    missing = F.softplus(-logits.flatten(1).topk(LEAST).values.mean(1)) * shown
    return (logits.sigmoid() * outside).sum((1, 2)) / AREA + missing / MISSING


@torch.no_grad()
def judged(model: Suns, listing: Path) -> dict:
    """Of the pictures of a pictures.json, [{file, expected}]: those whose time of day has a sun, and the files of those that
    show too many and, where a sun belongs, none."""
    found = {"with": 0, "too many": [], "none": []}
    for entry in json.loads(listing.read_text()):
        picture = Image.open(listing.parent / entry["file"]).convert("RGB").resize((SIDE, SIDE), Image.BOX)
        seen = len(spots(model(as_input(np.array(picture)[None]))[0].cpu().numpy() > 0))
        right = int(SUN[entry["expected"]["time"]] is not None)
        found["with"] += right
        if seen != right:
            found["too many" if seen > right else "none"].append(entry["file"])
    return found


def labelled(work: Path) -> tuple[np.ndarray, np.ndarray]:
    """Rendered pictures (N, 128, 128, 3), and which of their cells a sun fills by half, (N, 32, 32)."""
    pictures, suns = [], []
    for shard in shards(work / "labels"):
        if not shard.name.startswith(f"{SIZE}-"):
            continue
        things = json.loads(shard.with_suffix(".json").read_text())
        labels = np.load(shard, mmap_mode="r")
        for own, what in zip(labels, things):
            sun = np.isin(own, [i for i, thing in enumerate(what) if thing.get("part") in ("sun", "moon")])
            suns.append(sun.reshape(-1, CELL, sun.shape[1] // CELL, CELL).mean((1, 3)) >= 0.5)
        pictures.append(halved(np.load(work / "pictures" / shard.name, mmap_mode="r")))
    if not pictures:
        raise FileNotFoundError(f"{work / 'labels'} has no labels of {SIZE} pictures; `python3 -m training labels` makes them")
    return np.concatenate(pictures), np.stack(suns)


def train(work: Path, steps: int, target: Path) -> None:
    """Learns from rendered pictures that have labels, and says how often it is right on others."""
    pictures, suns = labelled(work)
    torch.manual_seed(0)
    model = Suns().to(DEVICE, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), PEAK_RATE, weight_decay=0.02)
    rng, present = np.random.default_rng(0), torch.tensor(PRESENT, device=DEVICE)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * (1 - step / steps)
        rows = rng.integers(TEST, len(pictures), BATCH)
        right = torch.from_numpy(suns[rows]).to(DEVICE).float()
        loss = F.binary_cross_entropy_with_logits(model(varied(as_input(pictures[rows]), 0)), right, pos_weight=present)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    model.eval()
    with torch.no_grad():
        seen = torch.cat([model(varied(as_input(part), 0)) for part in np.array_split(pictures[:TEST], 8)]).cpu().numpy() > 0
    shown = [(len(spots(a)), len(spots(b))) for a, b in zip(seen, suns[:TEST])]
    print(f"suns counted rightly: {np.mean([a == b for a, b in shown]):.3f}, too many: {np.mean([a > b for a, b in shown]):.3f}",
          flush=True)
    safetensors.save({k: v for k, v in model.state_dict().items() if "num_batches" not in k}, target)


def load(path: Path) -> Suns:
    model = Suns()
    model.load_state_dict(safetensors.load(path), strict=False)
    return model.to(DEVICE, memory_format=torch.channels_last).eval().requires_grad_(False)
