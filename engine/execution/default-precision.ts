import type { Precision } from '../../shared/api.ts';
import type { Backend } from './backend.ts';
import type { Components } from './components.ts';
import { type PlannedModel, type PlannedPicture, predictMemory } from './memory-plan.ts';

/** Share of the machine's memory that a picture may take by itself. */
const MEMORY_SHARE = 0.75;
/** How many times faster int8 must be to be worth its errors. */
const WORTH = 1.2;

/**
 * The precision for a picture where the user does not say. A small U-Net stays float32: its steps are short as they are,
 * and its pictures stay the same on every machine. Otherwise int8 where its products are faster on this machine or
 * float32 does not fit its memory, and int4 where int8 does not fit and int4 takes less.
 */
export async function defaultPrecision(
  model: PlannedModel,
  components: Pick<Components, 'isSmall'>,
  picture: Omit<PlannedPicture, 'precision'>,
  backend: Backend,
): Promise<Precision> {
  if (await components.isSmall()) return 'fp32';
  const needs = (precision: Precision) => predictMemory(model, { ...picture, precision }).apart;
  const fits = (precision: Precision) => needs(precision) <= MEMORY_SHARE * backend.can.memoryBytes;
  if (!fits('int8')) return needs('int4') < needs('int8') ? 'int4' : 'int8';
  if (!fits('fp32')) return 'int8';
  const { planar, rows, int8 } = await backend.formSpeed();
  return Math.min(planar, rows) >= WORTH * int8 ? 'int8' : 'fp32';
}
