"""The sixteen kinds of object, each drawn in a unit box with one main colour.

Coordinates: x from -0.5 to 0.5 (may go beyond, up to 0.75), y from 0 (ground) to 1 (top).
"""
from __future__ import annotations

import math
from typing import Callable

from PIL import Image, ImageDraw, ImageFilter

RGB = tuple[int, int, int]

COLOUR_RGB: dict[str, RGB] = {
    "red": (222, 38, 38), "orange": (247, 132, 20), "yellow": (252, 218, 48), "green": (52, 172, 64),
    "blue": (40, 96, 226), "purple": (138, 56, 186), "pink": (250, 138, 194), "white": (247, 247, 247)}
INK, CREAM, WOOD, GLASS, SLATE = (34, 30, 44), (252, 240, 214), (120, 78, 44), (255, 236, 140), (84, 88, 108)
STEM = (44, 130, 60)


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """Blends colour a with colour b; share 0 gives a, 1 gives b."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b))


class Pen:
    """Draws one object on a transparent layer of its own, in coordinates of the object's unit box."""
    MARGIN = 0.3

    def __init__(self, height: float):
        self.unit = height
        side = math.ceil(height * (1 + 2 * self.MARGIN))
        self.left = side / 2
        self.base = height * (1 + self.MARGIN)
        self.image = Image.new("RGBA", (side, side))
        self.draw = ImageDraw.Draw(self.image)

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.unit, self.base - y * self.unit

    def polygon(self, points, fill: RGB):
        self.draw.polygon([self.at(x, y) for x, y in points], fill=fill)

    def box(self, x0, y0, x1, y1, fill: RGB):
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill)

    def oval(self, x, y, rx, ry, fill: RGB):
        (a, b), (c, d) = self.at(x - rx, y + ry), self.at(x + rx, y - ry)
        self.draw.ellipse([a, b, c, d], fill=fill)

    def dome(self, x, y, rx, ry, fill: RGB):
        """The upper half of an ellipse."""
        (a, b), (c, d) = self.at(x - rx, y + ry), self.at(x + rx, y - ry)
        self.draw.pieslice([a, b, c, d], 180, 360, fill=fill)

    def line(self, points, width, fill: RGB):
        self.draw.line([self.at(x, y) for x, y in points], fill=fill, joint="curve",
                       width=max(1, round(width * self.unit)))


def house(p: Pen, c: RGB):
    p.box(0.2, 0.7, 0.3, 1.0, SLATE)
    p.box(-0.4, 0, 0.4, 0.56, c)
    p.polygon([(-0.5, 0.54), (0.5, 0.54), (0, 1)], mix(c, INK, 0.45))
    p.box(-0.09, 0, 0.09, 0.32, WOOD)
    for x in (-0.27, 0.27):
        p.box(x - 0.08, 0.24, x + 0.08, 0.42, GLASS)


def tree(p: Pen, c: RGB):
    p.box(-0.07, 0, 0.07, 0.45, WOOD)
    for x, y, r in ((-0.2, 0.5, 0.2), (0.2, 0.5, 0.2), (0, 0.72, 0.28), (0, 0.5, 0.2)):
        p.oval(x, y, r, r, c)
    p.oval(-0.08, 0.76, 0.1, 0.1, mix(c, (255, 255, 255), 0.25))


def boat(p: Pen, c: RGB):
    p.line([(0, 0.25), (0, 1)], 0.04, WOOD)
    p.polygon([(0.05, 0.36), (0.46, 0.36), (0.05, 0.97)], CREAM)
    p.polygon([(-0.05, 0.36), (-0.34, 0.36), (-0.05, 0.85)], mix(CREAM, SLATE, 0.2))
    p.polygon([(-0.58, 0.32), (0.58, 0.32), (0.38, 0), (-0.38, 0)], c)


def car(p: Pen, c: RGB):
    p.polygon([(-0.36, 0.42), (-0.22, 0.72), (0.2, 0.72), (0.38, 0.42)], c)
    p.polygon([(-0.26, 0.44), (-0.17, 0.65), (-0.02, 0.65), (-0.02, 0.44)], (190, 228, 246))
    p.polygon([(0.04, 0.44), (0.04, 0.65), (0.16, 0.65), (0.28, 0.44)], (190, 228, 246))
    p.polygon([(-0.64, 0.16), (-0.64, 0.42), (-0.58, 0.46), (0.58, 0.46), (0.64, 0.38), (0.64, 0.16)], c)
    for x in (-0.36, 0.36):
        p.oval(x, 0.15, 0.15, 0.15, INK)
        p.oval(x, 0.15, 0.07, 0.07, (190, 190, 196))


def windmill(p: Pen, c: RGB):
    p.polygon([(-0.26, 0), (0.26, 0), (0.15, 0.66), (-0.15, 0.66)], c)
    p.dome(0, 0.64, 0.16, 0.14, SLATE)
    p.box(-0.07, 0, 0.07, 0.2, WOOD)
    for turn in range(4):
        a = math.radians(45 + 90 * turn)
        u, v = math.cos(a), math.sin(a)
        corner = lambda r, s: (u * r - v * s, 0.66 + v * r + u * s)
        p.polygon([corner(0.02, -0.03), corner(0.46, -0.03), corner(0.46, 0.12), corner(0.12, 0.12)], CREAM)
        p.line([(0, 0.66), corner(0.48, 0)], 0.03, INK)
    p.oval(0, 0.66, 0.05, 0.05, INK)


def lighthouse(p: Pen, c: RGB):
    half = lambda y: 0.2 - 0.1 * y
    p.polygon([(-0.2, 0), (0.2, 0), (half(0.74), 0.74), (-half(0.74), 0.74)], c)
    for y in (0.2, 0.5):
        p.polygon([(-half(y), y), (half(y), y), (half(y + 0.1), y + 0.1), (-half(y + 0.1), y + 0.1)], CREAM)
    p.box(-0.17, 0.72, 0.17, 0.77, INK)
    p.box(-0.09, 0.77, 0.09, 0.9, GLASS)
    p.polygon([(-0.14, 0.89), (0.14, 0.89), (0, 1.02)], SLATE)


def tent(p: Pen, c: RGB):
    p.polygon([(-0.58, 0), (0.58, 0), (0, 0.8)], c)
    p.polygon([(0, 0.8), (0.58, 0), (0.3, 0)], mix(c, INK, 0.25))
    p.polygon([(-0.18, 0), (0.18, 0), (0, 0.5)], INK)
    p.line([(0, 0.78), (0, 0.92)], 0.035, WOOD)


def balloon(p: Pen, c: RGB):
    for x in (-0.1, 0.1):
        p.line([(x * 2, 0.38), (x, 0.14)], 0.02, INK)
    p.polygon([(-0.32, 0.5), (0.32, 0.5), (0.12, 0.26), (-0.12, 0.26)], c)
    p.oval(0, 0.64, 0.36, 0.36, c)
    p.oval(0, 0.64, 0.13, 0.36, mix(c, (255, 255, 255), 0.4))
    p.box(-0.12, 0, 0.12, 0.16, WOOD)


def castle(p: Pen, c: RGB):
    p.box(-0.34, 0, 0.34, 0.48, c)
    for x in (-0.2, 0, 0.2):
        p.box(x - 0.05, 0.48, x + 0.05, 0.56, c)
    for x in (-0.4, 0.4):
        p.box(x - 0.15, 0, x + 0.15, 0.68, c)
        p.polygon([(x - 0.2, 0.67), (x + 0.2, 0.67), (x, 1)], SLATE)
        p.box(x - 0.04, 0.42, x + 0.04, 0.54, INK)
    p.box(-0.1, 0, 0.1, 0.16, INK)
    p.dome(0, 0.16, 0.1, 0.12, INK)


def cat(p: Pen, c: RGB):
    p.line([(0.24, 0.08), (0.46, 0.12), (0.5, 0.3), (0.42, 0.46)], 0.09, c)
    p.oval(0, 0.26, 0.3, 0.28, c)
    p.oval(0, 0.26, 0.13, 0.2, mix(c, (255, 255, 255), 0.45))
    for s in (-1, 1):
        p.polygon([(s * 0.27, 0.66), (s * 0.04, 0.86), (s * 0.27, 1)], c)
    p.oval(0, 0.66, 0.3, 0.25, c)
    for s in (-1, 1):
        p.oval(s * 0.12, 0.7, 0.045, 0.07, INK)
    p.oval(0, 0.59, 0.04, 0.03, INK)


def snowman(p: Pen, c: RGB):
    p.oval(0, 0.26, 0.3, 0.27, c)
    p.oval(0, 0.62, 0.21, 0.2, c)
    p.box(-0.25, 0.77, 0.25, 0.82, INK)
    p.box(-0.15, 0.8, 0.15, 1, INK)
    for s in (-1, 1):
        p.oval(s * 0.08, 0.68, 0.03, 0.03, INK)
    p.polygon([(0, 0.64), (0, 0.57), (0.2, 0.59)], (247, 132, 20))
    for y in (0.2, 0.34):
        p.oval(0, y, 0.035, 0.035, INK)


def flower(p: Pen, c: RGB):
    p.line([(0, 0), (0, 0.6)], 0.07, STEM)
    p.polygon([(0, 0.08), (0.3, 0.34), (0.1, 0.34)], STEM)
    p.polygon([(0, 0.08), (-0.3, 0.34), (-0.1, 0.34)], STEM)
    for k in range(6):
        a = math.radians(60 * k + 30)
        p.oval(0.2 * math.cos(a), 0.7 + 0.2 * math.sin(a), 0.13, 0.13, c)
    p.oval(0, 0.7, 0.12, 0.12, mix(WOOD, GLASS, 0.35))


def umbrella(p: Pen, c: RGB):
    p.line([(0, 0.1), (0, 1)], 0.045, INK)
    p.line([(0, 0.12), (0.02, 0.03), (0.1, 0.02), (0.13, 0.1)], 0.045, INK)
    p.dome(0, 0.5, 0.52, 0.44, c)
    p.dome(0, 0.5, 0.18, 0.44, mix(c, INK, 0.22))


def rocket(p: Pen, c: RGB):
    p.polygon([(-0.13, 0.2), (0.13, 0.2), (0, -0.06)], (255, 170, 40))
    p.polygon([(-0.07, 0.2), (0.07, 0.2), (0, 0.06)], (255, 240, 150))
    for s in (-1, 1):
        p.polygon([(s * 0.14, 0.5), (s * 0.36, 0.2), (s * 0.14, 0.24)], mix(c, INK, 0.35))
    p.polygon([(-0.12, 0.18), (0.12, 0.18), (0.2, 0.45), (0.17, 0.72), (0, 1), (-0.17, 0.72), (-0.2, 0.45)], c)
    p.polygon([(-0.17, 0.74), (0.17, 0.74), (0, 1.02)], SLATE)
    p.oval(0, 0.55, 0.1, 0.1, (190, 228, 246))


def kite(p: Pen, c: RGB):
    p.line([(0, 0.4), (0.1, 0.26), (-0.06, 0.14), (0.06, 0)], 0.035, INK)
    for x, y in ((0.08, 0.25), (-0.03, 0.12)):
        p.oval(x, y, 0.07, 0.05, c)
    p.polygon([(0, 1), (0.36, 0.68), (0, 0.36), (-0.36, 0.68)], c)
    p.polygon([(0, 1), (0.36, 0.68), (0, 0.68)], mix(c, (255, 255, 255), 0.4))
    p.polygon([(0, 0.36), (-0.36, 0.68), (0, 0.68)], mix(c, INK, 0.25))


def mushroom(p: Pen, c: RGB):
    p.polygon([(-0.16, 0), (0.16, 0), (0.11, 0.5), (-0.11, 0.5)], CREAM)
    p.dome(0, 0.42, 0.46, 0.5, c)
    spot = CREAM if c != COLOUR_RGB["white"] else SLATE
    for x, y, r in ((-0.22, 0.58, 0.07), (0.05, 0.74, 0.09), (0.26, 0.55, 0.06)):
        p.oval(x, y, r, r, spot)


PAINTERS: dict[str, Callable[[Pen, RGB], None]] = {f.__name__: f for f in (
    house, tree, boat, car, windmill, lighthouse, tent, balloon,
    castle, cat, snowman, flower, umbrella, rocket, kite, mushroom)}

# Height of the unit box relative to the size that a scene gives its objects.
SCALE = {"car": 1.0, "lighthouse": 1.25, "windmill": 1.1, "cat": 0.85, "tent": 1.05, "mushroom": 0.95,
         "flower": 1.05, "balloon": 1.1, "castle": 1.05}


def paint(kind: str, colour: str, height: float, outline: int, flip: bool) -> tuple[Image.Image, Pen]:
    """One object with a dark outline on a transparent layer; the pen says where its ground line is."""
    pen = Pen(height)
    PAINTERS[kind](pen, COLOUR_RGB[colour])
    layer = pen.image.transpose(Image.FLIP_LEFT_RIGHT) if flip else pen.image
    grown = layer.getchannel("A").filter(ImageFilter.MaxFilter(2 * outline + 1))
    inked = Image.new("RGBA", layer.size, INK + (0,))
    inked.putalpha(grown)
    inked.alpha_composite(layer)
    return inked, pen
