import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countMacs } from '../graph/macs.ts';
import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';
import { ARCHITECTURES } from '../models/architectures.ts';
import { type NetworkRole, networkOf } from '../models/networks.ts';
import { type Box, fullBox } from './box.ts';
import { planCrop } from './crop.ts';
import { coarsestLevel } from './reach.ts';

const tiny = { _class_name: 'AutoencoderTiny' };
const kl = ARCHITECTURES.sd15!.vae;
const network = (role: NetworkRole, config: object) => networkOf(role, config, 'test');
const extent = { height: 512, width: 512, batch: 1, tokens: 0 };
const box = (top: number, left: number, bottom: number, right: number): Box => ({
  y: { from: top, to: bottom },
  x: { from: left, to: right },
});

/** What a network reads around the positions 10 … 13 of its coarsest level, in positions of its input. */
function reachOf(of: Network) {
  const size = { height: 64, width: 64, batch: 1, tokens: 0 };
  const [input] = [...of.inputs.values()] as FeatureMap[];
  const scale = 2 ** (coarsestLevel(of) - input!.level);
  const { y } = planCrop(of, size, box(10, 10, 14, 14), Number.POSITIVE_INFINITY).levels[input!.level]!;
  return { before: 10 * scale - y.from, after: y.to - 14 * scale };
}

test('crops of small networks, by hand', () => {
  const same = new NetworkBuilder();
  same.output(
    'y',
    same.convolution('b', same.convolution('a', same.inputMap('x', 1, 0), 1), 1, { kernel: 5 }),
  );
  assert.deepEqual(reachOf(same.build('same')), { before: 3, after: 3 });

  const down = new NetworkBuilder();
  down.output('y', down.convolution('a', down.inputMap('x', 1, 0), 1, { stride: 2 }));
  // Position p reads 2p − 1 … 2p + 1, and crops begin and end at even positions.
  assert.deepEqual(reachOf(down.build('down')), { before: 2, after: 0 });

  const end = new NetworkBuilder();
  end.output('y', end.convolution('a', end.inputMap('x', 1, 0), 1, { stride: 2, padding: 'end' }));
  assert.deepEqual(reachOf(end.build('end')), { before: 0, after: 2 });

  const up = new NetworkBuilder();
  up.output('y', up.convolution('a', up.inputMap('x', 1, 1), 1, { upsample: true }));
  assert.deepEqual(reachOf(up.build('up')), { before: 1, after: 1 });
});

test('a crop without a bound reaches as far as the convolutions of a published autoencoder', () => {
  for (const [config, decoded, before, after] of [
    [tiny, 19, 145, 138],
    [kl, 18, 101, 108],
  ] as const) {
    const target = box(30, 31, 32, 34);
    const decoder = planCrop(network('vae-decoder', config), extent, target, Number.POSITIVE_INFINITY);
    assert.deepEqual(decoder.levels[3], box(30 - decoded, 31 - decoded, 32 + decoded, 34 + decoded));
    assert.ok(decoder.levels[0]!.y.from > 8 * 30 - 24, 'fine maps carry a small margin');
    const encoder = planCrop(network('vae-encoder', config), extent, target, Number.POSITIVE_INFINITY);
    const { y, x } = encoder.levels[0]!;
    // Strided convolutions need even borders on every level.
    for (const [got, expected] of [
      [y.from, 240 - before],
      [x.from, 248 - before],
      [y.to, 256 + after],
      [x.to, 272 + after],
    ] as const)
      assert.ok(Math.abs(got - expected) < 8, `${got} is not near ${expected}`);
  }
});

test('a margin bounds the crop on every level, and all of the map costs what the network costs', () => {
  for (const role of ['vae-decoder', 'vae-encoder'] as const) {
    const plan = planCrop(network(role, kl), extent, box(30, 31, 32, 34), 2);
    for (const [level, { y, x }] of plan.levels.entries()) {
      const scale = 2 ** (3 - level);
      assert.ok(y.from >= 28 * scale && y.to <= 34 * scale && x.from >= 29 * scale && x.to <= 36 * scale);
    }
    const whole = planCrop(network(role, kl), extent, fullBox(64, 64), 2);
    assert.equal(whole.macs, countMacs(network(role, kl), extent).total);
    assert.ok(plan.macs < whole.macs / 50);
  }
});

test('sizes that are not a multiple of the stride are refused', () => {
  const odd = { ...extent, width: 100 };
  assert.throws(() => planCrop(network('vae-decoder', tiny), odd, box(0, 0, 1, 1), 1), /not a multiple of 8/);
});
