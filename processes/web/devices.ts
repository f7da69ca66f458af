import type { Candidate } from '../../engine/backends/devices/candidate.ts';
import type { DeviceCheck } from '../../engine/execution/device-check/check.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { DeviceChoice, DeviceInfo } from '../../shared/devices.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import {
  type ChoiceOptions,
  type Chosen,
  chooseFrom,
  type DeviceSource,
  listFrom,
} from '../devices/choose.ts';
import { check } from '../devices/protocol.ts';
import { ServedWorker, type WorkerOptions } from './client.ts';
import { runtimeFor } from './start.ts';

/** Milliseconds that a device may take; compiling its programs for the first time takes seconds. */
const PATIENCE = 180_000;

/** What WebGPU says of an adapter (w3.org/TR/webgpu, 4.3); its types are not among the DOM's. */
interface Adapter {
  info: {
    vendor: string;
    architecture: string;
    device: string;
    description: string;
    isFallbackAdapter?: boolean;
  };
}
interface Gpu {
  requestAdapter(options: { powerPreference: 'high-performance' }): Promise<Adapter | null>;
}

/** See `listFrom`: the devices that this browser gives, each tried in a worker of its own. */
export async function listWebDevices(worker: WorkerOptions, options: ChoiceOptions): Promise<DeviceInfo[]> {
  return listFrom(await source(worker), options);
}

/** See `chooseFrom`: one of this browser's devices. */
export async function chooseWebDevice(
  worker: WorkerOptions,
  choice: DeviceChoice,
  onTry?: () => void,
): Promise<Chosen> {
  return chooseFrom(await source(worker), choice, { onLog: worker.onLog, onTry });
}

async function source(worker: WorkerOptions): Promise<DeviceSource> {
  return {
    candidates: [processor(), await gpuCandidate()],
    tryDevice: (candidate) => tryInWorker(candidate, worker),
    list: 'Patchwork: Choose Device…',
  };
}

function processor(): Candidate {
  const cores = navigator.hardwareConcurrency;
  return {
    id: 'cpu',
    name: 'Processor, by WebAssembly',
    software: false,
    found: true,
    identity: identityOf('cpu', String(cores), String(globalThis.crossOriginIsolated)),
  };
}

/** The GPU of this browser, or why there is none. */
export async function gpuCandidate(): Promise<Candidate> {
  const none = { id: 'webgpu', name: 'GPU', software: false, found: false, identity: '' } as const;
  const { gpu } = navigator as { gpu?: Gpu };
  if (!gpu) return { ...none, missing: 'this browser has no WebGPU' };
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (!adapter) return { ...none, missing: 'this browser gives no GPU to pages' };
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const software =
    isFallbackAdapter === true ||
    /swiftshader|llvmpipe|basic render/i.test(`${architecture} ${device} ${description}`);
  return {
    id: 'webgpu',
    name: description || [vendor, device || architecture].filter(Boolean).join(' ') || 'GPU',
    software,
    found: true,
    // The browser's version stands for that of its driver.
    identity: identityOf(
      runtimeFor('webgpu'),
      vendor,
      architecture,
      device,
      description,
      navigator.userAgent,
    ),
  };
}

function identityOf(...parts: readonly string[]): string {
  return [...parts, packageJson.dependencies['onnxruntime-web']].join(', ');
}

/** Tries a device alone, in a worker of its own. If that worker crashes or hangs, the device counts as faulty. */
async function tryInWorker({ id, name }: Candidate, options: WorkerOptions): Promise<DeviceCheck> {
  const fault = (reason: string): DeviceCheck => ({ wrong: [], fault: reason });
  let worker: ServedWorker | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<DeviceCheck>((resolve) => {
    timer = setTimeout(() => resolve(fault(`it did not answer within ${PATIENCE / 1000} s`)), PATIENCE);
  });
  const tried = async () => {
    const device = { id, findings: { name, wrong: [] } };
    worker = await ServedWorker.start(options, device, () => {});
    return worker.call(check, { device: id, name }, {});
  };
  try {
    return await Promise.race([tried(), late]);
  } catch (error) {
    return fault(messageOf(error).split('\n')[0]!.slice(0, 200));
  } finally {
    clearTimeout(timer);
    worker?.end('It was tried.');
  }
}
