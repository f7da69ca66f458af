"""Low-rank changes of a frozen U-Net's weights (LoRA, Hu et al., 2021, arXiv:2106.09685)."""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.func import functional_call


class Adapter(nn.Module):
    """For every inner matrix and convolution W of a network: factors A (rank, …) and B (rows, rank), W + B A."""

    def __init__(self, network: nn.Module, rank: int):
        super().__init__()
        self.rank = rank
        self.network = [network]                      # in a list, so that its weights are not the adapter's
        self.names, self.a, self.b = [], nn.ParameterList(), nn.ParameterList()
        for name, weight in network.named_parameters():
            if weight.ndim < 2:
                continue
            rows, columns = weight.shape[0], weight[0].numel()
            r = min(rank, rows, columns)
            self.names.append(name)
            self.a.append(nn.Parameter(torch.randn(r, columns) / math.sqrt(columns)))
            self.b.append(nn.Parameter(torch.zeros(rows, r)))

    def weights(self) -> dict[str, Tensor]:
        """The network's parameters with the changes added."""
        merged = dict(self.network[0].named_parameters())
        for name, a, b in zip(self.names, self.a, self.b):
            merged[name] = merged[name] + (b @ a).view_as(merged[name])
        return merged

    def call(self, weights: dict[str, Tensor], *inputs: Tensor) -> Tensor:
        return functional_call(self.network[0], weights, inputs)

    @classmethod
    def of_factors(cls, network: nn.Module, factors: dict[str, Tensor], prefix: str = "unet") -> Adapter:
        """The adapter that named_factors() gave these of; one of all its ranks fits all."""
        layer = lambda name: f"{prefix}.{name.removesuffix('.weight')}"
        rank = max(len(factor) for name, factor in factors.items() if name.endswith("lora_A.weight"))
        adapter = cls(network, rank)
        with torch.no_grad():
            for name, a, b in zip(adapter.names, adapter.a, adapter.b):
                a.copy_(factors[f"{layer(name)}.lora_A.weight"].flatten(1))
                b.copy_(factors[f"{layer(name)}.lora_B.weight"].flatten(1))
        return adapter

    def named_factors(self, prefix: str = "unet") -> dict[str, Tensor]:
        """The factors under the names that diffusers and PEFT give them."""
        shapes = {name: p.shape for name, p in self.network[0].named_parameters()}
        out = {}
        for name, a, b in zip(self.names, self.a, self.b):
            layer, shape = f"{prefix}.{name.removesuffix('.weight')}", shapes[name]
            ones = [1] * (len(shape) - 2)
            out[f"{layer}.lora_A.weight"] = a.detach().reshape(len(a), *shape[1:])
            out[f"{layer}.lora_B.weight"] = b.detach().reshape(*b.shape, *ones)
        return out
