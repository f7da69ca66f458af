"""Words for a scene, in varied wording; every caption is lower case English."""
from __future__ import annotations

import re
from random import Random

from .world import FLYING, Group, Scene, random_scene

PLURALS = {"lighthouse": "lighthouses", "house": "houses", "snowman": "snowmen"}
NUMBERS = {1: "a", 2: "two", 3: "three"}

# Where something is ("a red house by a lake"), and the same as a thing of its own ("sunset over a lake").
WHERE = {"lake": ("by a lake", "by the lake", "at a lake", "beside a lake"),
         "meadow": ("in a meadow", "on a meadow", "in a green meadow", "on the grass"),
         "sea": ("on the sea", "at sea", "on the open sea", "in the sea"),
         "desert": ("in the desert", "in a desert", "in the sandy desert"),
         "mountains": ("in the mountains", "in front of mountains", "near the mountains"),
         "beach": ("on a beach", "on the beach", "at the beach"),
         "snowfield": ("on a snowfield", "in a snowfield", "on the snowfield"),
         "city": ("in a city", "in the city", "on a city street")}
LANDSCAPE = {"lake": "a lake", "meadow": "a meadow", "sea": "the sea", "desert": "the desert",
             "mountains": "the mountains", "beach": "a beach", "snowfield": "a snowfield", "city": "a city"}
WHEN = {"dawn": ("at dawn", "at daybreak"), "morning": ("in the morning", "on a sunny morning"),
        "noon": ("at noon", "at midday"), "sunset": ("at sunset", "at sundown"),
        "dusk": ("at dusk", "in the twilight"), "night": ("at night", "by night")}
# After the sentence ("…, snowing"), and before a time of day ("a snowy night").
WEATHER = {"clear": ("under a clear sky", "clear sky"), "cloudy": ("under a cloudy sky", "cloudy", "with clouds"),
           "rainy": ("in the rain", "raining", "rainy"), "stormy": ("in a storm", "stormy", "with lightning"),
           "snowy": ("snowing", "in falling snow", "snowy"), "foggy": ("in the fog", "foggy", "in mist"),
           "rainbow": ("with a rainbow", "under a rainbow", "rainbow")}
ADJECTIVE = {"clear": "clear", "cloudy": "cloudy", "rainy": "rainy", "stormy": "stormy", "snowy": "snowy",
             "foggy": "foggy"}
PLACE = {"left": ("on the left",), "middle": ("in the middle", "in the center"), "right": ("on the right",)}
PART_WORDS = {"sky": "the sky", "sun": "the sun", "moon": "the moon", "cloud": "a cloud", "rainbow": "a rainbow",
              "lightning": "a bolt of lightning", "hill": "a hill", "ground": "the ground", "water": "the water",
              "mountain": "a mountain", "building": "a building", "fir": "a fir tree", "cactus": "a cactus"}
OPENINGS = ("a picture of", "an illustration of", "a drawing of", "a flat illustration of", "a scene with")


def article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def group_words(group: Group, coloured: bool = True) -> str:
    """"a red house", "two blue boats"."""
    if group.count == 1:
        return article(f"{group.colour} {group.kind}" if coloured else group.kind)
    plural = PLURALS.get(group.kind, group.kind + "s")
    return f"{NUMBERS[group.count]} {group.colour + ' ' if coloured else ''}{plural}"


def subject(scene: Scene, rng: Random, omit: float) -> str:
    words = [group_words(g, coloured=rng.random() >= omit) for g in scene.groups]
    if len(words) == 1:
        place = scene.groups[0].place
        return f"{words[0]} {rng.choice(PLACE[place])}" if place and rng.random() < 0.5 else words[0]
    (a, b), flying = words, [g.kind in FLYING for g in scene.groups]
    if flying[0] != flying[1]:
        if flying[1]:
            a, b = b, a
        return rng.choice((f"{a} above {b}", f"{a} over {b}", f"{a} and {b}", f"{b} and {a}", f"{b} under {a}"))
    return rng.choice((f"{a} and {b}", f"{b} and {a}", f"{a} and {b}", f"{a} next to {b}", f"{a} left of {b}",
                       f"{b} right of {a}", f"{a} on the left and {b} on the right"))


def caption(scene: Scene, rng: Random, omit: float = 0.07) -> str:
    """One way to say the scene; each of its parts is left out with probability omit (0: all are said).

    A clear sky is mostly not worth a word.
    """
    who = subject(scene, rng, omit)
    where = rng.choice(WHERE[scene.terrain]) if rng.random() >= omit else ""
    when = rng.choice(WHEN[scene.time]) if rng.random() >= omit else ""
    told = rng.random() >= (0.75 if scene.weather == "clear" else omit)
    weather = rng.choice(WEATHER[scene.weather]) if told else ""
    form = rng.random()
    if form < 0.2 and where and when:                       # sunset over a lake with a red house
        time = scene.time
        if told and scene.weather in ADJECTIVE:
            time = rng.choice(("a ", "")) + f"{ADJECTIVE[scene.weather]} {time}"
            weather = ""
        text = f"{time} {rng.choice(('over', 'at', 'in'))} {LANDSCAPE[scene.terrain]} with {who}"
        parts = [text, weather]
    elif form < 0.35 and when:                              # at night, two blue boats on the sea
        parts = [when, f"{who} {where}".strip(), weather]
    else:
        text = " ".join(p for p in (who, where, when) if p)
        if weather and rng.random() < 0.4:
            text, weather = f"{text} {weather}", ""
        parts = [text, weather]
        if rng.random() < 0.15:
            parts[0] = f"{rng.choice(OPENINGS)} {parts[0]}"
    return ", ".join(p for p in parts if p)


def vocabulary(count: int = 20000) -> list[str]:
    """All words that captions use, sorted: what the model was taught."""
    rng = Random(1)
    texts = [caption(random_scene(rng), rng) for _ in range(count)]
    return sorted({word for text in texts for word in re.findall(r"[a-z]+", text)})
