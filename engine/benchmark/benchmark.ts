import type { CallOptions, Engine, WorkerReport } from '../../shared/api.ts';
import type {
  BenchmarkProgress,
  BenchmarkRequest,
  BenchmarkResult,
  BenchmarkRow,
  LayerError,
  Timing,
} from '../../shared/benchmark/report.ts';
import { InputError } from '../errors.ts';
import type { Backend } from '../execution/backend.ts';
import type { OpenCrew } from '../parallel/job.ts';
import { isolatedPeaks } from './isolate.ts';
import { profiled } from './profile.ts';
import { singleRuns } from './single-runs.ts';
import { interleave, median } from './timing.ts';
import type { Cost, Count, Quality, Suite, Trial } from './trial.ts';
import { wholeSuite } from './whole/suite.ts';

interface BenchmarkHost {
  backend: Backend;
  /** A separate engine for whole images, which has nothing in memory from other calls. */
  openEngine(backend: Backend): Engine;
  /** An engine in a separate process, disposed of by the caller; absent if no processes can be started. */
  startEngine?(): Engine;
  /** Workers for one case. */
  openCrew?: OpenCrew;
}

const DEFAULT_REPEAT = 5;

/** Runs the cases interleaved in one process; then, if requested, with a profile and each in isolation. */
export async function benchmark(
  asked: BenchmarkRequest,
  { backend, openEngine, startEngine, openCrew }: BenchmarkHost,
  { signal, onProgress }: CallOptions<BenchmarkProgress> = {},
): Promise<BenchmarkResult> {
  const request = possibleOn(backend, asked);
  const { repeat = DEFAULT_REPEAT, whole } = request;
  if (request.layers && whole)
    throw new InputError('Errors of layers are of single U-Net runs: leave --whole away.');
  const counting =
    (stage: BenchmarkProgress['stage']): Count =>
    (done, total) =>
      onProgress?.({ stage, done, total });
  const open = (on: Backend): Promise<Suite> =>
    whole
      ? wholeSuite({ ...request, whole }, () => openEngine(on), signal)
      : singleRuns(request, on, { signal, onProgress: counting('weights') }, openCrew);

  const suite = await open(backend);
  const { trials, release, pictures, layers: errorsOf, ...subject } = suite;
  let measured: Measured[];
  let layers: LayerError[] = [];
  try {
    measured = await measure(trials, repeat, counting, signal);
    if (request.layers && errorsOf) layers = await errorsOf(request.layers, counting('layers'));
  } finally {
    await release();
  }
  const peakBytes = backend.peakBytes();
  const rows = measured.map((row, i) => {
    const { network } = trials[i]!.identity;
    const first = trials.findIndex(({ identity }) => identity.network === network);
    const figures = rowOf(trials[i]!, row, measured[first]!, peakBytes);
    return request.devices ? { ...figures, device: backend.device } : figures;
  });
  if (request.profile) {
    counting('profile')(0, trials.length);
    const profiles = await profiled(backend, open, counting('profile'), signal);
    for (const [i, row] of rows.entries()) Object.assign(row, profiles[i]!);
  }
  if (request.isolate) {
    const peaks = await isolatedPeaks(trials, startEngine, counting('isolate'), signal);
    for (const [i, row] of rows.entries()) row.peakBytes = peaks[i]!;
  }
  const report = {
    date: new Date().toISOString(),
    guidance: request.guidance ?? true,
    ...subject,
    repeat,
    threads: request.threads || backend.threads,
    isolated: request.isolate === true,
    machine: backend.machine,
    rows,
    layers,
  };
  return { report, pictures: pictures() };
}

/** The request for one device. If there are several, each runs in those of the precisions that it supports. */
function possibleOn({ device, can }: Backend, request: BenchmarkRequest): BenchmarkRequest {
  const { precisions = ['fp32'], devices } = request;
  if (devices?.some((other) => other !== device))
    throw new InputError(`This engine computes on the device ${device} only.`);
  const possible = precisions.filter((precision) => can.precisions.includes(precision));
  const missing = precisions.find((precision) => !possible.includes(precision));
  if (missing && (!devices || possible.length === 0))
    throw new InputError(`The device ${device} does not compute in ${missing}.`);
  return devices ? { ...request, precisions: possible } : request;
}

interface Measured {
  loadSeconds: number;
  timing: Timing;
  /** Cost of the last run, with the median times of its steps. */
  cost: Cost;
  quality: Quality | null;
  parts: WorkerReport[] | undefined;
}

async function measure(
  trials: readonly Trial[],
  repeat: number,
  counting: (stage: BenchmarkProgress['stage']) => Count,
  signal: AbortSignal | undefined,
): Promise<Measured[]> {
  const prepared = [];
  for (const trial of trials) {
    signal?.throwIfAborted();
    counting('prepare')(prepared.length, trials.length);
    prepared.push(await trial.prepare());
  }
  const costs: Cost[][] = trials.map(() => []);
  const items = prepared.map(({ run, settle }, i) => ({
    run: async (round: number) => {
      costs[i]!.push(await run(round));
    },
    ...(settle && {
      settle: async () => {
        costs[i]!.at(-1)!.storeBytes = await settle();
      },
    }),
  }));
  const onRound = (round: number) => counting('measure')(round, repeat);
  const timings = await interleave(items, repeat, { signal, onRound });
  const measured: Measured[] = [];
  for (const [i, { loadSeconds, quality, parts }] of prepared.entries()) {
    signal?.throwIfAborted();
    counting('compare')(i, prepared.length);
    const [, ...timed] = costs[i]!;
    const cost = timed.at(-1)!;
    const stepSeconds = cost.stepSeconds?.map((_, step) =>
      median(timed.map((run) => run.stepSeconds?.[step] ?? 0)),
    );
    measured.push({
      loadSeconds,
      timing: timings[i]!,
      cost: { ...cost, ...(stepSeconds && { stepSeconds }) },
      quality: await quality(),
      parts: parts?.(),
    });
  }
  return measured;
}

function rowOf(trial: Trial, row: Measured, first: Measured, peakBytes: number): BenchmarkRow {
  const { macs, ...figures } = row.cost;
  return {
    ...trial.identity,
    macs: macs.total,
    macsByKind: macs.byKind,
    macsByLevel: macs.byLevel,
    ...NO_FIGURES,
    ...figures,
    loadSeconds: row.loadSeconds,
    ...row.timing,
    peakBytes,
    speedup: first.timing.medianSeconds / row.timing.medianSeconds,
    ...finite(row.quality),
    picture: trial.picture,
    ...(row.parts && { parts: row.parts }),
  };
}

/** Values of the fields that a row's case does not set. */
const NO_FIGURES = {
  activeFraction: [],
  stepSeconds: [],
  storeBytes: 0,
  diskBytes: null,
  psnr: null,
  psnrWhole: null,
  ssim: null,
  operators: [],
};

/** JSON has no infinity. */
function finite(quality: Quality | null): Partial<Record<keyof Quality, number | null>> {
  return Object.fromEntries(
    Object.entries(quality ?? {}).map(([name, value]) => [name, Number.isFinite(value) ? value : null]),
  );
}
