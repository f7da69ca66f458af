"""Pictures from prompts with PyTorch, to judge the model by; and contact sheets of them."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn

from .conditioning import to_draw
from .device import DEVICE
from .diffusion import guided, sample
from .tokenizer import Tokenizer

BATCH = 8


def start(parts: dict[str, nn.Module], tokenizer: Tokenizer, prompts: list[str], seeds: list[int],
          shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Encodings (N, L, D) of the prompts and of the empty prompt, and noise of the given shape for each seed."""
    context, empty = (parts["text_encoder"](torch.from_numpy(tokenizer(t)).to(DEVICE))
                      for t in (prompts, [""] * len(prompts)))
    noise = torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds])
    return context, empty, noise.to(DEVICE)


@torch.no_grad()
def pictures(parts: dict[str, nn.Module], tokenizer: Tokenizer, prompts: list[str], seeds: list[int],
             steps: int = 20, guidance: float = 5.0, width: int = 256, height: int = 256) -> np.ndarray:
    """uint8 pictures (N, height, width, 3)."""
    out = []
    for i in range(0, len(prompts), BATCH):
        texts = prompts[i:i + BATCH]
        shape = (4, height // 8, width // 8)
        context, empty, noise = start(parts, tokenizer, texts, seeds[i:i + BATCH], shape)
        more = to_draw(parts, len(texts), width, height)
        latent = sample(guided(parts["unet"], context, empty, guidance, more), noise, steps)
        rgb = parts["vae"].decoder(latent).clamp(-1, 1).add(1).mul(127.5).round().byte()
        out.append(rgb.permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(out)


def generate(parts: dict[str, nn.Module], tokenizer: Tokenizer, prompts: Path, folder: Path,
             steps: int, guidance: float, size: tuple[int, int]) -> None:
    """One PNG for every entry of the prompts file, and folder/pictures.json for `score` and `sheet`."""
    entries = json.loads(prompts.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    made = pictures(parts, tokenizer, [e["prompt"] for e in entries], [e["seed"] for e in entries],
                    steps, guidance, *size)
    for i, (entry, picture) in enumerate(zip(entries, made)):
        entry["file"] = f"{i:03d}.png"
        Image.fromarray(picture).save(folder / entry["file"])
    (folder / "pictures.json").write_text(json.dumps(entries, indent=1))


def sheet(listing: Path, target: Path, columns: int = 6) -> None:
    """A contact sheet of the pictures in a listing, each with its prompt below."""
    entries = json.loads(listing.read_text())
    images = [Image.open(listing.parent / e["file"]) for e in entries]
    width, height = images[0].size
    rows = -(-len(images) // columns)
    page = Image.new("RGB", (columns * (width + 8) + 8, rows * (height + 44) + 8), "white")
    draw = ImageDraw.Draw(page)
    for i, (entry, image) in enumerate(zip(entries, images)):
        x, y = 8 + i % columns * (width + 8), 8 + i // columns * (height + 44)
        page.paste(image, (x, y))
        lines, line = [], ""
        for word in entry["prompt"].split():
            if draw.textlength(f"{line} {word}") > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        draw.multiline_text((x, y + height + 2), "\n".join([*lines, line][:3]), fill="black", spacing=1)
    page.save(target)
