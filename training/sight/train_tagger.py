"""Trains the tagger on whole renders and on single things cut out of them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..device import DEVICE, half_precision
from ..models.tagger import LABELS, Tagger
from ..team import Team
from . import loop
from .augment import altered
from .crops import cut_out, roughened, whole
from .dataset import Sights
from .prompts import targets, visible

INDEX = {group["name"]: {value: i for i, value in enumerate(group["values"])} for group in LABELS}
SETTING = ("terrain", "time", "weather")
WHOLE_SHARE, OBJECT_WEIGHT, POSITIVE_WEIGHT = 0.8, 8.0, 4.0


def marks(things: list[dict]) -> dict[str, np.ndarray]:
    """Which objects and parts are among the things: a 0/1 vector for each of the two groups."""
    rows = {name: np.zeros(len(INDEX[name]), np.float32) for name in ("object", "part")}
    for thing in things:
        if "kind" in thing:
            rows["object"][INDEX["object"][f"{thing['colour']} {thing['kind']}"]] = 1
        else:
            rows["part"][INDEX["part"][thing["part"]]] = 1
    return rows


def sample(sights: Sights, rng: np.random.Generator, side: int) -> tuple[np.ndarray, dict]:
    """A picture (side, side, 3) and its {object, part} rows; a whole one has {terrain, time, weather} too."""
    picture, labels, entry = sights.draw(rng)
    if rng.random() < WHOLE_SHARE:
        width, height = entry["size"]
        setting = {name: INDEX[name][entry["scene"][name]] for name in SETTING}
        return whole(np.ascontiguousarray(picture[:height, :width]), side), {
            **marks([entry["things"][i] for i in visible(labels)]), **setting}
    found = targets(labels, entry["things"])
    weights = np.array([w for *_, w in found])
    mask, thing, _ = found[rng.choice(len(found), p=weights / weights.sum())]
    return cut_out(picture, roughened(mask, rng), side), marks([thing])


def batch(sights: Sights, rng: np.random.Generator, size: int, side: int) -> tuple[Tensor, list[dict]]:
    pictures, wanted = zip(*(sample(sights, rng, side) for _ in range(size)))
    x = np.stack([p[:, ::-1] if rng.random() < 0.5 else p for p in pictures])
    x = torch.from_numpy(x).permute(0, 3, 1, 2).float()
    return altered(x, rng).contiguous(memory_format=torch.channels_last), list(wanted)


def loss_of(logits: dict[str, Tensor], wanted: list[dict]) -> Tensor:
    heavy = torch.tensor(POSITIVE_WEIGHT, device=DEVICE)
    rows = {name: torch.from_numpy(np.stack([w[name] for w in wanted])).to(DEVICE) for name in ("object", "part")}
    loss = (OBJECT_WEIGHT * F.binary_cross_entropy_with_logits(logits["object"], rows["object"], pos_weight=heavy)
            + F.binary_cross_entropy_with_logits(logits["part"], rows["part"]))
    settled = [i for i, w in enumerate(wanted) if "terrain" in w]
    for name in SETTING if settled else ():
        loss = loss + 0.5 * F.cross_entropy(logits[name][settled], torch.tensor([wanted[i][name] for i in settled],
                                                                               device=DEVICE))
    return loss


def hits(logits: dict[str, Tensor], wanted: list[dict]) -> tuple[float, float]:
    """Recall and precision over objects, each from 0 to 1."""
    there = torch.from_numpy(np.stack([w["object"] for w in wanted])).to(DEVICE) > 0
    found = logits["object"] > 0
    both = (there & found).sum().item()
    return both / max(there.sum().item(), 1), both / max(found.sum().item(), 1)


def train(team: Team, work: Path, minutes: float, decay: float, size: int, rate: float) -> None:
    """Trains work/tagger.pt on the shards in work/sight; see loop.train."""
    torch.manual_seed(0)
    model, sights = Tagger(), Sights(work / "sight")
    side = model.config["image_size"]

    def step(model: Tagger, own: np.random.Generator, common: np.random.Generator) -> np.ndarray:
        pictures, wanted = batch(sights, own, size // team.size, side)
        with half_precision():
            logits = model(pictures.to(DEVICE))
        loss = loss_of(logits, wanted)
        loss.backward()
        return np.array([loss.item(), *hits(logits, wanted)])

    loop.train(team, model, work / "tagger.pt", step, ("loss", "recall", "precision"), minutes, decay, size, rate)


def averaged(work: Path) -> Tagger:
    """The averaged weights of work/tagger.pt."""
    return loop.averaged(Tagger(), work / "tagger.pt")
