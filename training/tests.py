"""python3 -m unittest training.tests: what can be checked without training anything."""
from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path
from random import Random

import numpy as np
import torch

from . import prompts, safetensors
from .budget import solver
from .budget.lora import Adapter
from .budget.parts import Parts
from .budget.train import Student, few_loss, last_loss, part_loss, teaching
from .budget.trajectories import STEPS, Canvas, Followed, trajectories
from .conditioning import coarse
from .control.sketches import outlined, sketch
from .diffusion import ALPHA_BAR, sample, solve, timesteps
from .edits import masks, study
from .edits.compose import random_edit
from .edits.judge import cut_mask, left_out, window
from .edits.mixture import weights
from .export import averaged, load_part
from .large.halves import doubled
from .large.train import enlarging_loss, reached
from .models.controlnet import HINT_CHANNELS, ControlNet
from .models.unet import CONFIG, UNet
from .reward import critic, suns
from .reward.tasks import Tasks
from .reward.train import drawn, learn
from .scenes.captions import caption
from .scenes.draw import render
from .scenes.world import COLOURS, KINDS, PARTS, TERRAINS, TIMES, Group, Scene, is_held_out, is_held_out_group, random_scene, training_scene
from .tokenizer import Tokenizer

MODEL = Path(__file__).parent.parent / "media" / "models" / "scenes"
EDIT_MODEL = MODEL.with_name("scenes-edit")


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


class Edits(unittest.TestCase):
    def edits(self, count, **options):
        rng = Random(6)
        return [random_edit(rng, **options) for _ in range(count)]

    def test_pictures_differ_only_where_the_thing_is(self):
        for e in self.edits(6):
            differs = (e.whole != e.bare).any(2)
            self.assertTrue(e.thing[differs].all())
            self.assertGreater(differs[e.thing].mean(), 0.5)
            self.assertFalse(e.thing[[0, -1]].any() or e.thing[:, [0, -1]].any())

    def test_unseen_edits_and_no_others_hold_unseen_combinations(self):
        for unseen in (False, True):
            for e in self.edits(20, unseen=unseen):
                self.assertEqual(is_held_out_group(e.kind, e.colour, e.scene.terrain), unseen)
                self.assertFalse(is_held_out(e.scene))

    def test_every_mask_holds_the_thing_and_cut_masks_do_not(self):
        rng = np.random.default_rng(0)
        for e in self.edits(6):
            for form in masks.FORMS:
                mask, name = masks.around(e.thing, rng, form)
                self.assertEqual((mask.shape, name), (e.thing.shape, form))
                self.assertGreater((mask & e.thing).sum(), 0.99 * e.thing.sum())
            cut = cut_mask(e.thing, rng)
            if cut is not None:
                self.assertGreater(left_out(e.thing, cut), 0.08)

    def test_a_latent_is_masked_where_any_of_its_pixels_is(self):
        mask = np.zeros((2, 16, 24), bool)
        mask[0, 7, 8] = mask[1, 15, 23] = True
        self.assertEqual(np.argwhere(coarse(mask)).tolist(), [[0, 0, 1], [1, 1, 2]])

    def test_small_masks_weigh_more_and_the_rest_little(self):
        mask = torch.zeros(2, 1, 8, 8)
        mask[0], mask[1, :, :4, :4] = 1, 1
        found = weights(mask)
        self.assertAlmostEqual(found[0, 0, 0, 0].item(), 1.15, 5)
        self.assertAlmostEqual(found[1, 0, 0, 0].item(), 2.15, 5)
        self.assertAlmostEqual(found[1, 0, 7, 7].item(), 0.15, 5)

    def test_window_shows_what_is_around_the_mask(self):
        picture, mask = np.zeros((64, 96, 3), np.uint8), np.zeros((64, 96), bool)
        mask[:40, 60:] = True
        picture[mask] = 200
        seen = window(picture, mask)
        self.assertEqual(seen.shape, (80, 80, 4))
        self.assertTrue((seen[40, 40] == (200, 200, 200, 255)).all())
        self.assertTrue((seen[0, 40] == (128, 128, 128, 0)).all())

    def test_seam_and_touch_tell_a_pasted_patch_from_none(self):
        before, mask = np.full((64, 64, 3), 90, np.uint8), np.zeros((64, 64), bool)
        mask[16:40, 16:40] = True
        after = before.copy()
        self.assertEqual((study.seam(after, mask), study.touch(after, before, mask)), (1, 0))
        after[16:40, 16:40] = 200
        self.assertGreater(study.seam(after, mask), 5)
        self.assertEqual(study.touch(after, before, mask), 1)


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

    def test_further_inputs_change_nothing_at_first(self):
        narrow = UNet({**UNet().config, "in_channels": 4})
        x, rest, t, context = torch.randn(2, 4, 8, 8), torch.randn(2, 5, 8, 8), torch.tensor([3, 700]), torch.randn(2, 77, 128)
        with torch.no_grad():
            before = narrow(x, t, context)
            after = narrow.widened(9)(torch.cat([x, rest], 1), t, context)
        self.assertEqual(narrow.config["in_channels"], 9)
        self.assertLess((before - after).abs().max(), 1e-5)

    def test_sampler_keeps_what_is_outside_the_mask(self):
        known, mask = torch.randn(1, 4, 4, 4), torch.zeros(1, 1, 4, 4)
        mask[..., :2] = 1
        seen = []

        def predict(x, t):
            seen.append((x, t))
            return torch.zeros_like(x)
        noise = torch.randn(1, 4, 4, 4)
        out = sample(predict, noise, 5, (known, mask))
        self.assertTrue((out[..., 2:] == known[..., 2:]).all())
        for x, t in seen:
            noised = ALPHA_BAR[t].sqrt() * known + (1 - ALPHA_BAR[t]).sqrt() * noise
            self.assertLess((x - noised)[..., 2:].abs().max(), 1e-5)

    def test_sampler_reaches_what_an_ideal_model_points_at(self):
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


class Control(unittest.TestCase):
    def test_lines_are_where_kept_labels_change(self):
        labels = np.zeros((16, 16), np.uint8)
        labels[4:8, 4:8], labels[10:14, 10:14] = 1, 2
        kept = np.array([False, True, False] + [False] * 253)
        lines = outlined(labels, kept, 1)
        self.assertTrue(lines[4, 4:8].all() and lines[8, 4:8].all() and lines[4:8, 4].all() and lines[4:8, 8].all())
        self.assertFalse(lines[9:, 9:].any())
        self.assertGreater(outlined(labels, kept, 3).sum(), lines.sum())

    def test_sketches_differ_from_use_to_use(self):
        scene, rng = random_scene(Random(4)), np.random.default_rng(0)
        _, labels, things = render(scene, 3, 64, 64)
        self.assertGreater(len({sketch(labels, things, rng).tobytes() for _ in range(4)}), 1)

    def test_an_untrained_one_changes_nothing_and_a_trained_one_something(self):
        unet = UNet({**CONFIG, "in_channels": 4, "block_out_channels": [16, 16, 16], "attention_head_dim": 2,
                     "norm_num_groups": 8, "cross_attention_dim": 8})
        control = ControlNet(unet)
        self.assertEqual(control.config["conditioning_embedding_out_channels"], HINT_CHANNELS)
        x, t, words, picture = torch.randn(1, 4, 8, 8), torch.tensor([500]), torch.randn(1, 3, 8), torch.rand(1, 3, 64, 64)
        with torch.no_grad():
            plain = unet(x, t, words)
            self.assertTrue(torch.equal(plain, unet(x, t, words, control(x, t, words, picture))))
            control.controlnet_mid_block.bias += 1
            self.assertFalse(torch.equal(plain, unet(x, t, words, control(x, t, words, picture))))


class Adapters(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(4)
        self.unet = UNet({**CONFIG, "in_channels": 4}).requires_grad_(False)
        self.inputs = (torch.randn(1, 4, 16, 16), torch.tensor([500]), torch.randn(1, 5, CONFIG["cross_attention_dim"]))

    def test_a_new_adapter_changes_nothing_and_a_trained_one_what_its_factors_say(self):
        adapter = Adapter(self.unet, 2)
        with torch.no_grad():
            plain = self.unet(*self.inputs)
            torch.testing.assert_close(adapter.call(adapter.weights(), *self.inputs), plain)
            adapter.b[0].add_(0.1)
            torch.testing.assert_close(adapter.weights()[adapter.names[0]].flatten(1),
                                       self.unet.get_parameter(adapter.names[0]).flatten(1) + adapter.b[0] @ adapter.a[0])
            self.assertFalse(torch.allclose(adapter.call(adapter.weights(), *self.inputs), plain))

    def test_factors_have_the_names_and_shapes_of_peft(self):
        factors = Adapter(self.unet, 2).named_factors()
        name = "unet.down_blocks.0.resnets.0.conv1"
        self.assertEqual(tuple(factors[f"{name}.lora_A.weight"].shape), (2, 32, 3, 3))
        self.assertEqual(tuple(factors[f"{name}.lora_B.weight"].shape), (32, 2, 1, 1))

    def test_an_adapter_comes_back_from_its_factors(self):
        adapter = Adapter(self.unet, 3)
        with torch.no_grad():
            for b in adapter.b:
                b.normal_()
        again = Adapter.of_factors(self.unet, adapter.named_factors())
        for name, weight in adapter.weights().items():
            torch.testing.assert_close(again.weights()[name], weight)

    def test_the_gradient_reaches_the_first_of_a_few_steps(self):
        adapter = Adapter(self.unet, 2)
        latents, results = torch.randn(1, 20, 4, 16, 16), torch.randn(1, 20, 4, 16, 16)
        followed = Followed(latents, results, [""])
        few_loss(Student(adapter, followed, self.inputs[2]), timesteps(3)).backward()
        self.assertTrue(all(b.grad.abs().sum() > 0 for b in adapter.b))

    def test_a_followed_edit_begins_with_its_noise_and_keeps_what_is_around_its_mask(self):
        parts, tokenizer = {"unet": load_part(EDIT_MODEL, "unet"), "text_encoder": load_part(EDIT_MODEL, "text_encoder")}, \
            Tokenizer.load(MODEL / "tokenizer")
        mask = torch.zeros(1, 1, 16, 16)
        mask[..., 4:9, 3:11] = 1
        original, noise = torch.randn(2, 1, 4, 16, 16)
        canvas = Canvas(mask, original * (1 - mask), original)
        latents, results = trajectories(parts, tokenizer, ["a red house"], noise, 3.0, canvas)
        followed = Followed(latents, results, ["a red house"], canvas)
        torch.testing.assert_close(followed.noise, noise, atol=1e-4, rtol=1e-4)
        bar = ALPHA_BAR[timesteps(STEPS)[7]]
        around = (bar.sqrt() * original + (1 - bar).sqrt() * noise - latents[:, 7]) * (1 - mask)
        self.assertLess(around.abs().max().item(), 1e-5)
        adapter = Adapter(parts["unet"].requires_grad_(False), 2)
        context = parts["text_encoder"](torch.from_numpy(tokenizer(["a red house"]))).detach()
        few_loss(Student(adapter, followed, context), timesteps(2)).backward()
        self.assertTrue(all(b.grad.abs().sum() > 0 for b in adapter.b))
        empty = parts["text_encoder"](torch.from_numpy(tokenizer([""]))).detach()
        # Without guidance and with as many steps the full process ends where this one does.
        for guidance, least, most in ((1.0, 0.0, 1e-4), (5.0, 1e-3, 10.0)):
            teacher = teaching(parts["unet"], context, empty, guidance, canvas.channels)
            with torch.no_grad():
                student = Student(Adapter(parts["unet"], 2), followed, context)
                wrong = last_loss(student, timesteps(STEPS), teacher).item()
            self.assertTrue(least <= wrong <= most, f"{wrong} at {guidance}")

    def test_an_edit_of_a_part_is_the_whole_edit_where_all_is_painted_or_nothing_differs(self):
        unet = load_part(EDIT_MODEL, "unet").requires_grad_(False)
        parts, t = Parts(unet), torch.tensor([500])
        mask = torch.zeros(1, 1, 16, 16)
        mask[..., 4:9, 3:11] = 1
        x, other = torch.randn(2, 1, 9, 16, 16)
        words, no_words = torch.randn(2, 1, 5, CONFIG["cross_attention_dim"])
        with torch.no_grad():
            whole = unet(x, t, words)
            recorded = lambda: unet(other, t, no_words)
            edit = lambda: unet(x, t, words)
            self.assertTrue(torch.equal(parts.compute(recorded, edit, torch.ones_like(mask)), whole))
            self.assertTrue(torch.equal(parts.compute(edit, edit, mask), whole))
            part = parts.compute(recorded, edit, mask)
            self.assertFalse(torch.allclose(part, whole, atol=1e-3))
            self.assertTrue(torch.equal(unet(x, t, words), whole), "afterwards the network is as it was")
        canvas = Canvas(mask, x[:, 5:], x[:, :4])
        followed = Followed(torch.randn(1, 20, 4, 16, 16), torch.randn(1, 20, 4, 16, 16), [""], canvas)
        student = Student(Adapter(unet, 2), followed, words)
        steps = timesteps(2)
        few_loss(student, steps)
        loss = part_loss(student, parts, no_words, steps, 1)
        loss.backward()
        self.assertGreater(loss.item(), 0)
        self.assertGreater(student.adapter.b[0].grad.abs().sum(), 0)


class Solvers(unittest.TestCase):
    """A network that always sees the same clean latents, and trajectories that go straight to them."""

    def setUp(self):
        clean, noise = torch.randn(6, 4, 8, 8), torch.randn(6, 4, 8, 8)
        bars = ALPHA_BAR[timesteps(solver.STEPS)][:, None, None, None]
        began = bars.sqrt() * clean[:, None] + (1 - bars).sqrt() * noise[:, None]
        self.process = solver.Process(began, clean, torch.zeros(6, 1, 1), torch.zeros(1, 1, 1), None)
        self.process.result = lambda x, t: clean

    def test_weights_reach_what_an_ideal_model_points_at(self):
        weights, near = solver.fit(self.process, [0, 3, 9, 14], 2)
        self.assertEqual([len(row) for row in weights], [2, 3, 4, 4])
        self.assertGreater(near, 50)
        for row, (at, to) in zip(weights, ((0, 3), (3, 9), (9, 14))):
            here, there = (ALPHA_BAR[timesteps(solver.STEPS)[i]].item() for i in (at, to))
            self.assertAlmostEqual(row[0], ((1 - there) / (1 - here)) ** 0.5, 2)

    def test_places_move_within_the_process_and_stay_in_order(self):
        for places in solver.moved([0, 1, 5, 19]):
            self.assertEqual(places[0], 0)
            self.assertEqual(places, sorted(set(places)))
            self.assertLess(places[-1], solver.STEPS)
        self.assertIn([0, 2, 5, 19], solver.moved([0, 1, 5, 19]))
        self.assertIn([0, 1, 4, 18], solver.moved([0, 1, 5, 19]))

    def test_another_fit_of_as_many_steps_takes_the_place_of_the_first(self):
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "scheduler_config.json"
            config.write_text('{"beta_start": 0.1}')
            solver.write(config, [0, 10], [[1, 2], [3, 4, 5]])
            solver.write(config, [0, 5, 10], [[1, 2], [3, 4, 5], [6, 7, 8, 9]])
            self.assertEqual(solver.write(config, [0, 9], [[1, 2], [3, 4, 6]]), "FF 999 549")
            settings = json.loads(config.read_text())
        self.assertEqual(settings["beta_start"], 0.1)
        self.assertEqual([one["timesteps"] for one in settings["learned_steps"]], [[999, 549], [999, 749, 499]])


class Rewards(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(5)
        self.scene = Scene("noon", "clear", "lake", (Group("house", "blue"),))
        self.right = critic.targets([self.scene])

    def test_a_second_house_is_wrong_where_one_is_asked_for(self):
        said = {"objects": 20 * self.right["objects"] - 10, "terrain": torch.zeros(1, len(TERRAINS)),
                "time": torch.zeros(1, len(TIMES)), "counts": torch.zeros(1, len(KINDS), 4)}
        said["counts"][0, :, 0] = 10
        said["counts"][0, KINDS.index("house"), :3] = torch.tensor([0.0, 10.0, 0.0])
        one = critic.losses(said, self.right)["counts"].item()
        said["counts"][0, KINDS.index("house"), :3] = torch.tensor([0.0, 0.0, 10.0])
        self.assertGreater(critic.losses(said, self.right)["counts"].item(), one + 1)

    def test_a_day_has_one_sun_and_dusk_has_none(self):
        logits = torch.full((3, 32, 32), -20.0)
        logits[:, 4:8, 4:8] = 20
        logits[1, 20:24, 4:6] = 20
        dusk = Scene("dusk", "clear", "lake", self.scene.groups)
        one, two, at_dusk = suns.miscounted(logits, [self.scene, self.scene, dusk]).tolist()
        none = suns.miscounted(torch.full((2, 32, 32), -20.0), [self.scene, dusk]).tolist()
        self.assertAlmostEqual(one, 0, places=4)
        self.assertAlmostEqual(two, 8 / suns.AREA, places=4)
        self.assertAlmostEqual(at_dusk, 16 / suns.AREA, places=4)
        self.assertGreater(none[0], 0.9)
        self.assertAlmostEqual(none[1], 0, places=4)

    def test_tasks_hold_no_unseen_combination_and_say_all_of_their_scene(self):
        for task in Tasks(1).batch(50):
            self.assertFalse(is_held_out(task.scene))
            for g in task.scene.groups:
                self.assertIn(f"{g.colour} {g.kind}"[:-2], task.prompt)

    def test_exported_weights_are_a_mean_of_those_before_and_after(self):
        with tempfile.TemporaryDirectory() as folder:
            after = torch.nn.ModuleDict({n: torch.nn.Linear(2, 2) for n in ("unet", "text_encoder")})
            torch.save({"ema": after.state_dict()}, checkpoint := Path(folder) / "reward.pt")
            before = {n: torch.nn.Linear(2, 2) for n in ("unet", "text_encoder")}
            mean = 0.25 * before["unet"].weight + 0.75 * after["unet"].weight
            parts = averaged(checkpoint, {**before, "vae": torch.nn.Linear(1, 1)}, 0.75)
            self.assertTrue(torch.allclose(parts["unet"].weight, mean))

    def test_steps_that_learn_move_the_denoised_latents_against_the_slope(self):
        model = torch.nn.ModuleDict({"unet": UNet({**CONFIG, "in_channels": 4}),
                                     "text_encoder": load_part(MODEL, "text_encoder")})
        tokenizer, tasks, order = Tokenizer.load(MODEL / "tokenizer"), Tasks(2).batch(2), timesteps(3)
        latents, began, without = drawn(model, tokenizer, tasks, order)
        slope = torch.randn_like(latents)
        learn(model, tokenizer, tasks, order, began, without, slope, [(0, 0), (1, 2)])
        with torch.no_grad():
            for p in model.parameters():
                if p.grad is not None:
                    p.sub_(1e-4 * p.grad / p.grad.norm().clamp(min=1e-6))
        again = drawn(model, tokenizer, tasks, order)[0]
        self.assertLess(((again - latents) * slope).sum().item(), 0)


class Large(unittest.TestCase):
    def test_doubled_latents_lie_linearly_between_the_positions_centres(self):
        row = doubled(torch.tensor([[[[0.0, 4.0], [0.0, 4.0]]]]))[0, 0, 1]
        self.assertEqual(row.tolist(), [0, 1, 3, 4])

    def test_what_some_steps_lead_to_is_what_the_whole_process_sees_then(self):
        order, seen = timesteps(20)[14:], []

        def predict(x, t):
            seen.append(x)
            return torch.sin(x + t)
        x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
        solve(predict, x, order)
        whole = list(seen)
        for taken in (0, 1, 4):
            self.assertTrue(torch.allclose(reached(predict, x, order, taken), whole[taken]))

    def test_nothing_is_wrong_with_clean_latents_that_are_the_picture(self):
        class Oracle(torch.nn.Module):
            """Predicts v for pictures that are zero all over."""
            def forward(self, x, t, context):
                bar = ALPHA_BAR[t][:, None, None, None]
                return bar.sqrt() / (1 - bar).sqrt() * x
        model = torch.nn.ModuleDict({"unet": Oracle(), "text_encoder": torch.nn.Identity()})
        half, whole = torch.zeros(2, 4, 4, 4), torch.zeros(2, 4, 8, 8)
        for taken in (0, 3):
            self.assertLess(enlarging_loss(model, half, whole, torch.zeros(2), taken).item(), 1e-9)
            self.assertGreater(enlarging_loss(model, half, whole + 1, torch.zeros(2), taken).item(), 0.5)


if __name__ == "__main__":
    unittest.main()
