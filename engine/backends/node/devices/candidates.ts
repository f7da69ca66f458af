import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import packageJson from '../../../../package.json' with { type: 'json' };
import { DEVICE_IDS, DEVICE_PROVIDERS, type DeviceId } from '../../../../shared/devices.ts';
import { coreCount } from '../../../host/node/limits.ts';
import type { Candidate } from '../../devices/candidate.ts';
import type { Card } from './cards/card.ts';
import { graphicsCards, isSoftware, prescribedDrivers } from './cards/cards.ts';

/** Facts about the machine that decide which devices there are; this machine's by default. */
export interface Surroundings {
  platform: NodeJS.Platform;
  cards: readonly Card[];
  /** Vulkan drivers that the environment prescribes. */
  drivers: string | undefined;
  architecture: string;
  /** Whether ONNX Runtime's CUDA library is beside it; it is not part of its package. */
  hasCuda: boolean;
}

/** Platforms for which ONNX Runtime's package has the WebGPU provider. */
const WITH_WEBGPU = ['win32 x64', 'win32 arm64', 'darwin arm64', 'linux x64'];

/** Every device in the order of `DEVICE_IDS`; those that cannot be tried say why. */
export async function candidates(given?: Surroundings): Promise<Candidate[]> {
  const around = given ?? (await surroundings());
  return DEVICE_IDS.map((id) => (id === 'cpu' ? processor() : gpu(id, around)));
}

async function surroundings(): Promise<Surroundings> {
  return {
    platform: process.platform,
    architecture: process.arch,
    cards: await graphicsCards(),
    drivers: prescribedDrivers(),
    hasCuda: hasCudaLibrary(),
  };
}

function processor(): Candidate {
  const name = os.cpus()[0]?.model.trim() || os.machine();
  const cores = coreCount();
  return { id: 'cpu', name, software: false, found: true, identity: identityOf('cpu', name, String(cores)) };
}

function gpu(id: Exclude<DeviceId, 'cpu'>, around: Surroundings): Candidate {
  const { platform, cards, drivers } = around;
  // Only Vulkan's drivers are prescribed.
  const software = id === 'webgpu' && drivers !== undefined && platform === 'linux' && isSoftware(drivers);
  const fitting = id === 'cuda' ? cards.filter(({ name }) => /nvidia/i.test(name)) : cards;
  const [card] = software ? [] : fitting;
  const name = card?.name ?? (software ? softwareName(drivers) : 'GPU');
  const missing = missingOf(id, around);
  return {
    id,
    name,
    software,
    found: card !== undefined,
    ...(card?.memoryBytes && { memoryBytes: card.memoryBytes }),
    identity: identityOf(id, name, card?.driver ?? '', drivers ?? ''),
    ...(missing && { missing }),
  };
}

function missingOf(
  id: Exclude<DeviceId, 'cpu'>,
  { platform, architecture, hasCuda }: Surroundings,
): string | undefined {
  const title = DEVICE_PROVIDERS[id];
  if (id === 'dml' && platform !== 'win32') return `${title} is part of Windows only`;
  if (id === 'cuda' && platform !== 'linux')
    return `${title} is used on Linux only; WebGPU reaches the same GPU`;
  if (id === 'cuda' && !hasCuda) return 'the CUDA library of ONNX Runtime is not installed';
  if (id === 'webgpu' && !WITH_WEBGPU.includes(`${platform} ${architecture}`))
    return `ONNX Runtime has no ${title} for this machine`;
  return undefined;
}

function softwareName(drivers: string): string {
  return `${/swiftshader/i.test(drivers) ? 'SwiftShader' : 'Software'} on the processor`;
}

function identityOf(...parts: readonly string[]): string {
  return [...parts, packageJson.dependencies['onnxruntime-node']].join(', ');
}

function hasCudaLibrary(): boolean {
  const root = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const folder = path.join(root, 'bin', 'napi-v6', 'linux', process.arch);
  return existsSync(path.join(folder, 'libonnxruntime_providers_cuda.so'));
}
