import path from 'node:path';
import type { Engine } from '../engine/api.ts';
import { createEngine } from '../engine/engine.ts';
import { connectCrew } from '../engine/runtime/node/bus/connect-crew.ts';
import { NodeRuntime } from '../engine/runtime/node/runtime.ts';
import { LocalCrew } from '../engine/runtime/node/workers/crew.ts';

/** The engine, in this process: a command has nothing else to do meanwhile. */
export function openEngine(): Engine {
  return createEngine(nodeRuntime(), { openCrew: () => new LocalCrew(), connect: connectCrew });
}

/** The engine in a process of its own, for a command that must stay awake. */
export function startEngine(): Engine {
  return nodeRuntime().startEngine!();
}

function nodeRuntime(): NodeRuntime {
  return new NodeRuntime(0, path.join(path.dirname(process.argv[1]!), 'engine.mjs'));
}
