/**
 * The engine process: forked by `EngineProcess` (client.ts), bundled to dist/engine.mjs.
 * Its argument, if any: megabytes that recorded features may take; 0 for a quarter of the machine's memory.
 */
import { createEngine } from '../../engine.ts';
import { connectCrew } from './bus/connect-crew.ts';
import { NodeRuntime } from './runtime.ts';
import { serve } from './serve.ts';
import { LocalCrew } from './workers/crew.ts';

const megabytes = Number(process.argv[2] ?? 0);
const runtime = new NodeRuntime(0, process.argv[1]);
const budget = megabytes > 0 ? { storeBudget: megabytes * 1e6 } : {};
serve(createEngine(runtime, { openCrew: () => new LocalCrew(budget), connect: connectCrew, ...budget }));
