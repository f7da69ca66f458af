"""A small network that judges edits: what stands in a mask, in which colour, and whether the mask cuts it.

It sees a square around the mask, scaled to 64x64, and the mask as a fourth channel, so a thing's size in the picture is
nothing to it. It learns from renders of all sizes, most of them as the model would have drawn them: through the autoencoder,
or through noise and some steps of the U-Net too. Cut things come about as in an edit: latents of the whole thing inside
a mask that is too small for it, those of the bare picture outside.
"""
from __future__ import annotations

import json
import time
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from .. import safetensors
from ..conditioning import CELL, as_input, coarse, decoded, encoded, to_draw
from ..device import DEVICE, half_precision, load_checkpoint, save_checkpoint
from ..diffusion import ALPHA_BAR
from ..scenes.captions import caption
from ..scenes.world import COLOURS, KINDS, Group, Scene
from ..tokenizer import Tokenizer
from .compose import Edit, random_edit
from .masks import around, bounds

SIDE, INPUT, BATCH, PEAK_RATE, SHARD = 80, 64, 64, 3e-3, 50
NONE = len(KINDS)
CONTEXT = 1.3                             # side of the square, in longer sides of the mask
WHOLE, CUT = 0.005, (0.08, 0.6)           # shares of the thing that the mask's latents leave out
# A third of the latents are noised to a timestep up to this and denoised.
MAX_WEAR, WEAR_STEPS, WEAR_SHARE, CLEAN_SHARE = 260, 3, 0.34, 0.15


class Judge(nn.Module):
    """(N, 4, 64, 64), a picture in [-1, 1] and its mask, to logits: kinds and none, colours, whole."""

    def __init__(self):
        super().__init__()
        layers, width = [], 4
        for outputs, stride in ((24, 2), (48, 2), (48, 1), (96, 2), (96, 1), (144, 2), (144, 1)):
            layers += [nn.Conv2d(width, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            width = outputs
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(2 * width, 160), nn.ReLU(), nn.Linear(160, NONE + 1 + len(COLOURS) + 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f = self.features(x)
        out = self.head(torch.cat([f.mean((2, 3)), f.amax((2, 3))], 1)).float()
        kinds, colours, whole = out.split([NONE + 1, len(COLOURS), 1], 1)
        return kinds, colours, whole[:, 0]


def window(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(80, 80, 4) uint8: the square around the mask, and the mask; what lies outside the picture is grey."""
    left, top, right, bottom = bounds(mask)
    side = max(24, CONTEXT * max(right - left, bottom - top))
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    box = (round(x), round(y), round(x + side), round(y + side))
    h, w = mask.shape
    x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], w), min(box[3], h)
    layers = []
    for source, fill in ((picture, 128), (mask.astype(np.uint8) * 255, 0)):
        out = np.full((box[3] - box[1], box[2] - box[0], *source.shape[2:]), fill, np.uint8)
        out[y0 - box[1]:y1 - box[1], x0 - box[0]:x1 - box[0]] = source[y0:y1, x0:x1]
        way = Image.BOX if side > SIDE else Image.BILINEAR
        layers.append(np.asarray(Image.fromarray(out).resize((SIDE, SIDE), way)))
    return np.dstack(layers)


def cut_mask(thing: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """A mask that leaves out a part of the thing."""
    left, top, right, bottom = bounds(thing)
    for _ in range(20):
        mask, _ = around(thing, rng)
        if rng.random() < 0.6:                                 # a good mask in the wrong place
            dx, dy = (int(v) for v in rng.uniform(-0.6, 0.6, 2) * max(right - left, bottom - top))
        else:                                                  # and one that is too small
            dx = dy = 0
            page = Image.fromarray(mask.astype(np.uint8) * 255)
            w, h = page.size
            f, cx, cy = 1 / rng.uniform(0.5, 0.9), (left + right) / 2, (top + bottom) / 2
            mask = np.asarray(page.transform((w, h), Image.AFFINE, (f, 0, cx - f * cx, 0, f, cy - f * cy))) > 127
        moved = np.zeros_like(mask)
        h, w = mask.shape
        moved[max(dy, 0):h + min(dy, 0), max(dx, 0):w + min(dx, 0)] = \
            mask[max(-dy, 0):h + min(-dy, 0), max(-dx, 0):w + min(-dx, 0)]
        if moved.any() and CUT[0] < left_out(thing, moved) < CUT[1]:
            return moved
    return None


def spread(mask: np.ndarray) -> np.ndarray:
    """Extends a mask to whole latent positions (8x8 pixels)."""
    return coarse(mask).repeat(CELL, 0).repeat(CELL, 1)


def left_out(thing: np.ndarray, mask: np.ndarray) -> float:
    return (thing & ~spread(mask)).sum() / thing.sum()


@torch.no_grad()
def worn(parts: dict, tokenizer: Tokenizer, latents: Tensor, captions: list[str], start: int) -> Tensor:
    """Noise to timestep start, and back in deterministic steps (DDIM, arXiv:2010.02502)."""
    order = [round(start * (1 - i / WEAR_STEPS)) for i in range(WEAR_STEPS)]
    levels = [(ALPHA_BAR[t].sqrt().item(), (1 - ALPHA_BAR[t]).sqrt().item()) for t in order] + [(1.0, 0.0)]
    x = levels[0][0] * latents + levels[0][1] * torch.randn_like(latents)
    more = to_draw(parts, len(x), CELL * x.shape[3], CELL * x.shape[2])
    with half_precision():
        context = parts["text_encoder"](torch.from_numpy(tokenizer(captions)).to(DEVICE))
        for t, (a, s), (a1, s1) in zip(order, levels, levels[1:]):
            seen = x if more is None else torch.cat([x, more], 1)
            v = parts["unet"](seen, torch.full((len(x),), t, device=x.device), context).float()
            x = a1 * (a * x - s * v) + s1 * (s * x + a * v)
    return x


def samples(parts: dict | None, tokenizer: Tokenizer, edits: list[Edit], rng: Random) -> list[tuple]:
    """(window, kind, colour, whole) for things that are whole, cut or not there; whole is -1 where nothing is.

    Without parts the pictures stay as they were rendered.
    """
    generator = np.random.default_rng(rng.getrandbits(32))
    if parts:
        whole, bare = (encoded(parts["vae"], as_input(np.stack([getattr(e, n) for e in edits])))
                       for n in ("whole", "bare"))
    latents, pictures, what = [], [], []
    for i, e in enumerate(edits):
        kind, colour = KINDS.index(e.kind), COLOURS.index(e.colour)
        own = [(g.kind, g.colour) for g in e.scene.groups]
        for way in ("whole", "whole", "cut", "cut", "none"):
            mask = around(e.thing, generator)[0] if way != "cut" else cut_mask(e.thing, generator)
            if mask is None or (way == "whole" and left_out(e.thing, mask) > WHOLE) or (way == "none" and own):
                continue
            pixels = np.where(spread(mask)[..., None], e.whole, e.bare) if way != "none" else e.bare
            named = () if way == "none" else (Group(e.kind, e.colour),)
            words = caption(Scene(e.scene.time, e.scene.weather, e.scene.terrain,
                                  (*e.scene.groups[:1], *named)), rng) if named else ""
            if parts:
                latents.append(torch.where(torch.from_numpy(coarse(mask)), whole[i], bare[i]) if named else bare[i])
            pictures.append(pixels)
            what.append((mask, NONE if way == "none" else kind, colour, -1 if way == "none" else int(way == "whole"),
                         words))
    if not parts:
        return [(window(page, mask), *rest[:3]) for page, (mask, *rest) in zip(pictures, what)]
    z = torch.stack(latents)
    some = [i for i in range(len(z)) if rng.random() < WEAR_SHARE]
    for k in range(0, len(some), 12):
        part = some[k:k + 12]
        z[part] = worn(parts, tokenizer, z[part], [what[i][4] for i in part], rng.randint(60, MAX_WEAR))
    drawn = decoded(parts["vae"], z, half=True)
    return [(window(pictures[i] if rng.random() < CLEAN_SHARE else drawn[i], mask), kind, colour, is_whole)
            for i, (mask, kind, colour, is_whole, _) in enumerate(what)]


def write_shards(parts: dict, tokenizer: Tokenizer, folder: Path, count: int, plain: int, test: int) -> None:
    """Samples from count edits to learn from, from some more as they were rendered, which cost little, and from test
    edits, among them unseen combinations, to be judged by."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    jobs = [(name, i) for name, n in (("test", test), ("train", count), ("plain", plain)) for i in range(-(-n // SHARD))]
    for name, index in jobs:
        target = folder / f"{name}-{index:04d}.npz"
        if target.exists():
            continue
        rng = Random(f"judge/{name}/{index}")
        torch.manual_seed(rng.getrandbits(32))
        edits = [random_edit(rng, unseen=name == "test" and i % 2 == 0) for i in range(SHARD)]
        rows = samples(parts if name != "plain" else None, tokenizer, edits, rng)
        partial = target.with_suffix(".partial.npz")
        np.savez(partial, windows=np.stack([r[0] for r in rows]), labels=np.array([r[1:] for r in rows], np.int64))
        partial.replace(target)
        print(f"made {target.name}: {len(rows)} samples", flush=True)


def read_shards(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    files = [np.load(p) for p in sorted(folder.glob(f"{name}-????.npz"))]
    return np.concatenate([f["windows"] for f in files]), np.concatenate([f["labels"] for f in files])


def tensor(windows: np.ndarray) -> Tensor:
    x = torch.from_numpy(np.ascontiguousarray(windows)).permute(0, 3, 1, 2).to(DEVICE).float()
    return torch.cat([x[:, :3] / 127.5 - 1, x[:, 3:] / 255], 1)


def altered(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Augments windows: resizes them to the network's size, mirrors, shifts, scales, blurs, brightens or darkens them at
    random, and adds noise."""
    n = len(x)
    draw = lambda low, high, shape=(n,): torch.from_numpy(rng.uniform(low, high, shape).astype(np.float32)).to(DEVICE)
    scale, turn = draw(0.88, 1.12), torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    zero = torch.zeros(n, device=DEVICE)
    theta = torch.stack([torch.stack([scale * turn, zero, draw(-0.1, 0.1)], 1),
                         torch.stack([zero, scale, draw(-0.1, 0.1)], 1)], 1)
    x = F.grid_sample(x, F.affine_grid(theta, [n, 4, INPUT, INPUT], False), padding_mode="border", align_corners=False)
    rgb, mask = x[:, :3], x[:, 3:]
    soft = draw(-1, 1, (n, 1, 1, 1)).clamp(min=0)
    rgb = rgb.lerp(F.avg_pool2d(F.pad(rgb, (1, 1, 1, 1), mode="replicate"), 3, 1), soft)
    rgb = rgb * draw(0.9, 1.1, (n, 1, 1, 1)) + draw(-0.06, 0.06, (n, 3, 1, 1))
    return torch.cat([rgb + draw(0, 0.06, (n, 1, 1, 1)) * torch.randn_like(rgb), mask], 1)


def train(work: Path, steps: int, target: Path) -> None:
    """Resumes from work/judge.pt if it exists; writes the weights to `target` at the end."""
    windows, labels = (np.concatenate(pair) for pair in zip(*(read_shards(work / "judge", n) for n in ("train", "plain"))))
    labels = torch.from_numpy(labels)
    model = Judge().to(DEVICE, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.03)
    first = 0
    if state := load_checkpoint(work / "judge.pt"):
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["step"]
    rng, shown, mean = np.random.default_rng(first), time.time(), None
    torch.manual_seed(first)

    def save(step: int) -> None:
        save_checkpoint({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step},
                        work / "judge.pt")
    for step in range(first, steps):
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * min(1, (step - first + 1) / 50) * (1 - step / steps)
        chosen = rng.integers(len(windows), size=BATCH)
        kind, colour, whole = labels[chosen].to(DEVICE).T
        with half_precision():
            a, b, c = model(altered(tensor(windows[chosen]), rng).contiguous(memory_format=torch.channels_last))
        there = (kind != NONE).float()
        loss = (F.cross_entropy(a, kind, label_smoothing=0.03)
                + (F.cross_entropy(b, colour, reduction="none") * there).mean()
                + (F.binary_cross_entropy_with_logits(c, whole.clamp(min=0).float(), reduction="none") * there).mean())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 49:
            print(f"step {step + 1} loss {mean:.4f} {50 * BATCH / (time.time() - shown):.0f}/s", flush=True)
            shown = time.time()
        if step % 200 == 199:
            save(step + 1)
    save(steps)
    safetensors.save({k: v for k, v in model.state_dict().items() if "num_batches" not in k}, target)


def load(path: Path) -> Judge:
    model = Judge().to(DEVICE)
    model.load_state_dict(safetensors.load(path), strict=False)
    return model.eval()


@torch.no_grad()
def verdicts(model: Judge, windows: np.ndarray) -> list[dict]:
    """For every window the kind (None: nothing), the colour, and how sure the judge is that it is whole."""
    out = []
    for i in range(0, len(windows), BATCH):
        x = F.interpolate(tensor(windows[i:i + BATCH]), (INPUT, INPUT), mode="bilinear", antialias=True)
        both = [model(x), model(x.flip(-1))]
        kinds, colours, whole = (sum(v) / 2 for v in zip(*both))
        for k, c, w in zip(kinds.argmax(1).tolist(), colours.argmax(1).tolist(), whole.sigmoid().tolist()):
            out.append({"kind": None if k == NONE else KINDS[k], "colour": COLOURS[c], "whole": round(w, 3)})
    return out


def accuracy(model: Judge, folder: Path) -> dict:
    """Accuracy of the judge, from 0 to 1, on renders that it has not seen; half of them show unseen combinations."""
    windows, labels = read_shards(folder, "test")
    seen = verdicts(model, windows)
    there = [(s, KINDS[k], COLOURS[c], w) for s, (k, c, w) in zip(seen, labels.tolist()) if k != NONE]
    share = lambda rows: round(sum(rows) / len(rows), 4)
    return {"samples": len(seen), "kind": share([s["kind"] == (None if k == NONE else KINDS[k])
                                                 for s, (k, _, _) in zip(seen, labels.tolist())]),
            "nothing": share([s["kind"] is None for s, (k, _, _) in zip(seen, labels.tolist()) if k == NONE]),
            "kind of whole things": share([s["kind"] == k for s, k, _, w in there if w]),
            "colour": share([s["colour"] == c for s, _, c, _ in there]),
            "whole or cut": share([(s["whole"] > 0.5) == bool(w) for s, _, _, w in there]),
            "whole things called whole": share([s["whole"] > 0.5 for s, _, _, w in there if w]),
            "cut things called cut": share([s["whole"] <= 0.5 for s, _, _, w in there if not w])}
