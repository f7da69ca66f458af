import type { Engine, WorkerReport } from '../../../shared/api.ts';
import type { BenchmarkRequest, RowIdentity, WholeOptions } from '../../../shared/benchmark/report.ts';
import { InputError } from '../../errors.ts';
import { isGuided } from '../../execution/denoiser-inputs.ts';
import { ARCHITECTURES } from '../../models/architectures.ts';
import { openCheckpoint } from '../../models/open.ts';
import { imageSize } from '../../models/sizes.ts';
import { decodeMask } from '../../pictures/mask.ts';
import { psnr } from '../../pictures/psnr.ts';
import { decodePicture } from '../../pictures/read.ts';
import { ssim } from '../../pictures/ssim.ts';
import { chooseWindow } from '../../pictures/window.ts';
import { boundsOf } from '../../regions/box.ts';
import { maskFiles } from '../masks.ts';
import { timedParts } from '../parts.ts';
import type { Prepared, Quality, Suite, Trial } from '../trial.ts';
import { isReference, variantsOf } from '../variants.ts';
import type { WholeOutcome } from './case.ts';
import { WHOLE_CASES } from './cases/index.ts';
import { splitMacs } from './macs.ts';

/** Drawing a picture, editing it densely, editing it sparsely: from the call to the picture's bytes. */
export async function wholeSuite(
  request: BenchmarkRequest & { whole: WholeOptions },
  openEngine: () => Engine,
  signal?: AbortSignal,
): Promise<Suite> {
  if (request.model && Object.hasOwn(ARCHITECTURES, request.model))
    throw new InputError('Whole pictures need a model that can draw: give a model folder, no architecture.');
  const model = await openCheckpoint(request.model);
  const { prompt, editPrompt, steps, strength, dilation, seed = 1 } = request.whole;
  const { width, height } = imageSize(model, request);
  const { threads } = request;
  const common = { model: request.model, prompt, steps, threads, width, height };
  const drawing = { ...common, seed, previews: false, remember: true };
  const variants = variantsOf(request, WHOLE_CASES, request.masks ?? []);
  // One engine for each number of workers, because a single one would stop and start workers in every round.
  const engines = new Map<number, Engine>();
  const engineFor = (workers: number) => {
    const engine = engines.get(workers) ?? openEngine();
    engines.set(workers, engine);
    return engine;
  };
  const release = async () => {
    for (const opened of engines.values()) await opened.dispose();
  };
  const engine = engineFor(1);
  const draw = async () => {
    try {
      return (await engine.generate(drawing, { signal })).picture.png;
    } catch (error) {
      await release();
      throw error;
    }
  };
  const image = request.whole.image ?? (await draw());
  const picture = await decodePicture(image, 'The image');
  const { scale } = model.autoencoder;
  const files = await maskFiles(request.masks ?? [], picture, scale);
  const unet = model.network('denoiser');
  const guided = isGuided(unet, model.defaults.guidance);
  const first = new Map<RowIdentity, WholeOutcome>();

  const trials = variants.map(({ chosen, mask, precision, workers, identity, alone }): Trial => {
    const file = mask && files[request.masks!.indexOf(mask)];
    const prepare = async (): Promise<Prepared> => {
      const decoded = file && (await decodeMask(file, `The mask ${mask.name}`, picture)).mask;
      const window = decoded ? chooseWindow(picture, boundsOf(decoded)!, model.sizes) : { width, height };
      const latent = { width: window.width / scale, height: window.height / scale };
      const task = {
        ...common,
        engine: engineFor(workers),
        workers,
        image,
        editPrompt,
        strength,
        dilation,
        precision,
        attention: identity.attention,
        mask: file,
      };
      const reports: WorkerReport[][] = [];
      const run = async (round: number) => {
        const outcome = await chosen.run({ ...task, seed: seed + round }, { signal });
        if (round === 0) first.set(identity, outcome);
        if (outcome.workers) reports.push(outcome.workers);
        return {
          macs: splitMacs(unet, latent, guided, outcome),
          activeFraction: outcome.activeFraction ?? [],
          stepSeconds: outcome.stepSeconds,
        };
      };
      const quality = async (): Promise<Quality | null> => {
        const reference = referenceOf(identity, [...first.keys()]);
        if (!reference || reference === identity) return null;
        const [ours, theirs] = await Promise.all(
          [identity, reference].map((row) => decodePicture(first.get(row)!.picture.png, 'the picture')),
        );
        return {
          psnr: psnr(ours!.pixels, theirs!.pixels, decoded),
          psnrWhole: psnr(ours!.pixels, theirs!.pixels),
          ssim: ssim(ours!, theirs!),
        };
      };
      const parts = chosen.shared ? () => timedParts(reports) : undefined;
      // The engine brings its store up to date when the picture is out.
      const settle = identity.mode === 'sparse' ? async () => (await engine.store()).bytes : undefined;
      return { loadSeconds: 0, run, quality, parts, settle };
    };
    return {
      identity,
      picture: nameOf(identity, files.length),
      prepare,
      alone: () => ({ ...alone, whole: { ...request.whole, image } }),
    };
  });
  const made = () => [...first].map(([row, { picture }]) => [nameOf(row, files.length), picture.png]);
  return {
    model: model.name,
    width: picture.width,
    height: picture.height,
    steps: steps ?? model.defaults.steps,
    trials,
    pictures: () => ({ original: image, ...Object.fromEntries(made()) }),
    release,
  };
}

/** What a row is compared with: the dense float32 edit under the same mask; of a drawn picture one worker's in float32. */
function referenceOf(row: RowIdentity, rows: readonly RowIdentity[]): RowIdentity | undefined {
  if (row.mask === null) return rows.find((other) => other.case === 'generate' && other.precision === 'fp32');
  return rows.find((other) => isReference(other) && other.mask === row.mask);
}

/** Name of a row's picture, fit for a file. */
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
