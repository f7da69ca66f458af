import type { Backend, Program } from '../execution/backend.ts';
import { PLANAR } from '../execution/forms/form.ts';
import type { Network } from '../graph/network.ts';
import { floats, int64 } from '../graph/tensor.ts';
import { openVisionFolder, type VisionFolder } from '../models/vision-folder.ts';
import { efficientVitClassifier, samEncoder } from '../networks/efficientvit-heads.ts';
import { maskDecoder } from '../networks/mask-decoder.ts';
import { WeightTable } from '../weights/weight-table.ts';
import type { Comparison, Reference } from './reference.ts';

/** Names of the mask decodings in the references; the last one takes an earlier mask. */
const DECODINGS = ['point', 'points', 'box', 'refine'] as const;

/** Compares the networks of a vision model: a segmenter's encoder and decoder, or a tagger. */
export async function compareVision(
  folder: string,
  expected: Reference,
  backend: Backend,
): Promise<Comparison[]> {
  const opened = await openVisionFolder(folder);
  return opened.kind === 'segmenter'
    ? compareSegmenter(opened, expected, backend)
    : compareTagger(opened, expected, backend);
}

async function compareSegmenter(
  { config, weights }: VisionFolder & { kind: 'segmenter' },
  expected: Reference,
  backend: Backend,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  const source = await weights();
  const load = (network: Network) => backend.compile(network, new WeightTable(network, source), PLANAR);
  await withProgram(load(samEncoder(config.encoder)), async (encoder) => {
    const outputs = await encoder.run({ input_image: await expected.tensor('input_image') });
    comparisons.push(await expected.compare('image_embeddings', floats(outputs, 'image_embeddings')));
  });
  for (const name of DECODINGS) {
    if (!expected.has(`${name}.masks`)) continue;
    const refine = name === 'refine';
    await withProgram(load(maskDecoder(config.decoder, { refine })), async (decoder) => {
      const labels = BigInt64Array.from(await expected.floats(`${name}.point_labels`), BigInt);
      const outputs = await decoder.run({
        image_embeddings: await expected.tensor('image_embeddings'),
        point_coords: await expected.tensor(`${name}.point_coords`),
        point_labels: int64(labels, expected.shape(`${name}.point_labels`)),
        ...(refine && { mask_input: await expected.tensor(`${name}.mask_input`) }),
      });
      for (const output of ['masks', 'iou_predictions'])
        comparisons.push(await expected.compare(`${name}.${output}`, floats(outputs, output)));
    });
  }
  return comparisons;
}

async function compareTagger(
  { config, weights }: VisionFolder & { kind: 'tagger' },
  expected: Reference,
  backend: Backend,
): Promise<Comparison[]> {
  const network = efficientVitClassifier(config.classifier);
  const table = new WeightTable(network, await weights());
  const comparisons: Comparison[] = [];
  await withProgram(backend.compile(network, table, PLANAR), async (tagger) => {
    const outputs = await tagger.run({ image: await expected.tensor('input_image') });
    comparisons.push(await expected.compare('logits', floats(outputs, 'logits')));
  });
  return comparisons;
}

async function withProgram(
  loading: Promise<Program>,
  use: (program: Program) => Promise<void>,
): Promise<void> {
  const program = await loading;
  try {
    await use(program);
  } finally {
    await program.release();
  }
}
