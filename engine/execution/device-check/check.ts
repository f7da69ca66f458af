import { fs } from '#host';
import type { StepTimes } from '../../../shared/devices.ts';
import { type Network, weightsOf } from '../../graph/network.ts';
import { floats } from '../../graph/tensor.ts';
import { INT8_MOST } from '../../quantization/arithmetic.ts';
import { quantize } from '../../quantization/quantize.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { type Weights, WeightTable } from '../../weights/weight-table.ts';
import type { Backend, ConvolutionTimes } from '../backend.ts';
import { PLANAR } from '../forms/form.ts';
import { convolutionTimes } from './convolutions.ts';
import { relativeError } from './error.ts';
import { fastest } from './fastest.ts';
import { blockStepSeconds, timedStep } from './step.ts';
import { rightStorages } from './storages.ts';
import { blockSubjects, type Subject, subjects } from './subjects.ts';

/** Largest error of a result, relative to its largest value. */
const TOLERANCE = 2e-3;
/** The same in float16, whose products have eleven bits. */
const HALF_TOLERANCE = 2e-2;

export interface DeviceCheck {
  /** Operators with wrong results on the device, which are composed of others. */
  wrong: string[];
  /** Why its results cannot be used, if so. */
  fault?: string;
  /** Whether its float16 products are correct too. */
  half?: boolean;
  /** Of a GPU: how it records features correctly, beside float32. */
  storages?: ('float16' | 'uint8')[];
  /** Seconds of `timedStep` in the faster float precision; only for devices whose results can be used. */
  stepSeconds?: number;
  /** Of a GPU: the same in each precision in which it computes correctly. */
  steps?: StepTimes;
  /** Of a GPU: its convolutions in both forms of an edit. */
  convolutions?: ConvolutionTimes[];
}

/** The check of one subject alone: the operators that are wrong, and the error without them. */
export async function checkSubject(
  open: (wrong: readonly string[]) => Backend,
  processor: Backend,
  subject: Subject,
): Promise<{ wrong: string[]; error: number }> {
  return fs.withTemporaryFolder(async (folder) => {
    const wrong: string[] = [];
    const expected = await outputOf(processor, subject, folder);
    const error = await leastError(open, { subject, expected }, wrong, folder);
    return { wrong, error };
  });
}

/**
 * Compares a device's results with the processor's, operation by operation, and times a step. Operators with wrong
 * results are composed of others if possible, and compared again.
 * @param open opens the device with some operators composed of others
 */
export async function checkDevice(
  open: (wrong: readonly string[]) => Backend,
  processor: Backend,
): Promise<DeviceCheck> {
  return fs.withTemporaryFolder(async (folder) => {
    const wrong: string[] = [];
    const compared: Compared[] = [];
    for (const subject of subjects()) {
      const one = await withExpected(subject, processor, folder);
      compared.push(one);
      const off = await leastError(open, one, wrong, folder);
      if (!(off <= TOLERANCE)) return { wrong, fault: faultOf(subject, off) };
    }
    const device = open(wrong);
    const step = await withExpected(timedStep(), processor, folder);
    const full = await timed(device, step, folder, false);
    if (full.seconds === undefined) return { wrong, fault: faultOf(step.subject, full.off) };
    if (device.device === 'cpu') return { wrong, half: false, stepSeconds: full.seconds };
    const half = (await isRightInHalf(device, compared, folder))
      ? (await timed(device, step, folder, true)).seconds
      : undefined;
    const blocks = await blockSeconds(device, processor, folder);
    return {
      wrong: blocks === undefined ? [...wrong, BLOCKS] : wrong,
      half: half !== undefined,
      storages: await rightStorages(device, half !== undefined),
      stepSeconds: Math.min(full.seconds, half ?? full.seconds),
      steps: { fp32: full.seconds, ...(half && { fp16: half }), ...(blocks && { int8: blocks }) },
      convolutions: await convolutionTimes(device, half !== undefined),
    };
  });
}

/** The operator that multiplies weights in blocks. */
const BLOCKS = 'MatMulNBits';

/** Seconds of a subject's run, or its error if that is too large. */
async function timed(
  device: Backend,
  { subject, expected }: Compared,
  folder: string,
  half: boolean,
): Promise<{ seconds: number } | { seconds?: undefined; off: number }> {
  return withProgram(device, subject, { folder, half }, async (run) => {
    const off = relativeError(floats(await run(), 'y'), expected);
    return off <= (half ? HALF_TOLERANCE : TOLERANCE) ? { seconds: await fastest(run) } : { off };
  });
}

/** Seconds of the step with weights in blocks of 8 bits; undefined if the device cannot multiply blocks, or wrongly. */
async function blockSeconds(
  device: Backend,
  processor: Backend,
  folder: string,
): Promise<number | undefined> {
  try {
    for (const subject of blockSubjects()) {
      const { expected } = await withExpected(subject, processor, folder);
      if (!(relativeError(await outputOf(device, subject, folder), expected) <= TOLERANCE)) return undefined;
    }
    const { network } = timedStep();
    return await blockStepSeconds(device, network, await weightsIn('int8', network, folder));
  } catch {
    return undefined;
  }
}

async function withExpected(subject: Subject, processor: Backend, folder: string): Promise<Compared> {
  return { subject, expected: await outputOf(processor, subject, folder) };
}

/** The error of a device's result. If it is too large, operators that can be composed of others are added to `wrong`. */
async function leastError(
  open: (wrong: readonly string[]) => Backend,
  { subject, expected }: Compared,
  wrong: string[],
  folder: string,
): Promise<number> {
  const error = async () => relativeError(await outputOf(open(wrong), subject, folder), expected);
  const first = await error();
  const others = subject.replaceable.filter((name) => !wrong.includes(name));
  if (first <= TOLERANCE || others.length === 0) return first;
  wrong.push(...others.filter((name) => open([]).can.operator(name)));
  return error();
}

function faultOf({ name }: Subject, off: number): string {
  return `its ${name} are wrong by ${percent(off)}`;
}

interface Compared {
  subject: Subject;
  /** The processor's result. */
  expected: Float32Array;
}

/** Whether a device computes correctly in float16. Some devices fail when a network is loaded, others when it runs. */
async function isRightInHalf(
  device: Backend,
  compared: readonly Compared[],
  folder: string,
): Promise<boolean> {
  try {
    for (const { subject, expected } of compared) {
      const actual = await outputOf(device, subject, folder, true);
      if (!(relativeError(actual, expected) <= HALF_TOLERANCE)) return false;
    }
    return true;
  } catch {
    return false;
  }
}

async function outputOf(
  backend: Backend,
  subject: Subject,
  folder: string,
  half = false,
): Promise<Float32Array> {
  return withProgram(backend, subject, { folder, half }, async (run) => floats(await run(), 'y'));
}

async function withProgram<Result>(
  backend: Backend,
  { network, inputs, precision }: Subject,
  { folder, half }: { folder: string; half: boolean },
  use: (run: () => ReturnType<Awaited<ReturnType<Backend['compile']>>['run']>) => Promise<Result>,
): Promise<Result> {
  const weights = await weightsIn(precision, network, folder);
  const program = await backend.compile(network, weights, PLANAR, { half });
  try {
    return await use(() => program.run(inputs));
  } finally {
    await program.release();
  }
}

/** Random weights, in float32 if there is no precision. */
async function weightsIn(
  precision: Subject['precision'],
  network: Network,
  folder: string,
): Promise<Weights> {
  const stored = await syntheticWeights(weightsOf(network), { seed: 1, folder });
  const weights = new WeightTable(network, stored);
  return precision
    ? quantize({ network, weights, precision, most: INT8_MOST, bytes: false, folder })
    : weights;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toPrecision(2)} %` : 'everything';
}
