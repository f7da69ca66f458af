"""200 edits and some removals that were never trained on: draws them, judges them, shows them.

A case is a picture, a mask and words. Pictures come from the renderer, and so do the masks: around a thing that is not
there, of four forms and three sizes. A list of cases is JSON, each {file, before, mask, prompt, kind, colour, way, form,
size}, with paths relative to the list; the file is the edited picture, whoever drew it.
"""
from __future__ import annotations

import json
from pathlib import Path
from random import Random
from statistics import median

import numpy as np
import torch
from PIL import Image, ImageDraw

from ..conditioning import as_input, coarse, decoded, encoded, to_edit
from ..device import DEVICE, half_precision
from ..diffusion import guided, sample
from ..generate import start
from ..scenes.captions import article
from ..tokenizer import Tokenizer
from .compose import random_edit
from .judge import Judge, spread, verdicts, window
from .masks import around, bounds, grown

FORMS = ("box", "ellipse", "brush", "lasso")
SIZES = {"small": (52 / 256, 68 / 256), "medium": (88 / 256, 112 / 256), "large": (136 / 256, 168 / 256)}
BATCH = 8
TOUCHED, RIM = 40, 2                      # levels of change, and pixels, that make a thing touch the mask's edge


def write_cases(folder: Path, count: int, removals: int, width: int = 256, height: int = 256) -> Path:
    """Renders the cases; a case to remove has the thing in its picture. Also the renderer's own result of each."""
    rng, generator, entries = Random(1800), np.random.default_rng(1800), []
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count + removals):
        form, size, way = FORMS[i % 4], list(SIZES)[i // 4 % 3], "add" if i < count else "remove"
        edit = random_edit(rng, width, height, unseen=True, size=SIZES[size], empty=1.0 if i % 3 else 0.0)
        mask = around(edit.thing, generator, form)[0] if way == "add" else grown(edit.thing, 8)
        before, after = (edit.bare, edit.whole) if way == "add" else (edit.whole, edit.bare)
        entry = {"file": f"{i:03d}.png", "before": f"{i:03d}.before.png", "mask": f"{i:03d}.mask.png",
                 "rendered": f"{i:03d}.rendered.png", "seed": i, "way": way, "form": form, "size": size,
                 "prompt": article(f"{edit.colour} {edit.kind}") if way == "add" else "background",
                 "kind": edit.kind, "colour": edit.colour, "terrain": edit.scene.terrain, "time": edit.scene.time}
        for name, page in (("before", before), ("rendered", after), ("mask", mask.astype(np.uint8) * 255)):
            Image.fromarray(page).save(folder / entry[name])
        entries.append(entry)
    listing = folder / "cases.json"
    listing.write_text(json.dumps(entries, indent=1))
    return listing


def picture(listing: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(listing.parent / name).convert("RGB"))


def mask_of(listing: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(listing.parent / name).convert("L")) > 127


def listed(entries: list[dict], cases: Path, folder: Path, names: tuple[str, ...]) -> Path:
    """Writes folder/pictures.json; what is named stays in the folder of the cases."""
    for e in entries:
        e.update({name: str((cases.parent / e[name]).resolve()) for name in names})
    listing = folder / "pictures.json"
    listing.write_text(json.dumps(entries, indent=1))
    return listing


@torch.no_grad()
def draw(parts: dict, tokenizer: Tokenizer, cases: Path, folder: Path, steps: int, guidance: float,
         count: int | None = None) -> Path:
    """Edits every case as the engine does: what is outside the mask's latents is the noised original at every step."""
    entries = json.loads(cases.read_text())[:count]
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(0, len(entries), BATCH):
        some = entries[i:i + BATCH]
        pictures = as_input(np.stack([picture(cases, e["before"]) for e in some]))
        masks = np.stack([mask_of(cases, e["mask"]) for e in some])
        original = encoded(parts["vae"], pictures, half=False)
        cells = torch.from_numpy(coarse(masks))[:, None].to(DEVICE)
        context, empty, noise = start(parts, tokenizer, [e["prompt"] for e in some], [e["seed"] for e in some],
                                      original.shape[1:])
        predict = guided(parts["unet"], context, empty, guidance, to_edit(parts, pictures, masks))
        with half_precision():
            latents = sample(predict, noise, steps, (original, cells))
        for e, page in zip(some, decoded(parts["vae"], latents)):
            Image.fromarray(page).save(folder / e["file"])
        print(f"{i + len(some)} of {len(entries)}", flush=True)
    return listed(entries, cases, folder, ("before", "mask", "rendered"))


def rendered(parts: dict, cases: Path, folder: Path) -> Path:
    """The renderer's own results, through the autoencoder: what the figures would be if every edit were perfect."""
    entries = json.loads(cases.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    for e in entries:
        x = encoded(parts["vae"], as_input(picture(cases, e["rendered"])[None]), half=False)
        Image.fromarray(decoded(parts["vae"], x)[0]).save(folder / e["file"])
    return listed(entries, cases, folder, ("before", "mask", "rendered"))


def steps_across(page: np.ndarray, region: np.ndarray) -> float:
    """Mean difference of neighbours, one in the region and one not, over all three colours."""
    total, count = 0.0, 0
    for axis in (0, 1):
        a, b = (np.take(page, range(s, page.shape[axis] - 1 + s), axis).astype(int) for s in (0, 1))
        edge = np.diff(region.astype(np.int8), axis=axis) != 0
        total, count = total + np.abs(a - b).mean(2)[edge].sum(), count + edge.sum()
    return total / max(1, count)


def seam(page: np.ndarray, mask: np.ndarray) -> float:
    """How much steeper the picture is along the edge of what was painted than three pixels to either side."""
    region = spread(mask)
    beside = [grown_square(region, 3), ~grown_square(~region, 3)]
    return (steps_across(page, region) + 1) / (np.mean([steps_across(page, r) for r in beside]) + 1)


def grown_square(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Dilates a mask by that many pixels, diagonals included."""
    for axis in (0, 1):
        wide = np.pad(mask, [(pixels, pixels) if a == axis else (0, 0) for a in (0, 1)])
        mask = np.lib.stride_tricks.sliding_window_view(wide, 2 * pixels + 1, axis).any(-1)
    return mask


def touch(page: np.ndarray, before: np.ndarray, mask: np.ndarray) -> float:
    """The share of the painted part's rim where the picture is quite another: there the mask cuts the thing."""
    region = spread(mask)
    rim = region & grown_square(~region, RIM)
    return float((np.abs(page.astype(int) - before).max(2) > TOUCHED)[rim].mean()) if rim.any() else 0.0


def judge(model: Judge, listing: Path) -> tuple[dict, list[dict]]:
    """Figures over all cases, and by form and size; and what was seen in each."""
    entries = json.loads(listing.read_text())
    rows, windows = [], []
    for e in entries:
        page, before, mask = picture(listing, e["file"]), picture(listing, e["before"]), mask_of(listing, e["mask"])
        windows.append(window(page, mask))
        rows.append({"seam": seam(page, mask), "touch": touch(page, before, mask)})
    for e, row, seen in zip(entries, rows, verdicts(model, np.stack(windows))):
        row.update(file=e["file"], prompt=e["prompt"], seen=seen)
        row["kind"] = seen["kind"] == e["kind"]
        row["shown"] = row["kind"] and seen["colour"] == e["colour"]
        row["whole"] = row["shown"] and seen["whole"] > 0.5
        row["gone"] = seen["kind"] != e["kind"]
        row["nothing"] = seen["kind"] is None
    share = lambda some, name: round(sum(r[name] for r in some) / len(some), 4)

    def figures(way: str, **which: str) -> dict:
        some = [r for e, r in zip(entries, rows) if e.get("way", "add") == way
                and all(e.get(k) == v for k, v in which.items())]
        names = ("kind", "shown", "whole") if way == "add" else ("gone", "nothing")
        return {"count": len(some), **{n: share(some, n) for n in names},
                **{n: round(median(r[n] for r in some), 3) for n in ("seam", "touch")}} if some else {}
    result = {"edits": figures("add"), "removals": figures("remove")}
    for key in ("form", "size"):
        for value in dict.fromkeys(e[key] for e in entries if key in e):
            result[f"edits, {value}"] = figures("add", **{key: value})
    return result, [{k: round(v, 3) if isinstance(v, float) else v for k, v in r.items()} for r in rows]


def sheet(listing: Path, target: Path, count: int = 48, columns: int = 12, side: int = 160,
          rows: list[dict] | None = None) -> None:
    """A contact sheet, evenly chosen; the mask's outline is drawn on the picture before. Below, what the judge says."""
    entries = json.loads(listing.read_text())
    chosen = [round(i * (len(entries) - 1) / (count - 1)) for i in range(count)] if len(entries) > count else range(len(entries))
    line = 2 * side + 40
    page = Image.new("RGB", (columns * (side + 6) + 6, -(-len(chosen) // columns) * line + 6), "white")
    pen = ImageDraw.Draw(page)
    for n, i in enumerate(chosen):
        e, x, y = entries[i], 6 + n % columns * (side + 6), 6 + n // columns * line
        mask = mask_of(listing, e["mask"])
        before = picture(listing, e["before"]).copy()
        before[mask & grown_square(~mask, 2)] = (255, 0, 255)
        for k, one in enumerate((before, picture(listing, e["file"]))):
            page.paste(Image.fromarray(one).resize((side, side), Image.LANCZOS), (x, y + k * (side + 2)))
        said = ""
        if rows:
            r = rows[i]
            seen = r["seen"]
            good = r["whole"] if e.get("way", "add") == "add" else r["gone"]
            said = "right" if good else f"{seen['colour']} {seen['kind']}" + ("" if seen["whole"] > 0.5 else ", cut") \
                if seen["kind"] else "nothing"
        pen.text((x, y + 2 * side + 4), e["prompt"], fill="black")
        pen.text((x, y + 2 * side + 16), said, fill="green" if said == "right" else "red")
    page.save(target)
