import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { InputError, isAbort } from '../../engine/errors.ts';
import type { GenerateProgress } from '../../shared/api.ts';
import { scriptOf } from '../../test/support/script.ts';
import { libraryTrouble } from '../native-libraries.ts';
import { type EngineProcess, engineProcess } from './client.ts';

const options = scriptOf(path.join(import.meta.dirname, 'testing/fake-process.ts'));

let engine: EngineProcess;
beforeEach(() => {
  engine = engineProcess(options);
});
afterEach(() => engine.dispose());

test('starts with the first call and serves the following ones', async () => {
  assert.equal(engine.pid, undefined);
  const first = await engine.generate({ prompt: 'a house', seed: 7 });
  assert.deepEqual([...first.picture.png], [7, 7, 7]);
  assert.ok(first.picture.png instanceof Uint8Array);
  assert.equal(first.recipe.model, `process ${engine.pid}`);
  const second = await engine.generate({ prompt: 'a tree' });
  assert.equal(second.recipe.model, first.recipe.model);
});

test('the process asks Linux for large pages', { skip: process.platform !== 'linux' }, async () => {
  await engine.generate({ prompt: 'a house' });
  const environment = readFileSync(`/proc/${engine.pid}/environ`, 'utf8').split('\0');
  assert.ok(environment.some((entry) => /^GLIBC_TUNABLES=.*glibc\.malloc\.hugetlb=/.test(entry)));
});

test('reports progress to the call it belongs to', async () => {
  const seen: [string, GenerateProgress][] = [];
  const run = (name: string, steps: number) =>
    engine.generate({ prompt: name, steps }, { onProgress: (progress) => seen.push([name, progress]) });
  await Promise.all([run('a', 2), run('b', 3)]);
  assert.deepEqual(
    seen.map(([name, progress]) => `${name}${progress.step}/${progress.steps}`),
    ['a1/2', 'a2/2', 'b1/3', 'b2/3', 'b3/3'],
  );
  assert.deepEqual([...seen[1]![1].preview!.png], [2, 2, 2]);
});

test('errors keep their class and message', async () => {
  await assert.rejects(
    engine.generate({ prompt: 'bad input' }),
    (error) => error instanceof InputError && error.message === 'The size is bad.',
  );
  await assert.rejects(engine.generate({ prompt: 'fails' }), /^Error: Something broke\.$/);
});

test('a cancelled call rejects with AbortError and the process lives on', async () => {
  const controller = new AbortController();
  const call = engine.generate(
    { prompt: 'long', steps: 10_000 },
    { signal: controller.signal, onProgress: ({ step }) => step === 2 && controller.abort() },
  );
  await assert.rejects(call, isAbort);
  const { pid } = engine;
  assert.equal((await engine.generate({ prompt: 'next' })).recipe.model, `process ${pid}`);
});

test('a call cancelled while it waits for another does not wait', async () => {
  const long = new AbortController();
  const first = engine.generate({ prompt: 'long', steps: 10_000 }, { signal: long.signal });
  const waiting = new AbortController();
  const second = engine.generate({ prompt: 'waiting' }, { signal: waiting.signal });
  waiting.abort();
  await assert.rejects(second, isAbort);
  long.abort();
  await assert.rejects(first, isAbort);
});

test('a call cancelled before it starts starts no process', async () => {
  await assert.rejects(engine.generate({ prompt: 'never' }, { signal: AbortSignal.abort() }), isAbort);
  assert.equal(engine.pid, undefined);
});

test('a process that does not cancel in time is ended and replaced', async () => {
  engine = engineProcess({ ...options, cancelGrace: 50 });
  const { recipe } = await engine.generate({ prompt: 'warm up' });
  await assert.rejects(engine.generate({ prompt: 'hangs' }, { signal: AbortSignal.timeout(50) }), isAbort);
  assert.notEqual((await engine.generate({ prompt: 'next' })).recipe.model, recipe.model);
});

test('a kill mid-call is one clear sentence, and the next call starts a fresh process', async () => {
  let killed: number | undefined;
  const call = engine.generate(
    { prompt: 'long', steps: 10_000 },
    {
      onProgress: () => {
        killed ??= engine.pid;
        process.kill(killed!, 'SIGKILL');
      },
    },
  );
  await assert.rejects(call, {
    name: 'EngineEndedError',
    message: 'The engine process was ended by SIGKILL; the next request starts a fresh one.',
  });
  assert.notEqual((await engine.generate({ prompt: 'next' })).recipe.model, `process ${killed}`);
});

test('a process that ended while idle is replaced for the call that finds out', async () => {
  for (let i = 0; i < 3; i++) {
    await engine.generate({ prompt: 'warm up' });
    const { pid } = engine;
    process.kill(pid!, 'SIGKILL');
    // The client does not know yet that it has ended.
    assert.equal(engine.pid, pid);
    const { recipe } = await engine.generate({ prompt: 'next' });
    assert.notEqual(recipe.model, `process ${pid}`);
  }
});

test('a process that is stopped mid-call is ended, and the next call starts a fresh one', async () => {
  engine = engineProcess({ ...options, pulsePatience: 3000 });
  await engine.generate({ prompt: 'warm up' });
  const { pid } = engine;
  const call = engine.generate({ prompt: 'long', steps: 100_000 });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  process.kill(pid!, 'SIGSTOP');
  await assert.rejects(call, /The engine process gave no sign of life and was ended/);
  assert.notEqual((await engine.generate({ prompt: 'next' })).recipe.model, `process ${pid}`);
});

test('a process that computes, or has nothing to do, is not taken for one that is stopped', async () => {
  engine = engineProcess({ ...options, pulsePatience: 4000 });
  const { recipe } = await engine.generate({ prompt: 'computes' });
  await new Promise((resolve) => setTimeout(resolve, 5000));
  assert.equal((await engine.generate({ prompt: 'next' })).recipe.model, recipe.model);
});

test('a crash is reported with its exit code, to every call under way', async () => {
  const calls = [engine.generate({ prompt: 'exits' }), engine.generate({ prompt: 'waiting' })];
  for (const call of calls) await assert.rejects(call, /ended unexpectedly with exit code 3/);
});

test('a script that is not there is an error, not a hang', async () => {
  const lines: string[] = [];
  engine = engineProcess({ script: '/nowhere/engine.mjs', onLog: (line) => lines.push(line) });
  await assert.rejects(engine.generate({ prompt: 'x' }), /ended unexpectedly with exit code 1/);
  assert.match(lines.join('\n'), /nowhere/);
});

test('a library that cannot be loaded is said, with what to do', async () => {
  for (const [words, sentence] of [
    ['Error: The specified module could not be found.', /could not start\. Windows lacks .* Visual C\+\+/],
    ["/lib/libm.so.6: version `GLIBC_2.27' not found (required by x.so)", /too old for ONNX Runtime/],
    ['x.node: invalid ELF header', /made for another processor or system/],
  ] as const) {
    assert.match(
      libraryTrouble(words) ?? '',
      new RegExp(sentence.source.replace(/^could not start.*? /, '')),
    );
    const execArgv = ['--import', `data:text/javascript,throw ${JSON.stringify(words)}`];
    engine = engineProcess({ script: '/nowhere/engine.mjs', execArgv });
    await assert.rejects(engine.generate({ prompt: 'x' }), sentence);
  }
  assert.equal(libraryTrouble('Loading the model.'), undefined);
});

test('disposing ends the process and the calls under way', async () => {
  const call = engine.generate({ prompt: 'long', steps: 10_000 });
  const rejected = assert.rejects(call, /The engine was closed\./);
  await engine.dispose();
  await rejected;
});

test('the process ends when its parent goes', async () => {
  const child = fork(options.script, {
    execArgv: options.execArgv,
    serialization: 'advanced',
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.disconnect();
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('a call that is cancelled within a long step rejects soon, and the next waits for the step', async () => {
  const controller = new AbortController();
  const call = engine.generate({ prompt: 'a long step' }, { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve, 200));
  controller.abort();
  let answered = false;
  const next = engine.generate({ prompt: 'next' }).then((result) => {
    answered = true;
    return result;
  });
  await assert.rejects(call, isAbort);
  assert.equal(answered, false);
  assert.equal((await next).recipe.model, `process ${engine.pid}`);
});

test('what is done in the background gives way to any other call', async () => {
  const first = engine.prepareEdit({ image: Uint8Array.of(1) });
  const second = engine.prepareEdit({ image: Uint8Array.of(2) });
  await assert.rejects(first, isAbort);
  const made = engine.generate({ prompt: 'next' });
  await assert.rejects(second, isAbort);
  await made;
  // An image that is encoded for clicks to come gives way to a click, which does not give way to others.
  const image = Uint8Array.of(1);
  const encoding = engine.segment({ image });
  const click = engine.segment({ image, points: [{ x: 0, y: 0 }] });
  await assert.rejects(encoding, isAbort);
  const after = engine.generate({ prompt: 'next' });
  await Promise.all([click, after]);
});
