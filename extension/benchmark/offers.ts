import { PRECISIONS } from '../../engine/api.ts';
import { STEP_CASES } from '../../engine/benchmark/step/cases/index.ts';
import { WHOLE_CASES } from '../../engine/benchmark/whole/cases/index.ts';
import { ARCHITECTURES } from '../../engine/models/architectures.ts';
import type { BenchmarkDraft, CaseOffer, Offers } from '../../webview/benchmarkProtocol.ts';

/** What the engine can measure; presets are added once their costs are known. */
export function offers(): Offers {
  const offered = (cases: readonly CaseOffer[]) => cases.map(({ name, masked }) => ({ name, masked }));
  return {
    stepCases: offered(STEP_CASES),
    wholeCases: offered(WHOLE_CASES),
    architectures: Object.keys(ARCHITECTURES),
    precisions: [...PRECISIONS],
    presets: [],
  };
}

/** Whether a form's cases take a mask. */
export function takesMask({ scope, cases }: BenchmarkDraft): boolean {
  const known: readonly CaseOffer[] = scope === 'step' ? STEP_CASES : WHOLE_CASES;
  return known.some(({ name, masked }) => masked && cases.includes(name));
}
