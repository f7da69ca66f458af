"""python3 -m unittest training.tests: what can be checked without training anything."""
from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from random import Random

import numpy as np
import torch

from . import prompts, safetensors
from .diffusion import sample
from .models.unet import UNet
from .scenes.captions import caption
from .scenes.draw import render
from .scenes.world import COLOURS, KINDS, PARTS, TERRAINS, Group, Scene, is_held_out, is_held_out_group, random_scene, training_scene
from .tokenizer import Tokenizer

MODEL = Path(__file__).parent.parent / "media" / "models" / "scenes"


class World(unittest.TestCase):
    def test_every_pair_is_trained_on_somewhere(self):
        for kind in KINDS:
            for other in COLOURS:
                self.assertLessEqual(sum(is_held_out_group(kind, other, t) for t in TERRAINS), 1)

    def test_no_judged_prompt_is_a_training_scene(self):
        rng = Random(1)
        for _ in range(200):
            self.assertFalse(is_held_out(training_scene(rng)))
        self.assertEqual(len(prompts.sheet()), 24)
        self.assertEqual(len({e["prompt"] for e in prompts.unseen(200, 2024)}), 200)


class Renderer(unittest.TestCase):
    def test_same_scene_and_seed_give_the_same_picture(self):
        scene = random_scene(Random(2))
        a, b = (np.asarray(render(scene, 5)[0]) for _ in range(2))
        self.assertTrue((a == b).all())

    def test_labels_show_every_object_and_only_known_things(self):
        rng = Random(3)
        for seed in range(10):
            scene = random_scene(rng)
            picture, labels, things = render(scene, seed, 192, 128)
            self.assertEqual((picture.size, labels.shape), ((192, 128), (128, 192)))
            self.assertLess(labels.max(), len(things))
            objects = [i for i, t in enumerate(things) if "kind" in t]
            self.assertEqual(len(objects), sum(g.count for g in scene.groups))
            for i in objects:
                self.assertGreater((labels == i).sum(), 20)
            self.assertTrue(all(t["part"] in PARTS for t in things if "part" in t))

    def test_labels_follow_the_colours(self):
        scene = Scene("noon", "clear", "sea", (Group("boat", "red"),))
        picture, labels, things = render(scene, 1)
        water = labels == things.index({"part": "water"})
        self.assertEqual(things[0], {"part": "sky"})
        self.assertTrue((labels[:64] == 0)[:, :20].all())
        self.assertGreater(water[250].mean(), 0.9)
        rgb = np.asarray(picture).astype(int)
        self.assertGreater(np.median(rgb[water][:, 2] - rgb[water][:, 0]), 50)


class Words(unittest.TestCase):
    def test_every_word_of_the_captions_is_one_token(self):
        tokenizer, rng = Tokenizer.load(MODEL / "tokenizer"), Random(4)
        for _ in range(300):
            for word in caption(random_scene(rng), rng).replace(",", " ,").split():
                self.assertEqual(len(tokenizer.word(word)), 1, word)

    def test_tokenizer_learns_saves_and_cuts(self):
        tokenizer = Tokenizer.train(["low lower lowest, newer"])
        with tempfile.TemporaryDirectory() as folder:
            tokenizer.save(Path(folder))
            again = Tokenizer.load(Path(folder))
        texts = ["Lower  newest!", "low " * 100]
        self.assertTrue((tokenizer(texts) == again(texts)).all())
        self.assertEqual(again(texts)[1].tolist()[75:], [again.word("low")[0], again.end])


class Networks(unittest.TestCase):
    def test_sizes_that_do_not_halve_evenly(self):
        with torch.no_grad():
            out = UNet()(torch.zeros(1, 9, 9, 14), torch.tensor([500]), torch.zeros(1, 77, 128))
        self.assertEqual(out.shape, (1, 4, 9, 14))

    def test_sampler_reaches_what_an_ideal_model_points_at(self):
        from .diffusion import ALPHA_BAR
        target = torch.linspace(-1, 1, 4)[None, :, None, None].expand(1, 4, 3, 3)

        def ideal(x, t):
            a, s = ALPHA_BAR[t].sqrt(), (1 - ALPHA_BAR[t]).sqrt()
            return (a * x - target) / s
        self.assertLess((sample(ideal, torch.randn(1, 4, 3, 3), 10) - target).abs().max(), 1e-4)

    def test_safetensors_come_back(self):
        tensors = {"b": torch.randn(2, 3, 1, 1), "a": torch.arange(5.0)}
        with tempfile.TemporaryDirectory() as folder:
            safetensors.save(tensors, Path(folder) / "x.safetensors", "F32")
            again = safetensors.load(Path(folder) / "x.safetensors")
        self.assertEqual({k: v.tolist() for k, v in again.items()}, {k: v.tolist() for k, v in tensors.items()})


if __name__ == "__main__":
    unittest.main()
