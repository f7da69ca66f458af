import { fs, path } from '#host';
import type { SegmenterPrecision } from '../../../shared/api.ts';
import { InputError } from '../../errors.ts';
import type { Backend } from '../../execution/backend.ts';
import { embeddedModel } from '../../models/embedded.ts';
import { openSegmenterFolder } from '../../models/vision-folder.ts';
import { NetworkSegmenter } from './network-segmenter.ts';
import { findExport, PublishedSegmenter } from './published-segmenter.ts';
import type { Segmenter } from './segmenter.ts';

/** The embedded networks that look at pictures. */
const SIGHT = 'sight';

export function embeddedSight(network: 'segmenter' | 'tagger'): string {
  return path.join(embeddedModel(SIGHT), network);
}

/**
 * A segmenter by its folder, by an exported EfficientViT-SAM's folder or encoder file, or the embedded one.
 * @throws InputError if it is none of them.
 */
export async function openSegmenter(
  model: string | undefined,
  backend: Backend,
  threads: number,
  precision?: SegmenterPrecision,
): Promise<Segmenter> {
  const place = model ?? embeddedSight('segmenter');
  const exported = await findExport(place);
  if (exported) return PublishedSegmenter.open(exported, backend, threads);
  if (!(await fs.stat(place).catch(() => undefined))?.isDirectory())
    throw new InputError(
      `There is no segmenter ${place}: give a segmenter's folder, or the folder of EfficientViT-SAM's encoder and decoder as ONNX files.`,
    );
  return new NetworkSegmenter(
    await openSegmenterFolder(place),
    backend,
    threads,
    precisionOn(backend, precision),
  );
}

/** Where bytes are not multiplied, the encoder is computed in float32. */
function precisionOn({ can }: Backend, precision: SegmenterPrecision = 'fp32'): SegmenterPrecision {
  return can.operator('QLinearConv') ? precision : 'fp32';
}
