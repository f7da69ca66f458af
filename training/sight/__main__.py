"""python3 -m training.sight COMMAND: the segmenter and the tagger, from rendering to figures (see ../README.md)."""
from __future__ import annotations

import argparse
import json
import os
from functools import partial
from pathlib import Path

from ..device import CACHE, DEVICE, keep_freed_memory

MODELS = Path(__file__).parents[2] / "media" / "models"
SIGHT = MODELS / "sight"
RATES = {"segmenter": 1.5e-3, "tagger": 1.5e-3}
BATCHES = {"segmenter": 8, "tagger": 32}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training.sight", description=__doc__)
    parser.add_argument("--work", type=Path, default=CACHE, help="folder of checkpoints and caches")
    commands = parser.add_subparsers(dest="command", required=True)

    p = commands.add_parser("render", help="render pictures with labels")
    p.add_argument("--count", type=int, default=8000)
    p.add_argument("--processes", type=int, default=2)

    p = commands.add_parser("wear", help="pass rendered pictures through Scenes, which leaves its marks on them")
    p.add_argument("--count", type=int, default=1500)

    for name in ("segmenter", "tagger"):
        p = commands.add_parser(name, help=f"train the {name}")
        p.add_argument("--minutes", type=float, default=60)
        p.add_argument("--decay", type=float, default=0.3, help="share of the time in which the rate falls")
        p.add_argument("--batch", type=int, default=BATCHES[name], help="pictures of all processes in a step")
        p.add_argument("--rate", type=float, default=RATES[name])
        p.add_argument("--processes", type=int, help="default: one for every processor, or 1 with a GPU")

    p = commands.add_parser("export", help="write the weights from the checkpoints")
    p.add_argument("--out", type=Path, default=SIGHT)

    p = commands.add_parser("judge", help="judge the exported networks on fresh renders and on generated pictures")
    p.add_argument("--renders", type=int, default=300)
    p.add_argument("--out", type=Path, help="JSON file for the figures")

    args = parser.parse_args()
    keep_freed_memory()
    if args.command == "render":
        from .dataset import render_shards
        render_shards(args.work / "sight", args.count, args.processes)
    elif args.command == "wear":
        from ..export import PARTS, load_part
        from ..tokenizer import Tokenizer
        from .dataset import wear_shards
        parts = {name: load_part(MODELS / "scenes", name).to(DEVICE) for name in PARTS}
        wear_shards(args.work / "sight", parts, Tokenizer.load(MODELS / "scenes" / "tokenizer"), args.count)
    elif args.command in RATES:
        from ..team import run
        from .train_segmenter import train as segmenter
        from .train_tagger import train as tagger
        run(partial({"segmenter": segmenter, "tagger": tagger}[args.command], work=args.work, minutes=args.minutes,
                    decay=args.decay, size=args.batch, rate=args.rate),
            args.processes or (1 if DEVICE.type == "cuda" else os.cpu_count()))
    elif args.command == "export":
        from . import export, train_segmenter, train_tagger
        for name, trainer in (("segmenter", train_segmenter), ("tagger", train_tagger)):
            print(f"{name}: {export.save(trainer.averaged(args.work), args.out / name) / 1e6:.1f} MB")
    elif args.command == "judge":
        from ..models.segmenter import Segmenter
        from ..models.tagger import Tagger
        from .export import load
        from .judge_segmenter import figures
        from .judge_tagger import score_renders, score_things
        tagger = load(Tagger, SIGHT / "tagger")
        found = {"segmenter": figures(load(Segmenter, SIGHT / "segmenter"), args.renders),
                 "tagger": {"renders": score_renders(tagger, args.renders),
                            "things": score_things(tagger, args.renders)}}
        print(json.dumps(found, indent=1))
        if args.out:
            args.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
