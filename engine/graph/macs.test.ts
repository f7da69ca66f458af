import assert from 'node:assert/strict';
import test from 'node:test';
import { ARCHITECTURES, configOf } from '../models/architectures.ts';
import { type NetworkRole, networkOf } from '../models/networks.ts';
import { countMacs, sizeAt } from './macs.ts';
import { weightsOf } from './network.ts';

const networkNamed = (name: string, role: NetworkRole) =>
  networkOf(role, configOf(ARCHITECTURES[name]!, role), name);
const giga = (macs: number) => Number((macs / 1e9).toFixed(1));

test('U-Net of Stable Diffusion 1.5: published operation counts', () => {
  const unet = networkNamed('sd15', 'denoiser');
  const square = countMacs(unet, { height: 64, width: 64, batch: 2, tokens: 77 });
  const wide = countMacs(unet, { height: 64, width: 128, batch: 2, tokens: 77 });
  assert.equal(giga(square.total), 803.3);
  assert.equal(giga(wide.total), 1848.5);
});

test('autoencoder of Stable Diffusion: published operation counts', () => {
  const decoder = networkNamed('sd15', 'vae-decoder');
  const encoder = networkNamed('sd15', 'vae-encoder');
  assert.equal(giga(countMacs(decoder, { height: 512, width: 512, batch: 1, tokens: 0 }).total), 1257.3);
  assert.equal(giga(countMacs(decoder, { height: 512, width: 1024, batch: 1, tokens: 0 }).total), 2548.9);
  assert.equal(giga(countMacs(encoder, { height: 512, width: 1024, batch: 1, tokens: 0 }).total), 1151.0);
});

test('SDXL at 1280×1920: 50 steps take the 907.2 T of the DistriFusion paper', () => {
  const count = countMacs(networkNamed('sdxl', 'denoiser'), {
    height: 160,
    width: 240,
    batch: 2,
    tokens: 77,
  });
  assert.equal(giga((50 * count.total) / 1000), 907.2);
});

test('parts of a count add up to its total', () => {
  const { total, byKind, byLevel } = countMacs(networkNamed('sd21', 'denoiser'), {
    height: 50,
    width: 31,
    batch: 3,
    tokens: 154,
  });
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
  assert.equal(sum(byKind), total);
  assert.equal(sum(byLevel), total);
  assert.deepEqual(Object.keys(byLevel).sort(), ['0', '1', '2', '3', 'none']);
});

test('levels halve and round up', () => {
  assert.deepEqual(sizeAt({ height: 13, width: 24 }, 1), [7, 12]);
  assert.deepEqual(sizeAt({ height: 13, width: 24 }, 3), [2, 3]);
});

test('architectures have the published numbers of parameters', () => {
  for (const [name, millions] of [
    ['sd15', 859.5],
    ['sd21', 865.9],
    ['sdxl', 2567.5],
    ['bk-sdm-small', 482.3],
    ['bk-sdm-tiny', 323.4],
  ] as const) {
    const weights = weightsOf(networkNamed(name, 'denoiser'));
    const parameters = weights.reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
    assert.ok(Math.abs(parameters / 1e6 - millions) < 0.06, `${name}: ${parameters}`);
  }
});
