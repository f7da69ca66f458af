"""Clicks and boxes for masks, as a user would give them, and corrections where a prediction is wrong."""
from __future__ import annotations

import numpy as np
import torch

from ..models.sam import BOX_END, BOX_START, EXCLUDE, INCLUDE, PADDING
from .dataset import OUTSIDE

MAX_POINTS = 6
MIN_AREA = 24
Point = tuple[float, float, int]


def visible(labels: np.ndarray) -> list[int]:
    """The labels of the things that show at least MIN_AREA pixels."""
    return [int(i) for i in np.flatnonzero(np.bincount(labels.ravel()) >= MIN_AREA) if i != OUTSIDE]


def targets(labels: np.ndarray, things: list[dict]) -> list[tuple[np.ndarray, dict, float]]:
    """(mask, thing, weight) of everything visible: each thing, and all of a part that has several.

    Objects weigh more than parts: they are what is mostly clicked.
    """
    out = [(labels == i, things[i], 3.0 if "kind" in things[i] else 1.0) for i in visible(labels)]
    parts = [t["part"] for _, t, _ in out if "part" in t]
    for part in sorted({p for p in parts if parts.count(p) > 1}):
        alike = [i for i, t in enumerate(things) if t.get("part") == part]
        out.append((np.isin(labels, alike), {"part": part, "all": True}, 0.7))
    return out


def density(mask: np.ndarray, reach: int = 5) -> np.ndarray:
    """The share of the mask in the square of 2·reach + 1 pixels around every pixel."""
    sums = np.pad(mask, ((reach + 1, reach), (reach + 1, reach))).cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
    side = 2 * reach + 1
    return (sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]) / side ** 2


def click(mask: np.ndarray, rng: np.random.Generator, tries: int = 2) -> tuple[float, float]:
    """A random pixel (x, y) of the mask: the best of several tries, by the share of the mask around it."""
    chosen = rng.choice(np.flatnonzero(mask), tries)
    if tries > 1:
        chosen = chosen[density(mask).ravel()[chosen].argmax():][:1]
    y, x = divmod(int(chosen[0]), mask.shape[1])
    return x, y


def deepest(mask: np.ndarray) -> tuple[float, float]:
    """The pixel of the mask that is farthest from its edge (counted in steps to any of eight neighbours)."""
    inside, depth = np.pad(mask, 1), np.zeros(mask.shape, int)
    while inside.any():
        depth += inside[1:-1, 1:-1]
        rows = inside[:-2] & inside[1:-1] & inside[2:]
        inside = np.pad(rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:], 1)
    y, x = divmod(int(depth.argmax()), mask.shape[1])
    return x, y


def box(mask: np.ndarray) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return columns[0], rows[0], columns[-1], rows[-1]


def box_points(corners) -> list[Point]:
    x0, y0, x1, y1 = corners
    return [(x0, y0, BOX_START), (x1, y1, BOX_END)]


def first_prompt(mask: np.ndarray, rng: np.random.Generator) -> list[Point]:
    """Random prompts: mostly one click, sometimes a loosely drawn box or several clicks."""
    kind = rng.random()
    if kind < 0.2:
        x0, y0, x1, y1 = box(mask)
        slack = rng.normal(0, 0.05, 4) * np.array([x1 - x0, y1 - y0, x1 - x0, y1 - y0])
        return box_points(np.clip(np.array([x0, y0, x1, y1]) + slack, 0, len(mask) - 1))
    points = [(*click(mask, rng), INCLUDE)]
    for _ in range(rng.integers(1, 3) if kind < 0.35 else 0):
        exclude = rng.random() < 0.5 and not mask.all()
        points.append((*click(~mask if exclude else mask, rng), EXCLUDE if exclude else INCLUDE))
    return points


def correction(predicted: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> list[Point]:
    """A click where the prediction is wrong, with its label; an empty list if it is correct everywhere."""
    wrong = predicted != mask
    if not wrong.any():
        return []
    x, y = click(wrong, rng, 4)
    return [(x, y, INCLUDE if mask[y, x] else EXCLUDE)]


def as_tensors(prompts: list[list[Point]], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Coordinates (N, MAX_POINTS, 2) and labels (N, MAX_POINTS), filled up with padding points."""
    rows = [(p + [(0, 0, PADDING)] * MAX_POINTS)[:MAX_POINTS] for p in prompts]
    table = torch.tensor(rows, dtype=torch.float32, device=device)
    return table[..., :2], table[..., 2]
