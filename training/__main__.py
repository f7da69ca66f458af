"""python3 -m training COMMAND: everything from rendering to export (see README.md)."""
from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

from .device import CACHE, DEVICE, keep_freed_memory


MODEL = Path(__file__).parent.parent / "media" / "models" / "scenes"
EDIT_MODEL = MODEL.with_name("scenes-edit")
CONTROL_MODEL = MODEL.with_name("scenes-control")
JUDGE = Path(__file__).parent / "judge.safetensors"
SCORER = Path(__file__).parent / "scorer.safetensors"


def trained_autoencoder(work: Path):
    """The autoencoder of the checkpoint, else the exported one."""
    from .device import DEVICE, load_checkpoint
    from .export import load_part
    from .models.autoencoder import Autoencoder
    state = load_checkpoint(work / "autoencoder.pt")
    if not state:
        return load_part(MODEL, "vae").to(DEVICE)
    model = Autoencoder()
    model.load_state_dict(state["model"])
    return model.eval().to(DEVICE)


def tokenizer_folder(work: Path) -> Path:
    """The exported tokenizer, whose ids must not change; where there is none yet, one learnt from captions."""
    if (MODEL / "tokenizer").exists():
        return MODEL / "tokenizer"
    from random import Random

    from .scenes.captions import caption
    from .scenes.world import random_scene
    from .tokenizer import Tokenizer
    if not (work / "tokenizer").exists():
        rng = Random(0)
        Tokenizer.train([caption(random_scene(rng), rng) for _ in range(20000)]).save(work / "tokenizer")
    return work / "tokenizer"


def model_parts(args: argparse.Namespace):
    """The networks and the tokenizer of a model folder, else of the checkpoints."""
    from .export import PARTS, load_part
    from .tokenizer import Tokenizer
    if args.model:
        parts, words = {name: load_part(args.model, name) for name in PARTS}, args.model / "tokenizer"
    else:
        from .train_diffusion import averaged
        parts, words = {**averaged(args.work), "vae": trained_autoencoder(args.work)}, tokenizer_folder(args.work)
    return {name: part.to(DEVICE) for name, part in parts.items()}, Tokenizer.load(words)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training", description=__doc__)
    parser.add_argument("--work", type=Path, default=CACHE, help="folder of checkpoints and caches")
    commands = parser.add_subparsers(dest="command", required=True)

    p = commands.add_parser("render", help="render training pictures")
    p.add_argument("--count", type=int, default=24000)
    p.add_argument("--size", default="256x256")
    p.add_argument("--first", type=int, default=0, help="number of the first shard")
    p.add_argument("--processes", type=int, default=2)

    p = commands.add_parser("autoencoder", help="train the autoencoder")
    p.add_argument("--steps", type=int, default=12000)
    p.add_argument("--minutes", type=float, default=1e9)

    commands.add_parser("encode", help="encode the rendered pictures to latents")

    p = commands.add_parser("edits", help="make pictures to edit, with masks, as latents")
    p.add_argument("--count", type=int, default=10000)
    p.add_argument("--size", default="256x256")
    p.add_argument("--first", type=int, default=0, help="number of the first shard")
    p.add_argument("--processes", type=int, default=2)

    p = commands.add_parser("diffusion", help="train the text encoder and the U-Net")
    p.add_argument("--minutes", type=float, default=90)
    p.add_argument("--decay", type=float, default=0.25, help="share of the time in which the rate falls")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--rate", type=float, default=8e-4)
    p.add_argument("--processes", type=int, help="default: one for every processor, or 1 with a GPU")
    p.add_argument("--adam", action="store_true", help="AdamW for everything, in place of Muon")
    p.add_argument("--from", dest="start", type=Path, help="model folder to start from where there is no checkpoint")
    p.add_argument("--draw", action="store_true", help="learn to draw only: the model without channels for a mask")

    p = commands.add_parser("export", help="write the model folder from the checkpoints")
    p.add_argument("--draw", action="store_true", help="the model that only draws")
    p.add_argument("--out", type=Path, help="in place of the folder in media/models")

    commands.add_parser("prompts", help="write the unseen prompts and those of the contact sheet")

    p = commands.add_parser("generate", help="pictures for a file of prompts")
    p.add_argument("prompts", type=Path)
    p.add_argument("out", type=Path, help="folder for the pictures and their pictures.json")
    p.add_argument("--model", type=Path, help="model folder; without it the checkpoints")
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--guidance", type=float, default=5.0)
    p.add_argument("--size", default="256x256")

    p = commands.add_parser("sheet", help="a contact sheet of a pictures.json")
    p.add_argument("listing", type=Path)
    p.add_argument("out", type=Path)

    p = commands.add_parser("train-scorer", help="train the scorer on the rendered pictures")
    p.add_argument("--steps", type=int, default=1500)

    p = commands.add_parser("score", help="accuracy on the pictures of a JSON list, or on fresh renders")
    p.add_argument("listing", type=Path, nargs="?", help="[{file, prompt, expected}]; without it fresh renders")
    p.add_argument("--renders", type=int, default=1000)
    p.add_argument("--out", type=Path, help="JSON file for the accuracies and what was seen")

    p = commands.add_parser("judge-data", help="make what the judge of edits learns from and is judged by")
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--plain", type=int, default=2000)
    p.add_argument("--test", type=int, default=200)

    p = commands.add_parser("train-judge", help="train the judge of edits")
    p.add_argument("--steps", type=int, default=2000)

    commands.add_parser("judge-accuracy", help="accuracy of the judge itself, on renders")

    p = commands.add_parser("edit-cases", help="pictures, masks and words for a study of edits")
    p.add_argument("out", type=Path, help="folder for the pictures and their cases.json")
    p.add_argument("--count", type=int, default=200)
    p.add_argument("--removals", type=int, default=60)
    p.add_argument("--size", default="256x256")

    p = commands.add_parser("edit-study", help="edit the cases with PyTorch, as the engine does")
    p.add_argument("cases", type=Path)
    p.add_argument("out", type=Path, help="folder for the pictures and their pictures.json")
    p.add_argument("--model", type=Path, help="model folder; without it the checkpoints")
    p.add_argument("--rendered", action="store_true", help="the renderer's own results instead")
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--guidance", type=float, default=5.0)
    p.add_argument("--count", type=int, help="only the first cases")

    p = commands.add_parser("judge-edits", help="what the judge says of edited pictures, whoever made them")
    p.add_argument("listing", type=Path, help="[{file, before, mask, prompt, kind, colour, way, form, size}]")
    p.add_argument("--out", type=Path, help="JSON file for the figures and what was seen")
    p.add_argument("--sheet", type=Path, help="PNG file for a contact sheet")

    p = commands.add_parser("critic", help="make and train what the model is rewarded by; needs labels")
    p.add_argument("--count", type=int, default=2496, help="pictures decoded from latents, and as many worn by the U-Net")
    p.add_argument("--steps", type=int, default=2500)

    p = commands.add_parser("reward", help="train the model that draws by the critic's opinion of its pictures")
    p.add_argument("--minutes", type=float, default=26)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--rate", type=float, default=1.5e-4)

    p = commands.add_parser("count-suns", help="which pictures of a JSON list have a sun too many, or none")
    p.add_argument("listing", type=Path, help="[{file, expected}]")

    for name in ("reward", "large"):
        p = commands.add_parser(f"export-{name}", help=f"write the model that draws from the checkpoint of {name}")
        p.add_argument("--out", type=Path, default=MODEL)
        p.add_argument("--before", type=Path, default=MODEL, help="folder of the model that was trained on")
        p.add_argument("--share", type=float, default=1, help="how much of the weights is the checkpoint's, 0 to 1")

    commands.add_parser("halves", help="predict large pictures at half the resolution, to learn enlarging from")

    p = commands.add_parser("large", help="train the model that draws to finish large pictures; needs halves")
    p.add_argument("--minutes", type=float, default=40)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--rate", type=float, default=2e-4)

    p = commands.add_parser("trajectories", help="follow the full process, for adapters that shorten it")
    p.add_argument("--count", type=int, default=3072)
    p.add_argument("--edits", action="store_true", help="of the model that edits")

    p = commands.add_parser("adapter", help="train an adapter, for steps without guidance")
    p.add_argument("--edits", action="store_true", help="of the model that edits, in place of the one that draws")
    p.add_argument("name")
    p.add_argument("--steps", type=int, nargs="*", default=[],
                   help="numbers of steps, in turns, of processes that are to end where the full one does; "
                        "without them every single step is learnt")
    p.add_argument("--last", action="store_true",
                   help="every second batch teaches the last step what the full process makes of its latents")
    p.add_argument("--part-weight", type=float, default=0,
                   help="for processes of edits: how much it counts that an edit of a part differs from the whole edit")
    p.add_argument("--start", help="name, or exported file, of the adapter to start from")
    p.add_argument("--rank", type=int, default=8)
    p.add_argument("--minutes", type=float, default=30)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--rate", type=float, default=2e-3)

    p = commands.add_parser("export-adapter", help="write an adapter into the model's folder, as budget/few.safetensors")
    p.add_argument("name")
    p.add_argument("--edits", action="store_true", help="of the model that edits")

    p = commands.add_parser("solver", help="fit the weights of a sampler with few steps to followed trajectories")
    p.add_argument("--steps", type=int, required=True)
    p.add_argument("--count", type=int, default=256, help="trajectories")
    p.add_argument("--places", type=int, nargs="+", help="which steps of the full process; searched for by default")

    p = commands.add_parser("labels", help="label the rendered pictures, for sketches of them")
    p.add_argument("--count", type=int, default=7000)
    p.add_argument("--processes", type=int, default=2)

    p = commands.add_parser("control", help="train the ControlNet of the model that draws")
    p.add_argument("--minutes", type=float, default=50)
    p.add_argument("--decay", type=float, default=0.4)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--rate", type=float, default=5e-4)

    p = commands.add_parser("export-control", help="write the ControlNet's folder from its checkpoint")
    p.add_argument("--out", type=Path, default=CONTROL_MODEL)

    p = commands.add_parser("sketch-cases", help="sketches of unseen scenes, for a study of the ControlNet")
    p.add_argument("out", type=Path, help="folder for the sketches and their cases.json")
    p.add_argument("--count", type=int, default=96)

    p = commands.add_parser("sketch-study", help="draw the cases; judge-edits takes the result")
    p.add_argument("cases", type=Path)
    p.add_argument("out", type=Path, help="folder for the pictures and their pictures.json")
    p.add_argument("--without", action="store_true", help="by the prompts alone")
    p.add_argument("--sheet", type=Path, help="image file for a contact sheet")

    args = parser.parse_args()
    keep_freed_memory()
    if args.command == "render":
        from .scenes.dataset import render_shards
        width, height = map(int, args.size.split("x"))
        render_shards(args.work / "pictures", args.count, width, height, args.first, args.processes)
    elif args.command == "autoencoder":
        from .train_autoencoder import train
        train(args.work, args.steps, args.minutes)
    elif args.command == "encode":
        from .latents import encode_shards
        encode_shards(trained_autoencoder(args.work), args.work)
    elif args.command == "edits":
        from .edits.dataset import write_shards
        width, height = map(int, args.size.split("x"))
        write_shards(trained_autoencoder(args.work), args.work / "edits", args.count, width, height, args.first,
                     args.processes)
    elif args.command == "diffusion":
        from .team import run
        from .train_diffusion import train
        run(partial(train, work=args.work, minutes=args.minutes, decay=args.decay, batch=args.batch, rate=args.rate,
                    muon=not args.adam, start=args.start, draws=args.draw, tokenizer_folder=tokenizer_folder(args.work),
                    vae=trained_autoencoder(args.work)),
            args.processes or (1 if DEVICE.type == "cuda" else os.cpu_count()))
    elif args.command == "export":
        from .export import export
        from .train_diffusion import averaged
        out = args.out or (MODEL if args.draw else EDIT_MODEL)
        size = export({**averaged(args.work, args.draw), "vae": trained_autoencoder(args.work)},
                      tokenizer_folder(args.work), out)
        print(f"{out}: {size / 1e6:.1f} MB")
    elif args.command in ("export-reward", "export-large"):
        from .export import averaged, export
        args.model = args.before
        parts, _ = model_parts(args)
        checkpoint = args.work / f"{args.command.removeprefix('export-')}.pt"
        print(export(averaged(checkpoint, parts, args.share), MODEL / "tokenizer", args.out))
    elif args.command in ("halves", "large"):
        from .large import halves, train as large
        args.model = MODEL
        parts, tokenizer = model_parts(args)
        if args.command == "halves":
            halves.write(parts, tokenizer, args.work)
        else:
            large.train(args.work, parts, tokenizer, args.minutes, args.batch, args.rate)
    elif args.command in ("critic", "reward"):
        from .reward import critic, pictures, suns, train as reward
        args.model = MODEL
        parts, tokenizer = model_parts(args)
        tagger, head = critic.tagger(MODEL.with_name("sight") / "tagger"), args.work / "critic.safetensors"
        if args.command == "critic":
            pictures.write(parts, tokenizer, args.work, args.count)
            critic.train(tagger, args.work, args.steps, head)
            suns.train(args.work, args.steps, args.work / "suns.safetensors")
        else:
            reward.train(args.work, parts, tokenizer,
                         reward.Reward(critic.load(tagger, head), suns.load(args.work / "suns.safetensors"),
                                       *pictures.decoded(args.work, 256)),
                         args.minutes, args.batch, args.rate)
    elif args.command == "count-suns":
        import json

        from .reward import suns
        print(json.dumps(suns.judged(suns.load(args.work / "suns.safetensors"), args.listing), indent=1))
    elif args.command in ("trajectories", "adapter", "export-adapter", "solver"):
        from .budget import edits, solver, train as budget, trajectories
        of_edits = getattr(args, "edits", False)
        args.model = EDIT_MODEL if of_edits else MODEL
        full = edits if of_edits else trajectories
        parts, tokenizer = model_parts(args)
        if args.command == "trajectories":
            if of_edits:
                edits.write_shards(args.work, parts, tokenizer, args.count)
            else:
                trajectories.write_shards(parts, tokenizer, args.work / "trajectories", args.count)
        elif args.command == "adapter":
            data = trajectories.Trajectories(args.work / ("edit-trajectories" if of_edits else "trajectories"))
            budget.train(args.work, data, parts, tokenizer, args.name, args.steps, args.start, args.rank, args.minutes,
                         args.batch, args.rate, full.GUIDANCE if args.last else None, args.part_weight)
        elif args.command == "solver":
            process = solver.followed(args.work, parts, tokenizer, args.count)
            places = args.places or solver.search(process, args.steps)
            weights, near = solver.fit(process, places, solver.PASSES)
            plan = solver.write(MODEL / "scheduler" / "scheduler_config.json", places, weights)
            print(f"{near:.2f} dB; a step plan for budget_plans of generation_config.json: {plan}")
        else:
            budget.export(budget.load(args.work, args.name, parts["unet"]), args.model / "budget" / "few.safetensors")
    elif args.command == "labels":
        from .control.sketches import label_shards
        label_shards(args.work, "256x256", args.count, args.processes)
    elif args.command in ("control", "export-control", "sketch-study"):
        from .control import study, train as control
        args.model = MODEL
        parts, tokenizer = model_parts(args)
        if args.command == "control":
            control.train(args.work, parts, tokenizer, args.minutes, args.decay, args.batch, args.rate)
        elif args.command == "export-control":
            control.export(control.averaged(args.work, parts), args.out)
        else:
            steering = None if args.without else control.averaged(args.work, parts).to(DEVICE)
            listing = study.draw(parts, steering, tokenizer, args.cases, args.out)
            print(listing)
            if args.sheet:
                study.sheet(listing, args.sheet)
    elif args.command == "sketch-cases":
        from .control.study import write_cases as write_sketches
        print(write_sketches(args.out, args.count))
    elif args.command == "prompts":
        from .prompts import write
        write()
    elif args.command == "judge-data":
        from .edits.judge import write_shards as write_judge_shards
        from .export import PARTS, load_part
        from .tokenizer import Tokenizer
        write_judge_shards({name: load_part(MODEL, name).to(DEVICE) for name in PARTS},
                           Tokenizer.load(MODEL / "tokenizer"), args.work / "judge", args.count, args.plain, args.test)
    elif args.command == "train-judge":
        from .edits.judge import train
        train(args.work, args.steps, JUDGE)
    elif args.command == "judge-accuracy":
        import json

        from .edits.judge import accuracy, load
        print(json.dumps(accuracy(load(JUDGE), args.work / "judge"), indent=1))
    elif args.command == "edit-cases":
        from .edits.study import write_cases
        print(write_cases(args.out, args.count, args.removals, *map(int, args.size.split("x"))))
    elif args.command == "edit-study":
        from .edits import study
        parts, tokenizer = model_parts(args)
        if args.rendered:
            print(study.rendered(parts, args.cases, args.out))
        else:
            print(study.draw(parts, tokenizer, args.cases, args.out, args.steps, args.guidance, args.count))
    elif args.command == "judge-edits":
        import json

        from .edits import judge, study
        figures, seen = study.judge(judge.load(JUDGE), args.listing)
        print(json.dumps(figures, indent=1))
        if args.out:
            args.out.write_text(json.dumps({"figures": figures, "pictures": seen}, indent=1) + "\n")
        if args.sheet:
            study.sheet(args.listing, args.sheet, rows=seen)
    elif args.command == "generate":
        from .generate import generate
        parts, tokenizer = model_parts(args)
        generate(parts, tokenizer, args.prompts, args.out, args.steps, args.guidance, tuple(map(int, args.size.split("x"))))
    elif args.command == "sheet":
        from .generate import sheet
        sheet(args.listing, args.out)
    elif args.command == "train-scorer":
        from .scorer import train
        train(args.work, args.steps, SCORER)
    elif args.command == "score":
        import json

        from .scorer import load, score_listing, score_renders
        if args.listing:
            accuracy, seen = score_listing(load(SCORER), args.listing)
        else:
            accuracy, seen = score_renders(load(SCORER), args.renders), []
        print(json.dumps(accuracy))
        if args.out:
            args.out.write_text(json.dumps({"accuracy": accuracy, "pictures": seen}, indent=1) + "\n")


if __name__ == "__main__":
    main()
