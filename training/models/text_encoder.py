"""CLIPTextModel as in transformers: token ids (N, L) to hidden states (N, L, hidden_size)."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .norms import LayerNorm


def config(vocabulary: int) -> dict:
    return {"architectures": ["CLIPTextModel"], "attention_dropout": 0.0, "bos_token_id": vocabulary - 2,
            "dropout": 0.0, "eos_token_id": vocabulary - 1, "hidden_act": "quick_gelu", "hidden_size": 128,
            "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": 384,
            "layer_norm_eps": 1e-05, "max_position_embeddings": 77, "model_type": "clip_text_model",
            "num_attention_heads": 4, "num_hidden_layers": 2, "pad_token_id": vocabulary - 1,
            "projection_dim": 128, "torch_dtype": "float16", "transformers_version": "4.38.2",
            "vocab_size": vocabulary}


ACTIVATIONS = {"quick_gelu": lambda x: x * torch.sigmoid(1.702 * x), "gelu": F.gelu}


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        q, k, v = (p(x).view(n, length, self.heads, -1).transpose(1, 2)
                   for p in (self.q_proj, self.k_proj, self.v_proj))
        scores = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5
        causal = torch.full((length, length), float("-inf"), device=x.device).triu(1)
        out = torch.softmax(scores.float() + causal, -1).to(v.dtype) @ v
        return self.out_proj(out.transpose(1, 2).reshape(n, length, width))


class Layer(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        width, eps = c["hidden_size"], c["layer_norm_eps"]
        self.layer_norm1, self.layer_norm2 = LayerNorm(width, eps), LayerNorm(width, eps)
        self.self_attn = Attention(width, c["num_attention_heads"])
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, c["intermediate_size"]),
                                  "fc2": nn.Linear(c["intermediate_size"], width)})
        self.activation = ACTIVATIONS[c["hidden_act"]]

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp["fc2"](self.activation(self.mlp["fc1"](self.layer_norm2(x))))


class TextModel(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        width = c["hidden_size"]
        self.embeddings = nn.ModuleDict({"token_embedding": nn.Embedding(c["vocab_size"], width),
                                         "position_embedding": nn.Embedding(c["max_position_embeddings"], width)})
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))})
        self.final_layer_norm = LayerNorm(width, c["layer_norm_eps"])

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embeddings["token_embedding"](ids) + self.embeddings["position_embedding"].weight[:ids.shape[1]]
        for layer in self.encoder["layers"]:
            x = layer(x)
        return self.final_layer_norm(x)


class TextEncoder(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        self.config = c
        self.text_model = TextModel(c)

    def forward(self, ids: Tensor) -> Tensor:
        return self.text_model(ids)

    def initialise(self) -> "TextEncoder":
        nn.init.normal_(self.text_model.embeddings["token_embedding"].weight, std=0.5)
        nn.init.normal_(self.text_model.embeddings["position_embedding"].weight, std=0.1)
        return self
