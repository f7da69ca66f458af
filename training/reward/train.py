"""Reward fine-tuning: the model draws, a critic says what is wrong, and the steps that drew it learn to do it otherwise.

As in DRaFT (Clark et al., ICLR 2024, arXiv:2309.17400) and AlignProp (arXiv:2310.03739) the critic is differentiated
through the decoder; as in DRTune (Wu et al., ECCV 2024, arXiv:2405.00760) not through the U-Net's input: the derivative by
the finished latents is what the denoised latents of every step move against. So early steps, which compose the picture,
learn as much as late ones, and a step's share costs one evaluation. The ordinary loss on renders goes along.
"""
from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..device import DEVICE, half_precision
from ..diffusion import ALPHA_BAR, TRAIN_STEPS, noisy, solve, timesteps
from ..edits.mixture import Mixture
from ..finetune import Finetuning
from ..scenes.world import Scene
from ..tokenizer import Tokenizer
from ..train_diffusion import SIZES
from .critic import Critic, as_input, losses, targets, varied
from .suns import Suns, miscounted
from .tasks import Task, Tasks

COUNTS, GUIDANCE = (5, 6), 5.0             # steps of the processes, in turns
LEARNT, PART = 3, 16                       # steps of each that learn, and how many are evaluated at once
LONGEST = 1.0                              # of the derivative by a picture's latents
SUN = 3.0                                  # how much a sun too many or too few counts
GOOD, WRONG = 0.6, 0.25                    # see Reward; a picture that loses more than WRONG has a mistake in it
RENDERS, KEEP = 16, 0.7                    # rendered latents in a step, and the weight of their loss
DECAY = 0.3


class Reward:
    """What the critic finds wrong with pictures.

    Each of its losses counts from its quantile GOOD on renders that went through the autoencoder: what a picture is
    righter in than most of those counts for nothing, so there is nothing to gain by flattering the critic.
    """

    def __init__(self, critic: Critic, suns: Suns, renders: np.ndarray, scenes: list[Scene]):
        self.critic, self.suns = critic, suns
        with torch.no_grad():
            parts = [self.losses(as_input(renders[i:i + PART]), scenes[i:i + PART]) for i in range(0, len(renders), PART)]
        self.enough = {n: torch.cat([p[n] for p in parts]).quantile(GOOD).item() for n in parts[0]}

    def losses(self, small: Tensor, scenes: list[Scene]) -> dict[str, Tensor]:
        """Of pictures (N, 3, 128, 128), (N) each."""
        small = varied(small)
        return {**losses(self.critic(small), targets(scenes)), "suns": SUN * miscounted(self.suns(small), scenes)}

    def wrong(self, pictures: Tensor, scenes: list[Scene]) -> Tensor:
        """Of decoded pictures (N, 3, H, W), (N)."""
        small = F.avg_pool2d(pictures, pictures.shape[2] // 128)
        return sum((v - self.enough[n]).clamp(min=0) for n, v in self.losses(small, scenes).items())


@torch.no_grad()
def drawn(model: nn.ModuleDict, tokenizer: Tokenizer, tasks: list[Task], order: list[int]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Latents (N, 4, H, W), and what each step began with and predicted without the prompt."""
    began, without = [], []
    with half_precision():
        context, empty = (model["text_encoder"](torch.from_numpy(tokenizer(texts)).to(DEVICE))
                          for texts in ([t.prompt for t in tasks], [""] * len(tasks)))

    def predict(x: Tensor, t: int) -> Tensor:
        both = torch.cat([x, x]).contiguous(memory_format=torch.channels_last)
        with half_precision():
            told, untold = model["unet"](both, torch.full((len(both),), t, device=DEVICE),
                                         torch.cat([context, empty])).float().chunk(2)
        began.append(x)
        without.append(untold)
        return untold + GUIDANCE * (told - untold)

    return solve(predict, torch.stack([t.noise for t in tasks]).to(DEVICE), order), began, without


def direction(vae: nn.Module, reward: Reward, latents: Tensor, tasks: list[Task]) -> tuple[Tensor, Tensor]:
    """What is wrong with the pictures of latents, (N), and its derivative by the latents, at most of length LONGEST each."""
    latents = latents.detach().requires_grad_(True)
    with half_precision():
        pictures = vae.decoder(latents.contiguous(memory_format=torch.channels_last)).float()
    wrong = reward.wrong(pictures, [t.scene for t in tasks])
    slope, = torch.autograd.grad(wrong.sum(), latents)
    length = slope.flatten(1).norm(dim=1)[:, None, None, None]
    return wrong.detach(), slope * (LONGEST / length.clamp(min=LONGEST))


def learn(model: nn.ModuleDict, tokenizer: Tokenizer, tasks: list[Task], order: list[int], began: list[Tensor],
          without: list[Tensor], slope: Tensor, rows: list[tuple[int, int]]) -> None:
    """Adds the gradients of steps k of pictures i, rows (i, k), whose denoised latents are to move against the slope."""
    for part in (rows[i:i + PART] for i in range(0, len(rows), PART)):
        x, untold = (torch.stack([source[k][i] for i, k in part]) for source in (began, without))
        t = torch.tensor([order[k] for _, k in part], device=DEVICE)
        with half_precision():
            context = model["text_encoder"](torch.from_numpy(tokenizer([tasks[i].prompt for i, _ in part])).to(DEVICE))
            told = model["unet"](x.contiguous(memory_format=torch.channels_last), t, context).float()
        noise = (1 - ALPHA_BAR.to(DEVICE)[t]).sqrt()[:, None, None, None]
        moved = -noise * (untold + GUIDANCE * (told - untold))         # what of them depends on the weights
        (slope[[i for i, _ in part]] * moved).sum().div(LEARNT * len(tasks)).backward()


def render_loss(model: nn.ModuleDict, latents: Tensor, ids: Tensor) -> Tensor:
    """The squared error of v on renders, at every timestep alike: min-SNR weights play down those that compose."""
    t = ((torch.randperm(len(latents)) + torch.rand(len(latents))) / len(latents) * TRAIN_STEPS).long().to(DEVICE)
    x, v, _ = noisy(latents, torch.randn_like(latents), t)
    with half_precision():
        out = model["unet"](x.contiguous(memory_format=torch.channels_last), t, model["text_encoder"](ids))
    return (out.float() - v).square().mean()


def train(work: Path, parts: dict[str, nn.Module], tokenizer: Tokenizer, reward: Reward, minutes: float, batch: int,
          rate: float) -> None:
    """Goes on from work/reward.pt, else from parts."""
    vae = parts["vae"].requires_grad_(False).to(memory_format=torch.channels_last)
    run = Finetuning(work / "reward.pt", parts, minutes, rate, DECAY)
    model, step = run.model, run.step
    torch.manual_seed(step)
    tasks, rng, words = Tasks(1000 + step), np.random.default_rng([step, 5]), Random(step)
    sets = [Mixture(work, vae, size, True) for size in SIZES]
    odds = np.array([often * (len(s) > 0) for s, often in zip(sets, SIZES.values())])
    while run.elapsed < 1:
        run.begin()
        todo, order = tasks.batch(batch), timesteps(COUNTS[run.step % len(COUNTS)])
        latents, starts, without = drawn(model, tokenizer, todo, order)
        wrong, slope = direction(vae, reward, latents, todo)
        bad = [i for i, w in enumerate(wrong.tolist()) if w > WRONG]
        rows = [(i, int(k)) for i in bad for k in rng.choice(len(order), LEARNT, replace=False)]
        learn(model, tokenizer, todo, order, starts, without, slope, rows)
        learnt = sets[rng.choice(len(sets), p=odds / odds.sum())].batch(RENDERS, rng, words)
        keep = render_loss(model, learnt.latents, torch.from_numpy(tokenizer(learnt.captions)).to(DEVICE))
        (KEEP * keep).backward()
        run.end({"wrong": wrong.mean(), "share": len(bad) / batch, "renders": keep})
    run.save()
