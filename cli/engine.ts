import path from 'node:path';
import type { Engine } from '../engine/api.ts';
import { createEngine } from '../engine/engine.ts';
import { NodeRuntime } from '../engine/runtime/node/runtime.ts';

/** The engine, in this process: a command has nothing else to do meanwhile. */
export function openEngine(): Engine {
  return createEngine(new NodeRuntime(0, path.join(path.dirname(process.argv[1]!), 'engine.mjs')));
}
