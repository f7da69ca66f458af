import { readdirSync } from 'node:fs';
import path from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { OpenedDevice } from '../engine/backends/devices/findings.ts';
import { openBackend } from '../engine/backends/node/devices/open.ts';
import { chooseDevice, listDevices } from '../processes/devices/devices.ts';
import { deviceEngine } from '../processes/devices/engine.ts';
import type { BenchmarkRow, Engine, Precision } from '../shared/api.ts';
import { PRECISIONS } from '../shared/arithmetic.ts';
import { DEVICE_IDS } from '../shared/devices.ts';
import { byDefault, choice, choices, study, table, text, whole } from './frame.ts';
import type { DevicePart } from './support/device-part.ts';
import { answerOf, type Outcome, within } from './support/limited.ts';

const ROOT = path.join(import.meta.dirname, '..');
const PARITY = path.join(ROOT, 'test/fixtures/parity');
/** Share of the positions that the sparse case computes. */
const SHARE = 0.05;
/** Milliseconds of the time for all in which processes end. */
const ENDING = 5000;
const COLUMNS = ['', 'precision', 'dense', '5 %', 'faster', 'PSNR of 5 %', 'image', 'error'] as const;

type Cells = Partial<Record<(typeof COLUMNS)[number], string>>;

/** A row of the table, measured when its turn comes. */
interface Line {
  name: string;
  precision: Precision;
  measure: (signal: AbortSignal) => Promise<Cells>;
}

await study(
  {
    about:
      'What a GPU reaches: whether it computes right, its error against diffusers, seconds of an image from the tokens of its ' +
      'text to its pixels without guidance, and of U-Net runs, dense and with 5 % of the positions. Models without guidance (turbo) end ' +
      'in :turbo. A part that fails, or for which the time is too short, says so and loses no other.',
    options: {
      device: byDefault(choice('where networks run', DEVICE_IDS), 'webgpu'),
      images: byDefault(text('MODEL:SIDE:STEPS of whole images, with commas between them'), 'sd21:512:1'),
      models: byDefault(
        text('architectures or model folders, with commas between them'),
        'sd15,sd21:turbo,sdxl:turbo',
      ),
      sides: byDefault(text('sides of the images, with commas between them'), '512,1024'),
      precisions: byDefault(choices('those that the device has', PRECISIONS), [
        'fp16',
        'int8',
      ] as Precision[]),
      parity: byDefault(text('folders of test/fixtures/parity, with commas between them; none: all'), ''),
      repeat: byDefault(whole('timed runs of each case', 1), 3),
      minutes: byDefault(whole('time for all', 1), 8),
    },
  },
  async ({ device, images, models, sides, precisions, parity, repeat, minutes }) => {
    const begun = performance.now();
    const chosen = await chooseDevice(device);
    const about = (await listDevices()).find(({ id }) => id === device)!;
    console.log(`${about.name}, ${about.provider}: ${about.reason ?? 'every operation is right'}\n`);
    const engine = deviceEngine({
      script: path.join(ROOT, 'processes/engine/process.ts'),
      execArgv: ['--import', 'tsx'],
      device: () => device,
      cancelGrace: 0,
    });
    const { can } = openBackend(chosen);
    const able = precisions.filter((precision) => can.precisions.includes(precision));
    const each = <Given>(of: readonly Given[], lineOf: (given: Given, precision: Precision) => Line) =>
      of.flatMap((given) =>
        (able.length > 0 ? able : (['fp32'] as const)).map((precision) => lineOf(given, precision)),
      );
    const folders = parity ? parity.split(',') : references();
    const errors = folders.map((folder) => errorLine(folder, chosen));
    const runs = models
      .split(',')
      .flatMap((model) => sides.split(',').map((side) => ({ model, side: Number(side), repeat })));
    const times = [
      ...each(images.split(','), (image, precision) => imageLine(image, precision, repeat, chosen)),
      ...each(runs, (run, precision) => runLine({ ...run, precision }, engine)),
    ];
    const row = table(...COLUMNS);
    const print = ({ name, precision }: Line, cells: Cells) =>
      row(...COLUMNS.map((column) => ({ '': name, precision, ...cells })[column] ?? ''));
    const end = begun + 60_000 * minutes - ENDING;
    try {
      // At most half of the time is for the errors.
      await measured(errors, end - 30_000 * minutes, print);
      await measured(times, end, print);
    } finally {
      await engine.dispose();
    }
  },
);

/** Measures and prints each line; one that does not end takes at most half of the time that is left, or all if it is the last. */
async function measured(
  lines: readonly Line[],
  end: number,
  print: (line: Line, cells: Cells) => void,
): Promise<void> {
  for (const [i, line] of lines.entries()) {
    const left = end - performance.now();
    const outcome: Outcome<Cells> = await within(i < lines.length - 1 ? left / 2 : left, line.measure);
    print(line, 'result' in outcome ? outcome.result : { dense: outcome.reason });
  }
}

/** Folders with tensors of the reference implementation. */
function references(): string[] {
  return readdirSync(PARITY, { recursive: true, encoding: 'utf8' })
    .filter((file) => path.basename(file) === 'expected.safetensors')
    .map((file) => path.dirname(file))
    .sort();
}

function errorLine(folder: string, device: OpenedDevice): Line {
  const part: DevicePart = { part: 'error', folder: path.join(PARITY, folder) };
  const measure: Line['measure'] = async (signal) => {
    const error = await partOf(part, device, signal);
    return { error: error.toExponential(1) };
  };
  return { name: folder, precision: 'fp32', measure };
}

function imageLine(image: string, precision: Precision, repeat: number, device: OpenedDevice): Line {
  const [, model, side, steps] = /^(.+):(\d+):(\d+)$/.exec(image) ?? [];
  if (!model) throw new InvalidArgumentError(`${image} is not MODEL:SIDE:STEPS.`);
  const part: DevicePart = {
    part: 'image',
    model,
    side: Number(side),
    steps: Number(steps),
    precision,
    repeat,
  };
  const measure: Line['measure'] = async (signal) => {
    const seconds = await partOf(part, device, signal);
    return { image: `${seconds.toPrecision(3)} s` };
  };
  return { name: `${model}, ${side}×${side}, ${steps} steps`, precision, measure };
}

/** What a part gives that runs in a process of its own. */
function partOf(part: DevicePart, device: OpenedDevice, signal: AbortSignal): Promise<number> {
  const script = path.join(ROOT, 'studies/support/device-part.ts');
  return answerOf(script, [JSON.stringify(device), JSON.stringify(part)], signal);
}

function runLine(
  given: { model: string; side: number; precision: Precision; repeat: number },
  engine: Engine,
): Line {
  const { model, side, precision, repeat } = given;
  const [name, turbo] = model.split(':');
  const measure: Line['measure'] = async (signal) => {
    const { report } = await engine.benchmark(
      {
        cases: ['dense', 'sparse'],
        model: name,
        width: side,
        height: side,
        masks: [{ name: '5 %', share: SHARE }],
        precisions: [precision],
        guidance: turbo === undefined,
        repeat,
      },
      { signal },
    );
    const [dense, sparse] = report.rows as [BenchmarkRow, BenchmarkRow];
    return {
      dense: `${dense.medianSeconds.toPrecision(3)} s`,
      '5 %': `${sparse.medianSeconds.toPrecision(3)} s`,
      faster: `${(dense.medianSeconds / sparse.medianSeconds).toFixed(1)}×`,
      ...(sparse.psnr !== null && { 'PSNR of 5 %': `${sparse.psnr.toFixed(1)} dB` }),
    };
  };
  return { name: `${model}, ${side}×${side}`, precision, measure };
}
