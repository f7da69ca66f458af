/** What the extension's parts share, outside VS Code: kept in a folder, with an engine that only checks what it is asked. */
import './register.ts';
import assert from 'node:assert/strict';
import path from 'node:path';
import { checkBenchmark } from '../../../engine/benchmark/check-request.ts';
import { InputError } from '../../../engine/errors.ts';
import { checkEdit, checkGenerate, checkPrepareEdit } from '../../../engine/pipelines/check-request.ts';
import { checkSegment } from '../../../engine/pipelines/segment/check-request.ts';
import type { Services } from '../../../extension/services.ts';
import type { EditRequest, EditResult, Engine, GenerateRequest } from '../../../shared/api.ts';
import { NO_EXTENSION } from '../../../shared/editorProtocol.ts';
import { blankRaster, type Raster } from '../../../shared/raster.ts';
import { recipeOf, resultOf } from '../../../shared/testing.ts';
import { MemoryStorage } from '../storage.ts';

const { Uri, workspace } = await import('./stub.ts');
const { runViews } = await import('../../../extension/view/runViews.ts');
const { KeptPictures } = await import('../../../extension/additions/keptPictures.ts');
const { LastModels } = await import('../../../extension/additions/lastModels.ts');
const { BenchmarkStore } = await import('../../../extension/benchmark/store.ts');
const { DenseSpeed } = await import('../../../extension/denseSpeed.ts');
const { Gallery } = await import('../../../extension/gallery/store.ts');
const { HeadStart } = await import('../../../extension/headStart.ts');
const { PromptHistory } = await import('../../../extension/history.ts');
const { LastEditor } = await import('../../../extension/lastEditor.ts');
const { EditPace } = await import('../../../extension/queue/editPace.ts');
const { EngineQueue } = await import('../../../extension/queue/engineQueue.ts');
const { Generator } = await import('../../../extension/queue/generator.ts');
const { RunLog } = await import('../../../extension/queue/interrupted.ts');
const { Pace } = await import('../../../extension/queue/pace.ts');

/**
 * An engine that checks requests as the real one does, and computes nothing. `png`: its result for every image; `seen`:
 * called with each edit
 */
export function checkingEngine(png: Uint8Array, seen: (request: EditRequest) => void = () => {}): Engine {
  const made = ({ prompt }: GenerateRequest) => resultOf(recipeOf({ prompt }));
  const refuse = () => Promise.reject(new InputError('Not here.'));
  return {
    generate: async (request: GenerateRequest) => ({
      ...made(checkGenerate(request)),
      picture: { png, width: 16, height: 16 },
    }),
    edit: async (request: EditRequest): Promise<EditResult> => {
      const { image, extend } = checkEdit(request);
      seen(request);
      const raster = image as Raster;
      const { left, top, right, bottom } = extend ?? NO_EXTENSION;
      const grown = blankRaster(raster.width + left + right, raster.height + top + bottom, 3);
      return {
        ...made(request),
        picture: { png: new Uint8Array(), width: raster.width, height: raster.height },
        pixels: { ...grown, data: grown.data.fill(raster.data[0]! ^ 255) },
        mode: 'dense',
        activeFraction: [1],
        denseMacs: 1,
        computed: [],
        recordedSteps: 0,
        recordSeconds: [],
        recordingMacs: 0,
      };
    },
    prepareEdit: async (request: never) => {
      checkPrepareEdit(request);
      return { complete: true, recordedSteps: 0, seconds: 0 };
    },
    segment: (request: never) => {
      checkSegment(request);
      return refuse();
    },
    benchmark: (request: never) => {
      checkBenchmark(request);
      return refuse();
    },
    findObjects: refuse,
    describe: refuse,
    store: refuse,
    dispose: async () => {},
  } as unknown as Engine;
}

/** @param storage a folder */
export function servicesIn(storage: string, engine: Engine): Services {
  const queue = new EngineQueue(engine);
  const line = (text: unknown) => {
    assert.ok(String(text).length < 100_000);
  };
  const log = { info: line, warn: line, error: line, show() {} } as never;
  const pace = new Pace(new MemoryStorage());
  const gallery = new Gallery(path.join(storage, 'pictures'), () => 0);
  const kept = new KeptPictures(path.join(storage, 'kept'));
  const parts = { queue, pace, log, gallery, kept, runs: new RunLog(new MemoryStorage()) };
  const more = {
    history: new PromptHistory(new MemoryStorage()),
    denseSpeed: new DenseSpeed(new MemoryStorage()),
  };
  const services: Services = {
    ...parts,
    ...more,
    editPace: new EditPace(new MemoryStorage()),
    devices: ['cpu', 'webgpu'],
    extensionUri: Uri.file(storage) as never,
    engine: queue.engine,
    headStart: new HeadStart(parts, true),
    views: runViews(() => services),
    generator: new Generator({ ...parts, ...more }),
    benchmarks: new BenchmarkStore(workspace.fs as never, Uri.file(storage) as never),
    lastModels: new LastModels(new MemoryStorage()),
    lastEditor: new LastEditor(),
    memory: new MemoryStorage() as never,
  };
  return services;
}
