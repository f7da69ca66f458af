import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { NodeBackend } from '../../backends/node/backend.ts';
import { NetworkBuilder, weightsOf } from '../../graph/network.ts';
import { floats, int64, type Tensor } from '../../graph/tensor.ts';
import type { Tokens, Value } from '../../graph/values.ts';
import { gaussianTensor } from '../../noise.ts';
import { readFloat32 } from '../../weights/read.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import { PLANAR } from '../forms/form.ts';
import type { OnnxBackend } from './onnx-backend.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
after(() => rm(folder, { recursive: true, force: true }));

const plain = Object.assign(new NodeBackend(1), {
  can: {
    ...new NodeBackend(1).can,
    operator: (name: string, domain = '') => domain === '' && name !== 'SimplifiedLayerNormalization',
  },
});
const BACKENDS: readonly OnnxBackend[] = [new NodeBackend(1), plain];

/** Builds a network of one output, runs it on every backend, and compares with `expected`. */
async function check(
  build: (net: NetworkBuilder) => Value,
  inputs: Record<string, Tensor>,
  expected: (weights: (name: string) => Promise<Float32Array>) => Promise<number[]>,
): Promise<void> {
  const net = new NetworkBuilder();
  net.output('y', build(net));
  const network = net.build('operator');
  const source = await syntheticWeights(weightsOf(network), { seed: 1, folder });
  const wanted = await expected((name) => readFloat32(source.find(name)!));
  for (const backend of BACKENDS) {
    const program = await backend.compile(network, new WeightTable(network, source), PLANAR);
    const y = floats(await program.run(inputs), 'y');
    await program.release();
    assert.equal(y.length, wanted.length);
    for (const [i, value] of wanted.entries())
      assert.ok(Math.abs(y[i]! - value) < 1e-4, `${i}: ${y[i]} instead of ${value}`);
  }
}

const noise = (stream: number, ...dims: number[]) => gaussianTensor(3, stream, dims);
const small = { numRuns: 12 };

test('attention with shared keys, a cap, a window and a mask is what its definition says', async () => {
  const settings = fc.record({
    groups: fc.integer({ min: 1, max: 3 }),
    keyHeads: fc.integer({ min: 1, max: 2 }),
    length: fc.integer({ min: 1, max: 6 }),
    window: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    cap: fc.option(fc.constant(0.7), { nil: undefined }),
    scale: fc.option(fc.constant(0.3), { nil: undefined }),
    causal: fc.boolean(),
    /** Without one, with one that hides nothing, with one that hides every second key. */
    hidden: fc.constantFrom(undefined, 'nothing', 'second'),
  });
  const usual = { groups: 1, keyHeads: 2, length: 5, causal: false };
  const fused = ([undefined, 'nothing', 'second'] as const).map(
    (hidden) =>
      [{ ...usual, window: undefined, cap: undefined, scale: undefined, hidden }] satisfies [unknown],
  );
  await fc.assert(
    fc.asyncProperty(settings, async ({ groups, keyHeads, length, hidden, causal, window, cap, scale }) => {
      const size = 4;
      const heads = groups * keyHeads;
      const [q, k, v] = [heads, keyHeads, keyHeads].map((count, i) => noise(i, 1, length, count * size));
      const seen = Array.from({ length }, (_, i) => (i === 0 || hidden !== 'second' ? 1 : i % 2));
      const build = (net: NetworkBuilder) => {
        const [a, b, c] = [heads, keyHeads, keyHeads].map((count, i) =>
          net.inputTokens('qkv'[i]!, count * size),
        );
        return net.attention('a', a!, b!, c!, heads, causal, {
          keyHeads,
          ...(scale && { scale }),
          ...(cap && { cap }),
          ...(causal && window && { window }),
          ...(hidden && { mask: net.inputIds('mask') }),
        });
      };
      const mask = hidden && { mask: int64(BigInt64Array.from(seen, BigInt), [1, length]) };
      await check(build, { q: q!, k: k!, v: v!, ...mask }, async () => {
        const out: number[] = [];
        for (let i = 0; i < length; i++)
          for (let h = 0; h < heads; h++) {
            const kept = Math.floor(h / groups);
            const scores = Array.from({ length }, (_, j) => {
              if (causal && (j > i || (window && j <= i - window))) return Number.NEGATIVE_INFINITY;
              if (!seen[j]) return Number.NEGATIVE_INFINITY;
              let sum = 0;
              for (let c = 0; c < size; c++)
                sum += q!.data[(i * heads + h) * size + c]! * k!.data[(j * keyHeads + kept) * size + c]!;
              const score = sum * (scale ?? 1 / Math.sqrt(size));
              return cap ? cap * Math.tanh(score / cap) : score;
            });
            if (scores.every((score) => score === Number.NEGATIVE_INFINITY)) return fc.pre(false) as never;
            const weights = scores.map((score) => Math.exp(score));
            const total = weights.reduce((a, b) => a + b);
            for (let c = 0; c < size; c++)
              out.push(
                weights.reduce(
                  (sum, w, j) => sum + (w / total) * v!.data[(j * keyHeads + kept) * size + c]!,
                  0,
                ),
              );
          }
        return out;
      });
    }),
    { ...small, examples: fused },
  );
});

test('linear attention of separate queries, keys and values', async () => {
  const [positions, heads, size] = [6, 2, 3];
  const maps = [0, 1, 2].map((stream) => noise(stream, 1, heads * size, 2, 3));
  const build = (net: NetworkBuilder) => {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => net.inputMap(name, heads * size, 0));
    return net.kernelAttention('a', q!, k!, v!, heads);
  };
  const at = (map: number, channel: number, position: number) =>
    maps[map]!.data[channel * positions + position]!;
  await check(build, { q: maps[0]!, k: maps[1]!, v: maps[2]! }, async () => {
    const out = new Array<number>(heads * size * positions);
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < positions; i++) {
        const weights = Array.from({ length: positions }, (_, j) => {
          let sum = 0;
          for (let c = h * size; c < (h + 1) * size; c++)
            sum += Math.max(0, at(0, c, i)) * Math.max(0, at(1, c, j));
          return sum;
        });
        const total = weights.reduce((a, b) => a + b) + 1e-15;
        for (let c = h * size; c < (h + 1) * size; c++)
          out[c * positions + i] = weights.reduce((sum, w, j) => sum + (w * at(2, c, j)) / total, 0);
      }
    return out;
  });
});

test('rotations turn pairs of channels by place and frequency', async () => {
  const x = noise(0, 1, 3, 8);
  const frequencies = [1, 0.25];
  const build = (net: NetworkBuilder) => net.rotation(net.inputTokens('x', 8), 2, frequencies);
  await check(build, { x }, async () =>
    Array.from({ length: 24 }, (_, i) => {
      const [place, c] = [Math.floor(i / 8), i % 4];
      const angle = place * frequencies[c % 2]!;
      const other = c < 2 ? -x.data[i + 2]! : x.data[i - 2]!;
      return x.data[i]! * Math.cos(angle) + other * Math.sin(angle);
    }),
  );
});

test('RMS norm over channels, of planes and of rows by heads', async () => {
  const map = noise(0, 1, 6, 2, 2);
  await check(
    (net) => net.rmsNorm('n', net.inputMap('x', 6, 0), 1e-3, { bias: true }),
    { x: map },
    async (weight) => {
      const [gain, bias] = [await weight('n.weight'), await weight('n.bias')];
      return Array.from(map.data, (value, i) => {
        const [c, position] = [Math.floor(i / 4), i % 4];
        let square = 0;
        for (let other = 0; other < 6; other++) square += map.data[other * 4 + position]! ** 2;
        return (value / Math.sqrt(square / 6 + 1e-3)) * gain[c]! + bias[c]!;
      });
    },
  );
  const rows = noise(1, 1, 3, 6);
  await check(
    (net) => net.rmsNorm('n', net.inputTokens('x', 6), 1e-3, { heads: 2, plusOne: true }),
    { x: rows },
    async (weight) => {
      const gain = await weight('n.weight');
      return Array.from(rows.data, (value, i) => {
        const head = rows.data.slice(3 * Math.floor(i / 3), 3 * Math.floor(i / 3) + 3);
        const mean = head.reduce((sum, other) => sum + other ** 2, 0) / 3;
        return (value / Math.sqrt(mean + 1e-3)) * (1 + gain[i % 3]!);
      });
    },
  );
});

test('modulation and gates by a vector of each image', async () => {
  const x = noise(0, 2, 3, 1, 2);
  const vectors = [1, 2].map((stream) => noise(stream, 2, 3));
  const build = (net: NetworkBuilder) => {
    const [scale, shift] = ['scale', 'shift'].map((name) => net.inputVector(name, 3));
    return net.product(net.modulation(net.inputMap('x', 3, 0), scale!, shift!), shift!);
  };
  await check(build, { x, scale: vectors[0]!, shift: vectors[1]! }, async () =>
    Array.from(x.data, (value, i) => {
      const at = Math.floor(i / 2);
      const shift = vectors[1]!.data[at]!;
      return (value * (1 + vectors[0]!.data[at]!) + shift) * shift;
    }),
  );
});

test('shuffles, means and repeats of channels', async () => {
  const sizes = fc.record({
    channels: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 3 }),
    width: fc.integer({ min: 1, max: 3 }),
    average: fc.constantFrom(1, 2, 4, 8),
  });
  await fc.assert(
    fc.asyncProperty(sizes, async ({ channels, height, width, average }) => {
      const wide = channels * Math.max(1, average / 4);
      const x = noise(0, 1, wide, 2 * height, 2 * width);
      const at = (c: number, y: number, col: number) => x.data[(c * 2 * height + y) * 2 * width + col]!;
      /** Channel 4c + 2y + x of the coarse map. */
      const unshuffled = (channel: number, y: number, col: number) =>
        at(channel >> 2, 2 * y + ((channel >> 1) & 1), 2 * col + (channel & 1));
      const planes = (count: number, value: (c: number, y: number, col: number) => number) =>
        Array.from({ length: count * height * width }, (_, i) =>
          value(Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width),
        );
      const out = (4 * wide) / average;
      await check(
        (net) => net.pixelUnshuffle(net.inputMap('x', wide, 0), out),
        { x },
        async () =>
          planes(out, (c, y, col) => {
            const all = Array.from({ length: average }, (_, i) => unshuffled(c * average + i, y, col));
            return all.reduce((a, b) => a + b) / average;
          }),
      );
      await check(
        (net) => net.pixelShuffle(net.pixelUnshuffle(net.inputMap('x', wide, 0))),
        { x },
        async () => [...x.data],
      );
      await check(
        (net) => net.channelMean(net.channelRepeat(net.inputMap('x', wide, 0), 3 * wide), wide),
        { x },
        async () => [...x.data],
      );
    }),
    { numRuns: 6 },
  );
});

test('repeated channels are shuffled from rows as from planes', async () => {
  const sizes = fc.record({
    out: fc.integer({ min: 1, max: 3 }),
    times: fc.constantFrom(1, 2, 4, 8),
    height: fc.integer({ min: 1, max: 3 }),
    width: fc.integer({ min: 1, max: 3 }),
    batch: fc.integer({ min: 1, max: 2 }),
    inRows: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(sizes, async ({ out, times, height, width, batch, inRows }) => {
      const channels = times === 8 ? out : (4 / times) * out;
      const results = (channels * times) / 4;
      const x = noise(0, batch, channels, height, width);
      const none = noise(1, batch, channels);
      none.data.fill(0);
      const build = (net: NetworkBuilder) => {
        const map = net.inputMap('x', channels, 1);
        const [scale, shift] = ['scale', 'shift'].map((name) => net.inputVector(name, channels));
        // A modulation gives rows.
        const read = inRows ? net.modulation(map, scale!, shift!) : map;
        return net.pixelShuffle(net.channelRepeat(read, times * channels));
      };
      await check(build, { x, scale: none, shift: none }, async () =>
        Array.from({ length: batch * results * 4 * height * width }, (_, i) => {
          const [col, y] = [i % (2 * width), Math.floor(i / (2 * width)) % (2 * height)];
          const [b, c] = [
            Math.floor(i / (results * 4 * height * width)),
            Math.floor(i / (4 * height * width)) % results,
          ];
          const from = Math.floor((4 * c + 2 * (y & 1) + (col & 1)) / times);
          return x.data[((b * channels + from) * height + (y >> 1)) * width + (col >> 1)]!;
        }),
      );
    }),
    { numRuns: 10 },
  );
});

test('a convolution of rows into few channels is what its definition says', async () => {
  const [channels, height, width] = [19, 3, 4];
  const x = noise(0, 2, channels, height, width);
  const none = noise(1, 2, channels);
  none.data.fill(0);
  const build = (net: NetworkBuilder) => {
    const [scale, shift] = ['scale', 'shift'].map((name) => net.inputVector(name, channels));
    // A modulation gives rows.
    return net.convolution('c', net.modulation(net.inputMap('x', channels, 0), scale!, shift!), 2);
  };
  await check(build, { x, scale: none, shift: none }, async (weight) => {
    const [kernel, bias] = [await weight('c.weight'), await weight('c.bias')];
    const at = (b: number, c: number, y: number, col: number) =>
      y < 0 || y >= height || col < 0 || col >= width
        ? 0
        : x.data[((b * channels + c) * height + y) * width + col]!;
    return Array.from({ length: 4 * height * width }, (_, i) => {
      const [col, y] = [i % width, Math.floor(i / width) % height];
      const [out, b] = [Math.floor(i / (height * width)) % 2, Math.floor(i / (2 * height * width))];
      let sum = bias[out]!;
      for (let c = 0; c < channels; c++)
        for (let tap = 0; tap < 9; tap++)
          sum +=
            kernel[(out * channels + c) * 9 + tap]! *
            at(b, c, y + Math.floor(tap / 3) - 1, col + (tap % 3) - 1);
      return sum;
    });
  });
});

test('a gated unit of the halves of a value', async () => {
  const x = noise(0, 1, 3, 4);
  const build = (net: NetworkBuilder): Tokens => {
    const [a, b] = net.splitChannels(net.inputTokens('x', 4), 2);
    return net.product(a!, net.activation(b!, 'silu'));
  };
  await check(build, { x }, async () =>
    Array.from({ length: 6 }, (_, i) => {
      const row = 4 * Math.floor(i / 2) + (i % 2);
      const gate = x.data[row + 2]!;
      return x.data[row]! * (gate / (1 + Math.exp(-gate)));
    }),
  );
});
