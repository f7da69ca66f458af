import { Command, Option } from 'commander';
import { InputError } from '../../engine/errors.ts';
import type { Extent } from '../../engine/graph/macs.ts';
import { countMacs } from '../../engine/graph/macs.ts';
import type { Network } from '../../engine/graph/network.ts';
import { openModel } from '../../engine/models/open.ts';
import { PARTS, type Part } from '../../engine/models/parts.ts';
import { featuresOf, levelCount } from '../../engine/regions/features.ts';
import { activeCount, pyramid } from '../../engine/regions/mask.ts';
import { readLatentMask } from '../masks.ts';
import { type CommonOptions, type Size, size, wholeNumber, withCommonOptions } from '../options.ts';
import { formatMacs, print } from '../output.ts';

type Options = CommonOptions & { size: Size; batch: number; part: Part; mask?: string };

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
    .option('--mask <file>', 'count what this part of the picture costs, for a U-Net')
    .addOption(new Option('--part <part>', 'which network').choices(PARTS).default('unet'));
  return withCommonOptions(command).action(run);
}

async function run(arch: string, options: Options): Promise<void> {
  const { size: pixels, batch, part } = options;
  const model = await openModel(arch);
  const scale = part === 'unet' ? model.autoencoder.scale : 1;
  const extent = { height: pixels.height / scale, width: pixels.width / scale, batch, tokens: 77 };
  const network = model.network(part);
  const dense = countMacs(network, extent);
  const active = options.mask ? await activeRows(options.mask, part, extent, scale, network) : undefined;
  const { total, byKind, byLevel } = active ? countMacs(network, extent, active) : dense;
  const figures = {
    dense: dense.total,
    active: total,
    byKind,
    byLevel,
    ...(active && { activeRows: active }),
  };
  print(options, { arch, part, ...pixels, batch, ...figures }, () => {
    const share = (macs: number) =>
      `${formatMacs(macs).padStart(14)} ${((100 * macs) / total).toFixed(1).padStart(5)} %`;
    return [
      `${model.name} ${part}, ${pixels.width}×${pixels.height}, batch ${batch}: ${formatMacs(dense.total)}`,
      ...(active
        ? [`under the mask: ${formatMacs(total)}, ${(dense.total / total).toFixed(1)} times fewer`]
        : []),
      ...Object.entries(byKind).map(([kind, macs]) => `  ${kind.padEnd(16)}${share(macs)}`),
      ...Object.entries(byLevel).map(([level, macs]) => `  level ${level.padEnd(10)}${share(macs)}`),
    ].join('\n');
  });
}

/** Rows of each level that a mask makes active. */
async function activeRows(
  file: string,
  part: Part,
  { height, width }: Extent,
  scale: number,
  network: Network,
): Promise<number[]> {
  if (part !== 'unet') throw new InputError('--mask counts the U-Net only: leave out --part.');
  const mask = await readLatentMask(file, height, width, scale);
  return pyramid(mask, levelCount(featuresOf(network))).map(activeCount);
}
