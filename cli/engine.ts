import path from 'node:path';
import { createEngine } from '../engine/engine.ts';
import { NodeBackend } from '../engine/host/node/backend.ts';
import { connectCrew } from '../processes/bus/connect-crew.ts';
import { engineProcess } from '../processes/engine/client.ts';
import { LocalCrew } from '../processes/workers/crew.ts';
import type { Engine } from '../shared/api.ts';

/** The engine, in this process: a command has nothing else to do meanwhile. */
export function openEngine(): Engine {
  return createEngine(new NodeBackend(), {
    openCrew: () => new LocalCrew(),
    connect: connectCrew,
    startEngine,
  });
}

/** The engine in a process of its own, for a command that must stay awake. */
export function startEngine(): Engine {
  const script = path.join(path.dirname(process.argv[1]!), 'engine.mjs');
  return engineProcess({ script, execArgv: process.execArgv });
}
