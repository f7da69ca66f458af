"""The prompts that the model is judged by: none of them, and no scene of theirs, is ever trained on."""
from __future__ import annotations

import json
from pathlib import Path
from random import Random

from .scenes.captions import caption
from .scenes.world import Group, Scene, is_held_out, unseen_scene

FOLDER = Path(__file__).parent / "prompts"

# The contact sheet: prompt, time, weather, terrain, groups.
SHEET = (
    ("a red house by a lake at sunset", "sunset", "clear", "lake", ["red house"]),
    ("two blue boats in a city at night, snowing", "night", "snowy", "city", ["2 blue boat"]),
    ("sunset over the desert with an orange cat", "sunset", "clear", "desert", ["orange cat"]),
    ("a blue castle in the mountains at dawn", "dawn", "clear", "mountains", ["blue castle"]),
    ("a purple lighthouse on the sea at dusk, stormy", "dusk", "stormy", "sea", ["purple lighthouse"]),
    ("a pink car on the beach at noon", "noon", "clear", "beach", ["pink car"]),
    ("three yellow tents in a meadow in the morning", "morning", "clear", "meadow", ["3 yellow tent"]),
    ("a white balloon over a blue tent on a beach at dawn", "dawn", "clear", "beach", ["white balloon", "blue tent"]),
    ("a green windmill in front of mountains at noon, cloudy", "noon", "cloudy", "mountains", ["green windmill"]),
    ("a red snowman on a snowfield at night", "night", "clear", "snowfield", ["red snowman"]),
    ("a pink tree and a green house on a snowfield at sunset", "sunset", "clear", "snowfield",
     ["pink tree", "green house"]),
    ("a rainy morning at a lake with a green umbrella", "morning", "rainy", "lake", ["green umbrella"]),
    ("a blue rocket above an orange tree in a city at night", "night", "clear", "city", ["blue rocket", "orange tree"]),
    ("a purple kite in the desert at noon", "noon", "clear", "desert", ["purple kite"]),
    ("two white mushrooms on the grass at dusk", "dusk", "clear", "meadow", ["2 white mushroom"]),
    ("a red flower by the lake in the morning, with a rainbow", "morning", "rainbow", "lake", ["red flower"]),
    ("a white boat on the sea in the fog at dawn", "dawn", "foggy", "sea", ["white boat"]),
    ("a yellow cat next to a red umbrella on the beach at sunset", "sunset", "clear", "beach",
     ["yellow cat", "red umbrella"]),
    ("an orange car on the left on a snowfield at noon, snowing", "noon", "snowy", "snowfield", ["orange car"]),
    ("a yellow house and a purple tree in the mountains in the twilight", "dusk", "clear", "mountains",
     ["yellow house", "purple tree"]),
    ("night over the sea with two red balloons", "night", "clear", "sea", ["2 red balloon"]),
    ("a pink snowman on a city street at dusk, raining", "dusk", "rainy", "city", ["pink snowman"]),
    ("a white windmill on the right in a meadow at midday, under a rainbow", "noon", "rainbow", "meadow",
     ["white windmill"]),
    ("a yellow castle by a lake at night, stormy", "night", "stormy", "lake", ["yellow castle"]),
)


def expectation(scene: Scene) -> dict:
    return {"kinds": [[g.kind, g.colour] for g in scene.groups], "terrain": scene.terrain, "time": scene.time,
            "weather": scene.weather, "counts": [g.count for g in scene.groups]}


def unseen(count: int, seed: int) -> list[dict]:
    """Prompts that say kind, colour, terrain and time of scenes with a held-out combination."""
    rng, out = Random(seed), {}
    while len(out) < count:
        scene = unseen_scene(rng)
        prompt = caption(scene, rng, omit=0)
        out.setdefault(prompt, {"prompt": prompt, "seed": len(out), "expected": expectation(scene)})
    return list(out.values())


def sheet() -> list[dict]:
    """24 prompts for a contact sheet: every kind, terrain, time of day and weather comes up."""
    entries = []
    for prompt, time, weather, terrain, groups in SHEET:
        words = [g.split() for g in groups]
        scene = Scene(time, weather, terrain, tuple(Group(w[-1], w[-2], int(w[0]) if len(w) == 3 else 1) for w in words))
        assert is_held_out(scene), prompt
        entries.append({"prompt": prompt, "seed": len(entries), "expected": expectation(scene)})
    return entries


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, entries in (("unseen.json", unseen(200, 2024)), ("sheet.json", sheet())):
        lines = ",\n".join("  " + json.dumps(e) for e in entries)
        (FOLDER / name).write_text(f"[\n{lines}\n]\n")
        print(f"{name}: {len(entries)} prompts")
