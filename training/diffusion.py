"""The noise schedule, the v-prediction target, and sampling with DPM-Solver++(2M).

Progressive distillation (arXiv:2202.00512) for v; DPM-Solver++ (arXiv:2211.01095) for the sampler,
with the choices that diffusers makes for the config below.
"""
from __future__ import annotations

from typing import Callable

import numpy as np
import torch
from torch import Tensor

TRAIN_STEPS, BETA_START, BETA_END = 1000, 0.00085, 0.02
MIN_SNR = 5.0

SCHEDULER_CONFIG = {
    "_class_name": "DPMSolverMultistepScheduler", "_diffusers_version": "0.27.2", "algorithm_type": "dpmsolver++",
    "beta_end": BETA_END, "beta_schedule": "scaled_linear", "beta_start": BETA_START,
    "dynamic_thresholding_ratio": 0.995, "euler_at_final": False, "final_sigmas_type": "zero",
    "lower_order_final": True, "num_train_timesteps": TRAIN_STEPS,
    "prediction_type": "v_prediction", "sample_max_value": 1.0, "solver_order": 2, "solver_type": "midpoint",
    "steps_offset": 1, "thresholding": False, "timestep_spacing": "trailing", "trained_betas": None,
    "use_karras_sigmas": False, "use_lu_lambdas": False, "variance_type": None}

_betas = np.linspace(BETA_START ** 0.5, BETA_END ** 0.5, TRAIN_STEPS) ** 2
ALPHA_BAR = torch.from_numpy(np.cumprod(1 - _betas)).float()


def noisy(x: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x (N, C, H, W) noised to timesteps t (N), the v target, and the min-SNR weight of its squared error (N, 1, 1, 1)."""
    bar = ALPHA_BAR.to(x.device)[t][:, None, None, None]
    a, s = bar.sqrt(), (1 - bar).sqrt()
    snr = bar / (1 - bar)
    return a * x + s * noise, a * noise - s * x, snr.clamp(max=MIN_SNR) / (snr + 1)


def timesteps(steps: int) -> list[int]:
    """Timesteps with trailing spacing, descending; the first is the last timestep of training."""
    return [round(v) - 1 for v in np.arange(TRAIN_STEPS, 0, -TRAIN_STEPS / steps)]


def sample(predict: Callable[[Tensor, int], Tensor], noise: Tensor, steps: int = 20,
           keep: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """solve() at trailing timesteps, without gradients."""
    with torch.no_grad():
        return solve(predict, noise, timesteps(steps), keep)


def solve(predict: Callable[[Tensor, int], Tensor], noise: Tensor, order: list[int],
          keep: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Denoises noise (N, C, H, W) to latents of that shape; predict(x, t) returns v, guidance included.

    order: timesteps, descending. keep: latents, and a mask (N, 1, H, W) that is 1 where they are painted anew;
    elsewhere every step sees them with the same noise, and they come out as they were.
    """
    x, last = noise, None
    levels = [(bar.sqrt().item(), (1 - bar).sqrt().item()) for bar in ALPHA_BAR[order].double()]
    lam = [np.log(a / s) for a, s in levels]
    for i, t in enumerate(order):
        a, s = levels[i]
        if keep:
            x = torch.where(keep[1] > 0, x, a * keep[0] + s * noise)
        x0 = a * x - s * predict(x, t)
        if i == len(order) - 1:
            return torch.where(keep[1] > 0, x0, keep[0]) if keep else x0
        a1, s1 = levels[i + 1]
        h, d = lam[i + 1] - lam[i], x0
        if last is not None:
            r = (lam[i] - lam[i - 1]) / h
            d = x0 + (x0 - last) / (2 * r)
        x, last = s1 / s * x - a1 * np.expm1(-h) * d, x0
    return x


def guided(unet, context: Tensor, empty: Tensor, guidance: float,
           more: Tensor | None = None) -> Callable[[Tensor, int], Tensor]:
    """The prediction for sample(): classifier-free guidance over a batch; context and empty are (N, L, D).

    more: the further input channels of a model that edits (see conditioning.py).
    """
    both = torch.cat([empty, context])

    def predict(x: Tensor, t: int) -> Tensor:
        x = x if more is None else torch.cat([x, more], 1)
        time = torch.full((2 * len(x),), t, device=x.device)
        without, with_ = unet(torch.cat([x, x]), time, both).float().chunk(2)
        return without + guidance * (with_ - without)
    return predict
