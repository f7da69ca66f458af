"""The renderer: a scene in flat style, and which of its objects or parts every pixel shows.

Everything is drawn at twice the size and scaled down, so edges are smooth. Sizes are relative
to the picture's height (or its shorter side for objects), so any size and aspect ratio works.
"""
from __future__ import annotations

from contextlib import contextmanager
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from .objects import RGB, SCALE, mix, paint
from .world import FLYING, Scene

SUPERSAMPLING = 2
WHITE = (255, 255, 255)

# Per time of day: sky at the top, sky at the horizon, and the light that falls on the land.
SKY: dict[str, tuple[RGB, RGB, RGB]] = {
    "dawn": ((120, 150, 220), (255, 186, 190), (238, 214, 222)),
    "morning": ((120, 200, 246), (255, 246, 190), (255, 255, 236)),
    "noon": ((28, 128, 238), (158, 216, 252), (255, 255, 255)),
    "sunset": ((206, 62, 70), (255, 176, 50), (255, 200, 158)),
    "dusk": ((58, 40, 112), (206, 104, 162), (160, 134, 182)),
    "night": ((8, 12, 42), (30, 42, 96), (84, 94, 142))}
# The sun's or moon's height above the horizon, as a share of the sky, and its colour.
SUN: dict[str, tuple[float, RGB] | None] = {
    "dawn": (0.0, (255, 240, 200)), "morning": (0.45, (255, 236, 110)), "noon": (0.84, (255, 244, 80)),
    "sunset": (0.06, (255, 236, 90)), "dusk": None, "night": (0.72, (244, 244, 214))}

LAND: dict[str, dict[str, RGB]] = {
    "lake": {"ground": (96, 178, 84), "far": (70, 148, 84), "water": (64, 152, 214)},
    "meadow": {"ground": (122, 200, 78), "far": (92, 172, 74)},
    "sea": {"water": (30, 106, 186), "ground": (236, 210, 140)},
    "desert": {"ground": (238, 188, 100), "far": (222, 160, 82), "plant": (62, 138, 76)},
    "mountains": {"ground": (104, 148, 98), "far": (122, 122, 150), "snow": (246, 248, 252)},
    "beach": {"ground": (250, 226, 160), "water": (58, 178, 206)},
    "snowfield": {"ground": (244, 248, 255), "far": (208, 224, 244), "plant": (44, 104, 84)},
    "city": {"ground": (116, 116, 124), "far": (138, 142, 168), "line": (244, 240, 220)}}
# Where objects stand (share of the picture's height from the top), and boats where there is water.
GROUND_LINE = {"lake": 0.64, "beach": 0.88}
BOAT_LINE = {"lake": 0.86, "beach": 0.70}
DEFAULT_LINE = 0.84
HORIZON = 0.5


def _gradient(top: RGB, bottom: RGB, width: int, height: int) -> Image.Image:
    column = np.linspace(0, 1, height)[:, None] * (np.array(bottom) - top) + top
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(
        column[:, None].round().astype(np.uint8), (height, width, 3))))


class Canvas:
    """A picture that is being drawn. Coordinates are fractions of its width and height."""

    def __init__(self, scene: Scene, rng: Random, width: int, height: int):
        self.scene, self.rng, self.width, self.height = scene, rng, width, height
        self.unit = min(width, height)
        self.light = SKY[scene.time][2]
        self.labels = Image.new("L", (width, height))         # for every pixel an index of things
        self.things: list[dict] = [{"part": "sky"}]
        self.label_draw, self.label = ImageDraw.Draw(self.labels), 0

    @contextmanager
    def labelled(self, label: int | None):
        """Labels what is drawn inside the block as that thing; None keeps the labels below, as for waves."""
        before, self.label = self.label, label
        yield
        self.label = before

    def thing(self, **what: str):
        """Labels what is drawn inside the block as a new thing, described by `what`."""
        self.things.append(what)
        return self.labelled(len(self.things) - 1)

    def lit(self, colour: RGB, share: float = 1.0) -> RGB:
        """colour under the light of the scene's time of day."""
        return mix(colour, tuple(a * b // 255 for a, b in zip(colour, self.light)), share)

    def at(self, x: float, y: float) -> tuple[float, float]:
        return x * self.width, y * self.height

    def polygon(self, points, fill: RGB):
        corners = [self.at(x, y) for x, y in points]
        self.draw.polygon(corners, fill=fill)
        if self.label is not None:
            self.label_draw.polygon(corners, fill=self.label)

    def ellipse(self, box, fill: RGB):
        self.draw.ellipse(box, fill=fill)
        if self.label is not None:
            self.label_draw.ellipse(box, fill=self.label)

    def disc(self, x, y, rx, ry, fill: RGB):
        """rx and ry are fractions of the shorter side."""
        cx, cy = self.at(x, y)
        self.ellipse([cx - rx * self.unit, cy - ry * self.unit, cx + rx * self.unit, cy + ry * self.unit], fill)

    def hill(self, x, y, rx, ry, fill: RGB):
        self.ellipse([*self.at(x - rx, y - ry), *self.at(x + rx, y + ry)], fill)

    # Sky -------------------------------------------------------------------------------------

    def sky(self):
        top, bottom, _ = SKY[self.scene.time]
        veil, share = {"cloudy": ((196, 200, 210), 0.15), "rainy": ((112, 122, 140), 0.4),
                       "stormy": ((50, 52, 70), 0.55), "snowy": ((214, 222, 234), 0.25),
                       "foggy": ((214, 216, 222), 0.3)}.get(self.scene.weather, (WHITE, 0.0))
        veil = self.lit(veil, 0.7)
        self.image = _gradient(mix(top, veil, share), mix(bottom, veil, share), self.width, self.height)
        self.draw = ImageDraw.Draw(self.image)
        if self.scene.time in ("night", "dusk"):
            for _ in range(16 if self.scene.time == "night" else 5):
                self.disc(self.rng.random(), self.rng.random() * 0.45, 0.009, 0.009, (255, 255, 230))
        if self.scene.weather == "rainbow":
            with self.thing(part="rainbow"):
                self.rainbow()
        if SUN[self.scene.time]:
            height, colour = SUN[self.scene.time]
            x, y = self.rng.choice((0.2, 0.5, 0.8)) + self.rng.uniform(-0.05, 0.05), HORIZON * (1 - height)
            radius = 0.13 if self.scene.time in ("sunset", "dawn") else 0.075
            with self.thing(part="moon" if self.scene.time == "night" else "sun"):
                self.disc(x, y, radius, radius, colour)
            if self.scene.time == "night":
                self.disc(x + 0.035 * self.unit / self.width, y - 0.012, 0.062, 0.062, self.image.getpixel(
                    tuple(int(v) for v in self.at(0.01, y))))
        if self.scene.weather in ("cloudy", "rainy", "stormy"):
            self.clouds()

    def rainbow(self):
        centre = self.rng.uniform(0.4, 0.6)
        bands = ((230, 60, 60), (250, 150, 40), (250, 230, 70), (80, 190, 90), (60, 120, 230), (150, 80, 200))
        cx, cy = self.at(centre, HORIZON + 0.06)
        for k, colour in enumerate(bands):
            r = (0.5 - 0.028 * k) * self.unit
            for draw, fill in ((self.draw, self.lit(colour, 0.5)), (self.label_draw, self.label)):
                draw.arc([cx - r, cy - r, cx + r, cy + r], 180, 360, fill=fill, width=round(0.03 * self.unit))

    def clouds(self):
        tone = {"cloudy": (250, 250, 252), "rainy": (120, 128, 144), "stormy": (62, 62, 80)}[self.scene.weather]
        tone = self.lit(tone, 0.6)
        for slot in (0.15, 0.5, 0.85):
            x, y = slot + self.rng.uniform(-0.08, 0.08), self.rng.uniform(0.06, 0.18)
            with self.thing(part="cloud"):
                for dx, dy, r in ((-0.1, 0.015, 0.055), (0, -0.015, 0.08), (0.1, 0.01, 0.06), (0.05, 0.02, 0.06)):
                    self.disc(x + dx * self.unit / self.width, y + dy, r * 1.25, r, tone)

    # Land ------------------------------------------------------------------------------------

    def land(self):
        self.tones = {name: self.lit(c) for name, c in LAND[self.scene.terrain].items()}
        getattr(self, self.scene.terrain)()

    def box(self, x0, y0, x1, y1, fill: RGB):
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill)

    def rect(self, y0, y1, fill: RGB):
        self.box(0, y0, 1, y1, fill)

    def waves(self, y0, y1, tone: RGB):
        for row in range(3):
            y = y0 + (y1 - y0) * (row + 0.6) / 3
            for _ in range(3):
                x, w = self.rng.random(), 0.06
                self.polygon([(x - w, y), (x, y - 0.011), (x + w, y), (x, y + 0.011)], tone)

    def lake(self):
        t = self.tones
        with self.thing(part="hill"):
            self.hill(self.rng.uniform(0.1, 0.9), 0.54, 0.5, 0.09, t["far"])
        with self.thing(part="ground"):
            self.rect(0.53, 1, t["ground"])
            with self.thing(part="water"):
                self.rect(0.68, 0.93, t["water"])
            self.hill(0.5, 0.68, 0.62, 0.025, t["ground"])
        with self.labelled(None):
            self.waves(0.7, 0.9, mix(t["water"], WHITE, 0.3))
        with self.thing(part="ground"):
            self.hill(0.5, 1.0, 0.62, 0.1, t["ground"])

    def meadow(self):
        t = self.tones
        with self.thing(part="hill"):
            self.rect(0.54, 1, t["far"])
            self.hill(self.rng.uniform(0.1, 0.9), 0.58, 0.45, 0.12, t["far"])
        with self.thing(part="ground"):
            self.hill(self.rng.uniform(0.2, 0.8), 1.0, 0.9, 0.34, t["ground"])
        with self.labelled(None):
            for _ in range(10):
                self.disc(self.rng.random(), self.rng.uniform(0.74, 0.98), 0.012, 0.012,
                          self.lit(self.rng.choice(((255, 240, 120), WHITE, (250, 160, 190)))))

    def sea(self):
        t = self.tones
        with self.thing(part="water"):
            self.rect(0.5, 1, t["water"])
            self.waves(0.54, 1, mix(t["water"], WHITE, 0.35))

    def desert(self):
        t = self.tones
        with self.thing(part="hill"):
            self.rect(0.54, 1, t["far"])
            self.hill(self.rng.uniform(0, 0.4), 0.66, 0.5, 0.16, t["far"])
        with self.thing(part="ground"):
            self.hill(self.rng.uniform(0.6, 1), 1.02, 0.8, 0.4, t["ground"])
        with self.thing(part="ground"):
            self.hill(self.rng.uniform(0, 0.3), 1.05, 0.7, 0.34, mix(t["ground"], WHITE, 0.12))
        x = self.rng.choice((0.08, 0.92)) + self.rng.uniform(-0.03, 0.03)
        with self.thing(part="cactus"):
            for dx, y0, y1 in ((0, 0.52, 0.7), (-0.035, 0.56, 0.62), (0.035, 0.54, 0.6)):
                self.box(x + dx - 0.012, y0, x + dx + 0.012, y1, t["plant"])
            self.box(x - 0.04, 0.605, x + 0.04, 0.625, t["plant"])

    def mountains(self):
        t, shift = self.tones, self.rng.uniform(-0.08, 0.08)
        for x, y, w in ((0.5, 0.32, 0.3), (0.12, 0.26, 0.34), (0.86, 0.22, 0.36)):
            x += shift
            shade = mix(t["far"], self.lit((60, 60, 90)), 0.4)
            with self.thing(part="mountain"):
                self.polygon([(x - w, 0.64), (x, y), (x + w, 0.64)], t["far"])
                self.polygon([(x, y), (x + w, 0.64), (x + 0.06, 0.64)], shade)
                self.polygon([(x - w * 0.3, y + (0.64 - y) * 0.3), (x, y), (x + w * 0.3, y + (0.64 - y) * 0.3),
                              (x + w * 0.1, y + (0.64 - y) * 0.22), (x - w * 0.1, y + (0.64 - y) * 0.32)], t["snow"])
        with self.thing(part="ground"):
            self.rect(0.62, 1, t["ground"])

    def beach(self):
        t = self.tones
        with self.thing(part="water"):
            self.rect(0.5, 0.76, t["water"])
            self.waves(0.52, 0.7, mix(t["water"], WHITE, 0.4))
            self.hill(0.5, 1.02, 0.9, 0.31, self.lit(WHITE))
        with self.thing(part="ground"):
            self.hill(0.5, 1.03, 0.9, 0.3, t["ground"])

    def snowfield(self):
        t = self.tones
        with self.thing(part="ground"):
            self.rect(0.54, 1, t["far"])
        for x in (0.06, 0.2, 0.34, 0.66, 0.8, 0.94):
            x, h = x + self.rng.uniform(-0.03, 0.03), self.rng.uniform(0.1, 0.15)
            with self.thing(part="fir"):
                self.polygon([(x - 0.05, 0.58), (x, 0.58 - h), (x + 0.05, 0.58)], t["plant"])
        with self.thing(part="ground"):
            self.hill(self.rng.uniform(0.2, 0.8), 1.0, 0.9, 0.42, t["ground"])

    def city(self):
        t, x, skyline = self.tones, -0.02, Random(self.rng.randrange(4))
        while x < 1:
            w, top = skyline.uniform(0.11, 0.16), skyline.uniform(0.26, 0.46)
            wall = mix(t["far"], self.lit((60, 64, 90)), skyline.choice((0, 0.45)))
            lamp = (255, 226, 120) if self.scene.time in ("night", "dusk") else mix(wall, WHITE, 0.45)
            with self.thing(part="building"):
                self.box(x, top, x + w, 0.66, wall)
                for row in range(int((0.6 - top) / 0.07)):
                    for col in (0.3, 0.7):
                        cx, cy = x + w * col, top + 0.045 + 0.07 * row
                        self.box(cx - 0.014, cy - 0.016, cx + 0.014, cy + 0.016, lamp)
            x += w + 0.01
        with self.thing(part="ground"):
            self.rect(0.64, 1, t["ground"])
            self.rect(0.62, 0.66, mix(t["ground"], WHITE, 0.35))
            for k in range(5):
                x = 0.04 + 0.23 * k
                self.box(x, 0.9, x + 0.12, 0.92, t["line"])

    # Objects ---------------------------------------------------------------------------------

    def objects(self):
        """Paints every object, the flying ones first."""
        flat = [(g, i) for g in self.scene.groups for i in range(g.count)]
        for flying in (True, False):
            line = [(g, i) for g, i in flat if (g.kind in FLYING) == flying]
            for slot, (g, _) in enumerate(line):
                self.object(g, slot, len(line), flying, len(flat))

    def object(self, group, slot: int, on_line: int, flying: bool, total: int):
        rng, terrain = self.rng, self.scene.terrain
        x = {1: (0.5,), 2: (0.28, 0.72), 3: (0.19, 0.5, 0.81)}[on_line][slot]
        if group.place:
            x = {"left": 0.26, "middle": 0.5, "right": 0.74}[group.place]
        elif on_line == 1:
            x = 0.5 + rng.uniform(-0.1, 0.1)
        x += rng.uniform(-0.03, 0.03)
        size = (0.4, 0.34, 0.28)[on_line - 1] * rng.uniform(0.94, 1.06)
        if flying:
            size, base = size * 0.9, (0.46 if total == on_line else 0.42) + rng.uniform(-0.02, 0.03)
        elif group.kind == "boat" and terrain in BOAT_LINE:
            base = BOAT_LINE[terrain]
        else:
            base = GROUND_LINE.get(terrain, DEFAULT_LINE)
        base += rng.uniform(-0.012, 0.012)
        height = size * SCALE.get(group.kind, 1.0) * self.unit
        if terrain == "sea" and not flying and group.kind != "boat":
            with self.thing(part="ground"):
                self.disc(x, base + 0.005, size * 0.72, 0.045, self.tones["ground"])
        self.put(group.kind, group.colour, height, *self.at(x, base), rng.random() < 0.5)

    def put(self, kind: str, colour: str, height: float, x: float, y: float, flip: bool):
        """Paints one object under the scene's light; (x, y) is the pixel in the middle of its ground line."""
        layer, pen = paint(kind, colour, height, max(2, round(self.unit * 0.006)), flip)
        alpha = layer.getchannel("A")
        shade = 0.75 + 0.25 * np.array(self.light, np.float32) / 255
        shaded = Image.fromarray((np.asarray(layer.convert("RGB")) * shade).astype(np.uint8))
        corner = (round(x - pen.left), round(y - pen.base))
        self.image.paste(shaded, corner, alpha)
        self.labels.paste(len(self.things), corner, alpha.point(lambda a: 255 * (a > 127)))
        self.things.append({"kind": kind, "colour": colour})

    # Weather in front of everything ------------------------------------------------------------

    def weather(self):
        kind, rng = self.scene.weather, self.rng
        if kind in ("rainy", "stormy"):
            tone = mix((200, 220, 250), self.light, 0.15)
            for _ in range(26):
                x, y = self.at(rng.random() * 1.05, rng.uniform(0.16, 1))
                self.draw.line([x, y, x - 0.03 * self.unit, y + 0.09 * self.unit], fill=tone,
                               width=max(1, round(self.unit * 0.013)))
        elif kind == "snowy":
            with self.labelled(None):
                for _ in range(40):
                    self.disc(rng.random(), rng.random(), 0.017, 0.017, (250, 252, 255))

    def fog(self):
        """A pale band over the horizon, behind the objects so that they stay readable."""
        rows = 200 * np.exp(-((np.linspace(0, 1, self.height) - 0.54) / 0.17) ** 2)
        veil = np.ascontiguousarray(np.broadcast_to(rows[:, None].astype(np.uint8), (self.height, self.width)))
        self.image.paste(self.lit((228, 230, 236), 0.7), (0, 0), Image.fromarray(veil))

    def lightning(self):
        x = self.rng.choice((0.12, 0.88)) + self.rng.uniform(-0.05, 0.05)
        with self.thing(part="lightning"):
            self.polygon([(x + dx, y) for dx, y in ((0.02, 0.14), (-0.05, 0.33), (-0.005, 0.32), (-0.04, 0.5),
                                                    (0.06, 0.28), (0.012, 0.285), (0.06, 0.14))], (255, 246, 120))


def halved(labels: np.ndarray) -> np.ndarray:
    """Halves a label map (H, W): the most frequent label of every 2x2 block."""
    a, b, c, d = (labels[y::2, x::2] for y in (0, 1) for x in (0, 1))
    return np.where((b == c) | (b == d), b, np.where(c == d, c, a))


def landscape(scene: Scene, rng: Random, width: int, height: int) -> Canvas:
    """The sky and the land of a scene, at twice the size, ready for its objects and then its weather."""
    canvas = Canvas(scene, rng, width * SUPERSAMPLING, height * SUPERSAMPLING)
    canvas.sky()
    canvas.land()
    if scene.weather == "stormy":
        canvas.lightning()
    elif scene.weather == "foggy":
        canvas.fog()
    return canvas


def render(scene: Scene, seed: int, width: int = 256, height: int = 256) -> tuple[Image.Image, np.ndarray, list[dict]]:
    """The picture, the H x W index of the thing that is visible at every pixel, and what the things are:
    {kind, colour} for an object and {part} for anything else (see PARTS); some may be hidden.

    Rain, snow, waves and meadow flowers are no things. The same scene and seed give the same picture.
    """
    canvas = landscape(scene, Random(seed), width, height)
    canvas.objects()
    canvas.weather()
    return canvas.image.resize((width, height), Image.BOX), halved(np.asarray(canvas.labels)), canvas.things
