"""What networks that are trained on have in common: their checkpoint, averaged weights, and a rate that rises and falls."""
from __future__ import annotations

import copy
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from .device import DEVICE, load_checkpoint, save_checkpoint
from .train_diffusion import WORDS_RATE

MAX_NORM, EMA_DECAY, WARM_UP, REPORT = 1.0, 0.98, 10, 10


class Finetuning:
    """Goes on from a checkpoint, else from parts (`unet` and `text_encoder`). A run takes some minutes; over the share `decay`
    of them the rate falls to nothing."""

    def __init__(self, checkpoint: Path, parts: dict[str, nn.Module], minutes: float, rate: float, decay: float):
        self.checkpoint, self.minutes, self.rate, self.decay = checkpoint, minutes, rate, decay
        self.model = nn.ModuleDict({n: parts[n] for n in ("unet", "text_encoder")})
        self.model.to(DEVICE, memory_format=torch.channels_last).requires_grad_(True)
        self.ema = copy.deepcopy(self.model).requires_grad_(False)
        self.optimiser = torch.optim.AdamW([{"params": self.model["unet"].parameters(), "share": 1.0},
                                            {"params": self.model["text_encoder"].parameters(), "share": WORDS_RATE}],
                                           lr=rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.step, self.seconds = 0, 0.0
        if state := load_checkpoint(checkpoint):
            self.model.load_state_dict(state["model"])
            self.ema.load_state_dict(state["ema"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seconds = state["step"], state["seconds"]
        self.first, self.began, self.means = self.step, time.time(), {}

    @property
    def elapsed(self) -> float:
        """The share of the minutes that is over."""
        return (time.time() - self.began) / (60 * self.minutes)

    def begin(self) -> None:
        """Clears the gradients and sets the rate of the next step."""
        ramp = min(1, (self.step - self.first + 1) / WARM_UP, max(0, 1 - self.elapsed) / self.decay)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * group["share"] * ramp
        self.optimiser.zero_grad(set_to_none=True)

    @torch.no_grad()
    def end(self, losses: dict[str, float | Tensor]) -> None:
        """Takes the step whose gradients were added, and reports means of what is in losses."""
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_NORM)
        self.optimiser.step()
        self.step += 1
        blend = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        for a, b in zip(self.ema.parameters(), self.model.parameters()):
            a.lerp_(b, 1 - blend)
        for name, value in losses.items():
            self.means[name] = 0.95 * self.means.get(name, float(value)) + 0.05 * float(value)
        if self.step % REPORT == 0:
            print(f"step {self.step}", " ".join(f"{n} {v:.3f}" for n, v in self.means.items()),
                  f"{(time.time() - self.began) / (self.step - self.first):.1f} s/step", flush=True)
            self.save()

    def save(self) -> None:
        save_checkpoint({"model": self.model.state_dict(), "ema": self.ema.state_dict(),
                         "optimiser": self.optimiser.state_dict(), "step": self.step,
                         "seconds": self.seconds + time.time() - self.began}, self.checkpoint)
