import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { objectsIn, RENDERED, rendered } from '../../../test/support/scenes.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { createEngine } from '../../engine.ts';
import { boundsOf } from '../../regions/box.ts';
import { overlapOf } from './masks.ts';

const PHOTOGRAPH = path.join(import.meta.dirname, '../../../test/fixtures/photos/coffee.jpg');

const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());

for (const name of RENDERED) {
  test(`${name}: a click on an object gives the renderer's mask of it, a box too, and the tagger its name`, async () => {
    const { file, shapes } = await rendered(name);
    const image = await readFile(file);
    for (const { kind, colour, mask, middle } of objectsIn(shapes)) {
      const clicked = await engine.segment({ image, points: [middle], most: 1 });
      const overlap = overlapOf(clicked.masks[0]!, mask);
      assert.ok(overlap > 0.8, `${colour} ${kind}: ${overlap}`);
      assert.deepEqual(clicked.warnings, []);
      const { x, y } = boundsOf(mask)!;
      const box = { x0: x.from, y0: y.from, x1: x.to, y1: y.to };
      const boxed = await engine.segment({ image, box, most: 1 });
      assert.ok(overlapOf(boxed.masks[0]!, mask) > 0.8, `box around ${colour} ${kind}`);
      const { prompt } = await engine.describe({ image, mask: clicked.masks[0]! });
      assert.match(prompt, new RegExp(`${colour} ${kind}`));
    }
  });

  test(`${name}: all objects are found, and what is said of the whole picture is no guess`, async () => {
    const { file, shapes } = await rendered(name);
    const image = await readFile(file);
    const found = await engine.findObjects({ image });
    for (const { kind, mask } of objectsIn(shapes))
      assert.ok(Math.max(...found.objects.map((object) => overlapOf(object, mask))) > 0.75, kind);
    const { prompt, warnings } = await engine.describe({ image });
    const named = objectsIn(shapes).filter(({ colour, kind }) => prompt.includes(`${colour} ${kind}`));
    assert.ok(named.length > 0, prompt);
    assert.deepEqual(warnings, []);
  });
}

test('of a photograph, and of noise, the description says that its confidence is low', async () => {
  const noise = Uint8Array.from({ length: 3 * 200 * 200 }, (_, i) => (i * 7919 * (i >> 5)) % 256);
  const raw = { width: 200, height: 200, channels: 3 } as const;
  for (const image of [await readFile(PHOTOGRAPH), await sharp(noise, { raw }).png().toBuffer()]) {
    const { warnings } = await engine.describe({ image });
    assert.match(warnings.join(), /Low confidence: this does not look like a Scenes drawing/);
  }
});
