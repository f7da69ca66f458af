/**
 * The engine process: forked by `engineProcess` (client.ts), bundled to dist/engine.mjs.
 * Its arguments, if any: megabytes that recorded features may take, 0 for a quarter of the machine's memory; the device,
 * see `deviceIn`, the processor if there is none.
 */

import { deviceIn, openBackend } from '../../engine/backends/node/devices/open.ts';
import { createEngine } from '../../engine/engine.ts';
import { connectCrew } from '../bus/connect-crew.ts';
import { LocalCrew } from '../workers/crew.ts';
import { engineProcess } from './client.ts';
import { serve } from './serve.ts';

const [megabytes = '0', argument] = process.argv.slice(2);
const device = deviceIn(argument);
const script = process.argv[1]!;
const budget = Number(megabytes) > 0 ? { storeBudget: Number(megabytes) * 1e6 } : {};
const isolated = { script, args: () => ['0', ...(argument ? [argument] : [])], execArgv: process.execArgv };
serve(
  createEngine(openBackend(device), {
    openCrew: () => new LocalCrew({ ...budget, ...(device && { device }) }),
    connect: connectCrew,
    startEngine: () => engineProcess(isolated),
    ...budget,
  }),
);
