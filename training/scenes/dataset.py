"""Rendered training pictures on disk, in shards of uint8 pictures with their descriptions."""
from __future__ import annotations

import json
from multiprocessing import Pool
from pathlib import Path
from random import Random

import numpy as np

from .draw import render
from .world import Scene, training_scene

SHARD = 500


def _render_shard(job: tuple[Path, int, int, int]) -> Path:
    folder, index, width, height = job
    target = folder / f"{width}x{height}-{index:04d}.npy"
    if not target.exists():
        rng = Random(f"{width}x{height}/{index}")
        scenes = [training_scene(rng) for _ in range(SHARD)]
        pictures = np.stack([np.asarray(render(s, rng.getrandbits(32), width, height)[0]) for s in scenes])
        target.with_suffix(".json").write_text(json.dumps([s.to_dict() for s in scenes]))
        partial = target.with_suffix(".partial.npy")
        np.save(partial, pictures)
        partial.replace(target)
    return target


def render_shards(folder: Path, count: int, width: int = 256, height: int = 256, first: int = 0,
                  processes: int = 2) -> None:
    """Renders count pictures (rounded up to whole shards of 500); shards already there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(folder, first + i, width, height) for i in range(-(-count // SHARD))]
    with Pool(processes) as pool:
        for path in pool.imap(_render_shard, jobs):
            print("rendered", path.name, flush=True)


def shards(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*x*-*.npy") if ".partial" not in p.name)


def descriptions(shard: Path) -> list[Scene]:
    return [Scene.from_dict(d) for d in json.loads(shard.with_suffix(".json").read_text())]
