import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { SMALL_SANA } from '../../../test/support/transformers.ts';
import { sana } from '../../networks/sana.ts';
import { parseSanaConfig } from '../../networks/sana-config.ts';
import { gaussianNoise } from '../../noise.ts';
import { joined, signalToNoise } from '../../numbers.ts';
import { Buffers } from '../../regions/buffers.ts';
import { Recorded } from '../../regions/recorded.ts';
import { bytesOf } from '../../regions/store.ts';
import { type AttentionFeature, anchoredRows, tokenFeaturesOf } from '../../regions/token-features.ts';
import { keepRows, keepSums, readKept, readSums, replaceRows } from './kept-rows.ts';

const { attentions, windows } = tokenFeaturesOf(sana(parseSanaConfig(SMALL_SANA, 'test')));
const [CHANNELS, COUNT, GUIDANCE] = [192, 400, 4.5];
const features = [attentions[0]!, windows[0]!].map((one) => ({ ...anchoredRows(one), channels: CHANNELS }));
const every = Int32Array.from({ length: COUNT }, (_, i) => i);

/** Rows of a prompt, and of a negative prompt that differ from them by a share. */
function halvesOf(seed: number, share: number): Float32Array {
  const own = gaussianNoise(seed, 0, COUNT * CHANNELS);
  const other = gaussianNoise(seed, 1, own.length).map((value, i) => own[i]! + share * value);
  return joined([own, other]);
}

function guided(halves: Float32Array): Float32Array {
  const half = halves.length / 2;
  return halves.slice(0, half).map((value, i) => {
    const negative = halves[half + i]!;
    return negative + GUIDANCE * (value - negative);
  });
}

const through = (feature: (typeof features)[number], rows: Float32Array, batch: number) => {
  const how = { storage: 'int8', batch } as const;
  const recorded = new Recorded();
  keepRows(recorded, feature, rows, how);
  const read = new Float32Array(rows.length);
  readKept(recorded, feature, every, read, { ...how, buffers: new Buffers() });
  return { read, bytes: bytesOf(recorded) };
};

test('with guidance rows take half as many bytes as both halves would alone, and guidance adds less noise', () => {
  for (const feature of features)
    for (const share of [0.05, 0.1, 0.2]) {
      const rows = halvesOf(3, share);
      const both = through(feature, rows, 2);
      const alone = [0, 1].map((half) => through(feature, rows.slice(...rangeOf(half)), 1));
      const apart = joined(alone.map(({ read }) => read));
      const bits = feature.bits!;
      assert.ok(signalToNoise(both.read, rows) > 8);
      assert.equal(bits.first + bits.difference, bits.alone);
      assert.ok(both.bytes < 0.6 * (alone[0]!.bytes + alone[1]!.bytes), `${both.bytes}`);
      const [together, each] = [both.read, apart].map((read) => signalToNoise(guided(read), guided(rows)));
      assert.ok(together! > each! - 0.5, `${feature.name} ${share}: ${together}, ${each} dB`);
    }
});

const rangeOf = (half: number) => [half * COUNT * CHANNELS, (half + 1) * COUNT * CHANNELS] as const;

test('replaced rows are read as they were kept, others stay', () => {
  const [feature] = features;
  const how = { storage: 'int8', batch: 2 } as const;
  const rows = halvesOf(4, 0.2);
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(COUNT - 1), { minLength: 1, maxLength: 60 }), (places) => {
      const at = Int32Array.from(places).sort();
      const before = new Recorded();
      keepRows(before, feature!, rows, how);
      const after = new Recorded(before);
      const others = halvesOf(5, 0.2);
      const fresh = [0, 1].flatMap((half) =>
        [...at].flatMap((row) => [
          ...others.subarray((half * COUNT + row) * CHANNELS, (half * COUNT + row + 1) * CHANNELS),
        ]),
      );
      replaceRows(after, feature!, Float32Array.from(fresh), at, how);
      const read = (recorded: Recorded, wanted: Int32Array) => {
        const into = new Float32Array(2 * wanted.length * CHANNELS);
        readKept(recorded, feature!, wanted, into, { ...how, buffers: new Buffers() });
        return into;
      };
      assert.ok(signalToNoise(read(after, at), Float32Array.from(fresh)) > 5);
      const rest = every.filter((row) => !at.includes(row));
      assert.deepEqual(read(after, rest), read(before, rest));
    }),
    { numRuns: 20 },
  );
});

test('sums are kept in 16 bits, each row within half a step of its largest value', () => {
  const feature = attentions[0]!;
  const { heads, output } = feature.operator;
  const width = output.channels / heads + 1;
  const sums = gaussianNoise(6, 0, 2 * heads * (width - 1) * width).map((value) => 1e5 * value);
  const read = (storage: 'int8' | 'float32') => {
    const recorded = new Recorded();
    keepSums(recorded, feature as AttentionFeature, sums, { storage, batch: 2 });
    return {
      values: readSums(recorded, feature, { storage, buffers: new Buffers() }),
      bytes: bytesOf(recorded),
    };
  };
  assert.deepEqual(read('float32').values, sums);
  const { values, bytes } = read('int8');
  assert.equal(bytes, 2 * sums.length + (4 * sums.length) / width);
  for (let from = 0; from < sums.length; from += width) {
    const row = sums.subarray(from, from + width);
    const step = Math.max(...row.map(Math.abs)) / 32767;
    for (const [i, value] of row.entries()) assert.ok(Math.abs(values[from + i]! - value) < 0.51 * step);
  }
});
