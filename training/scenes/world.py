"""The vocabulary of the world, and how a scene is drawn by chance from it.

A scene is a plain description; `draw.render` turns it into a picture and
`captions.caption` into words. Nothing here knows about pixels or wording.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from random import Random

KINDS = ("house", "tree", "boat", "car", "windmill", "lighthouse", "tent", "balloon",
         "castle", "cat", "snowman", "flower", "umbrella", "rocket", "kite", "mushroom")
FLYING = frozenset({"balloon", "rocket", "kite"})
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
TERRAINS = ("lake", "meadow", "sea", "desert", "mountains", "beach", "snowfield", "city")
TIMES = ("dawn", "morning", "noon", "sunset", "dusk", "night")
WEATHERS = ("clear", "cloudy", "rainy", "stormy", "snowy", "foggy", "rainbow")
PLACES = ("left", "middle", "right")
# What a picture has besides its objects; all but the sky, which is everything else, are drawn one by one.
PARTS = ("sky", "sun", "moon", "cloud", "rainbow", "lightning", "hill", "ground", "water", "mountain", "building",
         "fir", "cactus")
MAX_OBJECTS = 3


@dataclass(frozen=True)
class Group:
    """`count` objects of one kind and colour; `place` only for one that is alone on its line."""
    kind: str
    colour: str
    count: int = 1
    place: str | None = None


@dataclass(frozen=True)
class Scene:
    """Groups stand from left to right in the order given."""
    time: str
    weather: str
    terrain: str
    groups: tuple[Group, ...]

    def to_dict(self) -> dict:
        return asdict(self)

    def mirrored(self) -> "Scene":
        """What the picture shows when left and right are swapped."""
        swap = {"left": "right", "right": "left"}
        return replace(self, groups=tuple(replace(g, place=swap.get(g.place, g.place))
                                          for g in reversed(self.groups)))

    @staticmethod
    def from_dict(d: dict) -> "Scene":
        return Scene(d["time"], d["weather"], d["terrain"], tuple(Group(**g) for g in d["groups"]))


def is_held_out_group(kind: str, colour: str, terrain: str) -> bool:
    """About one in eleven (kind, colour, terrain) combinations is never trained on.

    Every kind is still seen in every colour, and every kind on every terrain; a red house by a
    lake is among the held-out ones.
    """
    return (7 * KINDS.index(kind) + 5 * COLOURS.index(colour) + 3 * TERRAINS.index(terrain)) % 11 == 0


def is_held_out(scene: Scene) -> bool:
    return any(is_held_out_group(g.kind, g.colour, scene.terrain) for g in scene.groups)


def _random_groups(rng: Random) -> tuple[Group, ...]:
    if rng.random() < 0.6:
        kinds, counts = [rng.choice(KINDS)], [rng.choices((1, 2, 3), (70, 18, 12))[0]]
    else:
        kinds, counts = rng.sample(KINDS, 2), rng.choice([[1, 1], [1, 1], [1, 1], [1, 1], [2, 1], [1, 2]])
    colours = [rng.choice(COLOURS) for _ in kinds]
    alone = len(kinds) == 1 and counts[0] == 1
    return tuple(Group(k, c, n, rng.choice(PLACES) if alone else None)
                 for k, c, n in zip(kinds, colours, counts))


def random_scene(rng: Random) -> Scene:
    """Any scene of the world, held-out ones included."""
    weather = rng.choices(WEATHERS, (40, 12, 12, 9, 12, 7, 8))[0]
    return Scene(rng.choice(TIMES), weather, rng.choice(TERRAINS), _random_groups(rng))


def training_scene(rng: Random) -> Scene:
    """A scene that holds no held-out combination."""
    while is_held_out(scene := random_scene(rng)):
        pass
    return scene


def unseen_scene(rng: Random) -> Scene:
    """A scene with at least one combination that no training scene has."""
    while not is_held_out(scene := random_scene(rng)):
        pass
    return scene
