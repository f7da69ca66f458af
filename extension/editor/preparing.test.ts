import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import { abortError } from '../../engine/errors.ts';
import type {
  Engine,
  PrepareEditRequest,
  PrepareEditResult,
  Recipe,
  SegmentRequest,
} from '../../shared/api.ts';
import { type EditDraft, EMPTY_DRAFT } from '../../shared/editorProtocol.ts';

const { setSetting, Uri } = await import('../../test/support/vscode/stub.ts');
const { checkingEngine, servicesIn } = await import('../../test/support/vscode/services.ts');
const { modelChanges } = await import('../models/changes.ts');
const { PictureDocument } = await import('./document.ts');
const { Preparing } = await import('./preparing.ts');
const { Selecting } = await import('./selecting.ts');

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-preparing-'));
after(() => rm(folder, { recursive: true, force: true }));
const png = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#4a8' } })
  .png()
  .toBuffer();
const file = path.join(folder, 'field.png');
await writeFile(file, png);

process.env.HF_HUB_CACHE = path.join(folder, 'hub');
/** Puts empty files of a model into the cache of Hugging Face. */
async function installed(id: string, files: readonly string[]): Promise<void> {
  const model = path.join(folder, 'hub', `models--${id.replace('/', '--')}`, 'snapshots', '1');
  for (const name of files) {
    await mkdir(path.join(model, path.dirname(name)), { recursive: true });
    await writeFile(path.join(model, name), '');
  }
}

const draft: EditDraft = { ...EMPTY_DRAFT, seed: '7', seedLocked: true };

test('an image that is closed while it is recorded: the recording ends, and the next image is recorded', async () => {
  const begun: AbortSignal[] = [];
  let began = () => {};
  const next = () => new Promise<void>((resolve) => (began = resolve));
  /** Records until it is cancelled, as the engine does between two steps. */
  const prepareEdit: Engine['prepareEdit'] = (_, { signal, onProgress } = {}) =>
    new Promise((_, reject) => {
      begun.push(signal!);
      onProgress?.({ stage: 'record', step: 1, steps: 20 });
      signal!.addEventListener('abort', () => reject(signal!.reason), { once: true });
      began();
    });
  const segment = async () => ({}) as never;
  const engine = { ...checkingEngine(new Uint8Array(png), () => {}), prepareEdit, segment };
  const services = servicesIn(folder, engine);
  const opened = async () => {
    const document = await PictureDocument.open(Uri.file(file) as never, services.log);
    const recording = next();
    new Preparing(services, document).start(draft);
    await recording;
    return document;
  };
  const document = await opened();
  assert.deepEqual(document.state.preparing, { step: 1, steps: 20 });
  document.dispose();
  assert.equal(begun[0]!.aborted, true);
  assert.equal(document.state.preparing, undefined);
  const other = await opened();
  assert.deepEqual([begun.length, begun[1]!.aborted], [2, false]);
  other.dispose();
});

/** An editor in which an image was recorded; `models` waits for recordings with these models. */
async function recording(answer: () => void = () => {}) {
  const recorded: PrepareEditRequest[] = [];
  const prepareEdit: Engine['prepareEdit'] = async (request) => {
    recorded.push(request);
    answer();
    return { complete: true, recordedSteps: 0, seconds: 0 };
  };
  const segment = async () => ({}) as never;
  const services = servicesIn(folder, { ...checkingEngine(new Uint8Array(png)), prepareEdit, segment });
  const document = await PictureDocument.open(Uri.file(file) as never, services.log);
  const preparing = new Preparing(services, document);
  preparing.start(draft);
  const models = async (expected: (string | undefined)[]) => {
    while (recorded.length < expected.length || document.state.preparing) await sleep(5);
    // What comes too often comes now.
    await sleep(50);
    assert.deepEqual(
      recorded.map(({ model }) => model),
      expected,
    );
  };
  return { document, preparing, models, recorded };
}

test('where small masks are enlarged the part around the mask is recorded, once it is there', async () => {
  const { document, preparing, models, recorded } = await recording();
  await models([undefined]);
  const data = new Uint8Array(16).fill(255);
  await document.changeMask('Brush', { left: 2, top: 3, width: 4, height: 4, data });
  preparing.start(draft);
  await models([undefined]);
  preparing.start({ ...draft, zoom: true });
  await models([undefined, undefined]);
  const { zoom, masked } = recorded[1]!;
  assert.deepEqual([zoom, masked], ['auto', { left: 2, top: 3, width: 4, height: 4 }]);
  document.dispose();
});

test('another model in the settings is recorded with, and settings that do not matter are not', async () => {
  const { document, preparing, models } = await recording();
  try {
    await models([undefined]);
    setSetting('galleryLimit', 100);
    setSetting('size', '64x64');
    await models([undefined]);
    setSetting('model', '/models/other');
    await models([undefined, '/models/other']);
    assert.equal(document.state.prepared, true);
    preparing.stop();
    setSetting('model', '/models/third');
    await models([undefined, '/models/other']);
    preparing.start(draft);
    await models([undefined, '/models/other', '/models/third']);
  } finally {
    for (const name of ['galleryLimit', 'size', 'model']) setSetting(name, undefined);
    document.dispose();
  }
});

test('an inpainting twin that is installed is recorded with, and other models change nothing', async () => {
  const model = 'stable-diffusion-v1-5/stable-diffusion-v1-5';
  const networks = ['unet/diffusion_pytorch_model', 'vae/diffusion_pytorch_model', 'text_encoder/model'];
  setSetting('model', model);
  const { document, models } = await recording();
  try {
    await models([model]);
    modelChanges.fire();
    await models([model]);
    await installed('stable-diffusion-v1-5/stable-diffusion-inpainting', [
      'model_index.json',
      ...networks.flatMap((name) => [`${name}.safetensors`, `${path.posix.dirname(name)}/config.json`]),
    ]);
    modelChanges.fire();
    await models([model, model]);
  } finally {
    setSetting('model', undefined);
    document.dispose();
  }
});

test('a recording that failed starts again once a model is installed', async () => {
  let missing = true;
  const { document, models } = await recording(() => {
    if (missing) throw new Error('A LoRA file is missing.');
  });
  await models([undefined]);
  missing = false;
  modelChanges.fire();
  await models([undefined, undefined]);
  assert.equal(document.state.prepared, true);
  document.dispose();
});

/** Tells the times of edits of an image, of which `prepareEdit` answers some. A step of 256×256 pixels takes 0.1 s. */
async function telling(size: { width: number; height: number }, answer: Partial<PrepareEditResult>) {
  const image = path.join(folder, `${size.width}.png`);
  const bytes = await sharp({ create: { ...size, channels: 3, background: '#4a8' } })
    .png()
    .toBuffer();
  await writeFile(image, bytes);
  const recipe = { precision: 'fp32', guidance: 5, ...size, ...answer.recipe } as Recipe;
  const prepareEdit: Engine['prepareEdit'] = async () =>
    ({ complete: false, recordedSteps: 0, seconds: 0, ...answer, recipe }) as PrepareEditResult;
  const engine = {
    ...checkingEngine(new Uint8Array(bytes)),
    prepareEdit,
    segment: async () => ({}) as never,
  };
  const services = servicesIn(folder, engine);
  await services.denseSpeed.learn({}, { ...recipe, width: 256, height: 256 }, [0.1]);
  const document = await PictureDocument.open(Uri.file(image) as never, services.log);
  const preparing = new Preparing(services, document);
  const told = async () => {
    preparing.start(draft);
    for (const before = document.state.mostSeconds; document.state.mostSeconds === before; )
      await new Promise((resolve) => setImmediate(resolve));
    return document.state;
  };
  return { document, told };
}

test('of a large image the mask decides which time is told', async () => {
  const { document, told } = await telling({ width: 4096, height: 2304 }, { editSteps: 10 });
  const whole = (await told()).mostSeconds!;
  const data = new Uint8Array(100 * 100).fill(255);
  await document.changeMask('Brush', { left: 1000, top: 1000, width: 100, height: 100, data });
  const part = (await told()).mostSeconds!;
  assert.ok(part < whole / 2, `${part} s for a small part, ${whole} s for all`);
  document.dispose();
});

test('of an edit that computes a share of the process it is told what all takes, too', async () => {
  const recipe = { budget: { share: 0.4, steps: 20 } } as Recipe;
  const { document, told } = await telling(
    { width: 256, height: 256 },
    { editSteps: 7, spent: 0.35, recipe },
  );
  const { mostSeconds, fullSeconds } = await told();
  assert.equal((fullSeconds! / mostSeconds!).toFixed(6), (1 / 0.35).toFixed(6));
  document.dispose();
});

/** A document whose image is prepared by `segment`; `prepared` starts that and waits for its end. */
async function preparing(image: Buffer, segment: Engine['segment']) {
  const place = path.join(folder, 'prepared.png');
  await writeFile(place, image);
  const services = servicesIn(folder, { ...checkingEngine(new Uint8Array(image)), segment });
  const document = await PictureDocument.open(Uri.file(place) as never, services.log);
  const preparing = new Preparing(services, document);
  const prepared = async () => {
    document.update({ prepared: false });
    preparing.start(draft);
    while (!document.state.prepared) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { services, document, prepared };
}

test('an image is encoded for clicks before it is recorded, and again after other work came first', async () => {
  const asked: SegmentRequest[] = [];
  const { document, prepared } = await preparing(png, async (request) => {
    asked.push(request);
    if (asked.length === 1) throw abortError();
    // One that fails does not keep the image from being recorded.
    throw new Error('The segmenter is damaged.');
  });
  await prepared();
  assert.equal(asked.length, 2);
  assert.deepEqual(Object.keys(asked[1]!), ['image'], 'without a place, which makes it background work');
  assert.deepEqual(Buffer.from(asked[1]!.image as Uint8Array), png);
  document.dispose();
});

test('an image that changes after a click is encoded by the installed segmenter that answered it', async () => {
  await installed('mit-han-lab/efficientvit-sam', ['onnx/l0_encoder.onnx', 'onnx/l0_decoder.onnx']);
  const asked: SegmentRequest[] = [];
  const { services, document, prepared } = await preparing(png, async (request) => {
    asked.push(request);
    const mask = { width: 16, height: 16, data: new Uint8Array(256).fill(1), area: 256, score: 1 };
    const answer = { picture: 'it', warnings: [], masks: request.points ? [mask] : [] };
    return { ...answer, sure: request.model !== undefined } as never;
  });
  await prepared();
  const selecting = new Selecting(services, document);
  await selecting.select({ points: [{ x: 1, y: 1, include: true }] }, 'replace');
  await document.crop({ left: 8, top: 0, right: 0, bottom: 0 });
  await prepared();
  const models = asked.map(({ model }) => model && path.basename(model));
  // Nothing tells here whether the image is a drawing.
  assert.deepEqual(models, [undefined, undefined, 'l0_encoder.onnx', 'l0_encoder.onnx']);
  document.dispose();
});

test('a click on an image that was encoded in the background does not encode it again', async () => {
  const engine = createEngine(new NodeBackend(1));
  after(() => engine.dispose());
  const sun = { create: { width: 40, height: 40, channels: 3, background: '#fd0' } } as const;
  const image = await sharp({ create: { width: 128, height: 128, channels: 3, background: '#48c' } })
    .composite([{ input: await sharp(sun).png().toBuffer(), left: 44, top: 44 }])
    .png()
    .toBuffer();
  const encodings: string[] = [];
  const { services, document, prepared } = await preparing(image, async (request, options) => {
    const result = await engine.segment(request, options);
    encodings.push(result.encoding);
    return result;
  });
  const selecting = new Selecting(services, document);
  const click = () => selecting.select({ points: [{ x: 60, y: 60, include: true }] }, 'replace');
  await prepared();
  await click();
  assert.deepEqual(encodings.splice(0), ['whole', 'kept']);
  await document.crop({ left: 8, top: 0, right: 0, bottom: 0 });
  await prepared();
  await click();
  assert.deepEqual(encodings, ['whole', 'kept'], 'the image as it is after a change');
  document.dispose();
});
