import path from 'node:path';
import { NodeBackend } from '../engine/backends/node/backend.ts';
import { createEngine } from '../engine/engine.ts';
import { connectCrew } from '../processes/bus/connect-crew.ts';
import { chooseDevice, type DevicesOptions } from '../processes/devices/devices.ts';
import { deviceEngine } from '../processes/devices/engine.ts';
import { engineProcess } from '../processes/engine/client.ts';
import { collectSeldom } from '../processes/garbage.ts';
import { LocalCrew } from '../processes/workers/crew.ts';
import type { Engine } from '../shared/api.ts';
import type { DeviceChoice } from '../shared/devices.ts';
import { note } from './output.ts';

/**
 * The engine on a device. On the processor in this process, because a command has nothing else to do in the meantime;
 * on a GPU in another one, because a GPU may end its process. @throws InputError if the device does not exist
 */
export async function openEngine(device: DeviceChoice = 'auto'): Promise<Engine> {
  if ((await chooseDevice(device, DEVICES)).id !== 'cpu') return startEngine(device);
  collectSeldom();
  return createEngine(new NodeBackend(), {
    openCrew: () => new LocalCrew(),
    connect: connectCrew,
    startEngine: () => startEngine('cpu'),
  });
}

/** The engine in a process of its own, for a command that must stay awake. */
export function startEngine(device: DeviceChoice = 'auto'): Engine {
  const process = { script: engineScript(), execArgv: processFlags() };
  if (device === 'cpu') return engineProcess(process);
  const onWait = () => note('The GPU computes for another window or command; this one waits.');
  return deviceEngine({ ...process, device: () => device, devices: DEVICES, onWait });
}

/** Announces what takes some time. */
export const DEVICES: DevicesOptions = {
  onTry: (name) => note(`Trying ${name} for the first time; this takes a moment.`),
};

function engineScript(): string {
  return path.join(path.dirname(process.argv[1]!), 'engine.mjs');
}

function processFlags(): string[] {
  return process.execArgv;
}
