import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { gaussianNoise } from '../noise.ts';
import { addProduct } from './lora-product.ts';

test('equals the product written plainly, for any shape', async () => {
  const size = (max: number) => fc.integer({ min: 1, max });
  await fc.assert(
    fc.asyncProperty(size(9), size(11), size(70), fc.integer(), async (rank, width, height, seed) => {
      const [up, down, before] = [height * rank, rank * width, height * width].map((length, i) =>
        gaussianNoise(seed >>> 0, i, length),
      ) as [Float32Array, Float32Array, Float32Array];
      const values = before.slice();
      await addProduct(values, up, down, rank, 0.5);
      for (const [i, value] of values.entries()) {
        let expected = before[i]!;
        for (let r = 0; r < rank; r++)
          expected += 0.5 * up[Math.floor(i / width) * rank + r]! * down[r * width + (i % width)]!;
        assert.ok(Math.abs(value - expected) < 1e-5, `${i}: ${value}, not ${expected}`);
      }
    }),
    { numRuns: 50 },
  );
});
