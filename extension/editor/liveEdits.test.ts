import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abortError, InputError } from '../../engine/errors.ts';
import type { EditRequest, EditResult } from '../../shared/api.ts';
import { EMPTY_DRAFT } from '../../shared/editorProtocol.ts';
import { blankRaster, copyOf } from '../../shared/raster.ts';
import { LiveEdits } from './liveEdits.ts';

type Shown = Parameters<ConstructorParameters<typeof LiveEdits>[0]['show']>[0];

/** Drafts of a black image that change its middle pixel, and take as long as a test says. */
function drafting({ seconds = 0.4, expected = 2 as number | undefined, asked = {} } = {}) {
  const made: EditRequest[] = [];
  const shown: Shown[] = [];
  let release = () => {};
  let hold: Promise<void> | undefined;
  const start = blankRaster(3, 3, 3);
  const live = new LiveEdits({
    async ask({ prompt }) {
      if (prompt === 'bad') throw new InputError('This cannot be painted.');
      return { request: { prompt, image: start, raw: true, mode: 'auto', ...asked } as EditRequest, start };
    },
    async make(request, signal) {
      made.push(request);
      await hold;
      if (signal.aborted) throw abortError();
      const pixels = copyOf(start);
      if (request.prompt !== 'nothing') pixels.data.fill(9, 12, 15);
      return { pixels, seconds: seconds + 1, loadSeconds: 1 } as EditResult;
    },
    expect: () => expected,
    show: (each) => shown.push(each),
  });
  const holding = () => {
    hold = new Promise((resolve) => {
      release = resolve;
    });
    return () => release();
  };
  return { live, made, shown, holding };
}

const draft = { ...EMPTY_DRAFT, prompt: 'a boat' };

test('a draft is a full recompute with a fifth of the computing; what it changes is shown', async () => {
  const { live, made, shown } = drafting();
  await live.draw(draft);
  const [{ mode, budget, seed }] = made as [EditRequest];
  assert.deepEqual([mode, budget], ['dense', 0.2]);
  assert.ok(seed !== undefined);
  assert.deepEqual(shown[0]!.patch, { left: 1, top: 1, width: 1, height: 1, data: Uint8Array.of(9, 9, 9) });
  assert.ok(Math.abs(shown[0]!.seconds! - 0.4) < 1e-9, 'loading is left out');
  await live.draw({ ...draft, prompt: 'nothing' });
  assert.deepEqual(shown[1], {});
});

test('a draft starts no workers, which the edit then has', async () => {
  const { live, made } = drafting({ asked: { workers: 2, bus: { url: 'ws://bus' }, guidance: 3 } });
  await live.draw(draft);
  const [{ workers, bus, guidance }] = made as [EditRequest];
  assert.deepEqual([workers, bus, guidance], [undefined, undefined, 3]);
});

test('drafts keep their seed, which the edit then takes; a locked one stays', async () => {
  const { live, made } = drafting();
  await live.draw(draft);
  await live.draw({ ...draft, prompt: 'a red boat' });
  assert.equal(made[1]!.seed, made[0]!.seed);
  const taken = live.take(draft);
  assert.deepEqual([taken.seed, taken.seedLocked], [String(made[0]!.seed), true]);
  assert.equal(live.take(draft), draft, 'the edit after it has a seed of its own');
  const locked = { ...draft, seed: '7', seedLocked: true };
  await live.draw(locked);
  assert.equal(made[2]!.seed, 7);
  assert.equal(live.take(locked), locked);
});

test('a locked seed that is empty or -1 is one at random, as for the edit, which then takes it', async () => {
  for (const seed of ['', ' ', '-1']) {
    const { live, made } = drafting();
    const random = { ...draft, seed, seedLocked: true };
    for (let i = 0; i < 2; i++) await live.draw(random);
    const [first, second] = made as [EditRequest, EditRequest];
    assert.ok(first.seed! > 0, `“${seed}” gives ${first.seed}`);
    assert.equal(second.seed, first.seed);
    assert.equal(live.take(random).seed, String(first.seed));
  }
  const { live, made, shown } = drafting();
  const wrong = { ...draft, seed: 'x', seedLocked: true };
  await live.draw(wrong);
  assert.deepEqual(made, []);
  assert.match(shown[0]!.hindrance!, /^No draft: A seed is a whole number .*“x”\.$/);
  assert.equal(live.take(wrong), wrong);
});

test('the next stroke ends a draft, and nothing of it is shown', async () => {
  const { live, made, shown, holding } = drafting();
  const release = holding();
  const first = live.draw(draft);
  while (made.length === 0) await new Promise(setImmediate);
  live.stop();
  release();
  await first;
  assert.deepEqual(shown, []);
});

test('where a draft would come late there is none, and the reason is said', async () => {
  const slow = drafting({ expected: 50 });
  await slow.live.draw(draft);
  assert.deepEqual(slow.made, []);
  assert.match(slow.shown[0]!.hindrance!, /^No draft: .* about 10 s\.$/);
  const { live, made, shown } = drafting({ seconds: 3, expected: undefined });
  for (let i = 0; i < 4; i++) await live.draw({ ...draft, prompt: `boat ${i}` });
  assert.equal(made.length, 3, 'three are tried, since nothing was known');
  assert.match(shown.at(-1)!.hindrance!, /about 3/);
  live.forgetTimes();
  await live.draw(draft);
  assert.equal(made.length, 4);
  const hopeless = drafting({ seconds: 20, expected: undefined });
  for (let i = 0; i < 2; i++) await hopeless.live.draw(draft);
  assert.equal(hopeless.made.length, 1);
});

test('an error is said, and takes the draft away', async () => {
  const { live, shown } = drafting();
  await live.draw({ ...draft, prompt: 'bad' });
  assert.deepEqual(shown, [{ hindrance: 'No draft: This cannot be painted.' }]);
  live.clear();
  assert.deepEqual(shown[1], {});
});
