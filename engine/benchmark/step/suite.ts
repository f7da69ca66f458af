import { isFloat, type Precision } from '../../../shared/arithmetic.ts';
import type { BenchmarkRequest, BenchmarkRow, LayerError } from '../../../shared/benchmark/report.ts';
import type { Backend } from '../../execution/backend.ts';
import { Components } from '../../execution/components.ts';
import { listen } from '../../execution/denoise.ts';
import { plannedDevice, predictDenoiser } from '../../execution/memory-plan.ts';
import type { Extent } from '../../graph/macs.ts';
import { openModel } from '../../models/open.ts';
import { imageSize } from '../../models/sizes.ts';
import type { SyntheticOptions } from '../../models/synthetic.ts';
import type { OpenCrew } from '../../parallel/job.ts';
import { latentMasks } from '../masks.ts';
import type { Prepared, Suite, Trial } from '../trial.ts';
import { isReference, variantsOf } from '../variants.ts';
import type { StepCase } from './case.ts';
import { STEP_CASES } from './cases/index.ts';
import { noiseRuns, StepInputs } from './inputs.ts';
import { layerErrors, requireLayers } from './layers.ts';
import { References } from './references.ts';

/** One U-Net run in each variant of the request. */
export async function stepSuite(
  request: BenchmarkRequest,
  backend: Backend,
  weights: SyntheticOptions = {},
  openCrew?: OpenCrew,
): Promise<Suite> {
  const model = await openModel(request.model, weights);
  const quantized = request.precisions?.filter((precision) => !isFloat(precision)) ?? [];
  if (request.layers) requireLayers(model, quantized);
  const { width, height } = imageSize(model, request);
  const masks = await latentMasks(request.masks ?? [], { width, height }, model.autoencoder.scale);
  const variants = variantsOf(request, STEP_CASES, masks);
  const threads = request.threads || backend.threads;
  const keeps = { keepsAll: true, keepsFeatures: backend.device !== 'cpu' };
  const components = new Components(model, backend, threads, keeps);
  const inputs = new StepInputs(components, { width, height }, request.guidance ?? true);
  const seen = new Set([undefined, ...variants.map(({ mask }) => mask)]);
  const references = new References([...seen].map((mask) => inputs.sample(mask)));
  const releases: (() => Promise<void>)[] = [];
  const trials = variants.map(({ chosen, mask, precision, workers, identity, alone }): Trial => {
    const sample = inputs.sample(mask);
    const prepare = async (): Promise<Prepared> => {
      await components.prepare(precision, noiseRuns(inputs));
      const { coding } = request;
      const crew = { workers, openCrew, threads: request.threads, coding };
      const step = await chosen.prepare(components, inputs, { mask, arithmetic: identity, ...crew });
      if (step.release) releases.push(step.release);
      const { loadSeconds } = step;
      const cost = {
        ...step.cost,
        diskBytes: await components.denoiserBytes(precision),
        ...(await plannedBytes(backend, components, inputs.extent, { ...chosen, precision })),
      };
      if (isReference(identity)) {
        references.from(step);
        const run = async (round: number) => {
          await listen();
          await references.run(round);
          return cost;
        };
        return { loadSeconds, run, quality: async () => null };
      }
      let first: Float32Array;
      const run = async (round: number) => {
        await listen();
        const output = await step.run(sample);
        if (round === 0) first = output;
        return cost;
      };
      const quality = () => references.quality(sample, first, mask);
      return { loadSeconds, run, quality, parts: step.parts };
    };
    return { identity, picture: null, prepare, alone: () => alone };
  });
  return {
    model: model.name,
    width,
    height,
    steps: null,
    trials,
    async layers(most, onCount) {
      const network = components.network('denoiser');
      const errors: LayerError[] = [];
      await components.release();
      for (const precision of quantized) {
        const subject = { model, network, precision, inputs, threads, most };
        errors.push(...(await layerErrors(subject, backend, onCount, weights.signal)));
      }
      return errors;
    },
    pictures: () => ({}),
    async release() {
      for (const release of releases) await release();
      await components.release();
    },
  };
}

/** What a run of the denoiser takes of a GPU's memory. */
async function plannedBytes(
  backend: Backend,
  components: Components,
  extent: Extent,
  { precision, mode }: Pick<StepCase, 'mode'> & { precision: Precision },
): Promise<Pick<BenchmarkRow, 'deviceBytes'>> {
  if (backend.device === 'cpu') return {};
  const stored = await components.storedForms(['denoiser']);
  const form = { precision, records: mode === 'sparse', device: plannedDevice(backend), stored };
  const { weights, values } = predictDenoiser(components.network('denoiser'), extent, form);
  return { deviceBytes: weights + values };
}
