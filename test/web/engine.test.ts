/** The engine if there is no Node: in a browser's worker, on WebAssembly. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import { codecs } from '../../engine/host/node/codecs.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import type { verify } from '../../engine/verification/verify.ts';
import { LocalCrew } from '../../processes/workers/crew.ts';
import type { EditRequest, Engine, GenerateRequest } from '../../shared/api.ts';
import { similarity } from '../support/similarity.ts';
import { callIn, squareMask } from './calls.ts';
import { bundled, openPage, ROOT, skipReason, type TestPage, WITHOUT_NEWER } from './server.ts';
import { workIn } from './work.ts';

type Verified = Awaited<ReturnType<typeof verify>>;

const REQUEST: GenerateRequest = {
  prompt: 'a red house by a lake at sunset',
  seed: 7,
  steps: 6,
  width: 128,
  height: 128,
  precision: 'fp32',
};

const skip = skipReason();
let browser: TestPage;
let desktop: Engine;

before(async () => {
  if (skip) return;
  browser = await openPage(await bundled('page.ts'));
  desktop = createEngine(new NodeBackend());
});
after(async () => {
  await desktop?.dispose();
  await browser?.close();
});

test('the networks agree with their references', { skip }, async () => {
  const folders = ['tiny-sd15', 'tiny-sd21-v-fp16', 'tiny-sight/segmenter'];
  const results = await workIn<Record<string, Verified>>(browser.page, 'parity-worker.ts', {
    base: `${await browser.page.evaluate(() => location.origin)}/test/fixtures/parity/`,
    sizes: sizesBelow(path.join(ROOT, 'test/fixtures/parity')),
    folders,
  });
  for (const folder of folders) {
    const { tensors } = results[folder]!;
    assert.ok(tensors.length > 5, folder);
    for (const { name, relative, limit } of tensors)
      assert.ok(relative <= limit && relative <= 1e-4, `${folder} ${name}: ${relative}`);
  }
});

const call = (...args: Parameters<typeof callIn> extends [unknown, ...infer Rest] ? Rest : never) =>
  callIn(browser.page, ...args);

test('the same prompt and seed give the image of the desktop, and so does an edit', { skip }, async () => {
  const made = await call('generate', REQUEST);
  const expected = await desktop.generate(REQUEST);
  assert.deepEqual(made.recipe, expected.recipe);
  assert.ok((await similarity(made.png, expected.picture.png)) >= 40);

  const picture = expected.picture.png;
  const side = REQUEST.width!;
  const mask = await codecs.encode(
    { width: side, height: side, channels: 1, data: squareMask(side, 0.25, SIDE) },
    { format: 'png' },
  );
  // The desktop's default is that of its processor.
  const numerics = { precision: 'fp32' } as const;
  const request: EditRequest = { ...REQUEST, prompt: 'a green tree', image: picture, mask, ...numerics };
  const edited = await call('edit', request);
  const expectedEdit = await desktop.edit(request);
  assert.equal(edited.mode, 'sparse');
  assert.ok(edited.activeFraction[0]! < 0.5);
  assert.ok((await similarity(edited.png, expectedEdit.picture.png)) >= 40);
  await assertKept(picture, edited.png);
});

test('where pages may share memory, several threads give the same image', { skip }, async () => {
  const isolated = await openPage(await bundled('page.ts'), { isolated: true, hash: 'threads' });
  try {
    const { png } = await callIn(isolated.page, 'generate', { ...REQUEST, steps: 2 });
    const { picture } = await desktop.generate({ ...REQUEST, steps: 2 });
    assert.ok((await similarity(png, picture.png)) >= 40);
    const workers = isolated.page.workers().length;
    assert.ok(workers > 1, `${workers} workers`);
  } finally {
    await isolated.close();
  }
});

const divided = {
  ...REQUEST,
  steps: 4,
  workers: 2,
  patch: { split: 'bands', warmUp: 1 },
} as const;

test('bands of an image on two workers of a page, as on two processes of the desktop', { skip }, async () => {
  const isolated = await openPage(await bundled('page.ts'), { isolated: true });
  const processes = createEngine(new NodeBackend(), { openCrew: () => new LocalCrew() });
  try {
    const { workers: _, ...one } = divided;
    const [alone, shared] = [await desktop.generate(one), await callIn(isolated.page, 'generate', divided)];
    const bands = shared.workers!.map(({ name, from, to }) => [name, from, to]);
    assert.deepEqual(bands, [
      ['Worker 1', 0, 8],
      ['Worker 2', 8, 16],
    ]);
    assert.ok(shared.workers!.every(({ sentBytes, receivedBytes }) => sentBytes > 0 && receivedBytes > 0));
    assert.deepEqual(shared.warnings, []);
    const { picture } = await processes.generate(divided);
    assert.ok((await similarity(shared.png, picture.png)) >= 40, 'the same displaced features');
    const exact = { ...divided, patch: { ...divided.patch, mode: 'synchronous' } } as const;
    const synchronous = await callIn(isolated.page, 'generate', exact);
    assert.ok((await similarity(synchronous.png, alone.picture.png)) >= 40);
    const again = await callIn(isolated.page, 'generate', divided);
    assert.deepEqual(again.png, shared.png);
    // Each with a branch of guidance, and an edit of what they drew.
    const { patch: _patch, ...branches } = divided;
    const branched = await callIn(isolated.page, 'generate', branches);
    assert.ok((await similarity(branched.png, alone.picture.png)) >= 40);
    const mask = await codecs.encode(
      { width: 128, height: 128, channels: 1, data: squareMask(128, 0.25, SIDE) },
      { format: 'png' },
    );
    const request = { ...branches, prompt: 'a green tree', image: shared.png, mask };
    const edited = await callIn(isolated.page, 'edit', request);
    const expected = await processes.edit(request);
    assert.equal(edited.workers!.length, 2);
    assert.ok((await similarity(edited.png, expected.picture.png)) >= 40);
  } finally {
    await processes.dispose();
    await isolated.close();
  }
});

test('where memory cannot be shared, an image for several workers is computed by one, which is said', {
  skip,
}, async () => {
  const small = { ...REQUEST, steps: 2 };
  const { png, workers, warnings } = await call('generate', { ...small, workers: 2 });
  assert.equal(workers, undefined);
  assert.match(warnings.join(), /cannot share memory among workers, so the image was computed by one/);
  assert.deepEqual((await call('generate', small)).png, png);
});

test('a call that is cancelled rejects, and the next one is answered', { skip }, async () => {
  const { name, steps } = await browser.page.evaluate(async (request) => {
    const { engine } = globalThis as unknown as { engine: Engine };
    const controller = new AbortController();
    let steps = 0;
    const onProgress = ({ step }: { step: number }) => {
      steps = step;
      if (step === 2) controller.abort();
    };
    const options = { signal: controller.signal, onProgress };
    const name = await engine.generate({ ...request, steps: 150 }, options).then(
      () => 'finished',
      (error: Error) => error.name,
    );
    await engine.store();
    return { name, steps };
  }, REQUEST);
  assert.equal(name, 'AbortError');
  assert.ok(steps < 150);
});

test('in a tab in the background, whose timers are held back, an image comes and can be cancelled', {
  skip,
}, async () => {
  const hidden = await openPage(await bundled('page.ts'));
  try {
    const small = { ...REQUEST, steps: 2, width: 64, height: 64 };
    const before = await callIn(hidden.page, 'generate', small);
    // Browsers let timers of such tabs wait for up to a minute, and then for ever; messages come as before.
    const holdTimers = () => {
      globalThis.setTimeout = (() => 0) as never;
      globalThis.setInterval = (() => 0) as never;
    };
    await hidden.page.evaluate(holdTimers);
    await hidden.page.workers()[0]!.evaluate(holdTimers);
    const { png } = await callIn(hidden.page, 'generate', small);
    assert.deepEqual(png, before.png);
    const cancelled = await hidden.page.evaluate(
      (request) => {
        const { engine } = globalThis as unknown as { engine: Engine };
        const controller = new AbortController();
        const onProgress = ({ step }: { step: number }) => step === 2 && controller.abort();
        return engine.generate(request, { signal: controller.signal, onProgress }).then(
          () => '',
          ({ name }: Error) => name,
        );
      },
      { ...small, steps: 150 },
    );
    assert.equal(cancelled, 'AbortError');
  } finally {
    await hidden.close();
  }
});

test('where a browser refuses storage, as in a private window, an image comes, and it is said what is lost', {
  skip,
}, async () => {
  const refusing = await openPage(await bundled('page.ts'));
  try {
    await refusing.page.evaluate(() => {
      const refuse = "Promise.reject(new DOMException('refused', 'SecurityError'))";
      Object.assign(globalThis, { beforeEngine: `navigator.storage.getDirectory = () => ${refuse};` });
    });
    const small = { ...REQUEST, steps: 2 };
    const { png } = await callIn(refusing.page, 'generate', small);
    const { picture } = await desktop.generate(small);
    assert.ok((await similarity(png, picture.png)) >= 40);
    const logs = await refusing.page.evaluate(() => (globalThis as unknown as { logs: string[] }).logs);
    assert.match(logs.join('\n'), /keeps files in memory, until the window closes/);
  } finally {
    await refusing.close();
  }
});

test('without what other browsers got later, the same image comes and a call can be cancelled', {
  skip,
}, async () => {
  const older = await openPage(await bundled('page.ts'));
  try {
    await older.page.evaluate((script) => {
      new Function(script)();
      Object.assign(globalThis, { beforeEngine: `{${script}}` });
    }, WITHOUT_NEWER);
    const small = { ...REQUEST, steps: 2 };
    const { png } = await callIn(older.page, 'generate', small);
    const { picture } = await desktop.generate(small);
    assert.ok((await similarity(png, picture.png)) >= 40);
    const why = await older.page.evaluate(async (request) => {
      const { engine } = globalThis as unknown as { engine: Engine };
      const controller = new AbortController();
      const onProgress = () => controller.abort();
      const answer = engine.generate(request, { signal: controller.signal, onProgress });
      return answer.then(
        () => 'done',
        (error: Error) => error.name,
      );
    }, REQUEST);
    assert.equal(why, 'AbortError');
  } finally {
    await older.close();
  }
});

test('a worker that fails, as on a GPU that is lost, is replaced at the next call', { skip }, async () => {
  const small = { ...REQUEST, steps: 1, width: 64, height: 64 };
  await call('generate', small);
  const [worker] = browser.page.workers();
  // Armed before the request, so that a slow machine can't answer it first.
  await worker!.evaluate(() => {
    addEventListener(
      'message',
      () =>
        setTimeout(() => {
          throw new Error('the browser lost its GPU');
        }),
      { once: true },
    );
  });
  const failing = browser.page.evaluate(
    (request) =>
      (globalThis as unknown as { engine: Engine }).engine
        // With progress, as in the extension: between steps the worker takes what else happens.
        .generate(request, { onProgress: () => {}, signal: new AbortController().signal })
        .then(
          () => '',
          ({ message }: Error) => message,
        ),
    { ...REQUEST, steps: 150 },
  );
  assert.match(await failing, /the browser lost its GPU; the next request starts a fresh one\.$/);
  const { png } = await call('generate', small);
  const { picture } = await desktop.generate(small);
  assert.ok((await similarity(png, picture.png)) >= 40);
  assert.notEqual(browser.page.workers()[0], worker);
});

test('an image that the browser has no memory for is refused, and the next one comes', { skip }, async () => {
  const small = { ...REQUEST, steps: 1, width: 64, height: 64 };
  const before = await call('generate', small);
  const [worker] = browser.page.workers();
  // The heap grows no further, as if the browser had no more to give.
  await worker!.evaluate(() => {
    WebAssembly.Memory.prototype.grow = () => {
      throw new RangeError('no more');
    };
  });
  await assert.rejects(
    call('generate', { ...small, width: 1024, height: 1024 }),
    /does not fit into the memory that this browser gives a page\. Use a smaller model, image or precision/,
  );
  assert.deepEqual((await call('generate', small)).png, before.png);
  assert.notEqual(browser.page.workers()[0], worker);
});

test('bad requests are refused in the same words as on the desktop', { skip }, async () => {
  const told = await browser.page.evaluate(
    (request) =>
      (globalThis as unknown as { engine: Engine }).engine
        .generate({ ...request, model: 'nobody/nothing' })
        .then(
          () => '',
          ({ name, message }: Error) => `${name}: ${message}`,
        ),
    REQUEST,
  );
  assert.match(told, /^InputError: nobody\/nothing is not on this machine/);
});

/** The files below a folder and their sizes in bytes. */
function sizesBelow(folder: string): Record<string, number> {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const stats = names.map((name) => [name, fs.statSync(path.join(folder, name))] as const);
  return Object.fromEntries(stats.filter(([, one]) => one.isFile()).map(([name, { size }]) => [name, size]));
}

const SIDE = 0.25;

/** What the mask does not cover is as it was. */
async function assertKept(before: Uint8Array, after: Uint8Array): Promise<void> {
  const [one, other] = [await decodePicture(before, 'before'), await decodePicture(after, 'after')];
  const { width } = one;
  const changed = one.pixels.findIndex((value, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const inside = [x, y].every((place) => place >= 0.25 * width && place < (0.25 + SIDE) * width);
    return !inside && value !== other.pixels[i];
  });
  assert.equal(changed, -1);
}
