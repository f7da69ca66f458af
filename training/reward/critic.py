"""Says what a picture shows, for gradients: the scorer stays the judge that no model has learnt from.

The tagger, which learnt from renders as they are and as Scenes would have drawn them, and beside its head one that counts,
because a reward for what is asked alone is highest where it stands twice.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import safetensors
from ..device import DEVICE, half_precision
from ..models.tagger import Tagger
from ..scenes.world import COLOURS, KINDS, MAX_OBJECTS, TERRAINS, TIMES, Scene
from ..sight.export import load as load_tagger
from .pictures import load as pictures_of

BATCH, PEAK_RATE, TEST = 256, 1e-3, 1000
WEIGHTS = {"objects": 8.0, "counts": 6.0, "terrain": 1.0, "time": 1.0}
PRESENT = 4.0                              # how much more a kind and colour that is there counts than one that is not


class Critic(nn.Module):
    """Pictures (N, 3, 128, 128) in [-1, 1] to logits: objects (N, kinds, colours), counts (N, kinds, 0 to 3), terrain, time."""

    def __init__(self, tagger: Tagger):
        super().__init__()
        self.tagger = tagger.requires_grad_(False)
        wide, narrow = tagger.config["head"]["width_list"]
        self.counts = nn.Sequential(nn.BatchNorm1d(wide + narrow, affine=False), nn.Linear(wide + narrow, 256), nn.SiLU(),
                                    nn.Dropout(0.2), nn.Linear(256, len(KINDS) * (MAX_OBJECTS + 1)))

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the counts are read from, (N, 896), and the tagger's logits."""
        tagger, (rise, pool, narrow, last) = self.tagger, self.tagger.head.op_list
        with half_precision():
            wide = pool(rise(tagger.backbone((127.5 * (x + 1) - tagger.image_mean) / tagger.image_std)[-1]))
            logits = last(few := narrow(wide))
        return torch.cat([wide.flatten(1), few], 1).float(), logits.float()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        f, logits = self.features(x.contiguous(memory_format=torch.channels_last))
        tags = dict(zip(self.tagger.sizes, logits.split(list(self.tagger.sizes.values()), 1)))
        return {"objects": tags["object"].unflatten(1, (len(KINDS), len(COLOURS))),
                "counts": self.counts(f).unflatten(1, (len(KINDS), MAX_OBJECTS + 1)),
                "terrain": tags["terrain"], "time": tags["time"]}


def targets(scenes: list[Scene]) -> dict[str, Tensor]:
    objects, counts = torch.zeros(len(scenes), len(KINDS), len(COLOURS)), torch.zeros(len(scenes), len(KINDS)).long()
    for i, scene in enumerate(scenes):
        for g in scene.groups:
            objects[i, KINDS.index(g.kind), COLOURS.index(g.colour)] = 1
            counts[i, KINDS.index(g.kind)] = g.count
    right = {"objects": objects, "counts": counts, "terrain": torch.tensor([TERRAINS.index(s.terrain) for s in scenes]),
             "time": torch.tensor([TIMES.index(s.time) for s in scenes])}
    return {name: values.to(DEVICE) for name, values in right.items()}


def losses(said: dict[str, Tensor], right: dict[str, Tensor]) -> dict[str, Tensor]:
    """The cross-entropy of each answer with its weight, (N) each."""
    present = torch.tensor(PRESENT, device=DEVICE)
    each = {"objects": F.binary_cross_entropy_with_logits(said["objects"], right["objects"], pos_weight=present,
                                                          reduction="none").mean((1, 2)),
            "counts": F.cross_entropy(said["counts"].transpose(1, 2), right["counts"], reduction="none").mean(1),
            **{n: F.cross_entropy(said[n], right[n], reduction="none") for n in ("terrain", "time")}}
    return {name: WEIGHTS[name] * loss for name, loss in each.items()}


def varied(x: Tensor, shift: int = 6) -> Tensor:
    """Shifted, softened, tinted and grainy pictures, each in its own way; differentiable."""
    n, side = len(x), x.shape[2]
    x = F.pad(x, [shift] * 4, mode="replicate")
    places = torch.randint(0, 2 * shift + 1, (n, 2)).tolist()
    x = torch.stack([p[:, i:i + side, j:j + side] for p, (i, j) in zip(x, places)])
    each = lambda low, high, *shape: torch.empty(n, *shape, 1, 1, device=x.device).uniform_(low, high)
    soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    x = torch.lerp(x, soft, each(0, 1, 1))
    x = x * each(0.9, 1.1, 1) + each(-0.06, 0.06, 3)
    return x + each(0, 0.06, 1) * torch.randn_like(x)


def as_input(pictures: np.ndarray) -> Tensor:
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(DEVICE).float() / 127.5 - 1
    return x.contiguous(memory_format=torch.channels_last)


def train(tagger: Tagger, work: Path, steps: int, target: Path) -> None:
    """Teaches the head that counts, on what the tagger makes of each picture once, and writes it to target."""
    pictures, scenes = pictures_of(work)
    torch.manual_seed(0)
    critic = Critic(tagger).to(DEVICE)
    with torch.no_grad():
        f = torch.cat([critic.features(varied(as_input(pictures[i:i + 64])))[0] for i in range(0, len(pictures), 64)])
    teach(critic, f, targets(scenes)["counts"], steps)
    safetensors.save({k: v for k, v in critic.counts.state_dict().items() if "num_batches" not in k}, target)


def teach(critic: Critic, f: Tensor, counts: Tensor, steps: int) -> None:
    """Trains critic.counts on features (N, 896) and the right answers (N, kinds), and says how often it is right on others."""
    order = torch.randperm(len(f))
    test, rest = order[:TEST], order[TEST:]
    optimiser = torch.optim.AdamW(critic.counts.parameters(), PEAK_RATE, weight_decay=0.03)
    said = lambda rows: critic.counts(f[rows]).unflatten(1, (len(KINDS), MAX_OBJECTS + 1))
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * (1 - step / steps)
        rows = rest[torch.randint(len(rest), (BATCH,))]
        loss = F.cross_entropy(said(rows).transpose(1, 2), counts[rows])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    critic.counts.eval()
    best, right = said(test).argmax(2), counts[test]
    print(f"counted rightly: {(best == right)[right > 0].float().mean():.3f}, "
          f"rightly absent: {(best == right)[right == 0].float().mean():.4f}", flush=True)


def tagger(folder: Path) -> Tagger:
    return load_tagger(Tagger, folder).to(memory_format=torch.channels_last)


def load(tagger: Tagger, path: Path) -> Critic:
    critic = Critic(tagger)
    critic.counts.load_state_dict(safetensors.load(path), strict=False)
    return critic.to(DEVICE, memory_format=torch.channels_last).eval().requires_grad_(False)
