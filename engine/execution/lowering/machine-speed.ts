import * as z from 'zod';
import { cacheFolder, fs, path } from '#host';
import { InputError } from '../../errors.ts';
import { float32 } from '../../graph/tensor.ts';
import { readOptionalJson } from '../../json.ts';
import { gaussianNoise } from '../../noise.ts';
import { toInt8 } from '../../quantization/arithmetic.ts';
import { type FormSpeed, hasByteProducts, type Program } from '../backend.ts';
import type { OnnxLoader } from './onnx/loader.ts';
import { MICROSOFT, OnnxBuilder } from './onnx/onnx.ts';
import type { Target } from './target.ts';

/** Bump when the benchmark changes. */
const VERSION = 1;
/** Channels and side of typical maps of two levels of a U-Net: 0.9 and 0.2 GMACs. */
const MAPS = [
  { channels: 320, side: 32 },
  { channels: 320, side: 16 },
] as const;
const TAPS = 9;
const ROUNDS = 5;

const seconds = z.number().positive();
const kept = z.object({
  version: z.literal(VERSION),
  machine: z.string(),
  speed: z.object({ planar: seconds, rows: seconds, int8: seconds.nullable() }),
});

/**
 * The speed of a device of this machine, from the cache folder or measured now, which takes a second or two. It is
 * measured again if the device or ONNX Runtime changes, or the file is damaged.
 */
export async function machineSpeed(loader: OnnxLoader): Promise<FormSpeed> {
  const { processor, cores, versions, device } = loader.machine;
  const machine = [processor, cores, versions.onnxruntime, ...(device ? [device] : [])].join(', ');
  const name = loader.device === 'cpu' ? 'machine.json' : `machine-${loader.device}.json`;
  const file = path.join(cacheFolder(), name);
  const known = kept.safeParse(await readOptionalJson(file).catch(ignoreDamage));
  if (known.success && known.data.machine === machine) return withInt8(known.data.speed);
  const speed = await measure(loader);
  const text = `${JSON.stringify({ version: VERSION, machine, speed }, undefined, 1)}\n`;
  // If the file cannot be written, the next process measures again.
  await fs.mkdir(path.dirname(file)).catch(() => {});
  await fs.writeAtomically(file, (writer) => writer.write(text)).catch(ignoreDamage);
  return withInt8(speed);
}

type Measured = z.infer<typeof kept>['speed'];

/** int8 takes infinitely long on a device that does not multiply bytes. */
function withInt8({ int8, ...speed }: Measured): FormSpeed {
  return { ...speed, int8: int8 ?? Number.POSITIVE_INFINITY };
}

function ignoreDamage(error: unknown): undefined {
  if (!(error instanceof InputError)) throw error;
}

async function measure(loader: OnnxLoader): Promise<Measured> {
  const forms = { planar: planarConvolution, rows: rowsConvolution, int8: int8Convolution };
  const programs: Program[] = [];
  try {
    const items: { form: keyof FormSpeed; run: () => Promise<unknown>; fastest: number }[] = [];
    const hasInt8 = hasByteProducts(loader.can);
    for (const form of hasInt8 ? (['planar', 'rows', 'int8'] as const) : (['planar', 'rows'] as const))
      for (const map of MAPS) {
        const { onnx, dims } = forms[form](map, loader.can);
        const program = await loader.load(onnx.encode('machine-speed'), { threads: loader.threads });
        programs.push(program);
        const x = float32(
          gaussianNoise(
            1,
            0,
            dims.reduce((a, b) => a * b, 1),
          ),
          dims,
        );
        items.push({ form, run: () => program.run({ x }), fastest: Number.POSITIVE_INFINITY });
      }
    // Interleaved, so that changes in the machine's speed affect all. The first run of each warms up.
    for (let round = 0; round <= ROUNDS; round++)
      for (const item of items) {
        const begin = performance.now();
        await item.run();
        if (round > 0) item.fastest = Math.min(item.fastest, (performance.now() - begin) / 1000);
      }
    const total = (form: keyof FormSpeed) =>
      items.reduce((sum, item) => sum + (item.form === form ? item.fastest : 0), 0);
    return { planar: total('planar'), rows: total('rows'), int8: hasInt8 ? total('int8') : null };
  } finally {
    for (const program of programs) await program.release();
  }
}

type Map = (typeof MAPS)[number];

/** A model, and the shape of its input `x`. */
interface Form {
  onnx: OnnxBuilder;
  dims: number[];
}

function planarConvolution({ channels, side }: Map, target: Target): Form {
  const onnx = new OnnxBuilder(target);
  const dims = [1, channels, side, side];
  const x = onnx.input('x', 'float32', dims);
  const weight = onnx.floats(weights(channels), [channels, channels, 3, 3]);
  const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  onnx.output('y', onnx.node('Conv', [x, weight], { attributes }), 'float32', dims);
  return { onnx, dims };
}

function rowsConvolution(map: Map, target: Target): Form {
  const { channels, side } = map;
  const onnx = new OnnxBuilder(target);
  const dims = [1, side * side, channels];
  const rows = gathered(onnx, onnx.input('x', 'float32', dims), map);
  const matrix = onnx.floats(weights(channels), [TAPS * channels, channels]);
  onnx.output('y', onnx.node('MatMul', [rows, matrix]), 'float32', dims);
  return { onnx, dims };
}

function int8Convolution(map: Map, target: Target): Form {
  const { channels, side } = map;
  const onnx = new OnnxBuilder(target);
  const dims = [1, side * side, channels];
  const x = onnx.input('x', 'float32', dims);
  const [bytes, scale, zero] = onnx.nodes('DynamicQuantizeLinear', [x], 3);
  const quantized = toInt8(weights(channels), channels);
  const matrix = onnx.bytes(quantized.values, [TAPS * channels, channels]);
  const inputs = [gathered(onnx, bytes!, map), matrix, scale!, onnx.floats(quantized.scale), zero!];
  onnx.output('y', onnx.node('MatMulIntegerToFloat', inputs, { domain: MICROSOFT }), 'float32', dims);
  return { onnx, dims };
}

/** Gathers nine rows for each row. Which ones makes no difference to the time. */
function gathered(onnx: OnnxBuilder, rows: string, { channels, side }: Map): string {
  const count = side * side;
  const index = Array.from({ length: TAPS * count }, (_, i) => (Math.floor(i / TAPS) + (i % TAPS)) % count);
  const windows = onnx.node('Gather', [rows, onnx.ints(index, [count, TAPS])], { attributes: { axis: 1 } });
  return onnx.node('Reshape', [windows, onnx.ints([0, 0, TAPS * channels])]);
}

function weights(channels: number): Float32Array {
  return gaussianNoise(2, 0, TAPS * channels * channels);
}
