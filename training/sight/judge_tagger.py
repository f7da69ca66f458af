"""What the tagger sees in pictures, and how often it is right: a judge of itself on renders, of a model on others."""
from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..device import DEVICE
from ..models.tagger import Tagger
from ..scenes.draw import render
from ..scenes.world import COLOURS, KINDS, TERRAINS, TIMES, WEATHERS, random_scene
from .crops import cut_out, whole
from .prompts import visible
from .train_tagger import INDEX

BATCH = 32
SETTING = {"terrain": TERRAINS, "time": TIMES, "weather": WEATHERS}


@torch.no_grad()
def tags(model: Tagger, pictures: list[np.ndarray]) -> dict[str, Tensor]:
    """Logits of pictures that already have the network's size."""
    parts = []
    for i in range(0, len(pictures), BATCH):
        x = torch.from_numpy(np.stack(pictures[i:i + BATCH])).permute(0, 3, 1, 2).to(DEVICE).float()
        parts.append(model(x))
    return {name: torch.cat([p[name] for p in parts]) for name in parts[0]}


def score(model: Tagger, pictures: list[np.ndarray], expected: list[dict]) -> tuple[dict, list[dict]]:
    """Shares of correct answers over all pictures, from 0 to 1, and the predictions for each.

    kind: of the expected kinds, those that are seen; colour: those that are seen in the expected
    colour; terrain, time, weather: pictures where it is the expected one; exact: pictures where kinds,
    colours, terrain and time are right and no other kind is seen.
    """
    logits = tags(model, pictures)
    objects = logits["object"].unflatten(1, (len(KINDS), len(COLOURS)))
    present, best = objects.amax(2) > 0, objects.argmax(2)
    hits: dict[str, list[bool]] = {k: [] for k in ("kind", "colour", *SETTING, "exact")}
    seen = []
    for n, want in enumerate(expected):
        kinds = {KINDS[k]: COLOURS[best[n, k]] for k in present[n].nonzero().flatten().tolist()}
        found = {"kinds": sorted(kinds.items()),
                 **{name: values[logits[name][n].argmax()] for name, values in SETTING.items()}}
        kind = [k in kinds for k, _ in want["kinds"]]
        colour = [kinds.get(k) == c for k, c in want["kinds"]]
        same = {name: found[name] == want[name] for name in SETTING}
        hits["kind"] += kind
        hits["colour"] += colour
        for name, right in same.items():
            hits[name].append(right)
        hits["exact"].append(all(colour) and same["terrain"] and same["time"] and len(kinds) == len(want["kinds"]))
        seen.append(found)
    return {name: round(sum(v) / len(v), 4) for name, v in hits.items()}, seen


def score_renders(model: Tagger, count: int, seed: int = 99) -> dict:
    """Accuracy on fresh renders of any scene of the world."""
    rng = Random(seed)
    scenes = [random_scene(rng) for _ in range(count)]
    side = model.config["image_size"]
    pictures = [whole(np.asarray(render(s, rng.getrandbits(32))[0]), side) for s in scenes]
    expected = [{"kinds": [(g.kind, g.colour) for g in s.groups],
                 **{name: getattr(s, name) for name in SETTING}} for s in scenes]
    return score(model, pictures, expected)[0]


def score_listing(model: Tagger, listing: Path) -> tuple[dict, list[dict]]:
    """Accuracy on the pictures of a JSON list of {file, prompt, expected}; files are relative to the list."""
    entries, side = json.loads(listing.read_text()), model.config["image_size"]
    pictures = [whole(np.asarray(Image.open(listing.parent / e["file"]).convert("RGB")), side) for e in entries]
    accuracy, seen = score(model, pictures, [e["expected"] for e in entries])
    return accuracy, [{"file": e["file"], "prompt": e["prompt"], "seen": s} for e, s in zip(entries, seen)]


def score_things(model: Tagger, count: int, seed: int = 98) -> dict[str, float]:
    """How often a single thing, cut out of a fresh render along its exact mask, is named rightly: an object's kind,
    its kind and colour, and a part; each among all objects and parts."""
    rng, side = Random(seed), model.config["image_size"]
    cuts, truth = [], []
    for _ in range(count):
        picture, labels, things = render(random_scene(rng), rng.getrandbits(32))
        for i in visible(labels):
            cuts.append(cut_out(np.asarray(picture), labels == i, side))
            truth.append(things[i])
    logits = tags(model, cuts)
    best = torch.cat([logits["object"], logits["part"]], 1).argmax(1).tolist()
    names = list(INDEX["object"]) + list(INDEX["part"])
    hits: dict[str, list[bool]] = {"kind": [], "object": [], "part": []}
    for thing, found in zip(truth, (names[b] for b in best)):
        if "part" in thing:
            hits["part"].append(found == thing["part"])
        else:
            hits["kind"].append(found.split()[-1] == thing["kind"])
            hits["object"].append(found == f"{thing['colour']} {thing['kind']}")
    return {name: round(sum(v) / len(v), 4) for name, v in hits.items()}
