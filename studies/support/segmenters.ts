/** What the studies of image encoders share: a segmenter's networks, and the masks of some clicks. */
import path from 'node:path';
import { cacheFolder } from '#host';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { type Form, PLANAR } from '../../engine/execution/forms/form.ts';
import { weightsOf } from '../../engine/graph/network.ts';
import { float32, floats, int64 } from '../../engine/graph/tensor.ts';
import { samConfig } from '../../engine/models/efficientvit.ts';
import { openSegmenterFolder } from '../../engine/models/vision-folder.ts';
import { samEncoder } from '../../engine/networks/efficientvit-heads.ts';
import { maskDecoder } from '../../engine/networks/mask-decoder.ts';
import { maskFromLogits } from '../../engine/pipelines/segment/masks.ts';
import { decodedFrom } from '../../engine/pipelines/segment/segmenter.ts';
import type { Mask } from '../../engine/regions/mask.ts';
import { syntheticWeights } from '../../engine/weights/synthetic.ts';
import { WeightTable } from '../../engine/weights/weight-table.ts';

/** A segmenter's folder, or l0 … xl1: EfficientViT-SAM with synthetic weights. */
export async function openNetworks(name: string) {
  const folder = /^x?l\d$/.test(name) ? undefined : await openSegmenterFolder(name);
  const config = folder?.config ?? samConfig(name);
  const encoder = samEncoder(config.encoder);
  const decoder = maskDecoder(config.decoder, { refine: false });
  const weights = await (folder?.weights() ??
    syntheticWeights([encoder, decoder].flatMap(weightsOf), {
      seed: 1,
      folder: path.join(cacheFolder(), 'synthetic'),
    }));
  const backend = new NodeBackend();
  const table = new WeightTable(encoder, weights);
  const compile = (form: Form = PLANAR) => backend.compile(encoder, table, form);
  const program = await backend.compile(decoder, new WeightTable(decoder, weights), PLANAR);
  const { channels, frame } = config.decoder;
  const square = { width: config.input.size, height: config.input.size };

  /** The candidates' masks for five clicks along the diagonal. */
  async function clicked(embedding: Float32Array): Promise<Mask[]> {
    const side = Math.sqrt(embedding.length / channels);
    const found: Mask[] = [];
    for (const share of [0.15, 0.35, 0.5, 0.65, 0.85]) {
      const at = share * frame;
      const outputs = await program.run({
        image_embeddings: float32(embedding, [1, channels, side, side]),
        point_coords: float32(Float32Array.of(at, at, 0, 0), [1, 2, 2]),
        point_labels: int64(BigInt64Array.of(1n, -1n), [1, 2]),
      });
      const { candidates } = decodedFrom(floats(outputs, 'masks'), floats(outputs, 'iou_predictions'), 0);
      for (const { logits } of candidates) found.push(maskFromLogits(logits, 4 * side, frame, square));
    }
    return found;
  }
  return { config, encoder, table, compile, clicked, release: () => program.release() };
}
