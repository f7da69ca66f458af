"""Trains the segmenter on clicks into renders, as Segment Anything was: three candidates of which only the best
learns, a single mask for clear prompts, and clicks that correct what the model got wrong just now.

Beside that the embeddings learn to tell what every pixel shows, which teaches the encoder about shapes long
before the decoder makes anything of clicks. That head is not exported. Most batches are squares out of pictures, at
their places in the whole: they cost a fraction of whole pictures."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..device import DEVICE, half_precision
from ..models.segmenter import Segmenter
from ..scenes.world import KINDS, PARTS
from ..team import Team
from . import loop
from .augment import altered
from .dataset import OUTSIDE, SIDE, Sights
from .prompts import as_tensors, correction, first_prompt, targets

PER_PICTURE, STRIDE = 4, 8
CHUNK = 8                                                     # prompts of whole pictures
FOCAL_WEIGHT, PIXEL_WEIGHT = 20.0, 1.0
CORRECTIONS, CORRECTION_SHARES = (0, 1, 2), (0.5, 0.3, 0.2)
SIDES, SIDE_SHARES = (128, 192, 256), (0.3, 0.35, 0.35)


CLASSES = {name: i for i, name in enumerate(KINDS + PARTS)}


class Trainee(nn.Module):
    """The segmenter, and the class of every pixel of 128x128 from its embeddings."""

    def __init__(self):
        super().__init__()
        self.segmenter = Segmenter()
        width = self.segmenter.config["prompt_encoder"]["embed_dim"]
        self.classes = nn.Sequential(nn.Conv2d(width, 16 * len(CLASSES), 1), nn.PixelShuffle(4))


def intersection_over_union(logits: Tensor, masks: Tensor) -> Tensor:
    """(N, M) of logits (N, M, H, W) and masks (N, 1, H, W) with values from 0 to 1."""
    a, b = logits > 0, masks > 0.5
    return (a & b).sum((2, 3)) / (a | b).sum((2, 3)).clamp(min=1)


def mask_losses(logits: Tensor, masks: Tensor) -> Tensor:
    """Focal and dice loss (N, M), weighted as in Segment Anything."""
    masks = masks.expand_as(logits)
    likely = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, masks, reduction="none")
    focal = ((likely - masks).square() * entropy).mean((2, 3))
    dice = 1 - (2 * (likely * masks).sum((2, 3)) + 1) / ((likely + masks).sum((2, 3)) + 1)
    return FOCAL_WEIGHT * focal + dice


def loss_of(logits: Tensor, scores: Tensor, masks: Tensor) -> Tensor:
    losses = mask_losses(logits, masks)
    with torch.no_grad():
        right = intersection_over_union(logits, masks)
    return (losses[:, 0] + losses[:, 1:].amin(1)).mean() + F.mse_loss(scores, right)


def window(labels: np.ndarray, weights: np.ndarray, side: int, rng: np.random.Generator) -> tuple[int, int]:
    """The corner of a square of this side around a pixel of some thing (weights: one for each label)."""
    shown = weights * (np.bincount(labels.ravel(), minlength=OUTSIDE + 1)[:len(weights)] > 0)
    y, x = divmod(int(rng.choice(np.flatnonzero(labels == rng.choice(len(shown), p=shown / shown.sum())))), SIDE)
    corner = np.clip(np.array([x, y]) - rng.integers(side // 8, side - side // 8, 2), 0, SIDE - side)
    return tuple(corner // STRIDE * STRIDE)


@dataclass
class Batch:
    """Squares of pictures (N, 3, S, S), where in the whole they are (N, 2), the classes of their pixels
    (N, S/2, S/2), and masks (N · PER_PICTURE, S, S) of things in them."""
    pictures: Tensor
    corners: np.ndarray
    classes: Tensor
    masks: np.ndarray


def batch(sights: Sights, rng: np.random.Generator, size: int, side: int) -> Batch:
    pictures, corners, classes, masks = [], [], [], []
    while len(pictures) < size:
        picture, labels, entry = sights.draw(rng)
        things = entry["things"]
        flip = rng.random() < 0.5 and entry["size"][0] == SIDE
        x, y = window(labels, np.array([3.0 if "kind" in t else 1.0 for t in things]), side, rng)
        picture, labels = (a[y:y + side, x:x + side][:, ::-1 if flip else 1] for a in (picture, labels))
        found = targets(labels, things)
        if not found:
            continue
        weights = np.array([w for *_, w in found])
        chosen = rng.choice(len(found), PER_PICTURE, p=weights / weights.sum(), replace=len(found) < PER_PICTURE)
        table = np.full(OUTSIDE + 1, OUTSIDE)
        table[:len(things)] = [CLASSES[t.get("kind", t.get("part"))] for t in things]
        pictures.append(picture)
        corners.append((SIDE - side - x if flip else x, y))
        classes.append(table[labels[::2, ::2]])
        masks += [found[i][0] for i in chosen]
    x = altered(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float(), rng)
    return Batch(x.contiguous(memory_format=torch.channels_last), np.array(corners),
                 torch.from_numpy(np.stack(classes)), np.stack(masks))


def positions(model: Segmenter, corners: np.ndarray, side: int) -> Tensor:
    """The positional encoding (N, D, S/8, S/8) of squares with this side."""
    encoder, cells = model.prompt_encoder, side // STRIDE
    whole = encoder.pe_layer.grid(encoder.side)[0]
    return torch.stack([whole[:, y:y + cells, x:x + cells] for x, y in corners // STRIDE])


@torch.no_grad()
def corrected(decode: Callable, masks: np.ndarray, prompts: list, rng: np.random.Generator,
              rounds: int) -> tuple[Tensor | None, Tensor | None]:
    """Lets the model answer and adds clicks where it is wrong, some rounds; returns the last logits (N, 1, S/2, S/2)
    and for which of them they are to be given back as a prompt, if there are any."""
    logits = given = None
    for _ in range(rounds):
        candidates, scores = decode(prompts, logits, given)
        first = torch.tensor([len(p) == 1 for p in prompts], device=DEVICE)
        best = torch.where(first, 1 + scores[:, 1:].argmax(1), 0)
        logits = candidates[torch.arange(len(best)), best][:, None]
        shown = F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)[:, 0].cpu().numpy() > 0
        for prompt, prediction, mask in zip(prompts, shown, masks):
            prompt += correction(prediction, mask, rng)
        given = torch.from_numpy(rng.random(len(masks)) < 0.5).to(DEVICE)
    return logits, given


def learn(trainee: Trainee, data: Batch, rng: np.random.Generator, rounds: int) -> np.ndarray:
    """Adds the gradient of a batch; returns the loss of the pixels' classes and of the masks, and the IoU of the
    single mask and of the best-scored candidate.

    Prompts are decoded a few at a time: their maps then stay in the processor's cache.
    """
    model, masks = trainee.segmenter, data.masks
    small = F.avg_pool2d(torch.from_numpy(masks)[:, None].float(), 2).to(DEVICE)
    with half_precision():
        embeddings = model.encode(data.pictures.to(DEVICE))
        pixels = F.cross_entropy(trainee.classes(embeddings).float(), data.classes.to(DEVICE), ignore_index=OUTSIDE)
    frozen, figures = embeddings.detach().float().requires_grad_(), []
    where = positions(model, data.corners, masks.shape[1]).repeat_interleave(PER_PICTURE, 0)
    offsets = torch.from_numpy(data.corners).float().repeat_interleave(PER_PICTURE, 0)[:, None].to(DEVICE)
    chunk = CHUNK * (SIDE // masks.shape[1]) ** 2
    for start in range(0, len(masks), chunk):
        part = slice(start, start + chunk)
        own = frozen[start // PER_PICTURE:(start + chunk) // PER_PICTURE].repeat_interleave(PER_PICTURE, 0)
        prompts = [first_prompt(m, rng) for m in masks[part]]

        def decode(prompts: list, earlier: Tensor | None, given: Tensor | None) -> tuple[Tensor, Tensor]:
            coords, labels = as_tensors(prompts, DEVICE)
            return model.decode(own, coords + offsets[part], labels, earlier, given, where[part])

        logits, scores = decode(prompts, *corrected(decode, masks[part], prompts, rng, rounds))
        loss = loss_of(logits, scores, small[part])
        (loss * len(prompts) / len(masks)).backward()
        with torch.no_grad():
            right = intersection_over_union(logits, small[part])
            picked = right[:, 1:].gather(1, scores[:, 1:].argmax(1, keepdim=True))
        figures.append([pixels.item(), loss.item(), right[:, 0].mean().item(), picked.mean().item()])
    torch.autograd.backward([embeddings, PIXEL_WEIGHT * pixels], [frozen.grad.to(embeddings.dtype), None])
    return np.mean(figures, 0)


def train(team: Team, work: Path, minutes: float, decay: float, size: int, rate: float) -> None:
    """Trains work/segmenter.pt on the shards in work/sight; see loop.train."""
    torch.manual_seed(0)
    trainee, sights = Trainee(), Sights(work / "sight")
    encoding = trainee.segmenter.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    encoding.copy_(encoding.half())                           # as exported

    def step(trainee: Trainee, own: np.random.Generator, common: np.random.Generator) -> np.ndarray:
        side = common.choice(SIDES, p=SIDE_SHARES)
        return learn(trainee, batch(sights, own, size // team.size, side), own,
                     common.choice(CORRECTIONS, p=CORRECTION_SHARES))

    loop.train(team, trainee, work / "segmenter.pt", step, ("pixels", "masks", "single", "picked"), minutes, decay,
               size, rate)


def averaged(work: Path) -> Segmenter:
    """The averaged weights of work/segmenter.pt."""
    return loop.averaged(Trainee(), work / "segmenter.pt").segmenter
