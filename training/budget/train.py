"""Trains adapters with which a step without guidance does what steps with guidance do.

`alone`: the result of one guided step from what that step begins with (guidance distillation, Meng et al. 2023,
arXiv:2210.03142). `few`: from the same noise, the result of the full process in a few steps of the sampler, through all
of which the gradient goes; it does in one stage what progressive distillation (Salimans & Ho 2022, arXiv:2202.00512)
does in several.
"""
from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import safetensors
from ..device import DEVICE, half_precision, load_checkpoint, save_checkpoint
from ..diffusion import ALPHA_BAR, guided, solve, timesteps
from ..edits.mixture import OUTSIDE, weights
from ..tokenizer import Tokenizer
from .lora import Adapter
from .parts import Parts
from .trajectories import STEPS, Canvas, Followed, Trajectories

WARM_UP, MAX_NORM = 20, 1.0
Predict = Callable[[Tensor, int], Tensor]
AVERAGE = 0.99                             # of the exported moving average


def channels_last(x: Tensor, canvas: Canvas | None) -> Tensor:
    """The network's input, with the further channels of a model that edits."""
    x = x if canvas is None else torch.cat([x, canvas.channels], 1)
    return x.contiguous(memory_format=torch.channels_last)


def emphasis(canvas: Canvas | None) -> Tensor | float:
    """How much an error of a latent counts: what an edit paints the most."""
    return 1.0 if canvas is None else weights(canvas.mask)


def alone_loss(adapter: Adapter, followed: Followed, context: Tensor) -> Tensor:
    """The squared error of v at a random step of each trajectory."""
    count = len(followed.latents)
    which = (torch.randperm(count) * STEPS // count) % STEPS
    t = torch.tensor(timesteps(STEPS))[which]
    bar = ALPHA_BAR[t][:, None, None, None]
    x, x0 = followed.latents[torch.arange(count), which], followed.results[torch.arange(count), which]
    v = (bar.sqrt() * x - x0) / (1 - bar).sqrt()
    with half_precision():
        out = adapter.call(adapter.weights(), channels_last(x, followed.canvas), t, context)
    return ((out.float() - v).square() * emphasis(followed.canvas)).mean()


def teaching(unet: nn.Module, context: Tensor, empty: Tensor, guidance: float, more: Tensor | None) -> Predict:
    """The guided prediction of the full process."""
    steps = guided(unet, context, empty.expand(len(context), -1, -1), guidance, more)

    def predict(x: Tensor, t: int) -> Tensor:
        with half_precision():
            return steps(x, t)
    return predict


class Student:
    """The adapter's predictions for a batch, and the latents that it was asked about."""

    def __init__(self, adapter: Adapter, followed: Followed, context: Tensor):
        self.adapter, self.merged = adapter, adapter.weights()
        self.followed, self.canvas, self.context = followed, followed.canvas, context
        self.seen: list[Tensor] = []

    def predict(self, x: Tensor, t: int, canvas: Canvas | None = None, context: Tensor | None = None) -> Tensor:
        """v (N, 4, H, W) of latents x at timestep t, by default for the batch's own canvas and words."""
        context = self.context if context is None else context
        with half_precision():
            time = torch.full((len(x),), t, device=DEVICE)
            return self.adapter.call(self.merged, channels_last(x, canvas or self.canvas), time, context).float()

    def __call__(self, x: Tensor, t: int) -> Tensor:
        self.seen.append(x)
        return self.predict(x, t)


def few_loss(student: Student, steps: list[int]) -> Tensor:
    """What a process of these timesteps ends with, against the full one; a few latents far off count less.

    Around an edit's mask every step is also to see the original: there its features are recorded.
    """
    followed, canvas, around = student.followed, student.canvas, []

    def predict(x: Tensor, t: int) -> Tensor:
        v = student(x, t)
        if canvas is not None:
            bar = ALPHA_BAR[t].item()
            wrong = (bar ** 0.5 * x - (1 - bar) ** 0.5 * v - canvas.original) * (1 - canvas.mask)
            around.append(F.smooth_l1_loss(wrong, torch.zeros_like(wrong), beta=0.5))
        return v

    end = solve(predict, followed.noise, steps, canvas and canvas.keep)
    error = F.smooth_l1_loss(end, followed.results[:, -1], beta=0.5, reduction="none")
    return (error * emphasis(canvas)).mean() + OUTSIDE * sum(around) / len(steps)


def last_loss(student: Student, steps: list[int], teacher: Predict) -> Tensor:
    """The last step of a process of these timesteps, against what the full process makes of the latents it begins with.

    Those latents are where the steps before it have come to, so the end that is aimed at fits them and is as sharp as the
    full process's. teacher: the full process's prediction.
    """
    noise, canvas, last = student.followed.noise, student.canvas, steps[-1]
    keep = canvas and canvas.keep
    with torch.no_grad():
        solve(student, noise, steps, keep)
        x = student.seen[-1]
        begin = x if canvas is None else torch.where(canvas.mask > 0, x, noise)
        end = solve(teacher, begin, [last, *(t for t in timesteps(STEPS) if t < last)], keep)
    bar = ALPHA_BAR[last].item()
    out = bar ** 0.5 * x - (1 - bar) ** 0.5 * student.predict(x, last)
    painted = 1.0 if canvas is None else canvas.mask
    return (F.smooth_l1_loss(out, end, beta=0.5, reduction="none") * painted * emphasis(canvas)).mean()


def part_loss(student: Student, parts: Parts, empty: Tensor, steps: list[int], at: int) -> Tensor:
    """How far a step of an edit of a part is from the step of the whole edit, inside the mask.

    empty: the context of no words. at: which of the steps, all of which the student was asked about.
    """
    canvas, x, t = student.canvas, student.seen[at].detach(), steps[at]
    bar = ALPHA_BAR[t].item()
    whole = student.predict(x, t)
    bare = Canvas(torch.zeros_like(canvas.mask), canvas.original, canvas.original)
    noised = bar ** 0.5 * canvas.original + (1 - bar) ** 0.5 * student.followed.noise
    recorded = lambda: student.predict(torch.where(canvas.mask > 0, noised, x), t, bare, empty.expand(len(x), -1, -1))
    part = parts.compute(recorded, lambda: student.predict(x, t), canvas.mask)
    wrong = (1 - bar) ** 0.5 * (part - whole)
    return (F.smooth_l1_loss(wrong, torch.zeros_like(wrong), beta=0.5, reduction="none") * canvas.mask
            * emphasis(canvas)).mean()


def train(work: Path, data: Trajectories, parts: dict[str, nn.Module], tokenizer: Tokenizer, name: str, counts: list[int],
          start: str | None, rank: int, minutes: float, batch: int, rate: float, guidance: float | None = None,
          part_weight: float = 0) -> None:
    """Goes on from the adapter of this name, else from the one named start or in this file, else from no change.

    counts: numbers of steps of the processes for `few_loss`, in turns; none of them for `alone_loss`. guidance: of the
    full process, for every second batch to be for `last_loss`. part_weight: of `part_loss`, which is added at one of the
    steps.
    """
    state = load_checkpoint(checkpoint_of(work, name)) or (started(work, start, parts["unet"]) if start else None)
    unet, words = parts["unet"].requires_grad_(False), parts["text_encoder"].requires_grad_(False)
    torch.manual_seed(0)
    adapter = Adapter(unet.to(memory_format=torch.channels_last), state["rank"] if state else rank).to(DEVICE)
    if state:
        adapter.load_state_dict(state["adapter"])
    seen = state["seen"] if state and state["name"] == name else 0
    average = {n: p.detach().clone() for n, p in adapter.named_parameters()}
    optimiser = torch.optim.AdamW(adapter.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=0.0)
    rng, parted = np.random.default_rng(seen), Parts(unet) if part_weight else None
    with torch.no_grad():
        empty = words(torch.from_numpy(tokenizer([""])).to(DEVICE))
    began, elapsed, step, mean = time.time(), 0.0, 0, None
    print(f"{sum(p.numel() for p in adapter.parameters())} parameters", flush=True)
    while elapsed < 1:
        if step % 50 == 0:
            data.refresh()
        followed = data.batch(batch, rng)
        with torch.no_grad():
            context = words(torch.from_numpy(tokenizer(followed.captions)).to(DEVICE))
        order = timesteps(counts[step // 2 % len(counts)]) if counts else []
        student = Student(adapter, followed, context)
        if not counts:
            loss = alone_loss(adapter, followed, context)
        elif guidance is None or step % 2 == 0:
            loss = few_loss(student, order)
        else:
            more = followed.canvas and followed.canvas.channels
            loss = last_loss(student, order, teaching(unet, context, empty, guidance, more))
        if parted and order and followed.canvas:
            loss = loss + part_weight * part_loss(student, parted, empty, order, int(rng.integers(len(order))))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        elapsed = (time.time() - began) / (minutes * 60)
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * min(1, elapsed)))
        nn.utils.clip_grad_norm_(adapter.parameters(), MAX_NORM)
        optimiser.step()
        step, seen = step + 1, seen + len(followed.captions)
        decay = min(AVERAGE, (1 + step) / (10 + step))
        for n, p in adapter.named_parameters():
            average[n].lerp_(p.detach(), 1 - decay)
        mean = loss.item() if mean is None else 0.95 * mean + 0.05 * loss.item()
        if step % 10 == 0:
            print(f"step {step} seen {seen} loss {mean:.5f} {time.time() - began:.0f} s", flush=True)
        if step % 50 == 0 or elapsed >= 1:
            save_checkpoint({"adapter": average, "rank": adapter.rank, "seen": seen, "name": name},
                            checkpoint_of(work, name))


def started(work: Path, start: str, unet: nn.Module) -> dict | None:
    """The state of a checkpoint, or of an exported file."""
    if not start.endswith(".safetensors"):
        return load_checkpoint(checkpoint_of(work, start))
    adapter = Adapter.of_factors(unet, safetensors.load(Path(start)))
    return {"adapter": adapter.state_dict(), "rank": adapter.rank, "seen": 0, "name": start}


def checkpoint_of(work: Path, name: str) -> Path:
    return work / f"adapter-{name}.pt"


def load(work: Path, name: str, unet: nn.Module) -> Adapter:
    state = load_checkpoint(checkpoint_of(work, name))
    adapter = Adapter(unet, state["rank"])
    adapter.load_state_dict(state["adapter"])
    return adapter.eval().requires_grad_(False)


def export(adapter: Adapter, target: Path) -> None:
    safetensors.save(adapter.named_factors(), target, in_bytes=True)
