"""A CLIP byte-pair tokenizer learnt from the captions, in the file layout of CLIPTokenizer."""
from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np

START, END, LENGTH = "<|startoftext|>", "<|endoftext|>", 77
# CLIP's word pattern with ASCII classes: contractions, runs of letters, single digits, runs of anything else.
PATTERN = re.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+")


def byte_letters() -> dict[int, str]:
    """GPT-2's table of a printable letter for every byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {b: chr(b) for b in plain}
    table.update({b: chr(256 + n) for n, b in enumerate(b for b in range(256) if b not in table)})
    return {b: table[b] for b in [*plain, *(b for b in range(256) if b not in plain)]}


def spell(word: str, letters: dict[int, str]) -> tuple[str, ...]:
    symbols = [letters[b] for b in word.encode()]
    return (*symbols[:-1], symbols[-1] + "</w>")


def merge(symbols: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out, i = [], 0
    while i < len(symbols):
        if symbols[i:i + 2] == pair:
            out.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return tuple(out)


class Tokenizer:
    def __init__(self, vocabulary: dict[str, int], merges: list[tuple[str, str]]):
        self.vocabulary, self.merges = vocabulary, merges
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.letters = byte_letters()
        self.start, self.end = vocabulary[START], vocabulary[END]
        self.cache: dict[str, list[int]] = {}

    @staticmethod
    def train(texts: list[str]) -> "Tokenizer":
        """Learns merges, the most frequent pair first, until every word of the texts is one token."""
        letters = byte_letters()
        words = Counter(w for text in texts for w in PATTERN.findall(text.lower()))
        spelt = {w: spell(w, letters) for w in words}
        merges: list[tuple[str, str]] = []
        while True:
            pairs: Counter[tuple[str, str]] = Counter()
            for w, symbols in spelt.items():
                for pair in zip(symbols, symbols[1:]):
                    pairs[pair] += words[w]
            if not pairs:
                break
            best = min(pairs, key=lambda pair: (-pairs[pair], pair))
            merges.append(best)
            spelt = {w: merge(symbols, best) for w, symbols in spelt.items()}
        base = list(letters.values())
        names = [*base, *(c + "</w>" for c in base), *dict.fromkeys("".join(p) for p in merges), START, END]
        return Tokenizer({name: n for n, name in enumerate(names)}, merges)

    def word(self, word: str) -> list[int]:
        if word in (START, END):
            return [self.vocabulary[word]]
        if word not in self.cache:
            symbols = spell(word, self.letters)
            while len(symbols) > 1:
                pair = min(zip(symbols, symbols[1:]), key=lambda p: self.ranks.get(p, 1 << 30))
                if pair not in self.ranks:
                    break
                symbols = merge(symbols, pair)
            self.cache[word] = [self.vocabulary[s] for s in symbols]
        return self.cache[word]

    def __call__(self, texts: list[str]) -> np.ndarray:
        """Ids (texts, 77): start token, words (truncated to fit), end token, then end tokens as padding."""
        out = np.full((len(texts), LENGTH), self.end, np.int64)
        for row, text in zip(out, texts):
            ids = [i for w in PATTERN.findall(text.lower()) for i in self.word(w)][:LENGTH - 2]
            row[0] = self.start
            row[1:1 + len(ids)] = ids
        return out

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        token = lambda content: {"content": content, "lstrip": False, "normalized": True, "rstrip": False,
                                 "single_word": False}
        write = lambda name, data: (folder / name).write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        (folder / "vocab.json").write_text(json.dumps(self.vocabulary, ensure_ascii=False), encoding="utf-8")
        (folder / "merges.txt").write_text(
            "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in self.merges), encoding="utf-8")
        write("special_tokens_map.json", {"bos_token": token(START), "eos_token": token(END), "pad_token": END,
                                          "unk_token": token(END)})
        write("tokenizer_config.json", {
            "add_prefix_space": False, "bos_token": {"__type": "AddedToken", **token(START)},
            "do_lower_case": True, "eos_token": {"__type": "AddedToken", **token(END)}, "errors": "replace",
            "model_max_length": LENGTH, "pad_token": END, "tokenizer_class": "CLIPTokenizer",
            "unk_token": {"__type": "AddedToken", **token(END)}})

    @staticmethod
    def load(folder: Path) -> "Tokenizer":
        vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
        return Tokenizer(vocabulary, [tuple(line.split(" ")) for line in lines if line])
