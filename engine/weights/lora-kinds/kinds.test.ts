import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gaussianNoise } from '../../noise.ts';
import { LORA_KINDS } from './index.ts';
import { type ModuleValues, sizeOf } from './kind.ts';

const dims = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 4 });
const names = [...new Set(LORA_KINDS.flatMap(({ parts, optional = [] }) => [...parts, ...optional]))];

/** Parts of any shapes, as a damaged file may have them. */
const shapes = fc.dictionary(fc.constantFrom(...names), dims).map((parts) => new Map(Object.entries(parts)));

test('parts of any shapes are refused, or change a weight of the size that they say', async () => {
  let fitting = 0;
  await fc.assert(
    fc.asyncProperty(shapes, dims, async (parts, weight) => {
      const values: ModuleValues = {
        has: (part) => parts.has(part),
        shape: (part) => parts.get(part)!,
        get: (part) => gaussianNoise(1, 0, sizeOf(parts.get(part)!)),
      };
      for (const kind of LORA_KINDS) {
        if (!kind.parts.every((part) => parts.has(part)) || !kind.fits(values, weight)) continue;
        fitting++;
        const target = new Float32Array(sizeOf(weight));
        kind.rank(values);
        await kind.add(target, values, { values: gaussianNoise(2, 0, target.length), shape: weight }, 0.5);
        assert.equal(target.length, sizeOf(weight));
        assert.ok(target.every(Number.isFinite));
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(fitting > 10, `${fitting} fitted`);
});

/** Shapes that belong together, of every kind. */
const [o, i, r, k] = [6, 8, 2, 3];
const WHOLE: readonly [kind: string, weight: number[], parts: Record<string, number[]>][] = [
  ['LoRA', [o, i], { up: [o, r], down: [r, i] }],
  ['LoRA', [o, i, k, k], { up: [o, r, 1, 1], down: [r, i, k, k] }],
  ['LoRA with a Tucker core', [o, i, k, k], { up: [o, r, 1, 1], mid: [r, r, k, k], down: [r, i, 1, 1] }],
  [
    'LoHa',
    [o, i, k, k],
    { hada_w1_a: [o, r], hada_w1_b: [r, i * 9], hada_w2_a: [o, r], hada_w2_b: [r, i * 9] },
  ],
  ['LoKr', [o, i, k, k], { lokr_w1: [2, 4], lokr_w2_a: [3, r], lokr_w2_b: [r, 2 * 9] }],
  ['GLoRA', [o, i], { a1: [i, r], a2: [r, i], b1: [o, r], b2: [r, i] }],
  ['IA³', [o, i], { weight: [i], on_input: [] }],
  ['IA³', [o, i], { ia3_l: [o, 1] }],
  ['full differences', [o], { b_norm: [o] }],
];

for (const [name, weight, parts] of WHOLE)
  test(`${name}, ${JSON.stringify(parts)}: a change grows with its scale, and is not zero`, async () => {
    const values: ModuleValues = {
      has: (part) => part in parts,
      shape: (part) => parts[part]!,
      get: (part) => gaussianNoise(part.length, 3, Math.max(1, sizeOf(parts[part]!))),
    };
    const kind = LORA_KINDS.find((one) => one.name === name && one.parts.every((part) => part in parts))!;
    assert.ok(kind.fits(values, weight));
    const original = { values: gaussianNoise(4, 0, sizeOf(weight)), shape: weight };
    const changes = async (scale: number) => {
      const target = new Float32Array(sizeOf(weight));
      await kind.add(target, values, original, scale);
      return target;
    };
    const [once, twice] = [await changes(1), await changes(2)];
    assert.ok(once.some((value) => Math.abs(value) > 1e-3));
    for (const [at, value] of twice.entries()) assert.ok(Math.abs(value - 2 * once[at]!) < 1e-4);
  });
