"""How well the segmenter finds things: intersection over union for one click, several clicks, and a box."""
from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw

from ..device import DEVICE
from ..models.sam import INCLUDE
from ..models.segmenter import Segmenter
from ..scenes.draw import render
from ..scenes.world import KINDS, PARTS, random_scene
from .prompts import Point, as_tensors, box, box_points, click, deepest, visible

CLICKS = 3
GENERATED = Path(__file__).parent / "generated"

# A picture of 256x256 and what is to be found in it: masks with their names.
Sample = tuple[np.ndarray, list[tuple[np.ndarray, str]]]


def renders(count: int, seed: int = 4711) -> list[Sample]:
    """New renders of random scenes, with the masks of everything visible in them."""
    rng, out = Random(seed), []
    for _ in range(count):
        picture, labels, things = render(random_scene(rng), rng.getrandbits(32))
        out.append((np.asarray(picture), [(labels == i, things[i].get("kind", things[i].get("part")))
                                          for i in visible(labels)]))
    return out


def generated() -> list[Sample]:
    """Pictures that the engine drew for prompts/sheet.json, with outlines drawn by hand around what is in them."""
    out = []
    for entry in json.loads((GENERATED / "masks.json").read_text()):
        picture, found = np.asarray(Image.open(GENERATED / entry["file"])), []
        for mask in entry["masks"]:
            page = Image.new("1", picture.shape[1::-1])
            ImageDraw.Draw(page).polygon([tuple(p) for p in mask["polygon"]], fill=1)
            found.append((np.array(page), mask["name"]))
        out.append((picture, found))
    return out


@torch.no_grad()
def answer(model: Segmenter, embeddings: torch.Tensor, prompts: list[list[Point]]) -> np.ndarray:
    """Masks (N, 256, 256): the candidate with the best score for one click, else the single mask."""
    logits, scores = model.decode(embeddings.expand(len(prompts), -1, -1, -1), *as_tensors(prompts, DEVICE))
    clear = torch.tensor([len(p) > 1 for p in prompts], device=DEVICE)
    chosen = torch.where(clear, 0, 1 + scores[:, 1:].argmax(1))
    logits = logits[torch.arange(len(prompts)), chosen][:, None]
    return F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)[:, 0].cpu().numpy() > 0


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def judge(model: Segmenter, samples: list[Sample]) -> dict[str, dict[str, list[float]]]:
    """For each way to prompt, and each name, the IoU of every mask.

    click: one pixel of the mask by chance; centre: its deepest pixel; clicks: after CLICKS clicks, the
    first in the centre and each further one in the middle of the largest error; box: the exact box.
    """
    rng, results = np.random.default_rng(0), defaultdict(lambda: defaultdict(list))
    for picture, found in samples:
        x = torch.tensor(picture, device=DEVICE).permute(2, 0, 1)[None].float()
        with torch.no_grad():
            embeddings = model.encode(x)
        masks = [m for m, _ in found]

        def record(way: str, prompts: list[list[Point]]) -> np.ndarray:
            predicted = answer(model, embeddings, prompts)
            for (mask, name), got in zip(found, predicted):
                results[way][name].append(overlap(got, mask))
            return predicted

        record("click", [[(*click(m, rng, 1), INCLUDE)] for m in masks])
        record("box", [box_points(box(m)) for m in masks])
        prompts = [[(*deepest(m), INCLUDE)] for m in masks]
        predicted = record("centre", prompts)
        for i in range(1, CLICKS):
            for prompt, mask, got in zip(prompts, masks, predicted):
                wrong = max(mask & ~got, got & ~mask, key=np.count_nonzero)
                if wrong.any():
                    x, y = deepest(wrong)
                    prompt.append((x, y, int(mask[y, x])))
            predicted = answer(model, embeddings, prompts) if i < CLICKS - 1 else record("clicks", prompts)
    return results


def mean(results: dict[str, dict[str, list[float]]], names: tuple[str, ...]) -> dict[str, float]:
    """The mean IoU over all masks with these names, for each way to prompt."""
    return {way: round(float(np.mean([v for n in names for v in by_name.get(n, [])])), 4)
            for way, by_name in results.items()}


def figures(model: Segmenter, count: int) -> dict:
    """Mean IoU on count renders and on the generated pictures, over all objects and all parts, and of each name."""
    drawn, made = judge(model, renders(count)), judge(model, generated())
    return {"renders": {"pictures": count, "objects": mean(drawn, KINDS), "parts": mean(drawn, PARTS)},
            "generated": {"pictures": len(generated()), "objects": mean(made, KINDS), "parts": mean(made, PARTS)},
            "names": {name: mean(drawn, (name,)) for name in KINDS + PARTS if name in drawn["click"]}}
