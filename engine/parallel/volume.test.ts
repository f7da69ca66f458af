import assert from 'node:assert/strict';
import test from 'node:test';
import { cutBands } from '../execution/bands/bands.ts';
import { planBands } from '../execution/bands/exchange.ts';
import { shallowNetwork } from '../execution/unet/shallow.ts';
import { sizeAt } from '../graph/macs.ts';
import { openModel } from '../models/open.ts';
import { architectureNamed } from '../models/synthetic.ts';
import { type Feature, featuresOf, levelCount } from '../regions/features.ts';
import { partCosts, stepSeconds } from './simulate.ts';
import { receivedBytes } from './volume.ts';

/**
 * Numbers that one device receives in a step of DistriFusion as published (Li et al., CVPR 2024): keys and values of
 * the other patches, and the border rows of every 3×3 convolution from every device, whether it is a neighbour or not.
 */
function distriFusionElements(
  features: readonly Feature[],
  extent: { height: number; width: number },
  devices: number,
  batch: number,
): number {
  return features.reduce((elements, feature) => {
    if (feature.kind === 'moments') return elements + (devices - 1) * 2 * batch * feature.groups;
    const [height, width] = sizeAt(extent, feature.level);
    if (feature.kind === 'attended')
      return elements + (batch * height * width * feature.channels * (devices - 1)) / devices;
    return elements + 2 * (devices - 1) * batch * width * feature.channels;
  }, 0);
}

test('with two workers a step that reuses deep features exchanges at most a fifth', async () => {
  for (const [name, side] of [
    ['sd15', 64],
    ['sdxl', 128],
    ['scenes', 32],
  ] as const) {
    const network = (await openModel(name)).network('denoiser');
    const features = featuresOf(network);
    const bands = cutBands({ height: side, width: side }, levelCount(features), [1, 1], 'y');
    const [full, shallow] = [features, featuresOf(shallowNetwork(network))].map((some) =>
      receivedBytes(some, planBands(bands), 0, 2, 'float32'),
    );
    assert.ok(shallow! > 0 && shallow! <= 0.2 * full!, `${name}: ${shallow} of ${full} bytes`);
  }
});

test("DistriFusion's volume is near the one that its paper gives for SDXL on 8 devices", async () => {
  assert.ok(architectureNamed('sdxl'));
  const features = featuresOf((await openModel('sdxl')).network('denoiser'));
  const giga = (side: number) =>
    distriFusionElements(features, { height: side / 8, width: side / 8 }, 8, 2) / 1e9;
  assert.ok(Math.abs(giga(1024) / 0.42 - 1) < 0.1, `${giga(1024)}`);
  assert.ok(Math.abs(giga(3840) / 5.38 - 1) < 0.1, `${giga(3840)}`);
});

test('more workers take less time on a fast link, and a slow link eats what they gain', async () => {
  const network = (await openModel('sd15')).network('denoiser');
  const extent = { height: 64, width: 64, batch: 2, tokens: 77 };
  const fast = { rate: 1e12, overhead: 0, bandwidth: 1e12, latency: 0, overlapped: false };
  const times = [1, 2, 4, 8, 16].map((count) =>
    stepSeconds(partCosts(network, extent, count, 'float16'), fast),
  );
  for (const [i, time] of times.slice(1).entries()) assert.ok(time < times[i]!);
  const slow = { ...fast, bandwidth: 1e6 };
  assert.ok(stepSeconds(partCosts(network, extent, 4, 'float16'), slow) > times[0]!);
});
