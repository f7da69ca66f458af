"""Sketches of rendered pictures: white outlines of what the labels show, drawn as a person might.

A shard NAME.npy (N, H, W) uint8 in work/labels holds the labels of work/pictures/NAME.npy, and NAME.json what the things
are, so that their latents serve here too.
"""
from __future__ import annotations

import json
from multiprocessing import Pool
from pathlib import Path
from random import Random

import numpy as np

from ..latents import LatentSet
from ..scenes.captions import caption
from ..scenes.dataset import SHARD, shards
from ..scenes.draw import render
from ..scenes.world import training_scene

KEPT = {"kind": 0.93, "part": 0.6}         # how often an outline is in the sketch
BARE = 0.06                                # of the sketches, without any line: the model then draws by itself
WIDEST = 4                                 # pixels of a line
WOBBLE = 3.0                               # pixels by which lines stray


def _label_shard(job: tuple[Path, Path]) -> Path:
    source, target = job
    if not target.exists():
        size, index = source.stem.split("-")
        width, height = map(int, size.split("x"))
        rng = Random(f"{size}/{int(index)}")                       # as in scenes.dataset
        scenes = [training_scene(rng) for _ in range(SHARD)]
        drawn = [render(scene, rng.getrandbits(32), width, height) for scene in scenes]
        target.with_suffix(".json").write_text(json.dumps([things for _, _, things in drawn]))
        partial = target.with_suffix(".partial.npy")
        np.save(partial, np.stack([labels for _, labels, _ in drawn]))
        partial.replace(target)
    return target


def label_shards(work: Path, size: str, count: int, processes: int) -> None:
    """Labels for the pictures that are rendered; shards already there are kept."""
    (work / "labels").mkdir(parents=True, exist_ok=True)
    some = [p for p in shards(work / "pictures") if p.name.startswith(f"{size}-")][:-(-count // SHARD)]
    with Pool(processes) as pool:
        for path in pool.imap(_label_shard, [(p, work / "labels" / p.name) for p in some]):
            print("labelled", path.name, flush=True)


def _strayed(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels moved by two slow waves, as an unsteady hand would."""
    reach = WOBBLE * rng.random()
    stray = lambda length: reach * np.sin(2 * np.pi * (np.arange(length) / rng.uniform(40, 160) + rng.random()))
    moved = lambda own, other: np.clip(np.rint(np.arange(own)[:, None] + stray(other)), 0, own - 1).astype(np.intp)
    height, width = labels.shape
    rows, columns = moved(height, width), moved(width, height).T
    return labels[rows, columns]


def _widened(lines: np.ndarray, width: int) -> np.ndarray:
    out = lines.copy()
    for dy in range(width):
        for dx in range(width):
            if dy or dx:
                out[dy:, dx:] |= lines[:lines.shape[0] - dy, :lines.shape[1] - dx]
    return out


def outlined(labels: np.ndarray, kept: np.ndarray, width: int) -> np.ndarray:
    """Lines (H, W) between labels (H, W), without those between things that are not kept."""
    seen = np.where(kept[labels], labels.astype(np.int16), -1)
    lines = np.zeros(labels.shape, bool)
    lines[:, 1:] |= seen[:, 1:] != seen[:, :-1]
    lines[1:] |= seen[1:] != seen[:-1]
    return _widened(lines, width)


def sketch(labels: np.ndarray, things: list[dict], rng: np.random.Generator) -> np.ndarray:
    """Labels (H, W) to lines (H, W), true where a line is."""
    if rng.random() < BARE:
        return np.zeros(labels.shape, bool)
    kept = np.zeros(256, bool)
    for i, thing in enumerate(things):
        kept[i] = rng.random() < KEPT["kind" if "kind" in thing else "part"]
    shown = _strayed(labels, rng) if rng.random() < 0.7 else labels
    return outlined(shown, kept, int(rng.integers(1, WIDEST + 1)))


class SketchSet:
    """Latents of one picture size, each with a caption and a sketch that is drawn again at every use."""

    def __init__(self, work: Path, size: str):
        self.plain = LatentSet(work, size)
        self.shards = []
        for block, path in enumerate(sorted((work / "latents").glob(f"{size}-*.npy"))):
            labels = work / "labels" / path.name
            if ".partial" not in path.name and labels.exists():
                self.shards.append((self.plain.starts[block], np.load(labels, mmap_mode="r"),
                                    json.loads(labels.with_suffix(".json").read_text())))

    def draw(self, rng: np.random.Generator, words: Random) -> tuple[np.ndarray, np.ndarray, str]:
        """A random latent (4, H/8, W/8), its sketch (H, W) and a caption."""
        start, labels, things = self.shards[rng.integers(len(self.shards))]
        row, mirrored = int(rng.integers(SHARD)), bool(rng.integers(2))
        latent, scene = self.plain.one(int(start) + row + SHARD * mirrored)
        shown = np.array(labels[row])
        return latent, sketch(shown[:, ::-1] if mirrored else shown, things[row], rng), caption(scene, words)
