import type { Precision } from '../../shared/api.ts';
import type { Backend } from './backend.ts';
import type { Components } from './components.ts';
import { type PlannedModel, type PlannedPicture, predictMemory } from './memory-plan.ts';

/** Share of the machine's memory that an image may take. */
const MEMORY_SHARE = 0.75;
/** How many times faster int8 must be to justify its error. */
const WORTH = 1.2;

/**
 * Default precision of an image. A small denoiser stays float32: its steps are short anyway, and its images are the same
 * on every machine. Others use int8 if it is faster on this machine or float32 does not fit into memory, and int4 if int8
 * does not fit and int4 takes less. A device with float16 uses it, unless memory is short.
 */
export async function defaultPrecision(
  model: PlannedModel,
  components: Pick<Components, 'isSmall'>,
  picture: Omit<PlannedPicture, 'precision'>,
  backend: Backend,
): Promise<Precision> {
  if (await components.isSmall()) return 'fp32';
  const needs = (precision: Precision) => predictMemory(model, { ...picture, precision }).tiled;
  const fits = (precision: Precision) => needs(precision) <= MEMORY_SHARE * backend.can.memoryBytes;
  if (backend.can.precisions.includes('fp16')) {
    const first = (['fp16', 'int8'] as const).find(fits);
    return first ?? 'int4';
  }
  if (!fits('int8')) return needs('int4') < needs('int8') ? 'int4' : 'int8';
  if (!fits('fp32')) return 'int8';
  const { planar, rows, int8 } = await backend.formSpeed();
  return Math.min(planar, rows) >= WORTH * int8 ? 'int8' : 'fp32';
}
