"""Sketches of unseen scenes and their prompts, drawn with and without the ControlNet, for the judge of edits.

The judge looks at the place where the sketch has an object: is it there, in its colour, whole?
"""
from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image
from torch import nn

from ..conditioning import decoded
from ..device import half_precision
from ..diffusion import guided, sample
from ..edits.masks import grown
from ..edits.study import listed
from ..generate import start
from ..models.controlnet import ControlNet
from ..scenes.captions import caption
from ..scenes.draw import render
from ..scenes.world import unseen_scene
from ..tokenizer import Tokenizer
from .sketches import outlined
from .train import as_picture

BATCH, MARGIN, SMALLEST = 8, 6, 400        # pictures, pixels around a thing, pixels of a thing that is judged


def write_cases(folder: Path, count: int) -> Path:
    """One object of each picture is judged; the sketch has all of them, and the land."""
    rng, entries = Random(2100), []
    folder.mkdir(parents=True, exist_ok=True)
    while len(entries) < count:
        scene, i = unseen_scene(rng), len(entries)
        picture, labels, things = render(scene, rng.getrandbits(32))
        sizes = {k: int((labels == k).sum()) for k, thing in enumerate(things) if "kind" in thing}
        k = max(sizes, key=sizes.get)
        if sizes[k] < SMALLEST:
            continue
        entry = {"file": f"{i:03d}.png", "before": f"{i:03d}.rendered.png", "sketch": f"{i:03d}.sketch.png",
                 "mask": f"{i:03d}.mask.png", "seed": i, "prompt": caption(scene, rng, omit=0), "way": "add", **things[k]}
        lines = outlined(labels, np.ones(len(things), bool), 2)
        for name, page in (("before", np.asarray(picture)), ("sketch", lines.astype(np.uint8) * 255),
                           ("mask", grown(labels == k, MARGIN).astype(np.uint8) * 255)):
            Image.fromarray(page).save(folder / entry[name])
        entries.append(entry)
    listing = folder / "cases.json"
    listing.write_text(json.dumps(entries, indent=1))
    return listing


@torch.no_grad()
def draw(parts: dict[str, nn.Module], control: ControlNet | None, tokenizer: Tokenizer, cases: Path, folder: Path,
         steps: int = 20, guidance: float = 5.0) -> Path:
    entries = json.loads(cases.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(0, len(entries), BATCH):
        some = entries[i:i + BATCH]
        lines = np.stack([np.asarray(Image.open(cases.parent / e["sketch"])) > 127 for e in some])
        pictures = as_picture(np.concatenate([lines, lines]))
        context, empty, noise = start(parts, tokenizer, [e["prompt"] for e in some], [e["seed"] for e in some],
                                      (4, 32, 32))
        steered = lambda x, t, c: parts["unet"](x, t, c, control(x, t, c, pictures) if control else None)
        with half_precision():
            latents = sample(guided(steered, context, empty, guidance), noise, steps)
        for e, page in zip(some, decoded(parts["vae"], latents)):
            Image.fromarray(page).save(folder / e["file"])
        print(f"{i + len(some)} of {len(entries)}", flush=True)
    return listed(entries, cases, folder, ("before", "mask", "sketch"))


def sheet(listing: Path, target: Path, count: int = 10, side: int = 160) -> None:
    """The sketches on top, and below them what was drawn."""
    entries = json.loads(listing.read_text())[:count]
    page = Image.new("RGB", (len(entries) * (side + 6) + 6, 2 * (side + 6) + 6), "white")
    for n, e in enumerate(entries):
        for k, path in enumerate((e["sketch"], listing.parent / e["file"])):
            page.paste(Image.open(path).convert("RGB").resize((side, side), Image.LANCZOS),
                       (6 + n * (side + 6), 6 + k * (side + 6)))
    page.save(target)
