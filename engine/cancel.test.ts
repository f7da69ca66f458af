import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import type { CallOptions, Engine } from '../shared/api.ts';
import { NodeBackend } from './backends/node/backend.ts';
import { createEngine } from './engine.ts';
import { isAbort } from './errors.ts';
import type { Program } from './execution/backend.ts';

/** Counts loads and runs of networks, and cancels at the end of one, as a message does that waited for it. */
class Blocking extends NodeBackend {
  begun = 0;
  cancelIn = Number.POSITIVE_INFINITY;
  /** Turns of the event loop until the message comes. */
  ticks = 0;
  controller = new AbortController();
  /** Loads and runs that had begun when it cancelled. */
  before = 0;

  async #counted<Result>(work: () => Promise<Result>): Promise<Result> {
    const own = ++this.begun;
    const result = await work();
    if (own === this.cancelIn) this.#cancelIn(this.ticks);
    return result;
  }

  #cancelIn(ticks: number): void {
    setImmediate(() => {
      if (ticks > 0) return this.#cancelIn(ticks - 1);
      this.before = this.begun;
      this.controller.abort();
    });
  }

  async #loaded(load: () => Promise<Program>): Promise<Program> {
    const program = await this.#counted(load);
    return {
      run: (...inputs) => this.#counted(() => program.run(...inputs)),
      runKept: (...inputs) => this.#counted(() => program.runKept(...inputs)),
      release: () => program.release(),
    };
  }

  override compile(...given: Parameters<NodeBackend['compile']>): Promise<Program> {
    return this.#loaded(() => super.compile(...given));
  }

  override open(...given: Parameters<NodeBackend['open']>): Promise<Program> {
    return this.#loaded(() => super.open(...given));
  }
}

const SIZE = 64;
const white = (share: number) =>
  sharp({ create: { width: share * SIZE, height: share * SIZE, channels: 3, background: 'white' } })
    .png()
    .toBuffer();
const image = new Uint8Array(
  await sharp(
    new Uint8Array(3 * SIZE * SIZE).map((_, i) => (i * 37) % 251),
    {
      raw: { width: SIZE, height: SIZE, channels: 3 },
    },
  )
    .png()
    .toBuffer(),
);
const mask = new Uint8Array(
  await sharp({ create: { width: SIZE, height: SIZE, channels: 3, background: 'black' } })
    .composite([{ input: await white(0.25), left: 24, top: 24 }])
    .png()
    .toBuffer(),
);

/** `attempt`: another prompt and other steps each time, so that nothing is known of an earlier one. */
const asked = (attempt: number) => ({ prompt: `a house ${attempt}`, seed: 1, steps: 2 + (attempt % 4) });

const CALLS: Record<
  string,
  (engine: Engine, attempt: number, options: Pick<CallOptions<never>, 'signal'>) => Promise<unknown>
> = {
  generate: (engine, attempt, options) =>
    engine.generate({ ...asked(attempt), width: SIZE, height: SIZE }, options),
  edit: (engine, attempt, options) =>
    engine.edit({ ...asked(attempt), image, mask, mode: 'sparse' }, options),
  'full recompute': (engine, attempt, options) =>
    engine.edit({ ...asked(attempt), image, mask, mode: 'dense' }, options),
  prepareEdit: (engine, attempt, options) =>
    engine.prepareEdit({ image, steps: asked(attempt).steps }, options),
  segment: (engine, _, options) => engine.segment({ image, points: [{ x: 30, y: 30 }] }, options),
  findObjects: (engine, _, options) => engine.findObjects({ image, grid: 2 }, options),
  describe: (engine, _, options) => engine.describe({ image }, options),
  cutOut: (engine, _, options) => engine.cutOut({ image, points: [{ x: 30, y: 30 }] }, options),
};

/**
 * Cancels a call in one of its loads and runs: nothing is loaded or run after that, and the same call then succeeds.
 * @returns whether the call has as many
 */
async function cancelled(name: string, place: number, backend: Blocking, engine: Engine): Promise<boolean> {
  backend.begun = 0;
  backend.cancelIn = place;
  backend.ticks = place % 4;
  backend.controller = new AbortController();
  const { signal } = backend.controller;
  const ended = await CALLS[name]!(engine, place, { signal }).then(
    () => 'finished',
    (error) => error,
  );
  if (!signal.aborted) return false;
  assert.ok(ended === 'finished' || isAbort(ended), String(ended));
  assert.equal(backend.begun, backend.before, `in the ${place}th`);
  backend.cancelIn = Number.POSITIVE_INFINITY;
  await CALLS[name]!(engine, place, {});
  return true;
}

async function withEngine(use: (backend: Blocking, engine: Engine) => Promise<void>): Promise<void> {
  const backend = new Blocking();
  const engine = createEngine(backend);
  await use(backend, engine).finally(() => engine.dispose());
}

for (const name of Object.keys(CALLS)) {
  test(`${name}: nothing is loaded after a cancellation, and the next call loads it`, async () => {
    for (const place of [1, 3])
      await withEngine(async (backend, engine) => {
        assert.ok((await cancelled(name, place, backend, engine)) || place > 1);
      });
  });

  test(`${name}: nothing is run after a cancellation, and the next call runs it`, async () => {
    await withEngine(async (backend, engine) => {
      await CALLS[name]!(engine, 0, {});
      let place = 1;
      while (await cancelled(name, place, backend, engine)) place++;
    });
  });
}
