/**
 * The engine in a browser's worker, bundled to dist/web/engine.js, before which ONNX Runtime's own script stands: one text
 * that loads no other. The first message is a `Start`, all others are the engine's protocol.
 */
import {
  BrowserMessageReader,
  BrowserMessageWriter,
  createMessageConnection,
  type MessageConnection,
} from 'vscode-jsonrpc/browser';
import { WebBackend } from '../../engine/backends/web/backend.ts';
import { GpuBackend } from '../../engine/backends/web/gpu.ts';
import { createEngine } from '../../engine/engine.ts';
import { checkDevice } from '../../engine/execution/device-check/check.ts';
import { mount } from '../../engine/host/web/fs.ts';
import { MemoryStore } from '../../engine/host/web/memory-store.ts';
import { openOpfs } from '../../engine/host/web/opfs-store.ts';
import { type ReadResource, ResourceStore } from '../../engine/host/web/resource-store.ts';
import { openWithAdditions } from '../../engine/models/additions.ts';
import { PatchWorker } from '../../engine/parallel/worker.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { check } from '../devices/protocol.ts';
import { answer, answerCalls } from '../engine/answers.ts';
import { answerCrew } from '../workers/answers.ts';
import { alone } from './alone.ts';
import { WebCrew } from './crew.ts';
import { mailed, SharedMail } from './shared-mail.ts';
import type { ResourceAnswer, ResourceRequest, Start, Started } from './start.ts';

const port = self as unknown as MessagePort;

port.onmessage = async ({ data, ports }: MessageEvent<Start>) => {
  port.onmessage = null;
  const tell = (started: Started) => port.postMessage(started);
  try {
    const kept = await openOpfs('patchwork');
    mount('/data', kept ?? new MemoryStore());
    const resource = resourcesFrom(ports[0]!);
    mount('/models', new ResourceStore(resource, data.sizes));
    const connection = createMessageConnection(
      new BrowserMessageReader(port),
      new BrowserMessageWriter(port),
    );
    if (data.member) serveCrew(connection, data);
    else serveEngine(connection, data, kept ? resource : undefined);
    connection.listen();
    tell({ ready: true, keepsFiles: kept !== undefined });
  } catch (error) {
    tell({ error: messageOf(error) });
  }
};

/** @param shared reads files of the embedded models for further workers; undefined where these would not find this one's files */
function serveEngine(connection: MessageConnection, data: Start, shared: ReadResource | undefined): void {
  const { storeBudget, script } = data;
  const crew = script && shared && new WebCrew({ start: data, script, resource: shared });
  const backend = backendOf(data);
  if (backend.device === 'cpu') backend.begin();
  const engine = createEngine(backend, {
    ...(storeBudget && { storeBudget }),
    ...(crew && { openCrew: () => crew }),
  });
  const why =
    'This window cannot share memory among workers, so the image was computed by one; it would have to be isolated from other origins.';
  answerCalls(connection, crew ? engine : alone(engine, why));
  answer(connection, check, ({ device, name }) => {
    const processor = new WebBackend(data);
    const gpu = (wrong: readonly string[]) => new GpuBackend(data, { findings: { name, wrong: [...wrong] } });
    return checkDevice(device === 'cpu' ? () => processor : gpu, processor);
  });
}

/** The worker of an engine: see `WebCrew`. */
function serveCrew(connection: MessageConnection, data: Start): void {
  const backend = new WebBackend(data);
  const budget = (data.storeBudget ?? backend.can.memoryBytes / 4) / data.member!.of;
  const worker = new PatchWorker(backend, backend.threads, openWithAdditions, budget);
  const mail = new SharedMail((letter) => void connection.sendNotification(mailed, letter));
  connection.onNotification(mailed, (letter) => mail.receive(letter));
  answerCrew(connection, worker, (name, band) => mail.open(name, band));
}

/** If the GPU is lost, the worker ends, and its client computes elsewhere. */
function backendOf(start: Start): WebBackend {
  const { device } = start;
  if (device?.id !== 'webgpu') return new WebBackend(start);
  return new GpuBackend(start, device, (reason) => {
    throw new Error(reason);
  });
}

/** Gets files from the extension, since only the extension can read its own files wherever it is installed. */
function resourcesFrom(extension: MessagePort): ReadResource {
  const waiting = new Map<number, (answer: ResourceAnswer) => void>();
  let asked = 0;
  extension.onmessage = ({ data }: MessageEvent<ResourceAnswer>) => {
    waiting.get(data.id)?.(data);
    waiting.delete(data.id);
  };
  return async (place) => {
    const id = ++asked;
    const answer = await new Promise<ResourceAnswer>((resolve) => {
      waiting.set(id, resolve);
      extension.postMessage({ id, place } satisfies ResourceRequest);
    });
    if ('error' in answer) throw new Error(answer.error);
    return answer.bytes;
  };
}
