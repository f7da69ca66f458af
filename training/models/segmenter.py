"""EfficientViT-SAM scaled down to the pictures of Scenes: 256x256, embeddings at an eighth, masks at a half of it."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .efficientvit import ConvLayer, FusedMBConv, MBConv, Ops, Residual, backbone, set_norm_eps
from .norms import LayerNorm2d
from .sam import MaskDecoder, PromptEncoder

CONFIG = {
    "model_type": "efficientvit-sam", "image_size": 256,
    "image_mean": [123.675, 116.28, 103.53], "image_std": [58.395, 57.12, 57.375], "norm_eps": 1e-6,
    "backbone": {"family": "large", "width_list": [16, 32, 64, 96, 128], "depth_list": [0, 1, 1, 2, 2],
                 "block_list": ["res", "fmb", "fmb", "att", "att"], "expand_list": [1, 1, 1, 2, 2],
                 "fewer_norm_list": [False, False, False, True, True], "qkv_dim": 16, "act_func": "hswish"},
    "neck": {"fid_list": ["stage4", "stage3", "stage2"], "in_channel_list": [128, 96, 64], "head_width": 96,
             "head_depth": 2, "expand_ratio": 1, "middle_op": "fmb", "out_dim": 96, "act_func": "hswish"},
    "prompt_encoder": {"embed_dim": 96, "image_embedding_size": 32, "input_image_size": 256, "mask_in_chans": 16},
    "mask_decoder": {"num_multimask_outputs": 3, "depth": 2, "num_heads": 4, "mlp_dim": 192,
                     "attention_downsample_rate": 2, "iou_head_depth": 3, "iou_head_hidden_dim": 96}}


def resized(x: Tensor, size: torch.Size) -> Tensor:
    return x if x.shape[2:] == size else F.interpolate(x.float(), size=size, mode="bicubic", align_corners=False)


class Neck(nn.Module):
    """The sum of three stages' maps at the size of the largest, and some blocks on it."""

    def __init__(self, config: dict):
        super().__init__()
        width, act = config["head_width"], config["act_func"]
        self.stages = [int(name.removeprefix("stage")) for name in config["fid_list"]]
        self.input_ops = nn.ModuleList([Ops([ConvLayer(c, width, 1)]) for c in config["in_channel_list"]])
        block = {"mb": MBConv, "fmb": FusedMBConv}[config["middle_op"]]
        self.middle = Ops([Residual(block(width, width, 1, config["expand_ratio"], act))
                           for _ in range(config["head_depth"])])
        self.output_ops = nn.ModuleList([Ops([ConvLayer(width, config["out_dim"], 1, bias=True, norm=False)])])

    def forward(self, maps: list[Tensor]) -> Tensor:
        size = maps[self.stages[-1]].shape[2:]
        return self.output_ops[0](self.middle(sum(resized(op(maps[i]), size)
                                                  for op, i in zip(self.input_ops, self.stages))))


class ImageEncoder(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.backbone = backbone(config["backbone"])
        self.neck = Neck(config["neck"])
        self.norm = LayerNorm2d(config["neck"]["out_dim"])

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.neck(self.backbone(x)))


class Segmenter(nn.Module):
    def __init__(self, config: dict = CONFIG):
        super().__init__()
        self.config = config
        self.image_encoder = ImageEncoder(config)
        self.prompt_encoder = PromptEncoder(config["prompt_encoder"])
        self.mask_decoder = MaskDecoder(config["prompt_encoder"]["embed_dim"], config["mask_decoder"])
        set_norm_eps(self, config["norm_eps"])
        for name in ("image_mean", "image_std"):
            self.register_buffer(name, torch.tensor(config[name])[:, None, None], persistent=False)

    def encode(self, pictures: Tensor) -> Tensor:
        """RGB pictures (N, 3, 256, 256) with values from 0 to 255 to embeddings (N, D, 32, 32)."""
        return self.image_encoder((pictures - self.image_mean) / self.image_std)

    def decode(self, embeddings: Tensor, coords: Tensor, labels: Tensor, masks: Tensor | None = None,
               given: Tensor | None = None, positions: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Embeddings (N, D, 32, 32), points (N, P, 2) in pixels and their labels (N, P), and where there are any
        the logits (N, 1, 128, 128) of an earlier mask, to four masks' logits and predicted IoU.

        positions: the embeddings' positional encoding where they are of a part of a picture only.
        """
        encoder = self.prompt_encoder
        if positions is None:
            positions = encoder.pe_layer.grid(encoder.side)
        return self.mask_decoder(embeddings, positions, encoder.points(coords, labels), encoder.masks(masks, given))
