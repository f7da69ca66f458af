import { countMacs } from '../../../graph/macs.ts';
import { float32, floats, int64 } from '../../../graph/tensor.ts';
import { LEARNED_TOKENS } from '../../../networks/mask-decoder.ts';
import type { SightCase } from '../case.ts';

/** The decoder for a click in the middle of an encoded image. */
export const segment: SightCase = {
  name: 'segment',
  part: 'decoder',
  mode: 'dense',
  masked: false,
  precisions: ['fp32'],
  async prepare(subject) {
    const { decoder, config } = subject;
    const { channels, frame } = config.decoder;
    const embedding = await subject.embedding(subject.original);
    const start = performance.now();
    const program = await subject.compile(decoder);
    const loadSeconds = (performance.now() - start) / 1000;
    const side = Math.sqrt(embedding.length / channels);
    const inputs = {
      image_embeddings: float32(embedding, [1, channels, side, side]),
      point_coords: float32(Float32Array.of(frame / 2, frame / 2, 0, 0), [1, 2, 2]),
      point_labels: int64(BigInt64Array.of(1n, -1n), [1, 2]),
    };
    const extent = { height: 4 * side, width: 4 * side, batch: 1, tokens: LEARNED_TOKENS + 2 };
    return {
      cost: { macs: countMacs(decoder, extent) },
      loadSeconds,
      run: async () => floats(await program.run(inputs), 'masks'),
      release: () => program.release(),
    };
  },
};
