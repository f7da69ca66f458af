import type { Engine, WorkerReport } from '../../../shared/api.ts';
import type { BenchmarkMask, RowIdentity } from '../../../shared/benchmark/report.ts';
import { InputError } from '../../errors.ts';
import { isGuided } from '../../execution/denoiser-inputs.ts';
import { ARCHITECTURES } from '../../models/architectures.ts';
import type { DiffusionModel } from '../../models/diffusion-model.ts';
import { openCheckpoint } from '../../models/open.ts';
import { imageSize } from '../../models/sizes.ts';
import { encodePicture, rasterOf } from '../../pictures/compose.ts';
import { rasterOfMask } from '../../pictures/mask.ts';
import { psnr } from '../../pictures/psnr.ts';
import { decodePicture } from '../../pictures/read.ts';
import { ssim } from '../../pictures/ssim.ts';
import { chooseWindow } from '../../pictures/window.ts';
import { halfResolutionOf } from '../../pipelines/budget/half-resolution.ts';
import { boundsOf } from '../../regions/box.ts';
import type { Mask } from '../../regions/mask.ts';
import type { Cost, Prepared, Quality, Suite, Trial } from '../trial.ts';
import { isReference, type Variant, variantsOf } from '../variants.ts';
import { timedReports } from '../worker-times.ts';
import type { WholeCase, WholeOutcome } from './case.ts';
import { WHOLE_CASES } from './cases/index.ts';
import { splitMacs } from './macs.ts';
import { type WholeRequest, WholeSubject } from './subject.ts';

/**
 * Generating an image, from the call to its file; editing it densely and sparsely, from the call to its pixels, as the
 * editor does.
 */
export async function wholeSuite(
  request: WholeRequest,
  openEngine: () => Engine,
  signal?: AbortSignal,
): Promise<Suite> {
  if (request.model && Object.hasOwn(ARCHITECTURES, request.model))
    throw new InputError(
      'Whole images need a model that can generate: give a model folder, not the name of an architecture.',
    );
  const model = await openCheckpoint(request.model);
  const size = imageSize(model, request);
  const variants = variantsOf(request, WHOLE_CASES, request.masks ?? []);
  const { steps = model.defaults.steps } = request.whole;
  const divides = variants.some(({ chosen }) => chosen.shared);
  const stepPlan = divides ? planOfOneSize(model, { ...size, steps }) : undefined;
  const subject = await WholeSubject.open(request, { model, size, stepPlan }, openEngine, signal);
  const { picture, image, masks, first } = subject;
  const names = namesOf(
    variants.map(({ identity }) => identity),
    masks.length,
  );
  const trials = variants.map(
    (variant): Trial => ({
      identity: variant.identity,
      picture: names.get(variant.identity)!,
      prepare: () => prepare(subject, variant, signal),
      alone: () => ({ ...variant.alone, whole: { ...request.whole, image } }),
    }),
  );
  const made = () => [...first].map(([row, { picture }]) => [names.get(row)!, picture.png]);
  return {
    model: model.name,
    width: picture.width,
    height: picture.height,
    steps,
    trials,
    pictures: () => ({ original: image, ...Object.fromEntries(made()) }),
    release: () => subject.release(),
  };
}

/**
 * The plan that keeps every step at the whole resolution, where the image would begin at half of it: workers are
 * compared, as in DistriFusion, by dividing steps of one size. Undefined where nothing needs to be said.
 */
function planOfOneSize(
  model: DiffusionModel,
  image: { width: number; height: number; steps: number },
): string | undefined {
  return halfResolutionOf(model, image) > 0 ? 'F'.repeat(image.steps) : undefined;
}

async function prepare(
  subject: WholeSubject,
  { chosen, mask, precision, workers, identity }: Variant<WholeCase, BenchmarkMask>,
  signal?: AbortSignal,
): Promise<Prepared> {
  const { request, model, picture, size, stepPlan, image, first } = subject;
  const { prompt, editPrompt, steps, strength, dilation, seed = 1 } = request.whole;
  const painted = mask && subject.masks[request.masks!.indexOf(mask)];
  const pixels = { image: picture.alpha ? image : rasterOf(picture), mask: painted && rasterOfMask(painted) };
  const window = painted ? chooseWindow(picture, boundsOf(painted)!, model.sizes) : size;
  const { scale } = model.autoencoder;
  const latent = { width: window.width / scale, height: window.height / scale };
  const denoiser = model.network('denoiser');
  const guided = isGuided(denoiser, model.defaults.guidance);
  const settings = { model: request.model, prompt, editPrompt, steps, threads: request.threads, ...size };
  const { attention } = identity;
  const how = { engine: subject.engine(workers), workers, precision, attention, strength, dilation };
  const reports: WorkerReport[][] = [];
  const run = async (round: number): Promise<Cost> => {
    const task = { ...settings, ...how, ...pixels, stepPlan, seed: seed + round };
    const outcome = await chosen.run(task, { signal });
    if (round === 0) first.set(identity, await withFile(outcome));
    if (outcome.workers) reports.push(outcome.workers);
    return {
      macs: splitMacs(denoiser, latent, { guided, attention }, outcome),
      activeFraction: outcome.activeFraction ?? [],
      stepSeconds: outcome.stepSeconds,
    };
  };
  return {
    loadSeconds: 0,
    run,
    quality: () => qualityOf(subject, identity, painted),
    parts: chosen.shared ? () => timedReports(reports) : undefined,
    // The engine brings its store up to date after the image is delivered.
    settle: identity.mode === 'sparse' ? async () => (await subject.engine(1).store()).bytes : undefined,
  };
}

/** A result with its file. */
async function withFile(outcome: WholeOutcome): Promise<WholeOutcome> {
  const { pixels } = outcome;
  return pixels
    ? { ...outcome, picture: { png: await encodePicture({ ...pixels, pixels: pixels.data }) } }
    : outcome;
}

/** How far the first result is from the row that it is compared with. */
async function qualityOf(
  { first }: WholeSubject,
  identity: RowIdentity,
  mask: Mask | undefined,
): Promise<Quality | null> {
  const reference = referenceOf(identity, [...first.keys()]);
  if (!reference || reference === identity) return null;
  const [ours, theirs] = await Promise.all(
    [identity, reference].map((row) => decodePicture(first.get(row)!.picture.png, 'the picture')),
  );
  return {
    psnr: psnr(ours!.pixels, theirs!.pixels, mask),
    psnrWhole: psnr(ours!.pixels, theirs!.pixels),
    ssim: ssim(ours!, theirs!),
  };
}

/** What a row is compared with: the dense float32 edit under the same mask; for a generated image one worker's in float32. */
function referenceOf(row: RowIdentity, rows: readonly RowIdentity[]): RowIdentity | undefined {
  if (row.mask === null) return rows.find((other) => other.case === 'generate' && other.precision === 'fp32');
  return rows.find((other) => isReference(other) && other.mask === row.mask);
}

/** Names of the rows' pictures, fit for files; names of masks may differ in what is not. */
function namesOf(rows: readonly RowIdentity[], masks: number): Map<RowIdentity, string> {
  const names = new Map<RowIdentity, string>();
  const taken = new Set<string>();
  for (const row of rows) {
    const name = nameOf(row, masks);
    let free = name;
    for (let i = 2; taken.has(free); i++) free = `${name}-${i}`;
    names.set(row, free);
    taken.add(free);
  }
  return names;
}

function nameOf({ case: name, mask, precision, attention, workers }: RowIdentity, masks: number): string {
  const parts = [
    name,
    masks > 1 && mask,
    precision !== 'fp32' && precision,
    attention,
    workers > 1 && String(workers),
  ];
  return parts
    .filter(Boolean)
    .join(' ')
    .match(/[\p{L}\p{N}.]+/gu)!
    .join('-');
}
