import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Command, Option } from 'commander';
import { type BenchmarkReport, benchmark, CASES } from '../../engine/benchmark/benchmark.ts';
import { WHOLE_CASES, type WholeReport, wholeBenchmark } from '../../engine/benchmark/whole.ts';
import { InputError } from '../../engine/errors.ts';
import { openModel } from '../../engine/models/open.ts';
import { readPictureFile } from '../../engine/pictures/read.ts';
import { writePicture } from '../../engine/pictures/write.ts';
import { LIMITS } from '../../engine/pipelines/request.ts';
import { NodeRuntime } from '../../engine/runtime/node/runtime.ts';
import { openEngine } from '../engine.ts';
import { maskName, readLatentMask } from '../masks.ts';
import { type CommonOptions, decimal, type Size, size, wholeNumber, withCommonOptions } from '../options.ts';
import { formatBytes, formatMacs, formatSeconds, print } from '../output.ts';
import { interruptible, Progress } from '../progress.ts';

type Options = CommonOptions & {
  model?: string;
  arch?: string;
  size?: Size;
  repeat: number;
  mask?: string[];
  whole?: boolean;
  image?: string;
  prompt: string;
  editPrompt: string;
  steps?: number;
  strength?: number;
  dilation?: number;
  seed: number;
  pictures?: string;
};

export function benchCommand(): Command {
  const command = new Command('bench')
    .description('Time one U-Net run with guidance, or whole edits, cases interleaved in one process.')
    .argument('<case...>', `${CASES.join(', ')}; with --whole: ${WHOLE_CASES.join(', ')}`)
    .option('--model <folder>', 'a model folder (default: the embedded model)')
    .option('--arch <name>', 'a published architecture with synthetic weights (sd15, sd21, …)')
    .addOption(new Option('--size <WxH>', "size in pixels (default: the model's own)").argParser(size()))
    .option('--mask <file...>', 'masks for the sparse cases; white is computed')
    .addOption(
      new Option('--repeat <n>', 'timed runs of each case').argParser(wholeNumber(1, 1000)).default(5),
    )
    .option('--whole', 'from the call to the picture, with all steps and the autoencoder')
    .option('--image <file>', 'whole: edit this picture instead of a generated one')
    .option('--prompt <text>', 'whole: what the picture shows', 'a red house by a lake at sunset')
    .option('--edit-prompt <text>', 'whole: what the edit paints', 'a blue boat')
    .addOption(
      new Option('--steps <n>', 'whole: denoising steps').argParser(
        wholeNumber(LIMITS.steps.min, LIMITS.steps.max),
      ),
    )
    .addOption(
      new Option('--strength <s>', 'whole: how much is forgotten under the mask').argParser(
        decimal(LIMITS.strength.min, LIMITS.strength.max),
      ),
    )
    .addOption(
      new Option('--dilation <n>', 'whole: latent positions computed around the mask').argParser(
        wholeNumber(LIMITS.dilation.min, LIMITS.dilation.max),
      ),
    )
    .addOption(
      new Option('--seed <n>', 'whole: seed')
        .argParser(wholeNumber(LIMITS.seed.min, LIMITS.seed.max))
        .default(1),
    )
    .option('--pictures <folder>', 'whole: write the pictures there');
  return withCommonOptions(command).action((cases: string[], options: Options) =>
    options.whole ? runWhole(cases, options) : runStep(cases, options),
  );
}

async function runStep(cases: string[], options: Options): Promise<void> {
  if (options.model && options.arch) throw new InputError('Give --model or --arch, not both.');
  const progress = new Progress();
  const signal = interruptible();
  const onProgress = (written: number, total: number) =>
    progress.update('MB of synthetic weights', Math.round(written / 1e6), Math.round(total / 1e6));
  const model = await openModel(options.arch ?? options.model, { signal, onProgress });
  const { width, height } = options.size ?? model.defaults;
  const { repeat, threads } = options;
  const { scale } = model.autoencoder;
  const masks = await Promise.all(
    (options.mask ?? []).map(async (file) => ({
      name: maskName(file),
      mask: await readLatentMask(file, height / scale, width / scale, scale),
    })),
  );
  try {
    const report = await benchmark(
      { model, cases, width, height, repeat, threads, masks },
      new NodeRuntime(threads),
      { signal, onProgress: (done, total) => progress.update('rounds', done, total) },
    );
    progress.stop();
    print(options, report, () => stepTable(report));
  } finally {
    progress.stop();
  }
}

async function runWhole(cases: string[], options: Options): Promise<void> {
  if (options.arch)
    throw new InputError('Whole edits need a model with a tokenizer: give --model, not --arch.');
  const [mask, ...others] = options.mask ?? [];
  if (!mask || others.length > 0) throw new InputError('Give one --mask with --whole.');
  const model = await openModel(options.model);
  const { width, height } = options.size ?? model.defaults;
  const { prompt, editPrompt, steps, strength, dilation, seed, repeat, threads } = options;
  const engine = openEngine();
  const progress = new Progress();
  try {
    const { rows, pictures } = await wholeBenchmark(
      {
        engine,
        cases,
        prompt,
        editPrompt,
        width,
        height,
        steps,
        seed,
        strength,
        dilation,
        model: options.model,
        threads,
        mask: await readPictureFile(mask),
        ...(options.image && { image: await readPictureFile(options.image) }),
        repeat,
      },
      { signal: interruptible(), onProgress: (done, total) => progress.update('rounds', done, total) },
    );
    progress.stop();
    if (options.pictures) await writePictures(options.pictures, pictures);
    const settings = {
      model: model.name,
      width,
      height,
      steps: steps ?? model.defaults.steps,
      mask: maskName(mask),
    };
    print(options, { ...settings, rows }, () =>
      [
        `${settings.model}, ${width}×${height}, ${settings.steps} steps, ${settings.mask}`,
        ...rows.map(wholeLine),
      ].join('\n'),
    );
  } finally {
    progress.stop();
    await engine.dispose();
  }
}

async function writePictures(folder: string, pictures: WholeReport['pictures']): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, png] of Object.entries(pictures))
    await writePicture(path.join(folder, `${name}.png`), png);
}

function wholeLine(row: WholeReport['rows'][number]): string {
  return [
    row.case.padEnd(10),
    formatMacs(row.macs).padStart(14),
    times(row),
    `×${row.speedup.toFixed(2)}`,
    row.psnr === null
      ? ''
      : `${row.psnr.toFixed(1)} dB under the mask, ${row.psnrWhole!.toFixed(1)} dB in all`,
  ].join('  ');
}

function stepTable(report: BenchmarkReport): string {
  const { model, width, height, threads } = report;
  const rows = report.rows.map((row) =>
    [
      `${row.case} ${row.mask ?? ''}`.padEnd(24),
      row.precision.padEnd(6),
      formatMacs(row.macs).padStart(14),
      times(row),
      `×${row.speedup.toFixed(2)}`,
      row.psnr === null ? '' : `${row.psnr.toFixed(1)} dB`,
      row.storeBytes === 0 ? '' : `store ${formatBytes(row.storeBytes)}`,
      `load ${formatSeconds(row.loadSeconds)}`,
      `peak ${formatBytes(row.peakBytes)}`,
    ].join('  '),
  );
  return [`${model}, ${width}×${height}, ${threads} threads, one U-Net run with guidance`, ...rows].join(
    '\n',
  );
}

function times({
  medianSeconds,
  minSeconds,
  maxSeconds,
}: WholeReport['rows'][number] | BenchmarkReport['rows'][number]) {
  return `median ${formatSeconds(medianSeconds)} (${formatSeconds(minSeconds)} to ${formatSeconds(maxSeconds)})`;
}
