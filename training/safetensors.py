"""Reads and writes safetensors files of float tensors, with nothing but numpy and torch."""
from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import torch

TYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "I8": np.int8}
# Smaller tensors are not worth a scale for each row.
LEAST_IN_BYTES = 512


def save(tensors: dict[str, torch.Tensor], path: Path, dtype: str = "F16", in_bytes: bool = False) -> None:
    """Writes all tensors as dtype, contiguous, whatever their memory format; the file appears whole or not at all.

    in_bytes: larger matrices as bytes with a scale for each row, the tensor <name>_scale, as compressed-tensors does.
    """
    arrays = {}
    for name, tensor in tensors.items():
        data = tensor.detach().float().cpu().numpy()
        if in_bytes and data.ndim > 1 and data.size >= LEAST_IN_BYTES:
            arrays[name], arrays[name + "_scale"] = scaled(data)
        else:
            arrays[name] = data.astype(TYPES[dtype])
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    # Those of four, two and one byte an element in this order, so that each begins where its type may.
    for name, data in sorted(arrays.items(), key=lambda pair: (-pair[1].itemsize, pair[0])):
        blobs.append(np.ascontiguousarray(data).tobytes())
        kind = next(name for name, kind in TYPES.items() if kind == data.dtype)
        header[name] = {"dtype": kind, "shape": list(data.shape), "data_offsets": [offset, offset + data.nbytes]}
        offset += data.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    partial.replace(path)


def scaled(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers from -127 to 127, and what to multiply each row of them by, [rows, 1, …] in half precision."""
    rows = data.reshape(len(data), -1)
    scale = (np.abs(rows).max(1, keepdims=True) / 127).astype(np.float16)
    whole = np.rint(rows / np.maximum(scale.astype(np.float32), 1e-8)).clip(-127, 127)
    return whole.astype(np.int8).reshape(data.shape), scale.reshape(-1, *[1] * (data.ndim - 1))


def load(path: Path) -> dict[str, torch.Tensor]:
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[start + begin:start + end], TYPES[entry["dtype"]]).reshape(entry["shape"])
        whole = array.dtype.kind == "i" and name + "_scale" not in header
        tensors[name] = torch.from_numpy(array.astype(np.int64 if whole else np.float32))
    for name in [name for name in tensors if name + "_scale" in header]:
        tensors[name] *= tensors.pop(name + "_scale")
    return tensors
