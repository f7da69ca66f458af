import { lowerPlanar } from '../execution/lowering/planar.ts';
import type { Runtime, Session } from '../execution/runtime.ts';
import type { Network } from '../graph/network.ts';
import { floats, int64 } from '../graph/tensor.ts';
import { openVisionFolder, type VisionFolder } from '../models/vision-folder.ts';
import { efficientVitClassifier, samEncoder } from '../networks/efficientvit-heads.ts';
import { maskDecoder } from '../networks/mask-decoder.ts';
import { WeightTable } from '../weights/table.ts';
import type { Comparison, Reference } from './reference.ts';

/** Decodings that there may be references for; the last one takes an earlier mask. */
const DECODINGS = ['point', 'points', 'box', 'refine'] as const;

/** The networks of a folder that looks at pictures: a segmenter's encoder and decoder, or a tagger. */
export async function compareVision(
  folder: string,
  expected: Reference,
  runtime: Runtime,
): Promise<Comparison[]> {
  const opened = await openVisionFolder(folder);
  return opened.kind === 'segmenter'
    ? compareSegmenter(opened, expected, runtime)
    : compareTagger(opened, expected, runtime);
}

async function compareSegmenter(
  { config, weights }: VisionFolder & { kind: 'segmenter' },
  expected: Reference,
  runtime: Runtime,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  const source = await weights();
  const load = (network: Network) => loaded(runtime, lowerPlanar(network, new WeightTable(network, source)));
  await withSession(load(samEncoder(config.encoder)), async (encoder) => {
    const outputs = await encoder.run({ input_image: await expected.tensor('input_image') });
    comparisons.push(await expected.compare('image_embeddings', floats(outputs, 'image_embeddings')));
  });
  for (const name of DECODINGS) {
    if (!expected.has(`${name}.masks`)) continue;
    const refine = name === 'refine';
    await withSession(load(maskDecoder(config.decoder, { refine })), async (decoder) => {
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
  runtime: Runtime,
): Promise<Comparison[]> {
  const network = efficientVitClassifier(config.classifier);
  const model = lowerPlanar(network, new WeightTable(network, await weights()));
  const comparisons: Comparison[] = [];
  await withSession(loaded(runtime, model), async (tagger) => {
    const outputs = await tagger.run({ image: await expected.tensor('input_image') });
    comparisons.push(await expected.compare('logits', floats(outputs, 'logits')));
  });
  return comparisons;
}

function loaded(runtime: Runtime, model: Parameters<Runtime['load']>[0]): Promise<Session> {
  return runtime.load(model, { threads: runtime.threads });
}

async function withSession(
  loading: Promise<Session>,
  use: (session: Session) => Promise<void>,
): Promise<void> {
  const session = await loading;
  try {
    await use(session);
  } finally {
    await session.release();
  }
}
