"""Muon for the inner matrices and convolutions, AdamW for everything else.

Muon (Jordan et al., 2024, kellerjordan.github.io/posts/muon): momentum whose matrix is brought
close to orthogonal by a Newton-Schulz iteration before it is applied.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn


def orthogonal(g: Tensor, steps: int = 5) -> Tensor:
    """Approximates the orthogonal factor of a matrix g (rows, columns) by Newton-Schulz iterations."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        y = x @ x.T
        x = a * x + (b * y + c * (y @ y)) @ x
    return (x.T if tall else x).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.01):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                buffer = state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(buffer, group["momentum"]).reshape(p.shape[0], -1)
                scale = 0.2 * max(update.shape) ** 0.5          # the size of an Adam step
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(orthogonal(update).reshape(p.shape), alpha=-group["lr"] * scale)


# Rows that are looked up, and the convolutions at the rim of a network.
RIM = ("embed", "iou_token", "mask_tokens", "conv_in", "conv_out", "stages.0.op_list.0.", "input_stem.op_list.0.")


def build(model: nn.Module, rate: float, muon: bool = True) -> list[torch.optim.Optimizer]:
    """Optimisers with a common learning rate; depthwise convolutions and the first and last layers use AdamW."""
    inner = lambda name, p: p.ndim >= 2 and p.shape[1] > 1 and not any(w in name for w in RIM)
    matrices = [p for n, p in model.named_parameters() if muon and inner(n, p)]
    rest = [p for n, p in model.named_parameters() if not (muon and inner(n, p))]
    adam = torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.99), weight_decay=0.0 if muon else 0.01)
    return [adam, Muon(matrices, lr=rate)] if muon else [adam]
