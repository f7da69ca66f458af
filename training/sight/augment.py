"""Changes to a batch of pictures that leave what they show as it is."""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def altered(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Pictures (N, 3, H, W) from 0 to 255, each with its own tint, contrast, softness and grain."""
    count = len(pictures)
    draw = lambda low, high, shape: torch.from_numpy(rng.uniform(low, high, shape).astype(np.float32))
    strong = torch.from_numpy((rng.random((count, 1, 1, 1)) < 0.5).astype(np.float32))
    gain = 1 + strong * draw(-0.12, 0.12, (count, 3, 1, 1)) + strong * draw(-0.15, 0.15, (count, 1, 1, 1))
    shift = strong * draw(-16, 16, (count, 1, 1, 1))
    middle = pictures.mean((2, 3), keepdim=True)
    out = (pictures - middle) * gain + middle + shift
    soft = draw(-1, 1, (count, 1, 1, 1)).clamp(min=0)
    blurred = F.avg_pool2d(F.pad(out, (1, 1, 1, 1), mode="replicate"), 3, 1)
    out = out.lerp(blurred, soft)
    grain = draw(-6, 10, (count, 1, 1, 1)).clamp(min=0)
    return (out + grain * torch.from_numpy(rng.standard_normal(out.shape, np.float32))).clamp(0, 255)
