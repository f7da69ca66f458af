"""A small network that says what a picture shows, trained on renders only.

It answers for every (kind, colour) whether it is there, and names the terrain and the time of day.
"""
from __future__ import annotations

import json
import time
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from . import safetensors
from .device import DEVICE, half_precision
from .scenes.dataset import descriptions, shards
from .scenes.draw import render
from .scenes.world import COLOURS, KINDS, TERRAINS, TIMES, Scene, random_scene

SIDE, BATCH, PEAK_RATE = 128, 64, 2e-3


class Scorer(nn.Module):
    """Pictures (N, 3, 128, 128) in [-1, 1] to logits: (N, kinds, colours), (N, terrains), (N, times)."""

    def __init__(self):
        super().__init__()
        layers, width = [], 3
        for outputs, stride in ((24, 2), (48, 2), (96, 2), (128, 1), (160, 2), (160, 1)):
            layers += [nn.Conv2d(width, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            width = outputs
        self.features = nn.Sequential(*layers)
        self.objects = nn.Conv2d(width, len(KINDS) * len(COLOURS), 3, padding=1)
        self.setting = nn.Linear(2 * width, len(TERRAINS) + len(TIMES))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f = self.features(x)
        objects = self.objects(f).float().flatten(2).logsumexp(2).unflatten(1, (len(KINDS), len(COLOURS)))
        both = torch.cat([f.mean((2, 3)), f.amax((2, 3))], 1)
        terrain, time_of_day = self.setting(both).float().split([len(TERRAINS), len(TIMES)], 1)
        return objects, terrain, time_of_day


def small(picture: Image.Image) -> np.ndarray:
    """The whole picture, resized to the network's size (128x128); its aspect ratio is not kept."""
    return np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.BOX))


def targets(scenes: list[Scene]) -> tuple[Tensor, Tensor, Tensor]:
    objects = torch.zeros(len(scenes), len(KINDS), len(COLOURS))
    for row, scene in zip(objects, scenes):
        for g in scene.groups:
            row[KINDS.index(g.kind), COLOURS.index(g.colour)] = 1
    return (objects, torch.tensor([TERRAINS.index(s.terrain) for s in scenes]),
            torch.tensor([TIMES.index(s.time) for s in scenes]))


def as_input(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).to(DEVICE).float() / 127.5 - 1


def train(work: Path, steps: int, target: Path) -> None:
    """Trains on the 256x256 shards in work/pictures and writes the weights to target."""
    files = [p for p in shards(work / "pictures") if p.name.startswith("256x256")]
    pictures = np.concatenate([np.load(p, mmap_mode="r").reshape(-1, SIDE, 2, SIDE, 2, 3).mean((2, 4)).astype(np.uint8)
                               for p in files])
    scenes = [s for p in files for s in descriptions(p)]
    model = Scorer().to(DEVICE, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.02)
    rng, shown = np.random.default_rng(0), time.time()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * min(1, (step + 1) / 100) * (1 - step / steps)
        chosen = rng.integers(len(scenes), size=BATCH)
        x = as_input(pictures[chosen])
        if rng.random() < 0.5:                                # a decoder's pictures are softer than renders
            x = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        x = x + 0.06 * rng.random() * torch.randn_like(x)
        x = x.flip(-1) if rng.random() < 0.5 else x
        objects, terrain, time_of_day = (t.to(DEVICE) for t in targets([scenes[i] for i in chosen]))
        with half_precision():
            a, b, c = model(x)
        loss = (8 * F.binary_cross_entropy_with_logits(a, objects, pos_weight=torch.tensor(4.0, device=DEVICE))
                + F.cross_entropy(b, terrain) + F.cross_entropy(c, time_of_day))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if step % 100 == 99:
            print(f"step {step + 1} loss {loss.item():.4f} {100 * BATCH / (time.time() - shown):.0f}/s", flush=True)
            shown = time.time()
    safetensors.save({k: v for k, v in model.state_dict().items() if "num_batches" not in k}, target)


def load(path: Path) -> Scorer:
    model = Scorer().to(DEVICE)
    model.load_state_dict(safetensors.load(path), strict=False)
    return model.eval()


@torch.no_grad()
def score(model: Scorer, pictures: np.ndarray, expected: list[dict]) -> tuple[dict, list[dict]]:
    """Shares of correct answers over all pictures, from 0 to 1, and the predictions for each.

    kind: of the expected kinds, those that are seen; colour: those that are seen in the expected
    colour; terrain, time: pictures where it is the expected one; exact: pictures where all of these
    are right and no other kind is seen.
    """
    hits: dict[str, list[bool]] = {k: [] for k in ("kind", "colour", "terrain", "time", "exact")}
    seen = []
    for i in range(0, len(pictures), BATCH):
        objects, terrain, time_of_day = model(as_input(pictures[i:i + BATCH]))
        present, best = objects.amax(2) > 0, objects.argmax(2)
        for n, want in enumerate(expected[i:i + BATCH]):
            kinds = {KINDS[k]: COLOURS[best[n, k]] for k in present[n].nonzero().flatten().tolist()}
            found = {"kinds": sorted(kinds.items()), "terrain": TERRAINS[terrain[n].argmax()],
                     "time": TIMES[time_of_day[n].argmax()]}
            kind = [k in kinds for k, _ in want["kinds"]]
            colour = [kinds.get(k) == c for k, c in want["kinds"]]
            same = [found[name] == want[name] for name in ("terrain", "time")]
            hits["kind"] += kind
            hits["colour"] += colour
            hits["terrain"].append(same[0])
            hits["time"].append(same[1])
            hits["exact"].append(all(colour + same) and len(kinds) == len(want["kinds"]))
            seen.append(found)
    return {name: round(sum(v) / len(v), 4) for name, v in hits.items()}, seen


def score_renders(model: Scorer, count: int, seed: int = 99) -> dict:
    """Accuracy on fresh renders of any scene of the world."""
    rng = Random(seed)
    scenes = [random_scene(rng) for _ in range(count)]
    pictures = np.stack([small(render(s, rng.getrandbits(32))[0]) for s in scenes])
    expected = [{"kinds": [(g.kind, g.colour) for g in s.groups], "terrain": s.terrain, "time": s.time} for s in scenes]
    return score(model, pictures, expected)[0]


def score_listing(model: Scorer, listing: Path) -> tuple[dict, list[dict]]:
    """Accuracy on the pictures of a JSON list of {file, prompt, expected}; files are relative to the list."""
    entries = json.loads(listing.read_text())
    pictures = np.stack([small(Image.open(listing.parent / e["file"])) for e in entries])
    accuracy, seen = score(model, pictures, [e["expected"] for e in entries])
    return accuracy, [{"file": e["file"], "prompt": e["prompt"], "seen": s} for e, s in zip(entries, seen)]
