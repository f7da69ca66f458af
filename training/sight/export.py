"""Writes and reads the weights of a network of sight: its config and safetensors, named as in PyTorch.

Matrices are bytes with a scale for each row, the rest float16.
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

from torch import nn

from .. import safetensors
from ..device import DEVICE
from ..export import write_json

WEIGHTS = "model.safetensors"


def save(model: nn.Module, folder: Path) -> int:
    """Writes folder/config.json and the weights; returns their size in bytes."""
    tensors = {name: t for name, t in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    safetensors.save(tensors, folder / WEIGHTS, in_bytes=True)
    write_json(model.config, folder / "config.json")
    return sum(p.stat().st_size for p in folder.iterdir())


def load(kind: Callable[[dict], nn.Module], folder: Path) -> nn.Module:
    """The network of a folder, in float32."""
    model = kind(json.loads((folder / "config.json").read_text()))
    missing, unexpected = model.load_state_dict(safetensors.load(folder / WEIGHTS), strict=False)
    if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
        raise ValueError(f"{folder}: missing {missing}, unexpected {unexpected}")
    return model.eval().to(DEVICE)
