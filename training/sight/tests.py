"""python3 -m unittest training.sight.tests: what can be checked without training anything."""
from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F

from ..models.efficientvit import LiteMLA
from ..models.sam import BOX_END, BOX_START, EXCLUDE, INCLUDE, PADDING, Gelu
from ..models.segmenter import Segmenter
from ..models.tagger import LABELS, Tagger
from ..scenes.world import KINDS
from . import dataset, export, judge_segmenter, judge_tagger, prompts
from .__main__ import SIGHT
from .crops import cut_out, roughened
from .train_segmenter import batch, mask_losses, positions

DEVICE = torch.device("cpu")


def disc(side: int = 64, x: int = 30, y: int = 20, radius: int = 10) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius ** 2


class Networks(unittest.TestCase):
    def test_linear_attention_is_attention_with_a_relu_kernel(self):
        torch.manual_seed(0)
        layer = LiteMLA(32, 16)
        qkv = torch.randn(2, 2 * 96, 3, 5)
        out = layer.attention(qkv).reshape(2, 4, 16, 15)
        q, k, v = qkv.reshape(2, 4, 48, 15).split(16, 2)
        weights = F.relu(q).transpose(2, 3) @ F.relu(k)
        expected = v @ (weights / weights.sum(3, keepdim=True)).transpose(2, 3)
        self.assertLess((out - expected).abs().max(), 1e-4)

    def test_gelu_has_its_gradient_in_any_layout(self):
        x, gradient = torch.randn(2, 96, 7).requires_grad_(), torch.randn(2, 7, 96).transpose(1, 2)
        exact = x.detach().double().requires_grad_()
        Gelu()(x).backward(gradient)
        F.gelu(exact).backward(gradient.double())
        self.assertLess((x.grad - exact.grad).abs().max(), 1e-4)

    def test_rows_are_upscaled_like_maps(self):
        decoder, x = Segmenter().mask_decoder, torch.randn(1, 96, 4, 6)
        with torch.no_grad():
            map_form = decoder.output_upscaling(x)
            rows = decoder.upscale(x.flatten(2).transpose(1, 2))
        rows = rows.reshape(4, 6, 2, 2, 2, 2, 12).permute(6, 0, 2, 4, 1, 3, 5).reshape(1, 12, 16, 24)
        self.assertLess((rows - map_form).abs().max(), 1e-5)

    def test_padding_points_have_no_position(self):
        encoder = Segmenter().prompt_encoder
        tokens = encoder.points(torch.tensor([[[3.0, 4.0], [200.0, 9.0]]]), torch.full((1, 2), float(PADDING)))
        self.assertTrue(torch.equal(tokens[0, 0], tokens[0, 1]))
        self.assertTrue(torch.equal(tokens[0, 0], encoder.not_a_point_embed.weight[0]))

    def test_a_square_keeps_its_place_in_the_whole(self):
        model = Segmenter()
        whole = model.prompt_encoder.pe_layer.grid(32)[0]
        part = positions(model, np.array([[64, 8]]), 128)[0]
        self.assertTrue(torch.equal(part, whole[:, 1:17, 8:24]))

    def test_a_perfect_mask_costs_nothing(self):
        mask = torch.from_numpy(disc())[None, None].float()
        good, bad = mask_losses(torch.cat([(mask - 0.5) * 40, (0.5 - mask) * 40], 1), mask)[0]
        self.assertLess(good, 1e-2)
        self.assertGreater(bad, 1)


class Prompts(unittest.TestCase):
    def test_targets_are_what_is_visible_and_all_of_a_kind(self):
        labels = np.zeros((64, 64), np.uint8)
        labels[10:20, 10:20], labels[30:40, 10:20], labels[50:52, 50:52] = 1, 2, 3
        found = prompts.targets(labels, [{"part": "sky"}, {"part": "cloud"}, {"part": "cloud"},
                                         {"kind": "cat", "colour": "red"}])
        self.assertEqual([t.get("part") for _, t, _ in found], ["sky", "cloud", "cloud", "cloud"])
        self.assertEqual([int(m.sum()) for m, *_ in found], [64 * 64 - 204, 100, 100, 200])

    def test_clicks_lie_where_they_say(self):
        mask, rng = disc(), np.random.default_rng(0)
        for _ in range(200):
            for x, y, label in prompts.first_prompt(mask, rng):
                self.assertTrue(0 <= x < 64 and 0 <= y < 64)
                if label in (INCLUDE, EXCLUDE):
                    self.assertEqual(bool(mask[int(y), int(x)]), label == INCLUDE)
        self.assertEqual(prompts.deepest(mask), (30, 20))
        self.assertEqual(prompts.box_points(prompts.box(mask)), [(20, 10, BOX_START), (40, 30, BOX_END)])

    def test_corrections_are_made_where_it_is_wrong(self):
        mask, rng = disc(), np.random.default_rng(0)
        self.assertEqual(prompts.correction(mask, mask, rng), [])
        for shift in (3, -3):
            predicted = np.roll(mask, shift, 1)
            (x, y, label), = prompts.correction(predicted, mask, rng)
            self.assertNotEqual(predicted[y, x], mask[y, x])
            self.assertEqual(mask[y, x], label == INCLUDE)

    def test_tensors_are_filled_up_with_padding(self):
        coords, labels = prompts.as_tensors([[(1, 2, INCLUDE)], [(3, 4, EXCLUDE), (5, 6, INCLUDE)]], DEVICE)
        self.assertEqual(coords.shape, (2, prompts.MAX_POINTS, 2))
        self.assertEqual(labels[0].tolist(), [INCLUDE] + [PADDING] * (prompts.MAX_POINTS - 1))


class Data(unittest.TestCase):
    def test_shards_come_back_as_squares_with_their_masks(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(dataset, "SHARD", 4):
            dataset._render_shard((Path(folder), 0))
            sights, rng = dataset.Sights(Path(folder)), np.random.default_rng(0)
            for side in (128, 256):
                data = batch(sights, rng, 3, side)
                self.assertEqual(data.pictures.shape, (3, 3, side, side))
                self.assertEqual((data.masks.shape, data.classes.shape), ((12, side, side), (3, side // 2, side // 2)))
                self.assertTrue((data.masks.sum((1, 2)) >= prompts.MIN_AREA).all())
                self.assertTrue((data.corners % 8 == 0).all() and data.corners.max() <= 256 - side)

    def test_a_thing_is_cut_out_alone_and_in_the_middle(self):
        picture = np.zeros((64, 96, 3), np.uint8)
        picture[40:60, 80:96] = 250
        mask = picture[..., 0] > 0
        out = cut_out(picture, mask, 50)
        self.assertEqual(out.shape, (50, 50, 3))
        self.assertTrue((out[25, 25] == 250).all())
        self.assertTrue((out[1, 1] == dataset.MEAN_COLOUR).all())
        self.assertTrue((out == 250).all(2).sum() / 2500 < 0.6)
        self.assertGreater(judge_segmenter.overlap(roughened(mask, np.random.default_rng(0)), mask), 0.6)

    def test_outlines_of_the_generated_pictures_are_inside_them(self):
        samples = judge_segmenter.generated()
        self.assertEqual(len(samples), 24)
        for picture, found in samples:
            self.assertEqual(picture.shape, (256, 256, 3))
            for mask, _ in found:
                self.assertGreater(mask.sum(), 300)


class Exports(unittest.TestCase):
    def test_weights_come_back_under_the_published_names(self):
        for kind in (Segmenter, Tagger):
            model = kind().eval()
            with tempfile.TemporaryDirectory() as folder:
                export.save(model, Path(folder))
                again = export.load(kind, Path(folder))
            for name, tensor in model.state_dict().items():
                self.assertTrue(torch.allclose(tensor.float(), again.state_dict()[name].float(), atol=2e-3), name)
        names = set(Segmenter().state_dict())
        for name in ("image_encoder.backbone.stages.3.op_list.1.context_module.main.qkv.conv.weight",
                     "image_encoder.neck.input_ops.0.op_list.0.conv.weight", "mask_decoder.iou_token.weight",
                     "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
                     "mask_decoder.transformer.layers.1.cross_attn_image_to_token.out_proj.bias"):
            self.assertIn(name, names)

    def test_exported_networks_see_what_is_there(self):
        segmenter, tagger = (export.load(kind, SIGHT / name) for kind, name in
                             ((Segmenter, "segmenter"), (Tagger, "tagger")))
        found = judge_segmenter.judge(segmenter, judge_segmenter.renders(6, seed=1))
        self.assertGreater(judge_segmenter.mean(found, KINDS)["centre"], 0.7)
        self.assertGreater(judge_tagger.score_things(tagger, 6)["kind"], 0.8)
        self.assertLess(sum(p.stat().st_size for p in SIGHT.rglob("*.*")), 12e6)

    def test_every_label_has_a_phrase(self):
        for group in LABELS:
            self.assertEqual(len(group["values"]), len(group["phrases"]))


if __name__ == "__main__":
    unittest.main()
