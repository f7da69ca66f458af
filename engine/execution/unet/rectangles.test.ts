import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertClose } from '../../../test/support/close.ts';
import { NetworkBuilder } from '../../graph/network.ts';
import { gaussianNoise } from '../../noise.ts';
import { featuresOf, levelCount } from '../../regions/features.ts';
import type { Mask } from '../../regions/mask.ts';
import { convolvedCount, planRegion } from '../../regions/plan.ts';
import type { Recorded } from '../../regions/recorded.ts';
import { overPlanes, toRows } from '../../regions/rows.ts';
import { rectangleLevels } from './rectangles.ts';
import type { RowsUNet } from './rows-unet.ts';
import { tinyCases, withTinyRows } from './testing.ts';

const cases = fc.record({
  ...tinyCases({ min: 2, max: 11 }),
  statistics: fc.constantFrom('any', 'composed'),
  /** Bit l: level l computes rectangles. */
  levels: fc.integer({ min: 1, max: 15 }),
  positions: fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 5 }),
});

function maskOf(height: number, width: number, positions: readonly (readonly [number, number])[]): Mask {
  const data = new Uint8Array(height * width);
  for (const [y, x] of positions) data[(y % height) * width + (x % width)] = 1;
  return { height, width, data };
}

test('rectangles and rows: the same edits, and all active the planar network', () =>
  fc.assert(
    fc.asyncProperty(cases, ({ statistics, levels, positions, ...tiny }) =>
      withTinyRows(tiny, async ({ components, rows, text, inputs }) => {
        const { height, width, batch, seed } = tiny;
        const count = levelCount(featuresOf(components.network('denoiser')));
        const rectangles = Array.from({ length: count }, (_, l) => l).filter((l) => (levels >> l) & 1);
        const [before, after] = [0, 1].map((stream) =>
          gaussianNoise(seed, stream, batch * 4 * height * width),
        );
        const edited = async (unet: RowsUNet) => {
          const whole = unet.dense(height, width, batch);
          const everywhere = whole.plan.levels[0]!.active;
          const first = await unet.pass(whole, inputs(before!, everywhere), { features: true });
          const recorded = unet.recorded(whole, first);
          const pass = (mask: Mask, planes: Float32Array, seen: Recorded) => {
            const region = unet.region(mask, batch, 1);
            const given = inputs(planes, region.plan.levels[0]!.active);
            return { region, done: unet.pass(region, given, { recorded: seen, features: true }) };
          };
          const { region, done } = pass(maskOf(height, width, positions), after!, recorded);
          const part = await done;
          const moved = positions.map(([y, x]) => [y + 1, x + 2] as const);
          const next = pass(maskOf(height, width, moved), before!, unet.updated(recorded, region, part));
          return { first, everywhere, outputs: [part.output, (await next.done).output] };
        };
        const expected = await edited(await rows({ statistics }));
        const actual = await edited(await rows({ statistics, rectangles }));
        for (const [i, output] of expected.outputs.entries()) assertClose(actual.outputs[i]!, output, 1e-3);
        const planes = new Float32Array(before!.length);
        overPlanes(planes, actual.first.output, batch, 4, actual.everywhere);
        const sample = { data: before!, type: 'float32', dims: [batch, 4, height, width] } as const;
        const given = { ...inputs(before!, actual.everywhere), sample, encoder_hidden_states: text };
        const planar = await (await components.program('denoiser')).run(given);
        assertClose(planes, Object.values(planar)[0]!.data as Float32Array, 1e-3);
      }),
    ),
    { numRuns: 4, endOnFailure: true, includeErrorInReport: true },
  ));

test('a rectangle holds the active rows, what surrounds them, and nothing beyond', () => {
  fc.assert(
    fc.property(cases, ({ height, width, positions }) => {
      const mask = maskOf(height, width, positions);
      const [level] = planRegion(mask, [0], [0]).levels;
      const { same, inside, active, stored } = level!;
      const columns = same.taps - 2;
      const rows = same.index.length / same.taps - 2;
      assert.equal(convolvedCount(level!), rows * columns);
      // The positions of rows as a convolution finds them: active ones, then the halo.
      const order = toRows(
        Float32Array.from({ length: height * width }, (_, i) => i),
        1,
        1,
        planRegion({ ...mask, data: new Uint8Array(height * width).fill(1) }, [0]).levels[0]!.active,
      );
      const found = [...stored, ...same.halo].map((row) => order[row]);
      for (const [i, place] of inside!.entries()) {
        const [y, x] = [Math.floor(place / columns), place % columns];
        assert.equal(same.index[(y + 1) * same.taps + x + 1], i);
        for (let dy = -1; dy <= 1; dy++)
          for (let dx = -1; dx <= 1; dx++) {
            const [row, column] = [Math.floor(active[i]! / width) + dy, (active[i]! % width) + dx];
            const isThere = row >= 0 && column >= 0 && row < height && column < width;
            const read = found[same.index[(y + 1 + dy) * same.taps + x + 1 + dx]!];
            assert.equal(read, isThere ? row * width + column : undefined);
          }
      }
    }),
  );
});

test('levels take the form that was faster at the channels nearest to theirs', () => {
  const builder = new NetworkBuilder();
  let x = builder.inputMap('sample', 320, 0);
  for (const [i, channels] of [320, 640, 1280].entries()) {
    x = builder.convolution(`same.${i}`, x, channels);
    x = builder.convolution(`down.${i}`, x, channels, { stride: 2 });
  }
  builder.output('out', x);
  const network = builder.build('levels');
  const [fast, slow] = [
    { rows: 3, rectangle: 1 },
    { rows: 1, rectangle: 1 },
  ];
  const chosen = (first: typeof fast, second: typeof fast) =>
    rectangleLevels(network, [
      { channels: 320, ...first },
      { channels: 640, ...second },
    ]);
  assert.deepEqual(rectangleLevels(network), []);
  assert.deepEqual(chosen(slow!, slow!), []);
  assert.deepEqual(chosen(fast!, slow!), [0, 1]);
  assert.deepEqual(chosen(slow!, fast!), [2]);
});
