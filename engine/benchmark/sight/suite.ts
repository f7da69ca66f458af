import type { BenchmarkRequest } from '../../../shared/benchmark/report.ts';
import type { Backend } from '../../execution/backend.ts';
import { listen } from '../../execution/denoise.ts';
import type { SyntheticOptions } from '../../models/synthetic.ts';
import { coarser, type Mask } from '../../regions/mask.ts';
import { latentMasks } from '../masks.ts';
import { decibels } from '../step/references.ts';
import type { Prepared, Suite, Trial } from '../trial.ts';
import { variantsOf } from '../variants.ts';
import { SIGHT_CASES } from './cases/index.ts';
import { SightSubject } from './subject.ts';

/** A segmenter's encoder and decoder in each variant of the request. */
export async function sightSuite(
  request: BenchmarkRequest,
  backend: Backend,
  weights: SyntheticOptions = {},
): Promise<Suite> {
  const threads = request.threads || backend.threads;
  const subject = await SightSubject.open(request.segmenter, backend, threads, weights);
  const { height, width } = subject.extent;
  const masks = await latentMasks(request.masks ?? [], { width, height }, 1);
  const variants = variantsOf({ ...request, attention: undefined }, SIGHT_CASES, masks);
  const releases: (() => Promise<void>)[] = [];
  /** Dense float32 embeddings: of the image, and of each edited image by its mask. */
  const references = new Map<Mask | undefined, Float32Array>();
  const referenceFor = async (mask: Mask | undefined): Promise<Float32Array> => {
    const known = references.get(mask);
    if (known) return known;
    const embedding = await subject.embedding(mask ? subject.edited(mask) : subject.original);
    references.set(mask, embedding);
    return embedding;
  };
  const trials = variants.map(({ chosen, mask, precision, identity, alone }): Trial => {
    const prepare = async (): Promise<Prepared> => {
      const made = await chosen.prepare(subject, { precision: precision as 'fp32' | 'int8', mask });
      releases.push(made.release);
      let first: Float32Array;
      return {
        loadSeconds: made.loadSeconds,
        async run(round) {
          await listen();
          const output = await made.run();
          if (round === 0) first = Float32Array.from(output);
          return made.cost;
        },
        async quality() {
          if (precision === 'fp32' && !mask) return null;
          const reference = await referenceFor(mask);
          const seen = mask && atSizeOf(reference, mask, subject.config.encoder.channels);
          return { psnr: decibels(first, reference, seen), psnrWhole: decibels(first, reference) };
        },
      };
    };
    return {
      identity: {
        ...identity,
        network: chosen.part === 'encoder' ? subject.name : `${subject.name}'s decoder`,
      },
      picture: null,
      prepare,
      alone: () => ({ ...alone, model: undefined, width: undefined, height: undefined }),
    };
  });
  return {
    model: subject.name,
    width,
    height,
    steps: null,
    guidance: null,
    trials,
    pictures: () => ({}),
    async release() {
      for (const release of releases) await release();
    },
  };
}

/** Scales a mask of the image to the size of an embedding [C, s, s]. */
function atSizeOf({ length }: Float32Array, mask: Mask, channels: number): Mask {
  let small = mask;
  while (small.data.length > length / channels) small = coarser(small);
  return small;
}
