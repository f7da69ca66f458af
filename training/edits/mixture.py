"""What the model learns from: pictures to draw and pictures to edit, in one batch.

Now and then the mask is empty and the whole picture is to be kept: so the engine records pictures, for all masks that
may come.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor

from ..conditioning import grey_latents
from ..device import DEVICE
from ..latents import LatentSet
from ..models.autoencoder import Autoencoder
from ..scenes.captions import article, caption
from ..scenes.world import COLOURS, KINDS
from .compose import removal_caption, thing_caption
from .dataset import MASKS, EditSet
from .masks import bounds

SHARES = {"draw": 0.25, "edit": 0.56, "remove": 0.15, "empty": 0.04}
CROP_SHARES = {"edit": 0.75, "remove": 0.2, "empty": 0.05}
NO_WORDS = {"draw": 0.1, "edit": 0.08, "remove": 0.3, "empty": 0.2}
OUTSIDE, LARGEST_WEIGHT = 0.15, 2.5


@dataclass
class Batch:
    latents: Tensor
    mask: Tensor
    known: Tensor
    weight: Tensor
    captions: list[str]


def weights(mask: Tensor) -> Tensor:
    """The loss counts more inside a mask (N, 1, H, W), and the more the smaller it is."""
    area = mask.mean((1, 2, 3), keepdim=True)
    return OUTSIDE + mask * (area.clamp(min=1e-3) ** -0.5).clamp(max=LARGEST_WEIGHT)


def around(mask: np.ndarray, side: int, rng: np.random.Generator) -> tuple[slice, slice] | None:
    """A random square of latents that contains the mask and a margin of one latent; None if there is none."""
    left, top, right, bottom = bounds(mask)
    spans = []
    for low, high, most in ((top, bottom, mask.shape[0]), (left, right, mask.shape[1])):
        first, last = max(0, min(high + 1, most) - side), min(max(low - 1, 0), most - side)
        if first > last:
            return None
        start = int(rng.integers(first, last + 1))
        spans.append(slice(start, start + side))
    return spans[0], spans[1]


class Mixture:
    """Batches of one picture size; large pictures come in smaller batches. draws: only pictures to draw."""

    def __init__(self, work: Path, vae: Autoencoder, size: str, draws: bool = False):
        self.size = size
        width, height = map(int, size.split("x"))
        self.share = 256 * 256 / (width * height)
        self.plain, self.edits = LatentSet(work, size), None if draws else EditSet(work / "edits", size)
        self.grey = grey_latents(vae, width, height)[0].cpu().numpy()

    def refresh(self) -> None:
        self.plain.refresh()
        if self.edits is not None:
            self.edits.refresh()

    @property
    def has_edits(self) -> bool:
        return self.edits is not None and len(self.edits) > 0

    def __len__(self) -> int:
        return len(self.plain) + (len(self.edits) if self.has_edits else 0)

    def batch(self, count: int, rng: np.random.Generator, words: Random, side: int | None = None) -> Batch:
        """side: of the squares around the masks, in latents, that are edited in place of whole pictures.

        They cost a part of a picture, so there are more of them in a batch.
        """
        count = max(1, round(count * (min(2, self.grey[0].size / side ** 2) if side else min(1, self.share))))
        shares = CROP_SHARES if side else SHARES
        ways = list(rng.choice(list(shares), count, p=list(shares.values())))
        if not self.has_edits:
            ways = ["draw"] * count
        if not len(self.plain):
            ways = ["edit" if way == "draw" else way for way in ways]
        latents, masks, known, captions = [], [], [], []
        shape = self.grey.shape[1:]
        for way in ways:
            if way == "draw":
                x, scene = self.plain.one(int(rng.integers(len(self.plain))))
                mask, kept, text = np.ones(shape, bool), self.grey, caption(scene, words)
            else:
                kinds, drawn, entry, scene = self.edits.draw(rng)
                k = int(rng.integers(MASKS))
                while side and (square := around(drawn[k], side, rng)) is None:
                    kinds, drawn, entry, scene = self.edits.draw(rng)
                if side:
                    kinds, drawn = kinds[:, :, square[0], square[1]], drawn[:, square[0], square[1]]
                x, mask, kept = kinds[0], drawn[k], kinds[2 + k]
                if way == "edit":
                    text = thing_caption(scene, entry["kind"], entry["colour"], entry["place"], words)
                elif way == "remove":
                    x, text = kinds[1], removal_caption(scene, words)
                else:
                    x = kept = kinds[int(rng.integers(2))]
                    mask = np.zeros_like(mask)
                    other = article(f"{words.choice(COLOURS)} {words.choice(KINDS)}")
                    text = words.choice((other, other, removal_caption(scene, words)))
            captions.append("" if words.random() < NO_WORDS[way] else text)
            latents.append(x)
            masks.append(mask)
            known.append(kept)
        tensor = lambda rows: torch.from_numpy(np.stack(rows)).to(DEVICE).float()
        mask = tensor(masks)[:, None]
        return Batch(tensor(latents), mask, tensor(known), weights(mask), captions)
