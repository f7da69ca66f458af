import { Command, Option } from 'commander';
import { type BenchmarkReport, benchmark, CASES } from '../../engine/benchmark/benchmark.ts';
import { InputError } from '../../engine/errors.ts';
import { openModel } from '../../engine/models/open.ts';
import { NodeRuntime } from '../../engine/runtime/node/runtime.ts';
import { maskName, readLatentMask } from '../masks.ts';
import { type CommonOptions, type Size, size, wholeNumber, withCommonOptions } from '../options.ts';
import { formatBytes, formatMacs, formatSeconds, print } from '../output.ts';
import { interruptible, Progress } from '../progress.ts';

type Options = CommonOptions & {
  model?: string;
  arch?: string;
  size?: Size;
  repeat: number;
  mask?: string[];
};

export function benchCommand(): Command {
  const command = new Command('bench')
    .description('Time one U-Net run with guidance, cases interleaved in one process.')
    .argument('<case...>', `what to compare: ${CASES.join(', ')}`)
    .option('--model <folder>', 'a model folder (default: the embedded model)')
    .option('--arch <name>', 'a published architecture with synthetic weights (sd15, sd21, …)')
    .addOption(new Option('--size <WxH>', "size in pixels (default: the model's own)").argParser(size()))
    .option('--mask <file...>', 'masks for the sparse cases; white is computed')
    .addOption(
      new Option('--repeat <n>', 'timed runs of each case').argParser(wholeNumber(1, 1000)).default(5),
    );
  return withCommonOptions(command).action(run);
}

async function run(cases: string[], options: Options): Promise<void> {
  if (options.model && options.arch) throw new InputError('Give --model or --arch, not both.');
  const model = await openModel(options.arch ?? options.model);
  const { width, height } = options.size ?? model.defaults;
  const progress = new Progress();
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
      { signal: interruptible(), onProgress: (done, total) => progress.update('rounds', done, total) },
    );
    progress.stop();
    print(options, report, () => table(report));
  } finally {
    progress.stop();
  }
}

function table(report: BenchmarkReport): string {
  const { model, width, height, threads } = report;
  const rows = report.rows.map((row) =>
    [
      `${row.case} ${row.mask ?? ''}`.padEnd(24),
      row.precision.padEnd(6),
      formatMacs(row.macs).padStart(14),
      `median ${formatSeconds(row.medianSeconds)} (${formatSeconds(row.minSeconds)} to ${formatSeconds(row.maxSeconds)})`,
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
