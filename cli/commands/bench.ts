import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { SIGHT_CASES } from '../../engine/benchmark/sight/cases/index.ts';
import { STEP_CASES } from '../../engine/benchmark/step/cases/index.ts';
import { WHOLE_CASES } from '../../engine/benchmark/whole/cases/index.ts';
import { InputError } from '../../engine/errors.ts';
import { readPictureFile } from '../../engine/pictures/read.ts';
import { writePicture } from '../../engine/pictures/write.ts';
import {
  ATTENTIONS,
  type AttentionMode,
  type BenchmarkMask,
  type BenchmarkProgress,
  type BenchmarkReport,
  type BenchmarkRow,
  DEVICE_IDS,
  type DeviceId,
  type LayerError,
  PRECISIONS,
  type Precision,
  type WorkerReport,
} from '../../shared/api.ts';
import { figuresOf, lineOf } from '../../shared/benchmark/table.ts';
import { CODINGS, type Coding } from '../../shared/codings.ts';
import { BENCHMARK_LIMITS, LIMITS } from '../../shared/limits.ts';
import { formatBytes, formatLatency, formatMacs } from '../../shared/units.ts';
import { openEngine, startEngine } from '../engine.ts';
import { interruptible } from '../interrupt.ts';
import { maskName } from '../masks.ts';
import {
  type CommonOptions,
  decimal,
  type Size,
  size,
  wholeNumber,
  withCommonOptions,
  withExamples,
} from '../options.ts';
import { print } from '../output.ts';
import { Progress } from '../progress.ts';
import { type BusCommandOptions, busOptions, withBusOptions } from '../workers.ts';

type Options = CommonOptions &
  BusCommandOptions & {
    model?: string;
    arch?: string;
    segmenter?: string;
    size?: Size;
    repeat: number;
    mask?: string[];
    precision?: Precision[];
    devices?: DeviceId[];
    attention?: AttentionMode;
    guidance: boolean;
    profile?: boolean;
    isolate?: boolean;
    layers?: number;
    whole?: boolean;
    image?: string;
    prompt: string;
    editPrompt: string;
    steps?: number;
    strength?: number;
    dilation?: number;
    workers?: number[];
    exchange?: Coding;
    seed: number;
    pictures?: string;
  };

const namesOf = (cases: readonly { name: string }[]) => cases.map(({ name }) => name).join(', ');

export function benchCommand(): Command {
  const command = new Command('bench')
    .description(
      'Time denoising steps, EfficientViT runs or whole images; the cases take turns in one process.',
    )
    .argument(
      '<case...>',
      `${namesOf(STEP_CASES)}; of EfficientViT: ${namesOf(SIGHT_CASES)}; with --whole: ${namesOf(WHOLE_CASES)}`,
    );
  withSubjects(command);
  withMeasurements(command);
  withWhole(command);
  command.addOption(
    new Option('--exchange <coding>', 'patch, branches: how features travel between workers').choices(
      CODINGS,
    ),
  );
  return withExamples(
    withBusOptions(withCommonOptions(command), 'patch, branches: on workers of').action(run),
    'bench dense sparse --mask 5%',
    'bench dense sparse --precision fp32,int8 --mask 5% --profile --isolate',
    'bench generate dense sparse --whole --mask 10% --pictures images',
  );
}

/** Options for what is measured. */
function withSubjects(command: Command): void {
  command
    .option('--model <folder>', 'a model folder, or one that `patchwork models` lists (default: scenes)')
    .option(
      '--arch <name>',
      'a published architecture with synthetic weights (sd15, sd21, …, efficientvit-sam-l0)',
    )
    .option(
      '--segmenter <name>',
      "EfficientViT's cases beside others: a segmenter's folder, or efficientvit-sam-l0 … xl1 (default: the built-in one)",
    )
    .addOption(new Option('--size <WxH>', "size in pixels (default: the model's own)").argParser(size()))
    .option('--mask <file|share...>', 'masks for the sparse cases; white is computed; 5% is a rectangle')
    .addOption(
      new Option('--precision <name,…>', `cases run once for each: ${PRECISIONS.join(', ')}`).argParser(
        precisions,
      ),
    )
    .addOption(
      new Option(
        '--devices <name,…>',
        `all cases on each, in its precisions: ${DEVICE_IDS.join(', ')}`,
      ).argParser(deviceNames),
    )
    .addOption(
      new Option(
        '--workers <n,…>',
        'cases that workers share: run once for each; --threads is then the share of each',
      ).argParser(workerCounts),
    )
    .addOption(new Option('--attention <name>', 'of all cases but dense fp32').choices(ATTENTIONS))
    .option('--no-guidance', 'run one branch only, as turbo and LCM models draw');
}

/** Options for how it is measured. */
function withMeasurements(command: Command): void {
  const { repeat, layers } = BENCHMARK_LIMITS;
  command
    .addOption(
      new Option('--repeat <n>', 'timed runs of each case')
        .argParser(wholeNumber(repeat.min, repeat.max))
        .default(5),
    )
    .option('--profile', 'time per operator, from one more run of each case')
    .option('--isolate', 'memory per case, from one more run in a process of its own')
    .addOption(
      new Option('--layers [n]', 'error of each layer that is quantized alone, of at most n of them')
        .argParser(wholeNumber(layers.min, layers.max))
        .preset(String(layers.max)),
    );
}

/** Options for whole images. */
function withWhole(command: Command): void {
  const { steps, strength, dilation, seed } = LIMITS;
  command
    .option(
      '--whole',
      'whole images instead of single steps: new ones up to their files, edits up to their pixels, as in the editor',
    )
    .option('--image <file>', 'whole: edit this image instead of a generated one')
    .option('--prompt <text>', 'whole: what the image shows', 'a red house by a lake at sunset')
    .option('--edit-prompt <text>', 'whole: what the edit paints', 'a blue boat')
    .addOption(
      new Option('--steps <n>', 'whole: denoising steps').argParser(wholeNumber(steps.min, steps.max)),
    )
    .addOption(
      new Option('--strength <s>', 'whole: edit strength (1 ignores the old pixels)').argParser(
        decimal(strength.min, strength.max),
      ),
    )
    .addOption(
      new Option('--dilation <n>', 'whole: latent positions computed around the mask').argParser(
        wholeNumber(dilation.min, dilation.max),
      ),
    )
    .addOption(new Option('--seed <n>', 'whole: seed').argParser(wholeNumber(seed.min, seed.max)).default(1))
    .option('--pictures <folder>', 'whole: write the images there');
}

async function run(cases: string[], options: Options): Promise<void> {
  if (options.model && options.arch) throw new InputError('Give --model or --arch, not both.');
  if (options.device && options.devices) throw new InputError('Give --device or --devices, not both.');
  const { size, repeat, threads, guidance, profile, isolate, layers, precision, attention } = options;
  const { prompt, editPrompt, steps, seed, strength, dilation } = options;
  const masks = await Promise.all((options.mask ?? []).map(readMask));
  const image = options.image && (await readPictureFile(options.image));
  const whole = { prompt, editPrompt, steps, seed, strength, dilation, ...(image && { image }) };
  const progress = new Progress();
  const engine = options.devices ? startEngine() : await openEngine(options.device);
  try {
    const { report, pictures } = await engine.benchmark(
      {
        cases,
        model: options.arch ?? options.model,
        segmenter: options.segmenter,
        ...size,
        masks,
        precisions: precision,
        devices: options.devices,
        attention,
        workers: options.workers,
        bus: busOptions(options),
        coding: options.exchange,
        guidance,
        repeat,
        threads,
        profile,
        isolate,
        layers,
        ...(options.whole && { whole }),
      },
      {
        signal: interruptible(options.model ?? options.arch ?? options.segmenter),
        onProgress: (reached) => show(progress, reached),
      },
    );
    progress.stop();
    if (options.pictures) await writePictures(options.pictures, pictures);
    print(options, report, () => table(report));
  } finally {
    progress.stop();
    await engine.dispose();
  }
}

const STAGES: Record<BenchmarkProgress['stage'], string> = {
  weights: 'MB of synthetic weights',
  prepare: 'cases prepared',
  measure: 'rounds',
  compare: 'cases compared',
  profile: 'cases profiled',
  isolate: 'cases alone',
  layers: 'layers',
};

function show(progress: Progress, { stage, done, total }: BenchmarkProgress): void {
  const unit = stage === 'weights' ? 1e6 : 1;
  progress.update(STAGES[stage], Math.round(done / unit), Math.round(total / unit));
}

/** A mask's file, or a rectangle that covers a share like `5%`. */
async function readMask(given: string): Promise<BenchmarkMask> {
  const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(given)?.[1];
  if (share) return { name: `${share} %`, share: Number(share) / 100 };
  return { name: maskName(given), image: await readPictureFile(given) };
}

function workerCounts(text: string): number[] {
  return text.split(',').map(wholeNumber(1, LIMITS.workers.max));
}

function precisions(text: string): Precision[] {
  return namesIn(PRECISIONS, text);
}

function deviceNames(text: string): DeviceId[] {
  return namesIn(DEVICE_IDS, text);
}

function namesIn<Name extends string>(known: readonly Name[], text: string): Name[] {
  return text.split(',').map((part) => {
    const found = known.find((name) => name === part.trim());
    if (!found) throw new InvalidArgumentError(`Known: ${known.join(', ')}.`);
    return found;
  });
}

async function writePictures(folder: string, pictures: Record<string, Uint8Array>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, png] of Object.entries(pictures))
    await writePicture(path.join(folder, `${name}.png`), png);
}

function table(report: BenchmarkReport): string {
  const { model, width, height, threads, steps, guidance, machine, layers } = report;
  const single =
    guidance === null ? 'single runs' : `one denoising step with${guidance ? '' : 'out'} guidance`;
  const what = steps === null ? single : `${steps} steps`;
  return [
    `${model}, ${width}×${height}, ${threads} threads, ${what}`,
    `${machine.device ? `${machine.device}, ` : ''}${machine.processor}, ${machine.platform}, onnxruntime ${machine.versions.onnxruntime}`,
    ...figuresOf([{ id: '', report }]).flatMap((figure) => [
      lineOf(figure),
      ...(figure.row.parts ?? []).map(partLine),
      ...operatorLines(figure.row),
    ]),
    ...layers.map(layerLine),
  ].join('\n');
}

function partLine({ name, branch, axis, from, to, stepMacs, seconds, receivedBytes }: WorkerReport): string {
  const what = branch === null ? '' : `branch ${branch}, `;
  return `  ${name}: ${what}${axis} ${from} to ${to}, a step ${formatMacs(stepMacs)}, ${formatLatency(seconds)}, ${formatBytes(receivedBytes)} received`;
}

function layerLine({ layer, precision, psnr, kept }: LayerError): string {
  return `${layer.padEnd(64)} ${precision} alone ${psnr.toFixed(1)} dB${kept ? ', kept finer' : ''}`;
}

/** Operators that take at least a fiftieth of the time. */
function operatorLines({ operators }: BenchmarkRow): string[] {
  const all = operators.reduce((sum, { seconds }) => sum + seconds, 0);
  return operators
    .filter(({ seconds }) => seconds >= all / 50)
    .map(({ operator, calls, seconds, onProcessor }) => {
      const share = `${((100 * seconds) / all).toFixed(1)} %`;
      const name = onProcessor ? `${operator} (processor)` : operator;
      return `  ${name.padEnd(28)}${String(calls).padStart(7)} calls ${formatLatency(seconds).padStart(9)} ${share.padStart(7)}`;
    });
}
