"""What the tagger is shown: whole pictures, and single things cut out along their mask."""
from __future__ import annotations

import numpy as np
from PIL import Image

from .dataset import MEAN_COLOUR
from .prompts import box, density

MARGIN, SMALLEST = 1.25, 1 / 8


def whole(picture: np.ndarray, side: int) -> np.ndarray:
    """Resizes a picture to (side, side, 3); its aspect ratio is not kept."""
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.BILINEAR))


def cut_out(picture: np.ndarray, mask: np.ndarray, side: int) -> np.ndarray:
    """The square around the mask with a margin, resized to (side, side, 3), in the mean colour outside the mask."""
    x0, y0, x1, y1 = box(mask)
    length = max(MARGIN * max(x1 - x0 + 1, y1 - y0 + 1), SMALLEST * max(mask.shape))
    left, top = (x0 + x1 + 1 - length) / 2, (y0 + y1 + 1 - length) / 2
    alone = Image.fromarray(np.where(mask[..., None], picture, np.array(MEAN_COLOUR, np.uint8)))
    corners = [round(v) for v in (left, top, left + length, top + length)]
    page = Image.new("RGB", (corners[2] - corners[0], corners[3] - corners[1]), MEAN_COLOUR)
    page.paste(alone, (-corners[0], -corners[1]))
    return np.asarray(page.resize((side, side), Image.BILINEAR))


def roughened(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Distorts a mask like a segmenter's error: slightly dilated, eroded or rounded."""
    rough = density(mask, rng.integers(1, 4)) > rng.uniform(0.15, 0.85)
    return rough if rough.any() else mask
