"""The hardware that PyTorch runs on."""
from __future__ import annotations

import ctypes
import os
from contextlib import nullcontext
from pathlib import Path

import torch

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "patchwork-training"
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def keep_freed_memory() -> None:
    """Tells glibc not to hand freed memory back: tensors of many MB come and go with every operation, and
    having the kernel clear fresh pages for each of them costs a processor more than the arithmetic."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-4, 0)                 # M_MMAP_MAX
        libc.mallopt(-1, 2 ** 31 - 1)       # M_TRIM_THRESHOLD
        libc.mallopt(-2, 2 ** 28)           # M_TOP_PAD
    except (OSError, AttributeError):
        pass


def half_precision(enabled: bool = True):
    """bfloat16 where the operation allows it; also pays on processors that have bfloat16 instructions."""
    return torch.autocast(DEVICE.type, dtype=torch.bfloat16) if enabled else nullcontext()


def save_checkpoint(state: dict, path: Path) -> None:
    """Writes a file under a temporary name and renames it, so that it is never incomplete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def load_checkpoint(path: Path) -> dict | None:
    return torch.load(path, map_location="cpu") if path.exists() else None
