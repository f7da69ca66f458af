"""Writes and reads the model folder: the diffusers layout, float16 safetensors."""
from __future__ import annotations

import json
import shutil
from pathlib import Path

from torch import nn

from . import safetensors
from .device import load_checkpoint
from .diffusion import SCHEDULER_CONFIG
from .models.autoencoder import Autoencoder
from .models.text_encoder import TextEncoder
from .models.unet import UNet
from .scenes.captions import vocabulary

PARTS = {"unet": (UNet, "diffusion_pytorch_model.safetensors"),
         "vae": (Autoencoder, "diffusion_pytorch_model.safetensors"),
         "text_encoder": (TextEncoder, "model.safetensors")}
# By the U-Net's input channels. Guidance 3 draws more of the edits whole than 5; "background" is the caption of
# training pictures without a thing.
SAMPLING = {"num_inference_steps": 20, "width": 256, "height": 256}
RECOMMENDED = {
    4: {**SAMPLING, "guidance_scale": 5.0, "half_resolution": {"share": 0.7, "above": 3}, "budget_plans": [
        {"step_plan": "PPPP @budget/few.safetensors", "guidance": 5.0},
        {"step_plan": "PPPPPP @budget/few.safetensors", "guidance": 5.0, "up_to": 0.34},
        {"step_plan": "FFFFFFF 999 899 749 649 499 299 99", "guidance": 5.0, "up_to": 0.47},
        {"step_plan": "FFFFFFFFF 999 899 849 749 699 599 449 249 99", "guidance": 5.0, "up_to": 0.57}]},
    9: {**SAMPLING, "guidance_scale": 3.0, "half_resolution": {"share": 0.7, "above": 3}, "edit_budget": 0.35,
        "removal_prompt": "background"},
}
PIPELINES = {4: "StableDiffusionPipeline", 9: "StableDiffusionInpaintPipeline"}   # by the U-Net's input channels
INDEX = {"_diffusers_version": "0.27.2", "feature_extractor": [None, None],
         "image_encoder": [None, None], "requires_safety_checker": False, "safety_checker": [None, None],
         "scheduler": ["diffusers", "DPMSolverMultistepScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
         "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
         "vae": ["diffusers", "AutoencoderTiny"]}


def write_json(data: dict | list, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2) + "\n")


def export(parts: dict[str, nn.Module], tokenizer_folder: Path, folder: Path) -> int:
    """Writes the whole model beside folder and then puts it in its place; returns its size in bytes."""
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    for name, model in parts.items():
        safetensors.save(model.state_dict(), fresh / name / PARTS[name][1])
        write_json(model.config, fresh / name / "config.json")
    shutil.copytree(tokenizer_folder, fresh / "tokenizer")
    write_json(vocabulary(), fresh / "tokenizer" / "words.json")
    write_json({**SCHEDULER_CONFIG, **learned_steps(folder)}, fresh / "scheduler" / "scheduler_config.json")
    if (folder / "budget").exists():                       # adapters are trained after the model
        shutil.copytree(folder / "budget", fresh / "budget")
    channels = parts["unet"].config["in_channels"]
    write_json({"_class_name": PIPELINES[channels], **INDEX}, fresh / "model_index.json")
    write_json(RECOMMENDED[channels], fresh / "generation_config.json")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def averaged(checkpoint: Path, parts: dict[str, nn.Module], share: float = 1.0) -> dict[str, nn.Module]:
    """The parts, with weights that are the checkpoint's averaged ones to this share and else their own."""
    model = nn.ModuleDict({n: parts[n] for n in ("unet", "text_encoder")})
    learnt = load_checkpoint(checkpoint)["ema"]
    model.load_state_dict({n: own.float().lerp(learnt[n].float(), share).to(own.dtype) if own.is_floating_point()
                           else own for n, own in model.state_dict().items()})
    return {**parts, **model}


def learned_steps(folder: Path) -> dict:
    """What `solver` fitted for the model that is in the folder; like adapters, it is fitted after the model."""
    config = folder / "scheduler" / "scheduler_config.json"
    settings = json.loads(config.read_text()) if config.exists() else {}
    return {name: value for name, value in settings.items() if name == "learned_steps"}


def load_part(folder: Path, name: str) -> nn.Module:
    """One network of a model folder, in float32."""
    cls, weights = PARTS[name]
    model = cls(json.loads((folder / name / "config.json").read_text()))
    model.load_state_dict(safetensors.load(folder / name / weights))
    return model.eval()
