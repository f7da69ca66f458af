import path from 'node:path';
import type { Engine } from '../engine/api.ts';
import { createEngine } from '../engine/engine.ts';
import { connectCrew } from '../engine/runtime/node/bus/connect-crew.ts';
import { NodeRuntime } from '../engine/runtime/node/runtime.ts';
import { LocalCrew } from '../engine/runtime/node/workers/crew.ts';

/** The engine, in this process: a command has nothing else to do meanwhile. */
export function openEngine(): Engine {
  const runtime = new NodeRuntime(0, path.join(path.dirname(process.argv[1]!), 'engine.mjs'));
  return createEngine(runtime, { openCrew: () => new LocalCrew(), connect: connectCrew });
}
