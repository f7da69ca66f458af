import { path } from '#host';
import { InputError } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import { originalNames, scaleOf, type UpscalerShape, upscalerNetwork } from '../networks/upscalers.ts';
import type { WeightSource } from '../weights/source.ts';
import { openTensors, TENSOR_FILE } from '../weights/tensor-file.ts';

/** A network that makes images larger. */
export interface Upscaler {
  /** Unique id: the file's absolute path. */
  id: string;
  name: string;
  shape: UpscalerShape;
  scale: number;
  network: Network;
  weights: WeightSource;
}

/** Bounds on what a file may say; published networks have 23 blocks of 64, or 32 layers. */
const MAX_BLOCKS = 64;
const MAX_CHANNELS = 1024;

/** What tools put before all names. */
const PREFIXES = [
  '',
  'params_ema.',
  'params.',
  'module.',
  'model.netG.',
  'netG.',
  'net_g.',
  'generator.',
  'model.',
];

/**
 * Opens an upscaler of the ESRGAN family in one file: RRDBNet under the names of BasicSR, of the first ESRGAN or of the
 * second (BSRGAN has them too), of scale 1, 2, 4 or 8, or SRVGGNetCompact.
 * @throws InputError for a file that holds another network
 */
export async function openUpscaler(file: string): Promise<Upscaler> {
  const source = await openTensors(file);
  const prefix = PREFIXES.find((start) =>
    ['conv_first.weight', 'model.0.weight', 'body.0.weight'].some((name) => source.find(start + name)),
  );
  const found = prefix === undefined ? undefined : shapeOf(source, prefix);
  if (prefix === undefined || !found)
    throw new InputError(
      `${file} is no upscaler that is known; supported are networks of the ESRGAN family (RRDBNet, SRVGGNetCompact).`,
    );
  const { shape, rename } = found;
  return {
    id: source.file,
    name: path.basename(source.origin).replace(TENSOR_FILE, ''),
    shape,
    scale: scaleOf(shape),
    network: upscalerNetwork(shape),
    weights: {
      origin: source.origin,
      names: () => source.names(),
      find: (name) => source.find(prefix + rename(name)),
    },
  };
}

function shapeOf(
  source: WeightSource,
  prefix: string,
): { shape: UpscalerShape; rename: (name: string) => string } | undefined {
  const dims = (name: string) => source.find(prefix + name)?.shape ?? [];
  const same = (name: string) => name;
  const counted = (nameAt: (i: number) => string) => {
    let count = 0;
    while (count <= MAX_BLOCKS && source.find(prefix + nameAt(count))) count++;
    return count;
  };
  const isOriginal = dims('model.0.weight').length === 4;
  if (isOriginal || dims('conv_first.weight').length === 4) {
    const isSecond = dims('RRDB_trunk.0.RDB1.conv1.weight').length === 4;
    const own = isSecond ? secondName : same;
    const blockAt = (i: number, conv: string) =>
      isOriginal ? `model.1.sub.${i}.RDB1.${conv}.0.weight` : own(`body.${i}.rdb1.${conv}.weight`);
    // ESRGAN+ adds these inside of its blocks.
    if (counted((i) => blockAt(i, 'conv1x1').replace('.0.weight', '.weight')) > 0) return undefined;
    const blocks = counted((i) => blockAt(i, 'conv1'));
    const [features = 0, inputs = 0] = dims(isOriginal ? 'model.0.weight' : 'conv_first.weight');
    const [growth = 0] = dims(blockAt(0, 'conv1'));
    const doublings = isOriginal
      ? originalDoublings(counted, dims)
      : counted((i) => own(`conv_up${i + 1}.weight`));
    const fold = { 3: 1, 12: 2, 48: 4 }[inputs] as 1 | 2 | 4 | undefined;
    const fits = Math.max(features, growth) <= MAX_CHANNELS && blocks <= MAX_BLOCKS && doublings <= 3;
    if (!fold || blocks === 0 || growth === 0 || !fits) return undefined;
    const shape: UpscalerShape = { kind: 'rrdb', inputs, features, growth, blocks, doublings, fold };
    return { shape, rename: isOriginal ? originalNames(blocks, doublings) : own };
  }
  const [features = 0, colours] = dims('body.0.weight');
  const layers = counted((i) => `body.${2 * i + 2}.weight`) - 1;
  const [pixels = 0] = dims(`body.${2 * layers + 2}.weight`);
  const scale = Math.sqrt(pixels / 3);
  if (
    colours !== 3 ||
    features > MAX_CHANNELS ||
    layers < 0 ||
    !Number.isInteger(scale) ||
    scale < 1 ||
    scale > 8
  )
    return undefined;
  return { shape: { kind: 'compact', features, layers, scale }, rename: same };
}

/** A tensor's name in the second version of ESRGAN's code, by BasicSR's. */
function secondName(name: string): string {
  return name
    .replace(/^body\.(\d+)\.rdb(\d)/, 'RRDB_trunk.$1.RDB$2')
    .replace(/^conv_body/, 'trunk_conv')
    .replace(/^conv_up(\d)/, 'upconv$1')
    .replace(/^conv_hr/, 'HRconv');
}

/** Doublings by the first ESRGAN's names: a convolution every three places behind the blocks, then two more. */
function originalDoublings(
  counted: (nameAt: (i: number) => string) => number,
  dims: (name: string) => readonly number[],
): number {
  const ups = counted((i) => `model.${3 * (i + 1)}.weight`);
  // conv_last may be at one of these places too; it has three outputs.
  const isLast = (i: number) => dims(`model.${3 * i}.weight`)[0] === 3;
  return ups > 0 && isLast(ups) ? ups - 1 : ups;
}
