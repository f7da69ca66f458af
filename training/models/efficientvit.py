"""EfficientViT (Cai et al., ICCV 2023): both families of backbones, named as in the published checkpoints.

A config has `family` "base" (B0 to B3: depthwise blocks, hard swish) or "large" (L0 to L3, and the
encoders of EfficientViT-SAM: full 3x3 convolutions where maps are large, GELU).
"""
from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "hswish": nn.Hardswish, "gelu": partial(nn.GELU, approximate="tanh")}


class ConvLayer(nn.Module):
    """Convolution, batch norm and activation, each of the last two optional."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1,
                 bias: bool = False, norm: bool = True, act: str | None = None):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias)
        self.norm = nn.BatchNorm2d(outputs) if norm else None
        self.act = ACTIVATIONS[act]() if act else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.norm(x) if self.norm else x
        return self.act(x) if self.act else x


class Ops(nn.Module):
    """Applies operations in order."""

    def __init__(self, ops: list[nn.Module]):
        super().__init__()
        self.op_list = nn.ModuleList(ops)

    def forward(self, x: Tensor) -> Tensor:
        for op in self.op_list:
            x = op(x)
        return x


class Residual(nn.Module):
    """main(x), with x added where `shortcut`."""

    def __init__(self, main: nn.Module, shortcut: bool = True):
        super().__init__()
        self.main, self.shortcut = main, shortcut

    def forward(self, x: Tensor) -> Tensor:
        return x + self.main(x) if self.shortcut else self.main(x)


class DSConv(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, act: str, fewer_norm: bool = False):
        super().__init__()
        self.depth_conv = ConvLayer(inputs, inputs, 3, stride, inputs, bias=fewer_norm, norm=not fewer_norm, act=act)
        self.point_conv = ConvLayer(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.point_conv(self.depth_conv(x))


class MBConv(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expand: float, act: str, fewer_norm: bool = False):
        super().__init__()
        middle, options = round(inputs * expand), {"bias": fewer_norm, "norm": not fewer_norm, "act": act}
        self.inverted_conv = ConvLayer(inputs, middle, 1, **options)
        self.depth_conv = ConvLayer(middle, middle, 3, stride, middle, **options)
        self.point_conv = ConvLayer(middle, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.point_conv(self.depth_conv(self.inverted_conv(x)))


class FusedMBConv(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expand: float, act: str, fewer_norm: bool = False):
        super().__init__()
        middle = round(inputs * expand)
        self.spatial_conv = ConvLayer(inputs, middle, 3, stride, bias=fewer_norm, norm=not fewer_norm, act=act)
        self.point_conv = ConvLayer(middle, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.point_conv(self.spatial_conv(x))


class ResBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, act: str, fewer_norm: bool = False):
        super().__init__()
        self.conv1 = ConvLayer(inputs, inputs, 3, stride, bias=fewer_norm, norm=not fewer_norm, act=act)
        self.conv2 = ConvLayer(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x))


class LiteMLA(nn.Module):
    """Multi-scale linear attention with the ReLU kernel, over heads of `dim` channels."""
    EPS = 1e-15

    def __init__(self, channels: int, dim: int, scale: int = 5):
        super().__init__()
        heads = channels // dim
        total = 3 * heads * dim
        self.dim = dim
        self.qkv = ConvLayer(channels, total, 1, norm=False)
        self.aggreg = nn.ModuleList([nn.Sequential(
            nn.Conv2d(total, total, scale, padding=scale // 2, groups=total, bias=False),
            nn.Conv2d(total, total, 1, groups=3 * heads, bias=False))])
        self.proj = ConvLayer(2 * heads * dim, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(x)
        qkv = torch.cat([qkv, *(op(qkv) for op in self.aggreg)], 1)
        with torch.autocast(x.device.type, enabled=False):
            out = self.attention(qkv.float())
        return self.proj(out)

    def attention(self, qkv: Tensor) -> Tensor:
        """relu(q)·(relu(k)ᵀ·v) over the sum of the weights, which comes along as one more row of v."""
        n, _, height, width = qkv.shape
        q, k, v = qkv.reshape(n, -1, 3 * self.dim, height * width).split(self.dim, 2)
        sums = F.pad(v, (0, 0, 0, 1), value=1.0) @ F.relu(k).transpose(-1, -2)
        out = sums @ F.relu(q)
        return (out[:, :, :-1] / (out[:, :, -1:] + self.EPS)).reshape(n, -1, height, width)


class EfficientViTBlock(nn.Module):
    def __init__(self, channels: int, dim: int, expand: float, act: str, scale: int = 5):
        super().__init__()
        self.context_module = Residual(LiteMLA(channels, dim, scale))
        self.local_module = Residual(MBConv(channels, channels, 1, expand, act, fewer_norm=True))

    def forward(self, x: Tensor) -> Tensor:
        return self.local_module(self.context_module(x))


class BaseBackbone(nn.Module):
    """The B family: a picture to its maps, at a half of its size and then half of that at each stage."""

    def __init__(self, config: dict):
        super().__init__()
        widths, depths, act, expand = (config[k] for k in ("width_list", "depth_list", "act_func", "expand_ratio"))
        self.input_stem = Ops([ConvLayer(3, widths[0], 3, 2, act=act),
                               *(Residual(DSConv(widths[0], widths[0], 1, act)) for _ in range(depths[0]))])
        stages, inputs = [], widths[0]
        for i, (width, depth) in enumerate(zip(widths[1:], depths[1:])):
            attends = i >= 2
            first = Residual(MBConv(inputs, width, 2, expand, act, fewer_norm=attends), shortcut=False)
            rest = [EfficientViTBlock(width, config["dim"], expand, act) for _ in range(depth)] if attends else \
                [Residual(MBConv(width, width, 1, expand, act)) for _ in range(depth - 1)]
            stages.append(Ops([first, *rest]))
            inputs = width
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [self.input_stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps


class LargeBackbone(nn.Module):
    """The L family. The first block of a stage halves the map and expands four times as much as the others."""

    def __init__(self, config: dict):
        super().__init__()
        widths, depths, act = (config[k] for k in ("width_list", "depth_list", "act_func"))
        stages, inputs = [], 3
        for i, (block, width, depth, expand, fewer) in enumerate(zip(
                config["block_list"], widths, depths, config["expand_list"], config["fewer_norm_list"])):
            if i == 0:
                first = ConvLayer(inputs, width, 3, 2, act=act)
            else:
                kind = FusedMBConv if block == "fmb" else MBConv
                first = Residual(kind(inputs, width, 2, 4 * expand, act, fewer), shortcut=False)
            stages.append(Ops([first, *(self.block(block, width, expand, act, fewer, config["qkv_dim"])
                                        for _ in range(depth))]))
            inputs = width
        self.stages = nn.ModuleList(stages)

    @staticmethod
    def block(block: str, width: int, expand: float, act: str, fewer_norm: bool, dim: int) -> nn.Module:
        if block.startswith("att"):
            return EfficientViTBlock(width, dim, expand, act, 3 if block == "att@3" else 5)
        if block == "res":
            return Residual(ResBlock(width, width, 1, act, fewer_norm))
        return Residual((FusedMBConv if block == "fmb" else MBConv)(width, width, 1, expand, act, fewer_norm))

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for stage in self.stages:
            maps.append(x := stage(x))
        return maps


def backbone(config: dict) -> nn.Module:
    return {"base": BaseBackbone, "large": LargeBackbone}[config["family"]](config)


def set_norm_eps(model: nn.Module, eps: float) -> None:
    for m in model.modules():
        if isinstance(m, (nn.LayerNorm, nn.BatchNorm2d)):
            m.eps = eps
