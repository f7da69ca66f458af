"""Reads and writes safetensors files of float tensors, with nothing but numpy and torch."""
from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import torch

TYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32}


def save(tensors: dict[str, torch.Tensor], path: Path, dtype: str = "F16") -> None:
    """Writes all tensors as dtype, contiguous, whatever their memory format; the file appears whole or not at all."""
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(tensors):
        data = np.ascontiguousarray(tensors[name].detach().float().cpu().numpy(), TYPES[dtype])
        blobs.append(data.tobytes())
        header[name] = {"dtype": dtype, "shape": list(data.shape), "data_offsets": [offset, offset + data.nbytes]}
        offset += data.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    partial.replace(path)


def load(path: Path) -> dict[str, torch.Tensor]:
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[start + begin:start + end], TYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.astype(np.int64 if array.dtype.kind == "i" else np.float32))
    return tensors
