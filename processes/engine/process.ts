/**
 * The engine process: forked by `engineProcess` (client.ts), bundled to dist/engine.mjs.
 * Its argument, if any: megabytes that recorded features may take; 0 for a quarter of the machine's memory.
 */
import { createEngine } from '../../engine/engine.ts';
import { NodeBackend } from '../../engine/host/node/backend.ts';
import { connectCrew } from '../bus/connect-crew.ts';
import { LocalCrew } from '../workers/crew.ts';
import { engineProcess } from './client.ts';
import { serve } from './serve.ts';

const megabytes = Number(process.argv[2] ?? 0);
const script = process.argv[1]!;
const budget = megabytes > 0 ? { storeBudget: megabytes * 1e6 } : {};
serve(
  createEngine(new NodeBackend(), {
    openCrew: () => new LocalCrew(budget),
    connect: connectCrew,
    startEngine: () => engineProcess({ script, execArgv: process.execArgv }),
    ...budget,
  }),
);
