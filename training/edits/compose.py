"""A rendered picture with one thing more and the same picture without it: what an edit and a removal aim at."""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, log
from random import Random

import numpy as np
from PIL import Image

from ..scenes.captions import ADJECTIVE, LANDSCAPE, PLACE, WEATHER, WHEN, WHERE, article, caption
from ..scenes.draw import DEFAULT_LINE, GROUND_LINE, SUPERSAMPLING, landscape
from ..scenes.objects import paint
from ..scenes.world import COLOURS, FLYING, KINDS, Group, Scene, is_held_out, is_held_out_group, random_scene

EMPTY_SHARE = 0.6                        # of the landscapes; the others have their own objects too
SMALLEST, LARGEST = 40 / 256, 200 / 256  # the longer side of the thing, in shares of the picture's shorter side
BACKGROUND = ("background", "the background", "nothing")


@dataclass(frozen=True)
class Edit:
    """Pictures (H, W, 3) with and without the thing, the pixels that it changes, and words for all of it."""
    whole: np.ndarray
    bare: np.ndarray
    thing: np.ndarray
    scene: Scene
    kind: str
    colour: str
    place: str


@lru_cache(maxsize=None)
def extent(kind: str, flip: bool) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a kind around the middle of its ground line, for a unit box of height 1."""
    layer, pen = paint(kind, "red", 200, 2, flip)
    left, top, right, bottom = layer.getchannel("A").getbbox()
    return ((left - pen.left) / 200, (top - pen.base) / 200, (right - pen.left) / 200, (bottom - pen.base) / 200)


def random_edit(rng: Random, width: int = 256, height: int = 256, unseen: bool = False,
                size: tuple[float, float] = (SMALLEST, LARGEST), empty: float = EMPTY_SHARE) -> Edit:
    """unseen: the thing on this landscape is a held-out combination; else nothing here is."""
    while is_held_out(scene := random_scene(rng)):
        pass
    if rng.random() < empty:
        scene = replace(scene, groups=())
    while True:
        kind, colour = rng.choice(KINDS), rng.choice(COLOURS)
        if is_held_out_group(kind, colour, scene.terrain) == unseen and kind not in {g.kind for g in scene.groups}:
            break
    return compose(scene, kind, colour, rng, width, height, size)


def compose(scene: Scene, kind: str, colour: str, rng: Random, width: int, height: int,
            size: tuple[float, float] = (SMALLEST, LARGEST)) -> Edit:
    """Adds a thing at a random place inside the picture; for a third of the pictures on the renderer's ground line."""
    flip, shorter = rng.random() < 0.5, min(width, height)
    left, top, right, bottom = extent(kind, flip)
    longest = exp(rng.uniform(log(size[0]), log(size[1]))) * shorter
    tall = longest / max(right - left, bottom - top)           # of the unit box, in pixels of the picture
    x = rng.uniform(2 - left * tall, width - 2 - right * tall)
    y = rng.uniform(2 - top * tall, height - 2 - bottom * tall)
    if rng.random() < 0.33:
        line = rng.uniform(0.3, 0.48) if kind in FLYING else GROUND_LINE.get(scene.terrain, DEFAULT_LINE)
        y = min(max(line * height, 2 - top * tall), height - 2 - bottom * tall)
    place = "left" if x < 0.4 * width else "right" if x > 0.6 * width else "middle"
    canvas = landscape(scene, Random(rng.getrandbits(32)), width, height)
    canvas.objects()
    before, weather = canvas.image.copy(), canvas.rng.getstate()
    labels = np.array(canvas.labels)
    canvas.put(kind, colour, tall * SUPERSAMPLING, x * SUPERSAMPLING, y * SUPERSAMPLING, flip)
    changed = np.any(np.asarray(before) != np.asarray(canvas.image), 2) | (labels != np.asarray(canvas.labels))
    canvas.weather()
    whole = canvas.image.resize((width, height), Image.BOX)
    canvas.image.paste(before)
    canvas.rng.setstate(weather)
    canvas.weather()
    bare = canvas.image.resize((width, height), Image.BOX)
    thing = changed.reshape(height, SUPERSAMPLING, width, SUPERSAMPLING).any((1, 3))
    return Edit(np.asarray(whole), np.asarray(bare), thing, scene, kind, colour, place)


def thing_caption(scene: Scene, kind: str, colour: str, place: str, words: Random) -> str:
    """What a user asks for: mostly the thing alone, sometimes with where and when."""
    thing, form = article(f"{colour} {kind}"), words.random()
    if form < 0.68:
        return thing
    if form < 0.74:
        return f"{thing} {words.choice(PLACE[place])}"
    where, when = words.choice(WHERE[scene.terrain]), words.choice(WHEN[scene.time])
    if form < 0.82:
        return f"{thing} {where}"
    if form < 0.88:
        return f"{thing} {when}"
    return caption(replace(scene, groups=(Group(kind, colour, 1),)), words)


def landscape_caption(scene: Scene, words: Random) -> str:
    """A caption for a picture, or a part of one, without objects."""
    where = LANDSCAPE[scene.terrain]
    when = words.choice(WHEN[scene.time]) if words.random() < 0.6 else ""
    weather = words.choice(WEATHER[scene.weather]) if words.random() < 0.5 else ""
    if words.random() < 0.25:
        time = scene.time
        if weather and scene.weather in ADJECTIVE:
            time, weather = f"a {ADJECTIVE[scene.weather]} {time}", ""
        return ", ".join(p for p in (f"{time} over {where}", weather) if p)
    return ", ".join(p for p in (" ".join(p for p in (where, when) if p), weather) if p)


def removal_caption(scene: Scene, words: Random) -> str:
    return words.choice(BACKGROUND[:1] * 3 + BACKGROUND) if words.random() < 0.45 else landscape_caption(scene, words)
