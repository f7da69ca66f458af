import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { openEmbedding } from './embeddings.ts';
import { temporaryFolder } from './testing.ts';
import { writeSafetensors } from './write.ts';

const folder = await temporaryFolder();

/** Writes vectors of these widths by these names. */
async function file(name: string, widths: Readonly<Record<string, number>>): Promise<string> {
  const place = path.join(folder, name);
  await writeSafetensors(
    place,
    Object.entries(widths).map(([name, width]) => ({
      name,
      dtype: 'F32',
      shape: [2, width],
      chunks: () => [new Uint8Array(8 * width)],
    })),
  );
  return place;
}

for (const [first, second] of [
  ['clip_l', 'clip_g'],
  ['text_encoders_0', 'text_encoders_1'],
] as const)
  test(`the vectors ${first} and ${second} are one word for both of SDXL's encoders`, async () => {
    const [word, ...others] = await openEmbedding(
      await file('pair.safetensors', { [first]: 8, [second]: 12 }),
    );
    assert.deepEqual(others, []);
    assert.deepEqual(word!.names, ['pair']);
    assert.deepEqual(
      [word!.vectors.clip_l?.shape, word!.vectors.clip_g?.shape],
      [
        [2, 8],
        [2, 12],
      ],
    );
  });

test('a word of any text in the original layout is found by the file’s name', async () => {
  const [word] = await openEmbedding(
    await file('cat.safetensors', { 'string_to_param.<cat>': 8, 'string_to_token.<cat>': 1 }),
  );
  assert.deepEqual([word!.names, word!.vectors.any?.shape], [['cat'], [2, 8]]);
});
