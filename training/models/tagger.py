"""EfficientViT's classification network with several groups of labels in place of one class."""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..scenes.captions import PART_WORDS, WEATHER, WHEN, WHERE, article
from ..scenes.world import COLOURS, KINDS, PARTS, TERRAINS, TIMES, WEATHERS
from .efficientvit import ACTIVATIONS, ConvLayer, Ops, backbone, set_norm_eps
from .norms import LayerNorm

# What the logits mean, in their order: every group has a word for each value and how a prompt says it.
LABELS = [{"name": "object", "activation": "sigmoid", "values": [f"{c} {k}" for k in KINDS for c in COLOURS],
           "phrases": [article(f"{c} {k}") for k in KINDS for c in COLOURS]},
          {"name": "part", "activation": "sigmoid", "values": list(PARTS), "phrases": [PART_WORDS[p] for p in PARTS]},
          *({"name": name, "activation": "softmax", "values": list(values), "phrases": [words[v][0] for v in values]}
            for name, values, words in (("terrain", TERRAINS, WHERE), ("time", TIMES, WHEN),
                                        ("weather", WEATHERS, WEATHER)))]
CONFIG = {
    "model_type": "efficientvit-tagger", "image_size": 128,
    "image_mean": [123.675, 116.28, 103.53], "image_std": [58.395, 57.12, 57.375], "norm_eps": 1e-5,
    "backbone": {"family": "base", "width_list": [16, 32, 64, 96, 160], "depth_list": [1, 2, 2, 2, 2], "dim": 16,
                 "expand_ratio": 4, "act_func": "hswish"},
    "head": {"width_list": [512, 384], "act_func": "hswish"},
    "labels": LABELS}


class Linear(nn.Module):
    def __init__(self, inputs: int, outputs: int, bias: bool, norm: bool, act: str | None):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias)
        self.norm = LayerNorm(outputs) if norm else None
        self.act = ACTIVATIONS[act]() if act else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(x.flatten(1))
        x = self.norm(x) if self.norm else x
        return self.act(x) if self.act else x


class Head(Ops):
    def __init__(self, inputs: int, config: dict, outputs: int):
        (wide, narrow), act = config["width_list"], config["act_func"]
        super().__init__([ConvLayer(inputs, wide, 1, act=act), nn.AdaptiveAvgPool2d(1),
                          Linear(wide, narrow, bias=False, norm=True, act=act),
                          Linear(narrow, outputs, bias=True, norm=False, act=None)])


class Tagger(nn.Module):
    def __init__(self, config: dict = CONFIG):
        super().__init__()
        self.config = config
        self.sizes = {group["name"]: len(group["values"]) for group in config["labels"]}
        self.backbone = backbone(config["backbone"])
        self.head = Head(config["backbone"]["width_list"][-1], config["head"], sum(self.sizes.values()))
        set_norm_eps(self, config["norm_eps"])
        for name in ("image_mean", "image_std"):
            self.register_buffer(name, torch.tensor(config[name])[:, None, None], persistent=False)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """RGB pictures (N, 3, S, S) with values from 0 to 255 to logits (N, labels) of each group."""
        logits = self.head(self.backbone((pictures - self.image_mean) / self.image_std)[-1]).float()
        return dict(zip(self.sizes, logits.split(list(self.sizes.values()), 1)))
