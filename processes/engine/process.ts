/**
 * The engine process: forked by `engineProcess` (client.ts), bundled to dist/engine.mjs.
 * Its arguments, if any: megabytes that recorded features may take, 0 for a quarter of the machine's memory; the device,
 * see `backendOf`, the processor if there is none.
 */

import { deviceSchema } from '../../engine/backends/devices/findings.ts';
import { backendOf } from '../../engine/backends/node/devices/open.ts';
import { createEngine } from '../../engine/engine.ts';
import { connectCrew } from '../bus/connect-crew.ts';
import { LocalCrew } from '../workers/crew.ts';
import { engineProcess } from './client.ts';
import { serve } from './serve.ts';

const [megabytes = '0', device] = process.argv.slice(2);
const script = process.argv[1]!;
const budget = Number(megabytes) > 0 ? { storeBudget: Number(megabytes) * 1e6 } : {};
const first = device ? { device: deviceSchema.parse(JSON.parse(device)) } : {};
const isolated = { script, args: () => ['0', ...(device ? [device] : [])], execArgv: process.execArgv };
serve(
  createEngine(backendOf(device), {
    openCrew: () => new LocalCrew({ ...budget, ...first }),
    connect: connectCrew,
    startEngine: () => engineProcess(isolated),
    ...budget,
  }),
);
