import { SIGHT_CASES } from '../../engine/benchmark/sight/cases/index.ts';
import { SEGMENTERS } from '../../engine/benchmark/sight/subject.ts';
import { STEP_CASES } from '../../engine/benchmark/step/cases/index.ts';
import type { NamedCase } from '../../engine/benchmark/variants.ts';
import { WHOLE_CASES } from '../../engine/benchmark/whole/cases/index.ts';
import { ARCHITECTURES } from '../../engine/models/architectures.ts';
import { DEVICE_PROVIDERS, type DeviceId, PRECISIONS, PROCESSOR_PRECISIONS } from '../../shared/api.ts';
import type { BenchmarkDraft, Offers } from '../../shared/benchmark/protocol.ts';
import { capitalized } from '../../shared/capitalized.ts';

/** The choices for a benchmark; presets are added once their costs are known. */
export function offers(devices: readonly DeviceId[]): Offers {
  const offered = (cases: readonly NamedCase[], looks = false) =>
    cases.map(({ name, masked, shared }) => ({ name, masked, shared, looks }));
  return {
    stepCases: [...offered(STEP_CASES), ...offered(SIGHT_CASES, true)],
    wholeCases: offered(WHOLE_CASES),
    architectures: Object.keys(ARCHITECTURES),
    segmenters: [...SEGMENTERS],
    precisions: [...(devices.length > 0 ? PRECISIONS : PROCESSOR_PRECISIONS)],
    devices: devices.map((id) => ({ id, title: capitalized(DEVICE_PROVIDERS[id]) })),
    presets: [],
  };
}

/** Whether a form's cases take a mask, and several workers. */
export function takenBy({ scope, cases }: BenchmarkDraft): { masked: boolean; shared: boolean } {
  const known: readonly NamedCase[] = scope === 'step' ? [...STEP_CASES, ...SIGHT_CASES] : WHOLE_CASES;
  const chosen = known.filter(({ name }) => cases.includes(name));
  return { masked: chosen.some(({ masked }) => masked), shared: chosen.some(({ shared }) => shared) };
}
