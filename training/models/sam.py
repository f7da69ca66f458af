"""The prompt encoder and the mask decoder of Segment Anything (Kirillov et al., ICCV 2023), at any width."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .norms import LayerNorm, LayerNorm2d

PADDING, EXCLUDE, INCLUDE, BOX_START, BOX_END = -1, 0, 1, 2, 3


class Gelu(nn.Module):
    """The exact GELU. PyTorch 1.13 gets its gradient wrong on a CPU where input and gradient differ in layout."""

    def forward(self, x: Tensor) -> Tensor:
        out = F.gelu(x.contiguous())
        if out.requires_grad:
            out.register_hook(lambda gradient: gradient.contiguous())
        return out


class PositionEncoding(nn.Module):
    """Random Fourier features of positions in [0, 1]²."""

    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, features))

    def forward(self, positions: Tensor) -> Tensor:
        """(…, 2) x and y to (…, 2·features): all sines, then all cosines."""
        with torch.autocast(positions.device.type, enabled=False):
            angles = 2 * math.pi * ((2 * positions.float() - 1) @ self.positional_encoding_gaussian_matrix)
        return torch.cat([angles.sin(), angles.cos()], -1)

    def grid(self, side: int) -> Tensor:
        """(1, 2·features, side, side), at the middles of the cells."""
        steps = (torch.arange(side, device=self.positional_encoding_gaussian_matrix.device) + 0.5) / side
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        return self(torch.stack([x, y], -1)).permute(2, 0, 1)[None]


class PromptEncoder(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        width, hidden = config["embed_dim"], config["mask_in_chans"]
        self.frame, self.side = config["input_image_size"], config["image_embedding_size"]
        self.pe_layer = PositionEncoding(width // 2)
        self.point_embeddings = nn.ModuleList([nn.Embedding(1, width) for _ in range(4)])
        self.not_a_point_embed = nn.Embedding(1, width)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, hidden // 4, 2, 2), LayerNorm2d(hidden // 4), Gelu(),
            nn.Conv2d(hidden // 4, hidden, 2, 2), LayerNorm2d(hidden), Gelu(), nn.Conv2d(hidden, width, 1))
        self.no_mask_embed = nn.Embedding(1, width)

    def points(self, coords: Tensor, labels: Tensor) -> Tensor:
        """coords (N, P, 2) in pixels of the frame, labels (N, P) to tokens (N, P, D)."""
        encoded = self.pe_layer((coords + 0.5) / self.frame)
        kinds = torch.cat([self.not_a_point_embed.weight, *(e.weight for e in self.point_embeddings)])
        return encoded * (labels != PADDING)[..., None] + kinds[labels.long() + 1]

    def masks(self, logits: Tensor | None, given: Tensor | None = None) -> Tensor:
        """Logits (N, 1, 4·side, 4·side) of an earlier mask to (N, D, side, side); those not `given` count as none."""
        none = self.no_mask_embed.weight[..., None, None]
        if logits is None:
            return none
        seen = self.mask_downscaling(logits)
        return seen if given is None else torch.where(given[:, None, None, None], seen, none.to(seen.dtype))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, downsample: int = 1):
        super().__init__()
        inner, self.heads = width // downsample, heads
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, inner) for _ in range(3))
        self.out_proj = nn.Linear(inner, width)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = (layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
                   for layer, x in ((self.q_proj, q), (self.k_proj, k), (self.v_proj, v)))
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.out_proj((weights.to(v.dtype) @ v).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.lin1, self.lin2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.lin2(self.lin1(x).relu())


class TwoWayBlock(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int, downsample: int, first: bool):
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.cross_attn_token_to_image = Attention(width, heads, downsample)
        self.cross_attn_image_to_token = Attention(width, heads, downsample)
        self.mlp = FeedForward(width, hidden)
        self.norm1, self.norm2, self.norm3, self.norm4 = (LayerNorm(width) for _ in range(4))
        self.first = first

    def forward(self, tokens: Tensor, image: Tensor, token_pe: Tensor, image_pe: Tensor) -> tuple[Tensor, Tensor]:
        if self.first:                                        # the tokens are their own encoding here
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_pe
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norm1(tokens)
        k = image + image_pe
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + token_pe, k, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = self.norm4(image + self.cross_attn_image_to_token(k, tokens + token_pe, tokens))
        return tokens, image


class TwoWayTransformer(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, hidden: int, downsample: int):
        super().__init__()
        self.layers = nn.ModuleList([TwoWayBlock(width, heads, hidden, downsample, i == 0) for i in range(depth)])
        self.final_attn_token_to_image = Attention(width, heads, downsample)
        self.norm_final_attn = LayerNorm(width)

    def forward(self, image: Tensor, image_pe: Tensor, token_pe: Tensor) -> tuple[Tensor, Tensor]:
        """(N, HW, D), (1, HW, D), (N, T, D) to the tokens and the image after the exchange."""
        tokens = token_pe
        for layer in self.layers:
            tokens, image = layer(tokens, image, token_pe, image_pe)
        out = self.final_attn_token_to_image(tokens + token_pe, image + image_pe, image)
        return self.norm_final_attn(tokens + out), image


class MLP(nn.Module):
    def __init__(self, inputs: int, hidden: int, outputs: int, depth: int):
        super().__init__()
        sizes = [inputs, *[hidden] * (depth - 1), outputs]
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)


class MaskDecoder(nn.Module):
    def __init__(self, width: int, config: dict):
        super().__init__()
        self.tokens = config["num_multimask_outputs"] + 1
        self.transformer = TwoWayTransformer(width, config["depth"], config["num_heads"], config["mlp_dim"],
                                             config["attention_downsample_rate"])
        self.iou_token, self.mask_tokens = nn.Embedding(1, width), nn.Embedding(self.tokens, width)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, 2, 2), LayerNorm2d(width // 4), Gelu(),
            nn.ConvTranspose2d(width // 4, width // 8, 2, 2), Gelu())
        self.output_hypernetworks_mlps = nn.ModuleList([MLP(width, width, width // 8, 3) for _ in range(self.tokens)])
        self.iou_prediction_head = MLP(width, config["iou_head_hidden_dim"], self.tokens, config["iou_head_depth"])

    def forward(self, image: Tensor, image_pe: Tensor, points: Tensor, dense: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, 4, 4·side, 4·side) and predicted IoU (N, 4): the single mask, then the three candidates."""
        n, _, height, width = image.shape
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])[None].expand(n, -1, -1)
        flat = lambda x: x.flatten(2).transpose(1, 2)
        tokens, mixed = self.transformer(flat(image + dense), flat(image_pe), torch.cat([own, points], 1))
        kernels = torch.stack([mlp(tokens[:, 1 + i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], 1)
        masks = (kernels @ self.upscale(mixed).transpose(1, 2)).reshape(n, self.tokens, height, width, 2, 2, 2, 2)
        masks = masks.permute(0, 1, 2, 4, 6, 3, 5, 7).reshape(n, self.tokens, 4 * height, 4 * width)
        return masks, self.iou_prediction_head(tokens[:, 0])

    def upscale(self, x: Tensor) -> Tensor:
        """output_upscaling of rows (N, HW, D) to rows (N, 16·HW, D/8), each cell's four and then each of those's four.

        A transposed convolution with kernel and stride 2 is a matrix product, and on rows it needs no copies.
        """
        first, norm, act, second, _ = self.output_upscaling
        x = act(LayerNorm.forward(norm, self.fourfold(first, x)))
        return act(self.fourfold(second, x))

    @staticmethod
    def fourfold(layer: nn.ConvTranspose2d, x: Tensor) -> Tensor:
        weight = layer.weight.permute(2, 3, 1, 0).flatten(0, 2)
        return F.linear(x, weight, layer.bias.repeat(4)).unflatten(2, (4, -1)).flatten(1, 2)
