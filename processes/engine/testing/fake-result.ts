import type { GenerateRequest, GenerateResult } from '../../../shared/api.ts';

/** A result of a fake engine, for tests. @param model says which process it comes from */
export function fakeResult(
  { prompt, seed = 0 }: GenerateRequest,
  model: string,
  more: Partial<GenerateResult> & { steps?: number } = {},
): GenerateResult {
  const { steps = 1, ...others } = more;
  const size = { width: 1, height: 1 };
  const settings = {
    negativePrompt: '',
    seed,
    steps,
    guidance: 1,
    scheduler: 'ddim',
    precision: 'fp32',
  } as const;
  return {
    picture: { png: new Uint8Array([seed, seed, seed]), ...size },
    recipe: { prompt, model, ...settings, ...size },
    macs: 1,
    seconds: 1,
    loadSeconds: 0,
    stepSeconds: [],
    warnings: [],
    ...others,
  };
}
