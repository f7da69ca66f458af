import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { InputError } from '../../engine/errors.ts';
import { textLength } from '../../engine/execution/denoiser-inputs.ts';
import { countRegion } from '../../engine/execution/transformer/region-macs.ts';
import { planTokens } from '../../engine/execution/transformer/token-plan.ts';
import { levelMasks } from '../../engine/execution/transformer/tokens-plan.ts';
import { countMacs, type Extent, type MacCount } from '../../engine/graph/macs.ts';
import { countParameters, type Network } from '../../engine/graph/network.ts';
import { ARCHITECTURES } from '../../engine/models/architectures.ts';
import {
  VISION_ARCHITECTURES,
  VISION_PARTS,
  type VisionPartName,
  visionPart,
} from '../../engine/models/efficientvit.ts';
import { EMBEDDED } from '../../engine/models/embedded.ts';
import { NETWORK_ROLES, type NetworkRole, ROLE_ALIASES } from '../../engine/models/networks.ts';
import { openModel } from '../../engine/models/open.ts';
import { LEARNED_TOKENS } from '../../engine/networks/mask-decoder.ts';
import { TRANSFORMER } from '../../engine/networks/transformer.ts';
import { partCosts } from '../../engine/parallel/simulate.ts';
import { activeCount, type Mask, pyramid } from '../../engine/regions/mask.ts';
import { ringsOf } from '../../engine/regions/rings.ts';
import { CODINGS, type Coding } from '../../shared/codings.ts';
import { LIMITS } from '../../shared/limits.ts';
import { formatBytes, formatMacs } from '../../shared/units.ts';
import { readLatentMask } from '../masks.ts';
import {
  type CommonOptions,
  type Size,
  size,
  wholeNumber,
  withCommonOptions,
  withExamples,
} from '../options.ts';
import { print } from '../output.ts';

type Options = CommonOptions & {
  size: Size;
  batch: number;
  part?: NetworkRole | VisionPartName;
  mask?: string;
  tokens?: number;
  workers?: number;
  exchange: Coding;
};

/** A network to count, with the pixels of a position of its level 0 and the length of its sequences. */
interface Counted {
  name: string;
  part: string;
  network: Network;
  scale: number;
  /** Pixels that the sides are multiples of. */
  multipleOf: number;
  tokens: number;
}

/** Counting is cheap, so sizes may go far beyond what fits this machine. */
const COUNTED_SIZES = { ...LIMITS.size, min: LIMITS.size.multipleOf, max: 65536 };

export function macsCommand(): Command {
  const command = new Command('macs')
    .description("Count multiply–accumulates from a network's definition; no weights are needed.")
    .argument(
      '<arch>',
      'a model folder, or an architecture that `patchwork models` lists (sd15, efficientvit-sam-l0, …)',
    )
    .addOption(
      new Option('--size <WxH>', 'image size in pixels (required)')
        .argParser(size(COUNTED_SIZES))
        .makeOptionMandatory(),
    )
    .addOption(new Option('--batch <n>', 'images in one run').argParser(wholeNumber(1, 1024)).default(1))
    .addOption(
      new Option('--tokens <n>', "length of the prompt; the model's longest by default").argParser(
        wholeNumber(1, 100_000),
      ),
    )
    .option('--mask <file>', 'count what this part of the image costs, for a denoiser')
    .addOption(partOption())
    .addOption(
      new Option('--workers <n>', 'what each of this many workers computes and receives in a step').argParser(
        wholeNumber(1, 64),
      ),
    )
    .addOption(
      new Option('--exchange <coding>', 'how features travel between workers')
        .choices(CODINGS)
        .default('float32'),
    );
  return withExamples(
    withCommonOptions(command).action(run),
    'macs sd15 --size 512x512 --batch 2',
    'macs sd15 --size 1024x512 --mask mask.png',
  );
}

function partOption(): Option {
  const option = new Option('--part <part>', 'which network').choices([...NETWORK_ROLES, ...VISION_PARTS]);
  const parse = option.parseArg!;
  return option.argParser((name: string, before: unknown) =>
    parse(ROLE_ALIASES[name] ?? name, before as never),
  );
}

async function run(arch: string, options: Options): Promise<void> {
  const { size: pixels, batch } = options;
  const counted = await networkOf(arch, options.part, options.tokens);
  const { name, part, network, scale, multipleOf, tokens } = counted;
  if (pixels.height % multipleOf || pixels.width % multipleOf)
    throw new InputError(`The sides must be multiples of ${multipleOf} for the ${part} of ${name}.`);
  const extent = { height: pixels.height / scale, width: pixels.width / scale, batch, tokens };
  const dense = countMacs(network, extent);
  const masked = options.mask && (await latentMask(options.mask, part, extent, scale));
  const { active, count } = masked
    ? countMasked(network, extent, masked)
    : { active: undefined, count: dense };
  const { total, byKind, byLevel } = count;
  const workers = options.workers && workerParts(network, extent, part, options);
  const figures = {
    dense: dense.total,
    active: total,
    byKind,
    byLevel,
    parameters: countParameters(network),
    ...(active && { activeRows: active }),
    ...(workers && { workers }),
  };
  print(options, { arch, part, ...pixels, batch, ...figures }, () => {
    const share = (macs: number) =>
      `${formatMacs(macs).padStart(14)} ${((100 * macs) / total).toFixed(1).padStart(5)} %`;
    return [
      `${name} ${part}, ${pixels.width}×${pixels.height}, batch ${batch}: ${formatMacs(dense.total)}, ${(figures.parameters / 1e6).toFixed(1)} M parameters`,
      ...(active
        ? [`under the mask: ${formatMacs(total)}, ${(dense.total / total).toFixed(1)} times fewer`]
        : []),
      ...Object.entries(byKind).map(([kind, macs]) => `  ${kind.padEnd(20)}${share(macs)}`),
      ...Object.entries(byLevel).map(([level, macs]) => `  level ${level.padEnd(14)}${share(macs)}`),
      ...(workers || []).map(
        ({ branch, axis, from, to, macs, receivedBytes }, i) =>
          `  worker ${i + 1}: ${branch === null ? '' : `branch ${branch}, `}${axis} ${from} to ${to}, ${formatMacs(macs)} and ${formatBytes(receivedBytes)} received a step`,
      ),
    ].join('\n');
  });
}

/** A mask decoder's for one point and the padding beside it. */
const PROMPT_TOKENS = LEARNED_TOKENS + 2;

async function networkOf(arch: string, asked: Options['part'], tokens?: number): Promise<Counted> {
  if (Object.hasOwn(VISION_ARCHITECTURES, arch)) {
    const { name, part } = visionPart(arch, asked);
    const multipleOf = Math.max(LIMITS.size.multipleOf, part.scale);
    return {
      name: arch,
      part: name,
      network: part.make(),
      scale: part.scale,
      multipleOf,
      tokens: PROMPT_TOKENS,
    };
  }
  if (!Object.hasOwn(ARCHITECTURES, arch) && arch !== EMBEDDED && !/[/\\]/.test(arch) && !existsSync(arch)) {
    const known = [...Object.keys(ARCHITECTURES), ...Object.keys(VISION_ARCHITECTURES)].join(', ');
    throw new InputError(`There is no architecture ${arch}. Known: ${known}; or give a model folder.`);
  }
  const model = await openModel(arch);
  const part = NETWORK_ROLES.find((name) => name === (asked ?? 'denoiser'));
  if (!part) throw new InputError(`${arch} has no ${asked}; its parts: ${NETWORK_ROLES.join(', ')}.`);
  const scale = part === 'denoiser' ? model.autoencoder.scale : 1;
  const { multipleOf } = model.sizes;
  return {
    name: model.name,
    part,
    network: model.network(part),
    scale,
    multipleOf,
    tokens: tokens ?? textLength(model.network('denoiser')),
  };
}

/** What each worker computes and receives in a displaced step. */
function workerParts(network: Network, extent: Extent, part: string, options: Options) {
  const { workers = 1, mask, exchange } = options;
  if (part !== 'denoiser' || mask)
    throw new InputError('--workers counts the whole denoiser: leave out --part and --mask.');
  return partCosts(network, extent, workers, exchange).map(({ part: { bands, index, branch }, ...cost }) => ({
    branch: branch ?? null,
    axis: bands.axis,
    from: bands.edges[0]![index]!,
    to: bands.edges[0]![index + 1]!,
    ...cost,
  }));
}

function latentMask(file: string, part: string, { height, width }: Extent, scale: number): Promise<Mask> {
  if (part !== 'denoiser') throw new InputError('--mask counts the denoiser only: leave out --part.');
  return readLatentMask(file, height, width, scale);
}

/** Rows of each level that a mask makes active, and what computing them costs. */
function countMasked(network: Network, extent: Extent, mask: Mask): { active: number[]; count: MacCount } {
  if (network.name === TRANSFORMER) {
    const plan = planTokens(mask, [], network.cell);
    const active = levelMasks(plan.mask, network.cell).map(activeCount);
    return { active, count: countRegion(network, plan, extent) };
  }
  const active = pyramid(mask, ringsOf(network, 0)).map(activeCount);
  return { active, count: countMacs(network, extent, active) };
}
