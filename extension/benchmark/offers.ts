import { PRECISIONS } from '../../engine/api.ts';
import { STEP_CASES } from '../../engine/benchmark/step/cases/index.ts';
import { WHOLE_CASES } from '../../engine/benchmark/whole/cases/index.ts';
import { ARCHITECTURES } from '../../engine/models/architectures.ts';
import type { BenchmarkDraft, CaseOffer, Offers } from '../../webview/benchmarkProtocol.ts';

/** What the engine can measure; presets are added once their costs are known. */
export function offers(): Offers {
  const offered = (cases: readonly CaseOffer[]) =>
    cases.map(({ name, masked, shared }) => ({ name, masked, shared }));
  return {
    stepCases: offered(STEP_CASES),
    wholeCases: offered(WHOLE_CASES),
    architectures: Object.keys(ARCHITECTURES),
    precisions: [...PRECISIONS],
    presets: [],
  };
}

/** What a form's cases take: a mask, several workers. */
export function takenBy({ scope, cases }: BenchmarkDraft): { masked: boolean; shared: boolean } {
  const known: readonly CaseOffer[] = scope === 'step' ? STEP_CASES : WHOLE_CASES;
  const chosen = known.filter(({ name }) => cases.includes(name));
  return { masked: chosen.some(({ masked }) => masked), shared: chosen.some(({ shared }) => shared) };
}
