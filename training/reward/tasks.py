"""What the model draws for the critic: scenes none of which has a held-out combination."""
from __future__ import annotations

from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from ..scenes.captions import caption
from ..scenes.world import Scene, training_scene

SHAPE, TWO_KINDS = (4, 32, 32), 0.6


@dataclass
class Task:
    """A prompt that says all of its scene, and the noise to draw it from."""
    scene: Scene
    prompt: str
    noise: Tensor


class Tasks:
    """Random ones; TWO_KINDS of the scenes have two kinds of object, more than by chance."""

    def __init__(self, seed: int):
        self.rng, self.generator = Random(seed), torch.Generator().manual_seed(seed)

    def batch(self, count: int) -> list[Task]:
        return [self.one(1 + (self.rng.random() < TWO_KINDS)) for _ in range(count)]

    def one(self, kinds: int) -> Task:
        while len((scene := training_scene(self.rng)).groups) != kinds:
            pass
        return Task(scene, caption(scene, self.rng, omit=0), torch.randn(SHAPE, generator=self.generator))
