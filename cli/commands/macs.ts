import { Command, Option } from 'commander';
import { countMacs } from '../../engine/graph/macs.ts';
import { openModel } from '../../engine/models/open.ts';
import { PARTS, type Part } from '../../engine/models/parts.ts';
import { type CommonOptions, type Size, size, wholeNumber, withCommonOptions } from '../options.ts';
import { formatMacs, print } from '../output.ts';

type Options = CommonOptions & { size: Size; batch: number; part: Part };

/** Counting costs nothing, so it may go far beyond what fits this machine. */
const COUNTED_SIZES = { min: 8, max: 65536, multipleOf: 8 };

export function macsCommand(): Command {
  const command = new Command('macs')
    .description("Count multiply–accumulates from a network's definition; no weights are needed.")
    .argument('<arch>', 'a model folder, or an architecture by name (sd15, sd21, sdxl, …)')
    .addOption(
      new Option('--size <WxH>', 'picture size in pixels')
        .argParser(size(COUNTED_SIZES))
        .makeOptionMandatory(),
    )
    .addOption(new Option('--batch <n>', 'pictures in one run').argParser(wholeNumber(1, 1024)).default(1))
    .addOption(new Option('--part <part>', 'which network').choices(PARTS).default('unet'));
  return withCommonOptions(command).action(run);
}

async function run(arch: string, options: Options): Promise<void> {
  const { size: pixels, batch, part } = options;
  const model = await openModel(arch);
  const scale = part === 'unet' ? model.autoencoder.scale : 1;
  const extent = { height: pixels.height / scale, width: pixels.width / scale, batch, tokens: 77 };
  const { total, byKind, byLevel } = countMacs(model.network(part), extent);
  print(options, { arch, part, ...pixels, batch, dense: total, active: total, byKind, byLevel }, () => {
    const share = (macs: number) =>
      `${formatMacs(macs).padStart(14)} ${((100 * macs) / total).toFixed(1).padStart(5)} %`;
    return [
      `${model.name} ${part}, ${pixels.width}×${pixels.height}, batch ${batch}: ${formatMacs(total)}`,
      ...Object.entries(byKind).map(([kind, macs]) => `  ${kind.padEnd(16)}${share(macs)}`),
      ...Object.entries(byLevel).map(([level, macs]) => `  level ${level.padEnd(10)}${share(macs)}`),
    ].join('\n');
  });
}
