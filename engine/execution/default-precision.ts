import type { Precision } from '../../shared/api.ts';
import { INT8_MOST } from '../quantization/arithmetic.ts';
import { type Backend, type Capabilities, hasByteProducts } from './backend.ts';
import type { Components } from './components.ts';
import { type PlannedModel, type PlannedPicture, predictMemory } from './memory-plan.ts';

/** Share of the machine's memory that an image may take. */
const MEMORY_SHARE = 0.75;
/** How many times faster another precision must be to justify its error, or its memory. */
const WORTH = 1.2;

/**
 * Default precision of an image. A small denoiser generates in float32, so that its images are the same on every
 * machine, and edits in int8 where products of bytes are exact and faster, because users wait for edits again and
 * again. It edits in float32 if LoRA files are merged into its weights, because quantizing them for every change takes
 * longer than an edit. Larger denoisers use int8 if it is faster on this machine or float32 does not fit into memory,
 * and int4 if int8 does not fit and int4 takes less. On a GPU see `onDevice`.
 */
export async function defaultPrecision(
  model: PlannedModel,
  components: Pick<Components, 'isSmall'>,
  { merged, ...picture }: Omit<PlannedPicture, 'precision'> & { merged?: boolean },
  backend: Backend,
): Promise<Precision> {
  if (await components.isSmall()) {
    const isRepeated = picture.edit && !merged;
    return isRepeated && (await multipliesBytes(backend)) ? 'int8' : 'fp32';
  }
  const needs = (precision: Precision) => predictMemory(model, { ...picture, precision }).tiled;
  const fits = (precision: Precision) => needs(precision) <= MEMORY_SHARE * backend.can.memoryBytes;
  if (backend.device !== 'cpu') return onDevice(backend.can, fits);
  if (!fits('int8')) return needs('int4') < needs('int8') ? 'int4' : 'int8';
  if (!fits('fp32')) return 'int8';
  return (await bytesAreFaster(backend)) ? 'int8' : 'fp32';
}

/** Of those that fit, float16, or one that was measured to be faster; 4 bits only if nothing else fits. */
function onDevice(
  { precisions, steps = {} }: Capabilities,
  fits: (precision: Precision) => boolean,
): Precision {
  const [first, ...others] = (['fp16', 'fp32', 'int8'] as const).filter(
    (precision) => precisions.includes(precision) && fits(precision),
  );
  if (!first) return precisions.includes('int4') ? 'int4' : 'fp32';
  return others.reduce((best, other) => {
    const [known, its] = [steps[best], steps[other]];
    return known && its && known >= WORTH * its ? other : best;
  }, first);
}

/** Whether weights may use the whole range of a byte, as with VNNI, and rows of bytes are faster. */
async function multipliesBytes(backend: Backend): Promise<boolean> {
  if (backend.can.emulates || !hasByteProducts(backend.can)) return false;
  return (await backend.largestInt8()) === INT8_MOST && (await bytesAreFaster(backend));
}

async function bytesAreFaster(backend: Backend): Promise<boolean> {
  const { planar, rows, int8 } = await backend.formSpeed();
  return Math.min(planar, rows) >= WORTH * int8;
}

/** A precision that is asked for, as it is computed where there may be other arithmetic than where it was chosen. */
export function precisionOn({ precisions }: Pick<Capabilities, 'precisions'>, asked: Precision): Precision {
  return precisions.includes(asked) ? asked : 'fp32';
}

/** A sentence for the user where a precision that was asked for was replaced, see `precisionOn`. */
export function replacedPrecision(
  { precision: asked }: { precision?: Precision | undefined },
  taken: Precision,
): string[] {
  if (asked === undefined || asked === taken) return [];
  return [`${asked} was asked for, but the device does not compute in it: this was computed in ${taken}.`];
}
