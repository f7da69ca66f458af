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
  controller = new AbortController();
  /** Loads and runs that had begun when it cancelled. */
  before = 0;

  async #counted<Result>(work: () => Promise<Result>): Promise<Result> {
    const own = ++this.begun;
    const result = await work();
    if (own === this.cancelIn)
      setImmediate(() => {
        this.before = this.begun;
        this.controller.abort();
      });
    return result;
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

const CALLS: Record<
  string,
  (engine: Engine, options: Pick<CallOptions<never>, 'signal'>) => Promise<unknown>
> = {
  generate: (engine, options) =>
    engine.generate({ prompt: 'a house', seed: 1, steps: 2, width: SIZE, height: SIZE }, options),
  edit: (engine, options) =>
    engine.edit({ prompt: 'a boat', image, mask, seed: 1, steps: 2, mode: 'sparse' }, options),
  'full recompute': (engine, options) =>
    engine.edit({ prompt: 'a boat', image, mask, seed: 1, steps: 2, mode: 'dense' }, options),
  prepareEdit: (engine, options) => engine.prepareEdit({ image, steps: 2 }, options),
  segment: (engine, options) => engine.segment({ image, points: [{ x: 30, y: 30 }] }, options),
  findObjects: (engine, options) => engine.findObjects({ image, grid: 2 }, options),
  describe: (engine, options) => engine.describe({ image }, options),
  cutOut: (engine, options) => engine.cutOut({ image, points: [{ x: 30, y: 30 }] }, options),
};

/** Which loads and runs are cancelled in: the first ones, then every fourth. */
const next = (place: number) => (place < 3 ? place + 1 : place + 4);

for (const [name, call] of Object.entries(CALLS))
  test(`${name}: nothing is loaded or run after a cancellation`, { timeout: 240_000 }, async () => {
    let places = 0;
    for (let place = 1; ; place = next(place)) {
      const backend = new Blocking();
      const engine = createEngine(backend);
      try {
        backend.cancelIn = place;
        const { signal } = backend.controller;
        const ended = await call(engine, { signal }).then(
          () => 'finished',
          (error) => error,
        );
        if (!signal.aborted) break;
        places++;
        assert.ok(ended === 'finished' || isAbort(ended), String(ended));
        assert.equal(backend.begun, backend.before);
      } finally {
        await engine.dispose();
      }
    }
    assert.ok(places > 0, `cancelled in ${places} places`);
  });
