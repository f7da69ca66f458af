import type { BenchmarkRequest } from '../../shared/benchmark/report.ts';
import { InputError } from '../errors.ts';
import type { Backend } from '../execution/backend.ts';
import type { SyntheticOptions } from '../models/synthetic.ts';
import type { OpenCrew } from '../parallel/job.ts';
import { isSightCase, SIGHT_CASES } from './sight/cases/index.ts';
import { SEGMENTERS } from './sight/subject.ts';
import { sightSuite } from './sight/suite.ts';
import { STEP_CASES } from './step/cases/index.ts';
import { stepSuite } from './step/suite.ts';
import type { Suite } from './trial.ts';

const SIGHT = SIGHT_CASES.map(({ name }) => name);
const KNOWN = [...STEP_CASES.map(({ name }) => name), ...SIGHT];

/**
 * Single runs of networks: of the U-Net, of EfficientViT, or both side by side, in the order of the request's cases.
 * If all cases are EfficientViT's, `model` may name the segmenter.
 * @throws InputError for an unknown case
 */
export async function singleRuns(
  request: BenchmarkRequest,
  backend: Backend,
  weights: SyntheticOptions,
  openCrew?: OpenCrew,
): Promise<Suite> {
  const { cases, model } = request;
  const unknown = cases.find((name) => !KNOWN.includes(name));
  if (unknown !== undefined)
    throw new InputError(`Unknown benchmark case ${unknown}; known: ${KNOWN.join(', ')}.`);
  const [looking, drawing] = [cases.filter(isSightCase), cases.filter((name) => !isSightCase(name))];
  if (looking.length === 0) {
    if (SEGMENTERS.includes(model ?? '')) throw new InputError(`${model} has the cases ${SIGHT.join(', ')}.`);
    return stepSuite(request, backend, weights, openCrew);
  }
  if (drawing.length === 0) {
    if (request.layers)
      throw new InputError('Errors of layers are of single U-Net runs: take a case of these, such as dense.');
    return sightSuite({ ...request, segmenter: request.segmenter ?? model }, backend, weights);
  }
  const step = await stepSuite({ ...request, cases: drawing }, backend, weights, openCrew);
  try {
    const sight = await sightSuite({ ...request, cases: looking }, backend, weights);
    const trials = [...step.trials, ...sight.trials].sort(
      (a, b) => cases.indexOf(a.identity.case) - cases.indexOf(b.identity.case),
    );
    const release = async () => {
      await step.release();
      await sight.release();
    };
    return { ...step, trials, release };
  } catch (error) {
    await step.release();
    throw error;
  }
}
