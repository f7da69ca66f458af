import { readdirSync } from 'node:fs';
import path from 'node:path';
import { openBackend } from '../engine/backends/node/devices/open.ts';
import { verify } from '../engine/verification/verify.ts';
import { chooseDevice, listDevices } from '../processes/devices/devices.ts';
import { deviceEngine } from '../processes/devices/engine.ts';
import type { BenchmarkRow, Engine, Precision } from '../shared/api.ts';
import { PRECISIONS } from '../shared/arithmetic.ts';
import { DEVICE_IDS } from '../shared/devices.ts';
import { byDefault, choice, choices, study, table, text, whole } from './frame.ts';

const ROOT = path.join(import.meta.dirname, '..');
const PARITY = path.join(ROOT, 'test/fixtures/parity');
/** Share of the positions that the sparse case computes. */
const SHARE = 0.05;

await study(
  {
    about:
      'What a GPU reaches: whether it computes right, its error against diffusers, and seconds of U-Net runs, dense and ' +
      'with 5 % of the positions. Models without guidance (turbo) end in :turbo. Begins nothing that the time is too short for.',
    options: {
      device: byDefault(choice('where networks run', DEVICE_IDS), 'webgpu'),
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
  async ({ device, models, sides, precisions, parity, repeat, minutes }) => {
    const end = performance.now() + 60_000 * minutes;
    const chosen = await chooseDevice(device);
    const about = (await listDevices()).find(({ id }) => id === device)!;
    console.log(`${about.name}, ${about.provider}: ${about.reason ?? 'every operation is right'}\n`);
    const backend = openBackend(chosen);
    const row = table('', 'precision', 'dense', '5 %', 'faster', 'PSNR of 5 %', 'error');
    for (const folder of parity ? parity.split(',') : references()) {
      // At most half of the time is for parity.
      if (performance.now() > end - 30_000 * minutes) {
        row(folder, 'fp32', 'no time left', '', '', '', '');
        continue;
      }
      const { worst } = await verify(path.join(PARITY, folder), backend);
      row(folder, 'fp32', '', '', '', '', worst.relative.toExponential(1));
    }
    const engine = deviceEngine({
      script: path.join(ROOT, 'processes/engine/process.ts'),
      execArgv: ['--import', 'tsx'],
      device: () => device,
    });
    const known = precisions.filter((precision) => backend.can.precisions.includes(precision));
    try {
      for (const model of models.split(','))
        for (const side of sides.split(',').map(Number))
          for (const precision of known.length > 0 ? known : (['fp32'] as const)) {
            const name = `${model}, ${side}×${side}`;
            // Loading a model takes about as long as its runs.
            if (performance.now() > end) row(name, precision, 'no time left', '', '', '', '');
            else row(name, precision, ...(await cells(engine, { model, side, precision, repeat })), '');
          }
    } finally {
      await engine.dispose();
    }
  },
);

/** Folders with tensors of the reference implementation. */
function references(): string[] {
  return readdirSync(PARITY, { recursive: true, encoding: 'utf8' })
    .filter((file) => path.basename(file) === 'expected.safetensors')
    .map((file) => path.dirname(file))
    .sort();
}

async function cells(
  engine: Engine,
  { model, side, precision, repeat }: { model: string; side: number; precision: Precision; repeat: number },
): Promise<string[]> {
  const [name, turbo] = model.split(':');
  const { report } = await engine.benchmark({
    cases: ['dense', 'sparse'],
    model: name,
    width: side,
    height: side,
    masks: [{ name: '5 %', share: SHARE }],
    precisions: [precision],
    guidance: turbo === undefined,
    repeat,
  });
  const [dense, sparse] = report.rows as [BenchmarkRow, BenchmarkRow];
  return [
    ...[dense, sparse].map(({ medianSeconds }) => `${medianSeconds.toPrecision(3)} s`),
    `${(dense.medianSeconds / sparse.medianSeconds).toFixed(1)}×`,
    sparse.psnr === null ? '' : `${sparse.psnr.toFixed(1)} dB`,
  ];
}
