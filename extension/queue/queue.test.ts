import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abortError, isAbort } from '../../engine/errors.ts';
import type {
  BenchmarkProgress,
  BenchmarkRequest,
  CallOptions,
  EditProgress,
  EditRequest,
  Engine,
  GenerateProgress,
  GenerateRequest,
  GenerateResult,
  PrepareEditRequest,
} from '../../shared/api.ts';
import { describeRun } from '../../shared/format.ts';
import { totalRemaining } from '../../shared/jobs.ts';
import { MemoryStorage } from '../../test/support/storage.ts';
import { EngineQueue, type JobOptions } from './engineQueue.ts';
import { RunLog } from './interrupted.ts';
import { loadKey, Pace } from './pace.ts';
import { Remaining } from './remaining.ts';

/** An engine whose images are finished by the test. */
class Fake {
  readonly calls: {
    prompt: string;
    finish: () => void;
    fail: (error: Error) => void;
    report: (progress: GenerateProgress) => void;
  }[] = [];

  generate({ prompt }: GenerateRequest, options: CallOptions<GenerateProgress>): Promise<GenerateResult> {
    return new Promise((resolve, reject) => {
      options.signal?.addEventListener('abort', () => reject(abortError()));
      this.calls.push({
        prompt,
        finish: () => resolve({ seconds: 1 } as GenerateResult),
        fail: reject,
        report: options.onProgress!,
      });
    });
  }

  edit(request: EditRequest, options: CallOptions<GenerateProgress>): Promise<unknown> {
    return this.generate(request, options);
  }

  prepareEdit(request: PrepareEditRequest, options: CallOptions<GenerateProgress>): Promise<unknown> {
    return this.generate({ ...request, prompt: '' }, options);
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const make = () => {
  const fake = new Fake();
  return { fake, queue: new EngineQueue(fake as unknown as Engine) };
};
const titles = (queue: EngineQueue) =>
  queue.jobs.map(({ title, running }) => `${title}${running ? '*' : ''}`);

test('an image beside the queue gives way to what enters it, and does not start while it is busy', async () => {
  const { fake, queue } = make();
  const { signal } = new AbortController();
  const aside = queue.generateAside({ prompt: 'draft' }, { signal });
  assert.deepEqual(titles(queue), []);
  const queued = queue.generate({ prompt: 'a' });
  await assert.rejects(aside, isAbort);
  await assert.rejects(queue.generateAside({ prompt: 'draft' }, { signal }), isAbort);
  await settled();
  assert.deepEqual(
    fake.calls.map(({ prompt }) => prompt),
    ['draft', 'a'],
  );
  fake.calls[1]!.finish();
  await queued;
  const again = queue.generateAside({ prompt: 'again' }, { signal });
  fake.calls[2]!.finish();
  await again;
  const edit = queue.editAside({ prompt: 'edit', image: new Uint8Array() }, { signal });
  const other = queue.generate({ prompt: 'b' });
  await assert.rejects(edit, isAbort);
  await settled();
  assert.equal(fake.calls[4]!.prompt, 'b');
  fake.calls[4]!.finish();
  await other;
});

test('an image beside the queue does not give way to the times of the last one', async () => {
  const pace = new Pace(new MemoryStorage());
  const fake = new Fake();
  const queue = new EngineQueue(fake as unknown as Engine, pace);
  const aside = queue.generateAside({ prompt: 'draft' }, { signal: new AbortController().signal });
  await pace.note({ prompt: 'a', steps: 10 }, result(256, 10));
  fake.calls[0]!.finish();
  await aside;
});

test('a result that comes after the user cancelled is discarded', async () => {
  const { fake, queue } = make();
  const generated = queue.generate({ prompt: 'a' }, { id: 'a' });
  await settled();
  // Finished first: the rejection that follows does not count any more.
  fake.calls[0]!.finish();
  queue.cancel('a');
  await assert.rejects(generated, isAbort);
  assert.deepEqual(queue.jobs, []);
});

test('one runs, the others wait in order and start by themselves', async () => {
  const { fake, queue } = make();
  const all = ['a', 'b', 'c'].map((prompt) => queue.generate({ prompt }));
  await settled();
  assert.deepEqual(titles(queue), ['a*', 'b', 'c']);
  assert.equal(fake.calls.length, 1);
  fake.calls[0]!.finish();
  await all[0];
  await settled();
  assert.deepEqual(titles(queue), ['b*', 'c']);
  fake.calls[1]!.finish();
  await settled();
  fake.calls[2]!.finish();
  await Promise.all(all);
  assert.deepEqual(queue.jobs, []);
});

test('any one can be cancelled, and all', async () => {
  const { fake, queue } = make();
  const all = ['a', 'b', 'c'].map((prompt) => queue.generate({ prompt }));
  await settled();
  const outcomes = Promise.allSettled(all);
  queue.cancel(queue.jobs[1]!.id);
  await assert.rejects(all[1]!, isAbort);
  assert.deepEqual(titles(queue), ['a*', 'c']);
  queue.cancelAll();
  await outcomes;
  assert.deepEqual(queue.jobs, []);
  assert.equal(fake.calls.length, 1, 'what waited never reached the engine');
});

test("a caller's own signal cancels too, before and after the start", async () => {
  const { queue } = make();
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = queue.generate({ prompt: 'a' }, { signal: running.signal });
  const second = queue.generate({ prompt: 'b' }, { signal: waiting.signal });
  waiting.abort();
  await assert.rejects(second, isAbort);
  running.abort();
  await assert.rejects(first, isAbort);
  await assert.rejects(queue.generate({ prompt: 'c' }, { signal: AbortSignal.abort() }), isAbort);
  assert.deepEqual(queue.jobs, []);
});

test('when the engine ends, what waits continues', async () => {
  const { fake, queue } = make();
  const first = queue.generate({ prompt: 'a' });
  const second = queue.generate({ prompt: 'b' });
  await settled();
  fake.calls[0]!.fail(new Error('The engine ended.'));
  await assert.rejects(first, /The engine ended/);
  await settled();
  assert.equal(fake.calls[1]?.prompt, 'b');
  fake.calls[1]!.finish();
  await second;
});

test('a job tells how far it is', async () => {
  const { fake, queue } = make();
  let changes = 0;
  queue.onDidChange(() => changes++);
  const call = queue.generate({ prompt: 'a' });
  await settled();
  fake.calls[0]!.report({ stage: 'denoise', step: 3, steps: 20 });
  const [{ run }] = queue.jobs as [(typeof queue.jobs)[number]];
  assert.deepEqual([run.stage, run.step, run.steps], ['denoise', 3, 20]);
  assert.ok(changes > 1);
  fake.calls[0]!.finish();
  await call;
});

test('a benchmark in the queue says that it is prepared, then which round is measured', async () => {
  const said: string[] = [];
  const engine = {
    async benchmark(_: BenchmarkRequest, { onProgress }: CallOptions<BenchmarkProgress>) {
      onProgress!({ stage: 'prepare', done: 1, total: 4 });
      onProgress!({ stage: 'measure', done: 2, total: 3 });
      return {};
    },
  };
  const queue = new EngineQueue(engine as unknown as Engine);
  queue.onDidChange(() => said.push(...queue.jobs.map(({ run }) => describeRun(run))));
  await queue.engine.benchmark({ cases: ['dense'] });
  assert.deepEqual(said.slice(-2), ['Preparing…', 'Measuring: round 2 of 3']);
});

test('remaining time comes from what was expected, then from the steps themselves', () => {
  const remaining = new Remaining({ steps: 10, stepSeconds: 2, otherSeconds: 5 });
  assert.equal(remaining.after({ stage: 'wait', step: 0, steps: 10 }, 0), 25);
  assert.equal(remaining.after({ stage: 'denoise', step: 0, steps: 10 }, 100), 25);
  assert.equal(remaining.after({ stage: 'denoise', step: 2, steps: 10 }, 102), 8 * 1.5 + 5);
  const slow = new Remaining({ steps: 20, stepSeconds: 1, otherSeconds: 0 });
  slow.after({ stage: 'denoise', step: 0, steps: 20 }, 0);
  const first = slow.after({ stage: 'denoise', step: 1, steps: 20 }, 10)!;
  assert.ok(first < 19 * 5, `one slow step is not taken for all: ${first}`);
  assert.equal(remaining.after({ stage: 'decode', step: 10, steps: 10 }, 110), 5);
  const unknown = new Remaining();
  assert.equal(unknown.after({ stage: 'wait', step: 0, steps: 10 }, 0), undefined);
  assert.equal(unknown.after({ stage: 'denoise', step: 0, steps: 10 }, 0), undefined);
  assert.equal(unknown.after({ stage: 'denoise', step: 5, steps: 10 }, 10), 10);
});

test('a stage that prepares the model says how long it still takes, by its own steps, and nothing of the rest', () => {
  const remaining = new Remaining({ steps: 10, stepSeconds: 2, otherSeconds: 5 });
  const quantize = (step: number) => ({ stage: 'quantize', step, steps: 20 }) as const;
  assert.equal(remaining.ofStage(quantize(0), 100), undefined);
  assert.equal(remaining.after(quantize(0), 100), undefined);
  assert.equal(remaining.ofStage(quantize(4), 112), 16 * 3);
  assert.equal(remaining.ofStage({ stage: 'denoise', step: 4, steps: 20 }, 120), undefined);
  const run = { ...quantize(4), cancelling: false, stageRemaining: 48 };
  assert.equal(describeRun(run), 'Quantizing the model, once: 4 of 20, about 50 s more');
});

test('a model that is loaded adds what loading it took the last time, and without such a time nothing is said', async () => {
  const pace = new Pace(new MemoryStorage());
  await pace.note({ prompt: 'a', steps: 10, model: 'm' }, result(256, 10));
  const fake = new Fake();
  const queue = new EngineQueue(fake as unknown as Engine, pace);
  const left = () => queue.jobs.map(({ run }) => run.remaining);
  const request = { prompt: 'a', steps: 10, model: 'm' };
  const first = queue.generate(request);
  const second = queue.generate(request);
  await settled();
  // Nobody knows how long loading takes; the second image finds the model loaded.
  assert.deepEqual(left(), [undefined, 24]);
  fake.calls[0]!.report({ stage: 'load', step: 0, steps: 10 });
  assert.equal(left()[0], undefined);
  fake.calls[0]!.report({ stage: 'encode', step: 0, steps: 10 });
  assert.equal(left()[0], 24);
  fake.calls[0]!.finish();
  await first;
  await settled();
  const noted = pace.like(request)?.loadSeconds;
  assert.ok(noted !== undefined && noted >= 0);
  fake.calls[1]!.finish();
  await second;
  await pace.noteLoad(loadKey(request), 30);
  const warm = queue.generate(request);
  await settled();
  assert.deepEqual(left(), [24]);
  fake.calls.at(-1)!.fail(Object.assign(new Error('The engine ended.'), { name: 'EngineEndedError' }));
  await assert.rejects(warm);
  const cold = queue.generate(request);
  await settled();
  assert.deepEqual(left(), [54]);
  fake.calls.at(-1)!.finish();
  await cold;
});

test('jobs that wait get their times from the first image like them', async () => {
  const pace = new Pace(new MemoryStorage());
  const fake = new Fake();
  const queue = new EngineQueue(fake as unknown as Engine, pace);
  const request = { prompt: 'a', steps: 10, model: 'm' };
  const all = [queue.generate(request), queue.generate(request), queue.generate(request)];
  await settled();
  assert.deepEqual(
    queue.jobs.map(({ run }) => run.remaining),
    [undefined, undefined, undefined],
  );
  fake.calls[0]!.finish();
  await all[0];
  await pace.note(request, result(256, 10));
  await settled();
  fake.calls[1]!.report({ stage: 'denoise', step: 1, steps: 10 });
  assert.equal(queue.jobs[1]!.run.remaining, 24);
  queue.cancelAll();
  await Promise.allSettled(all);
});

test('an edit with known times says its own before its first step, but not while its model is loaded', async () => {
  const { fake, queue } = make();
  const expected = { steps: 4, stepSeconds: 2, otherSeconds: 1 };
  const options: JobOptions<EditProgress> = { expected };
  const edited = queue.engine.edit({ prompt: 'a', image: new Uint8Array() }, options);
  await settled();
  const left = () => queue.jobs[0]!.run.remaining;
  assert.equal(left(), 9);
  const report = fake.calls[0]!.report as (progress: EditProgress) => void;
  report({ stage: 'load', step: 0, steps: 4 });
  assert.equal(left(), undefined);
  report({ stage: 'encode', step: 0, steps: 4 });
  assert.equal(left(), 9);
  report({ stage: 'record', step: 0, steps: 3 });
  assert.equal(left(), undefined, 'how long recording takes is not known');
  report({ stage: 'denoise', step: 0, steps: 4 });
  assert.equal(left(), 9);
  report({ stage: 'decode', step: 4, steps: 4 });
  assert.equal(left(), 1);
  fake.calls[0]!.finish();
  await edited;
});

/** A queue whose images with model `m` or `n` take 24 s, and 30 s more where one has to be loaded. */
async function loading() {
  const pace = new Pace(new MemoryStorage());
  for (const model of ['m', 'n']) {
    await pace.note({ prompt: 'a', steps: 10, model }, result(256, 10));
    await pace.noteLoad(loadKey({ prompt: 'a', model }), 30);
  }
  const fake = new Fake();
  const queue = new EngineQueue(fake as unknown as Engine, pace);
  const left = () => queue.jobs.map(({ run }) => run.remaining);
  const asks = (model: string) => ({ prompt: 'a', steps: 10, model });
  const loadSeconds = (model: string) => pace.like(asks(model))!.loadSeconds;
  const { signal } = new AbortController();
  return { fake, queue, left, asks, loadSeconds, signal };
}

test('a model that a draft has loaded is not loaded again, and its time of loading stays known', async () => {
  const { fake, queue, left, asks, loadSeconds, signal } = await loading();
  const draft = queue.generateAside(asks('m'), { signal });
  fake.calls[0]!.finish();
  await draft;
  const image = queue.generate(asks('m'));
  await settled();
  assert.deepEqual(left(), [24]);
  for (const stage of ['load', 'encode'] as const) fake.calls[1]!.report({ stage, step: 0, steps: 10 });
  assert.equal(loadSeconds('m'), 30, 'at once is no time of loading');
  fake.calls[1]!.finish();
  await image;
  // A draft that ends early may have loaded its model, or not.
  const other = queue.generateAside(asks('n'), { signal });
  const next = queue.generate(asks('n'));
  await assert.rejects(other, isAbort);
  await settled();
  assert.deepEqual(left(), [undefined]);
  for (const stage of ['load', 'encode'] as const) fake.calls[3]!.report({ stage, step: 0, steps: 10 });
  assert.deepEqual([left(), loadSeconds('n')], [[24], 30]);
  fake.calls[3]!.finish();
  await next;
});

test('after an edit in the background, or a recording, nobody knows which model is loaded', async () => {
  const { fake, queue, left, asks, signal } = await loading();
  for (const work of [
    () => queue.editAside({ ...asks('m'), image: new Uint8Array() }, { signal }),
    () => queue.engine.prepareEdit({ model: 'm', image: new Uint8Array() }, {}),
  ]) {
    const aside = work();
    fake.calls.at(-1)!.finish();
    await aside;
    const image = queue.generate(asks('m'));
    await settled();
    assert.deepEqual(left(), [undefined]);
    fake.calls.at(-1)!.finish();
    await image;
  }
});

test('a model that is loaded in advance is loaded once, and never while a job runs', async () => {
  const { fake, queue, left, asks } = await loading();
  const before = fake.calls.length;
  const loaded = queue.load(asks('m'));
  assert.deepEqual(titles(queue), []);
  fake.calls.at(-1)!.finish();
  await loaded;
  await queue.load(asks('m'));
  assert.equal(fake.calls.length, before + 1);
  const image = queue.generate(asks('m'));
  await settled();
  assert.deepEqual(left(), [24]);
  await queue.load(asks('n'));
  assert.equal(fake.calls.length, before + 2);
  fake.calls.at(-1)!.finish();
  await image;
});

test('when the job before it is cancelled, a job has to load its model after all', async () => {
  const { fake, queue, left, asks } = await loading();
  const jobs = ['m', 'n', 'n'].map((model) => queue.generate(asks(model)));
  await settled();
  assert.deepEqual(left(), [54, 54, 24]);
  queue.cancel(queue.jobs[1]!.id);
  await assert.rejects(jobs[1]!, isAbort);
  assert.deepEqual(left(), [54, 54]);
  // Nothing is known of one that ends while it is loaded.
  fake.calls[0]!.report({ stage: 'load', step: 0, steps: 10 });
  queue.cancel(queue.jobs[0]!.id);
  await assert.rejects(jobs[0]!, isAbort);
  assert.deepEqual(left(), [undefined]);
  fake.calls[1]!.finish();
  await jobs[2];
});

test('a model with other text encoders, or another prediction, is another one', () => {
  const keys = [{}, { textEncoders: ['a.gguf'] }, { prediction: 'v_prediction' as const }];
  const distinct = new Set(keys.map((parts) => loadKey({ prompt: 'a', model: 'm', ...parts })));
  assert.equal(distinct.size, 3);
});

test('the times of all are the sum, if each is known', () => {
  const run = (remaining?: number) => ({
    run: { stage: 'wait', step: 0, steps: 1, cancelling: false, remaining } as const,
  });
  assert.equal(totalRemaining([run(2), run(3)]), 5);
  assert.equal(totalRemaining([run(2), run()]), undefined);
});

const result = (side: number, steps: number) =>
  ({
    recipe: { width: side, height: side, steps },
    stepSeconds: Array.from({ length: steps }, () => 2),
    seconds: 2 * steps + 7,
    loadSeconds: 3,
  }) as GenerateResult;

test('an image is expected to take what the most similar one took, by its pixels', async () => {
  const pace = new Pace(new MemoryStorage());
  assert.equal(pace.seconds({ prompt: 'a' }), undefined);
  await pace.note({ prompt: 'a', width: 256, height: 256, steps: 10 }, result(256, 10));
  assert.equal(pace.seconds({ prompt: 'b', width: 256, height: 256, steps: 10 }), 24);
  assert.equal(pace.seconds({ prompt: 'b', width: 512, height: 256, steps: 5 }), 28);
  assert.equal(pace.seconds({ prompt: 'b', model: 'other' }), undefined);
  await pace.note({ prompt: 'a' }, result(256, 20));
  assert.equal(pace.seconds({ prompt: 'b' }), 44);
});

test('what was open when a window ended was interrupted, and is so until it is taken', async () => {
  const storage = new MemoryStorage();
  const before = new RunLog(storage);
  await before.begin({ id: 'a', request: { prompt: 'done' } });
  await before.begin({ id: 'b', request: { prompt: 'cut off' } });
  await before.end('a');
  before.close();
  await before.end('b');

  const after = new RunLog(storage);
  assert.deepEqual(
    after.interrupted.map(({ id }) => id),
    ['b'],
  );
  assert.deepEqual(await after.take('b'), { prompt: 'cut off' });
  assert.equal(await after.take('b'), undefined);
  assert.deepEqual(new RunLog(storage).interrupted, []);
});
