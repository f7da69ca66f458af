"""UNet2DConditionModel as in diffusers 0.27, the part of it that Stable Diffusion 1 and 2 use."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .norms import GroupNorm, LayerNorm

CONFIG = {
    "_class_name": "UNet2DConditionModel", "_diffusers_version": "0.27.2", "act_fn": "silu",
    "addition_embed_type": None, "addition_embed_type_num_heads": 64, "addition_time_embed_dim": None,
    "attention_head_dim": [4, 6, 5], "attention_type": "default", "block_out_channels": [32, 96, 160],
    "center_input_sample": False, "class_embed_type": None, "class_embeddings_concat": False,
    "conv_in_kernel": 3, "conv_out_kernel": 3, "cross_attention_dim": 128, "cross_attention_norm": None,
    "down_block_types": ["DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"],
    "downsample_padding": 1, "dropout": 0.0, "dual_cross_attention": False, "encoder_hid_dim": None,
    "encoder_hid_dim_type": None, "flip_sin_to_cos": True, "freq_shift": 0, "in_channels": 9,
    "layers_per_block": 1, "mid_block_only_cross_attention": None, "mid_block_scale_factor": 1,
    "mid_block_type": "UNetMidBlock2DCrossAttn", "norm_eps": 1e-05, "norm_num_groups": 16,
    "num_attention_heads": None, "num_class_embeds": None, "only_cross_attention": False, "out_channels": 4,
    "projection_class_embeddings_input_dim": None, "resnet_out_scale_factor": 1.0,
    "resnet_skip_time_act": False, "resnet_time_scale_shift": "default",
    "reverse_transformer_layers_per_block": None, "sample_size": 32, "time_cond_proj_dim": None,
    "time_embedding_act_fn": None, "time_embedding_dim": None, "time_embedding_type": "positional",
    "timestep_post_act": None, "transformer_layers_per_block": 1,
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"],
    "upcast_attention": False, "use_linear_projection": True}


class ResnetBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, time: int, c: dict):
        super().__init__()
        groups, eps = c["norm_num_groups"], c["norm_eps"]
        self.norm1 = GroupNorm(groups, inputs, eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_emb_proj = nn.Linear(time, outputs)
        self.norm2 = GroupNorm(groups, outputs, eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x))) + self.time_emb_proj(F.silu(time))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.conv_shortcut(x) if self.conv_shortcut is not None else x)


class Attention(nn.Module):
    def __init__(self, width: int, context: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context, width, bias=False)
        self.to_v = nn.Linear(context, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        n, length, width = x.shape
        q, k, v = (p.reshape(n, -1, self.heads, width // self.heads).transpose(1, 2)
                   for p in (self.to_q(x), self.to_k(context), self.to_v(context)))
        weights = torch.softmax(q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5, -1)
        return self.to_out[0]((weights.to(v.dtype) @ v).transpose(1, 2).reshape(n, length, width))


class GEGLU(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.proj = nn.Linear(width, 2 * hidden)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class TransformerBlock(nn.Module):
    def __init__(self, width: int, context: int, heads: int):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (LayerNorm(width) for _ in range(3))
        self.attn1 = Attention(width, width, heads)
        self.attn2 = Attention(width, context, heads)
        self.ff = nn.ModuleDict({"net": nn.ModuleList([GEGLU(width, 4 * width), nn.Identity(),
                                                       nn.Linear(4 * width, width)])})

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        h = self.norm1(x)
        x = x + self.attn1(h, h)
        x = x + self.attn2(self.norm2(x), context)
        h = self.norm3(x)
        for layer in self.ff["net"]:
            h = layer(h)
        return x + h


class Transformer(nn.Module):
    def __init__(self, width: int, heads: int, c: dict):
        super().__init__()
        self.linear = c["use_linear_projection"]
        self.norm = GroupNorm(c["norm_num_groups"], width, 1e-6)
        projection = (lambda: nn.Linear(width, width)) if self.linear else (lambda: nn.Conv2d(width, width, 1))
        self.proj_in = projection()
        self.transformer_blocks = nn.ModuleList([TransformerBlock(width, c["cross_attention_dim"], heads)])
        self.proj_out = projection()

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        n, width, rows, cols = x.shape
        flat = lambda t: t.permute(0, 2, 3, 1).reshape(n, rows * cols, width)
        square = lambda t: t.reshape(n, rows, cols, width).permute(0, 3, 1, 2)
        h = self.norm(x)
        h = self.proj_in(flat(h)) if self.linear else flat(self.proj_in(h))
        for block in self.transformer_blocks:
            h = block(h, context)
        return x + (square(self.proj_out(h)) if self.linear else self.proj_out(square(h)))


class Sampler(nn.Module):
    """Halves (stride 2) or doubles (nearest) the height and width of (N, C, H, W)."""

    def __init__(self, width: int, up: bool):
        super().__init__()
        self.up = up
        self.conv = nn.Conv2d(width, width, 3, stride=1 if up else 2, padding=1)

    def forward(self, x: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        return self.conv(F.interpolate(x, size=size, mode="nearest") if self.up else x)


class Level(nn.Module):
    """One level of the U-Net: a down block, an up block or the middle block."""

    def __init__(self, widths: list[tuple[int, int]], time: int, heads: int | None, c: dict, sampler: str | None):
        super().__init__()
        self.resnets = nn.ModuleList(ResnetBlock(i, o, time, c) for i, o in widths)
        width = widths[-1][1]
        if heads:
            count = len(widths) - (sampler == "middle")
            self.attentions = nn.ModuleList(Transformer(width, heads, c) for _ in range(count))
        if sampler in ("down", "up"):
            setattr(self, f"{sampler}samplers", nn.ModuleList([Sampler(width, sampler == "up")]))

    def layer(self, i: int, x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        x = self.resnets[i](x, time)
        if hasattr(self, "attentions") and i < len(self.attentions):
            x = self.attentions[i](x, context)
        return x


def timestep_features(t: Tensor, width: int) -> Tensor:
    rates = torch.exp(-math.log(10000) * torch.arange(width // 2, device=t.device) / (width // 2))
    angles = t.float()[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], -1)


class WayDown(nn.Module):
    """The half that a U-Net and its ControlNet share: time_embedding, down_blocks and mid_block."""

    def time(self, timestep: Tensor) -> Tensor:
        time = timestep_features(timestep, self.conv_in.out_channels).to(self.conv_in.weight.dtype)
        return self.time_embedding["linear_2"](F.silu(self.time_embedding["linear_1"](time)))

    def down(self, x: Tensor, time: Tensor, context: Tensor) -> tuple[list[Tensor], Tensor]:
        """From the first map (N, C, H, W): the skip connections, finest first, and the output of the middle block."""
        skips = [x]
        for level in self.down_blocks:
            for i in range(len(level.resnets)):
                skips.append(x := level.layer(i, x, time, context))
            if hasattr(level, "downsamplers"):
                skips.append(x := level.downsamplers[0](x))
        for i in range(len(self.mid_block.resnets)):
            x = self.mid_block.layer(i, x, time, context)
        return skips, x


class UNet(WayDown):
    def __init__(self, c: dict = CONFIG):
        super().__init__()
        self.config = c
        widths, layers = c["block_out_channels"], c["layers_per_block"]
        time, top = 4 * widths[0], len(widths) - 1
        heads = c["attention_head_dim"]
        heads = heads if isinstance(heads, list) else [heads] * len(widths)
        self.conv_in = nn.Conv2d(c["in_channels"], widths[0], 3, padding=1)
        self.time_embedding = nn.ModuleDict({"linear_1": nn.Linear(widths[0], time), "linear_2": nn.Linear(time, time)})
        skips, width, self.down_blocks, self.up_blocks = [widths[0]], widths[0], nn.ModuleList(), nn.ModuleList()
        for i, w in enumerate(widths):
            attends = heads[i] if c["down_block_types"][i].startswith("CrossAttn") else None
            pairs = [(width if j == 0 else w, w) for j in range(layers)]
            self.down_blocks.append(Level(pairs, time, attends, c, "down" if i < top else None))
            skips += [w] * (layers + (i < top))
            width = w
        self.mid_block = Level([(width, width)] * 2, time, heads[-1], c, "middle")
        for i, w in enumerate(reversed(widths)):
            attends = heads[top - i] if c["up_block_types"][i].startswith("CrossAttn") else None
            pairs = [((width if j == 0 else w) + skips.pop(), w) for j in range(layers + 1)]
            self.up_blocks.append(Level(pairs, time, attends, c, "up" if i < top else None))
            width = w
        self.conv_norm_out = GroupNorm(c["norm_num_groups"], widths[0], c["norm_eps"])
        self.conv_out = nn.Conv2d(widths[0], c["out_channels"], 3, padding=1)

    def initialise(self) -> "UNet":
        """Sets the last weights of every residual branch to zero, as is usual for diffusion."""
        for module in self.modules():
            for name in ("conv2", "proj_out"):
                if hasattr(module, name):
                    nn.init.zeros_(getattr(module, name).weight)
        nn.init.zeros_(self.conv_out.weight)
        return self

    def widened(self, inputs: int) -> "UNet":
        """Adds input channels with zero weights, which change nothing until they are trained."""
        more = inputs - self.conv_in.in_channels
        if more > 0:
            wide = nn.Conv2d(inputs, self.conv_in.out_channels, 3, padding=1)
            wide.weight.data = F.pad(self.conv_in.weight.data, (0, 0, 0, 0, 0, more))
            wide.bias.data = self.conv_in.bias.data
            self.conv_in, self.config = wide, {**self.config, "in_channels": inputs}
        return self

    def forward(self, sample: Tensor, timestep: Tensor, context: Tensor, control: list[Tensor] | None = None) -> Tensor:
        """sample (N, in_channels, H, W), timestep (N), context (N, L, cross_attention_dim) to the prediction (N, 4, H, W).

        control: what a ControlNet adds to the skip connections and to the middle.
        """
        time = self.time(timestep)
        skips, x = self.down(self.conv_in(sample), time, context)
        if control:
            skips, x = [s + c for s, c in zip(skips, control)], x + control[-1]
        for level in self.up_blocks:
            for i in range(len(level.resnets)):
                x = level.layer(i, torch.cat([x, skips.pop()], 1), time, context)
            if hasattr(level, "upsamplers"):
                x = level.upsamplers[0](x, skips[-1].shape[2:])
        return self.conv_out(F.silu(self.conv_norm_out(x)))
