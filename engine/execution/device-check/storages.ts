import { fs } from '#host';
import { type Network, NetworkBuilder, weightsOf } from '../../graph/network.ts';
import { type DeviceTensor, float32 } from '../../graph/tensor.ts';
import { gaussianNoise } from '../../noise.ts';
import { Buffers } from '../../regions/buffers.ts';
import { type DeviceStorage, featuresOf } from '../../regions/features.ts';
import { densePlan, planRegion, type RegionPlan } from '../../regions/plan.ts';
import { ringsOf } from '../../regions/rings.ts';
import { takeRows, toRows } from '../../regions/rows.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import type { Backend, Program } from '../backend.ts';
import { featureFeeds, indexFeeds, type RegionForm } from '../unet/feeds.ts';
import { type KeptFeatures, keptFeeds, keptFrom, putInto } from '../unet/kept-features.ts';
import { relativeError } from './error.ts';

const STORAGES = ['float16', 'uint8'] as const;
/** Largest error of an edit, relative to its largest value. */
const TOLERANCES = { float16: 2e-2, uint8: 5e-2 } as const;

const SIDE = 8;
/** Not a multiple of four, as the input of inpainting models, whose bytes do not fill whole words. */
const READ = 9;
const CHANNELS = 16;

/** In which of the smaller storages a device records features correctly. @param half whether it has float16 at all */
export async function rightStorages(device: Backend, half: boolean): Promise<('float16' | 'uint8')[]> {
  const right: ('float16' | 'uint8')[] = [];
  for (const storage of STORAGES) {
    if (storage === 'float16' && !half) continue;
    // Some devices fail when a network is loaded, others when it runs.
    const error = await editError(device, storage).catch(() => Number.POSITIVE_INFINITY);
    if (error <= TOLERANCES[storage]) right.push(storage);
  }
  return right;
}

/**
 * Records a small network and edits two parts of it without a change, which gives what was recorded. The second edit reads
 * what the first one has put in place.
 * @returns the largest error, relative to the largest value
 */
async function editError(device: Backend, storage: DeviceStorage): Promise<number> {
  const network = recordedNetwork();
  return fs.withTemporaryFolder(async (folder) => {
    const weights = new WeightTable(network, await syntheticWeights(weightsOf(network), { seed: 1, folder }));
    const options = { foldUpsampling: false, storage, statistics: 'any', attention: 'full' } as const;
    const programs: Program[] = [];
    const compiled = async (form: Parameters<Backend['compile']>[2], keeps: (output: string) => boolean) => {
      const program = await device.compile(network, weights, form, { keeps });
      programs.push(program);
      return program;
    };
    try {
      const rows = await compiled({ kind: 'rows', options }, (name) => name !== 'y');
      const taking = await compiled({ kind: 'taking', storage }, () => true);
      const putting = await compiled({ kind: 'putting', storage }, () => true);
      const form = { ...options, features: featuresOf(network), batch: 1 };
      return await errorOfEdits({ network, form, rows, kept: { taking, putting } });
    } finally {
      for (const program of programs) await program.release();
    }
  });
}

/** Of what is recorded: what convolutions read, and keys and values. */
function recordedNetwork(): Network {
  const builder = new NetworkBuilder();
  const x = builder.convolution('in', builder.inputMap('x', READ, 0), CHANNELS);
  const [query, key, value] = ['q', 'k', 'v'].map((name) => builder.linear(name, x, CHANNELS));
  const seen = builder.sum(builder.attention('attention', query!, key!, value!, 2), x);
  builder.output('y', builder.convolution('out', seen, CHANNELS));
  return builder.build('recorded');
}

interface Recording {
  network: Network;
  form: RegionForm;
  rows: Program;
  kept: { taking: Program; putting: Program };
}

async function errorOfEdits({ network, form, rows, kept }: Recording): Promise<number> {
  const sample = gaussianNoise(7, 0, READ * SIDE ** 2);
  const run = async (plan: RegionPlan, seen?: KeptFeatures) => {
    const { active } = plan.levels[0]!;
    const x = float32(toRows(sample, 1, READ, active), [1, active.length, READ]);
    const recorded = seen
      ? (await keptFeeds(kept, form, { plan, buffers: new Buffers() }, seen)).feeds
      : featureFeeds(form, plan);
    const { y, ...fresh } = await rows.runKept({ x, ...indexFeeds(form, plan), ...recorded });
    return { y: (await y!.read()).data as Float32Array, fresh };
  };
  const whole = await run(densePlan(SIDE, SIDE, 1));
  let seen = keptFrom(whole.fresh as Record<string, DeviceTensor>);
  let worst = 0;
  for (const top of [1, 3]) {
    const data = new Uint8Array(SIDE ** 2).fill(1, top * SIDE + 2, (top + 2) * SIDE);
    const plan = planRegion({ height: SIDE, width: SIDE, data }, ringsOf(network, 0));
    const { y, fresh } = await run(plan, seen);
    const expected = takeRows(whole.y, 1, CHANNELS, plan.levels[0]!.stored);
    worst = Math.max(worst, relativeError(y, expected));
    seen = await putInto(kept, form, plan, seen, fresh);
  }
  return worst;
}
