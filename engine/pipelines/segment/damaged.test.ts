import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { spoilNumber } from '../../../test/support/checkpoints.ts';
import { RENDERED, rendered } from '../../../test/support/scenes.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { createEngine } from '../../engine.ts';
import { InputError } from '../../errors.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { Tagger } from './tagger.ts';

const SIGHT = path.join(import.meta.dirname, '../../../media/models/sight');
const folder = await temporaryFolder();
const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());
const image = await readFile((await rendered(RENDERED[0]!)).file);

/** A copy of an embedded model with one number of a tensor NaN. */
async function spoilt(name: string, tensor: string): Promise<string> {
  const copy = path.join(folder, tensor);
  await cp(path.join(SIGHT, name), copy, { recursive: true });
  await spoilNumber(path.join(copy, 'model.safetensors'), tensor);
  return copy;
}

const isNamed = (part: RegExp) => (error: unknown) => error instanceof InputError && part.test(error.message);

for (const tensor of [
  'image_encoder.backbone.stages.0.op_list.0.conv.weight',
  'prompt_encoder.point_embeddings.1.weight',
  'mask_decoder.iou_prediction_head.layers.0.bias',
])
  test(`a segmenter whose ${tensor} is not finite gives an error, never a mask`, async () => {
    const model = await spoilt('segmenter', tensor);
    const points = [{ x: 64, y: 64 }];
    await assert.rejects(
      engine.segment({ image, points, model }),
      isNamed(/^The segmenter gave .*not finite/),
    );
  });

test('a tagger whose weights are not finite gives an error, never words', async () => {
  const tagger = await Tagger.open(
    await spoilt('tagger', 'backbone.input_stem.op_list.0.conv.weight'),
    new NodeBackend(1),
    1,
  );
  const planes = new Float32Array(3 * tagger.input.size ** 2);
  await assert.rejects(
    tagger.grade(planes),
    isNamed(/^The model that names what is in an image .*not finite/),
  );
  await tagger.release();
});
