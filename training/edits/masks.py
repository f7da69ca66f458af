"""Masks that somebody might draw around a thing; every one of them holds the whole thing."""
from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

FORMS = ("outline", "box", "ellipse", "brush", "lasso")
SHARES = (0.26, 0.34, 0.18, 0.11, 0.11)


def grown(mask: np.ndarray, pixels: float) -> np.ndarray:
    """Dilates a mask by about that many pixels."""
    if pixels < 1:
        return mask
    soft = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(pixels / 2))
    return mask | (np.asarray(soft) > 8)


def _drawn(shape: tuple[int, ...], draw) -> np.ndarray:
    page = Image.new("1", shape[::-1])
    draw(ImageDraw.Draw(page))
    return np.asarray(page)


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Bounds (left, top, right, bottom) in pixels; right and bottom are exclusive."""
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return cols[0], rows[0], cols[-1] + 1, rows[-1] + 1


def _loose(thing: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float, float]:
    left, top, right, bottom = bounds(thing)
    room = 2 + max(right - left, bottom - top) * rng.uniform(0.0, 0.22, 4)
    if rng.random() < 0.2:                                     # a mask of quite another shape
        room[rng.integers(4)] += max(right - left, bottom - top) * rng.uniform(0.2, 0.7)
    return left - room[0], top - room[1], right + room[2], bottom + room[3]


def outline(thing, rng):
    return grown(thing, rng.uniform(2, 13))


def box(thing, rng):
    return _drawn(thing.shape, lambda d: d.rectangle(_loose(thing, rng), fill=1))


def ellipse(thing, rng):
    x0, y0, x1, y1 = _loose(thing, rng)
    for _ in range(12):
        mask = _drawn(thing.shape, lambda d: d.ellipse((x0, y0, x1, y1), fill=1))
        if not (thing & ~mask).any():
            break
        dx, dy = 0.04 * (x1 - x0), 0.04 * (y1 - y0)
        x0, y0, x1, y1 = x0 - dx, y0 - dy, x1 + dx, y1 + dy
    return mask


def brush(thing, rng):
    """Strokes of a round brush back and forth over the thing until they cover it."""
    x0, y0, x1, y1 = bounds(thing)
    radius = max(5.0, max(x1 - x0, y1 - y0) * rng.uniform(0.1, 0.25))
    mask = np.zeros(thing.shape, bool)
    for _ in range(40):
        missing = np.argwhere(thing & ~mask)
        if not len(missing):
            break
        points = [tuple(p[::-1] + rng.uniform(-0.3, 0.3, 2) * radius) for p in missing[rng.integers(len(missing), size=3)]]

        def stroke(draw):
            draw.line(points, fill=1, width=round(2 * radius))
            for x, y in points:
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
        mask = mask | _drawn(thing.shape, stroke)
    return mask


def lasso(thing, rng):
    """A closed, wobbly outline around the thing, filled."""
    x0, y0, x1, y1 = bounds(thing)
    cx, cy, corners = (x0 + x1) / 2, (y0 + y1) / 2, rng.integers(9, 25)
    ys, xs = np.nonzero(thing)
    angle, far = np.arctan2(ys - cy, xs - cx), np.hypot(xs - cx, ys - cy)
    turns = (np.arange(corners) + rng.uniform(-0.25, 0.25, corners)) * 2 * np.pi / corners
    gap = np.abs((angle[:, None] - turns + np.pi) % (2 * np.pi) - np.pi) < 2 * np.pi / corners
    reach = np.where(gap, far[:, None], 0.15 * far.max()).max(0) + 3 + rng.uniform(0, 0.2, corners) * max(x1 - x0, y1 - y0)
    for _ in range(12):
        points = [(cx + r * np.cos(a), cy + r * np.sin(a)) for r, a in zip(reach, turns)]
        mask = _drawn(thing.shape, lambda d: d.polygon(points, fill=1))
        if (thing & ~mask).sum() < 0.004 * thing.sum():
            break
        reach = reach * 1.07
    return mask


def around(thing: np.ndarray, rng: np.random.Generator, form: str | None = None) -> tuple[np.ndarray, str]:
    """A mask of the given form, or of a random one, and the form's name."""
    form = form or FORMS[rng.choice(len(FORMS), p=SHARES)]
    return globals()[form](thing, rng) | grown(thing, 2), form
