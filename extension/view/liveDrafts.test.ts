import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abortError, InputError } from '../../engine/errors.ts';
import type { AskedRequest } from '../../shared/additions.ts';
import type { GenerateResult } from '../../shared/api.ts';
import type { LiveDraft } from '../../shared/viewProtocol.ts';
import { LiveDrafts } from './liveDrafts.ts';

/** Drafts whose images take as long as a test says, and their results. */
function drafting({ seconds = 0.4, expected = 0.4, full = 2, pause = 0 } = {}) {
  const made: AskedRequest[] = [];
  const shown: (LiveDraft | string | undefined)[] = [];
  let hold: Promise<void> | undefined;
  const drafts = new LiveDrafts(
    {
      async make(request, signal) {
        if (request.prompt === 'bad') throw new InputError('This cannot be drawn.');
        made.push(request);
        await hold;
        if (signal.aborted) throw abortError();
        const picture = { png: new Uint8Array(), width: 256, height: 256 };
        return { picture, seconds: seconds + 1, loadSeconds: 1 } as GenerateResult;
      },
      expect: async ({ budget = 1 }) => (budget < 1 ? expected : full),
      show: (drawn, hindrance) => shown.push(drawn?.draft ?? hindrance),
    },
    pause,
  );
  const holding = () => {
    let release = () => {};
    hold = new Promise((resolve) => {
      release = resolve;
    });
    return () => {
      hold = undefined;
      release();
    };
  };
  return { drafts, made, shown, holding };
}

const refinements = (shown: unknown[]) => shown.map((one) => (one as LiveDraft).refined);

test('a draft is drawn with a fifth of the computing, and refined with the same seed when nothing else comes', async () => {
  const { drafts, made, shown } = drafting();
  await drafts.draw({ prompt: 'a tree' });
  assert.deepEqual(
    made.map(({ budget }) => budget),
    [0.2, undefined],
  );
  assert.ok(made[0]!.seed !== undefined);
  assert.equal(made[1]!.seed, made[0]!.seed);
  assert.deepEqual(refinements(shown), [false, true]);
  assert.ok(Math.abs((shown[0] as LiveDraft).seconds - 0.4) < 1e-9, 'loading is left out');
});

test('drafts keep their seed while the prompt changes, and the image that is made next has it', async () => {
  const { drafts, made } = drafting();
  await drafts.draw({ prompt: 'a tree' });
  await drafts.draw({ prompt: 'a red tree' });
  assert.equal(made[2]!.seed, made[0]!.seed);
  assert.equal(drafts.take({ prompt: 'a red tree' }).seed, made[0]!.seed);
  assert.equal(
    drafts.take({ prompt: 'a red tree' }).seed,
    undefined,
    'the one after it has a seed of its own',
  );
  assert.equal(drafts.take({ prompt: 'a red tree', seed: 7 }).seed, 7);
  await drafts.draw({ prompt: 'a tree', seed: 5, budget: 0.15 });
  assert.deepEqual(made.at(-1), { prompt: 'a tree', seed: 5, budget: 0.15 }, 'nothing to refine');
});

test('the next key ends a draft, and its refinement', async () => {
  const { drafts, made, shown, holding } = drafting({ pause: 60_000 });
  const release = holding();
  const first = drafts.draw({ prompt: 'a' });
  await new Promise(setImmediate);
  drafts.stop();
  release();
  await first;
  assert.deepEqual(shown, []);
  const second = drafts.draw({ prompt: 'a tree' });
  while (shown.length === 0) await new Promise(setImmediate);
  drafts.stop();
  await second;
  assert.deepEqual(refinements(shown), [false]);
  assert.equal(made.length, 2);
});

test('what was typed before something else was asked for has no draft; what is typed after it has', async () => {
  const { drafts, made } = drafting();
  // The page tells the form a moment after it says that it is typed.
  drafts.typing();
  assert.ok(drafts.isDue);
  drafts.stop();
  assert.ok(!drafts.isDue, 'an image was asked for, or is looked at');
  drafts.typing();
  await drafts.draw({ prompt: 'a tree' });
  assert.equal(made.length, 2);
  assert.ok(!drafts.isDue, 'drawn');
});

test('where a draft would be slow there is none, and the reason is said', async () => {
  const { drafts, made, shown } = drafting({ expected: 9 });
  await drafts.draw({ prompt: 'a tree' });
  assert.deepEqual(made, []);
  assert.deepEqual(shown, ['No draft: with these settings one takes about 9 s.']);
});

test('what was expected may be wrong: three drafts are tried, and the quickest counts', async () => {
  const { drafts, made, shown } = drafting({ seconds: 5, expected: 5, full: 99 });
  for (let i = 0; i < 4; i++) await drafts.draw({ prompt: `tree ${i}` });
  assert.equal(made.length, 3);
  assert.match(String(shown.at(-1)), /about 5/);
  await drafts.draw({ prompt: 'a tree', width: 128, height: 128 });
  assert.equal(made.length, 4, 'other settings are other times');
  drafts.forgetTimes();
  await drafts.draw({ prompt: 'tree 5' });
  assert.equal(made.length, 5);
});

test('an image that takes long to refine stays a draft', async () => {
  const { drafts, shown } = drafting({ full: 60 });
  await drafts.draw({ prompt: 'a tree' });
  assert.deepEqual(refinements(shown), [false]);
});

test('an error is said, and takes the draft away', async () => {
  const { drafts, shown } = drafting();
  await drafts.draw({ prompt: 'bad' });
  assert.deepEqual(shown, ['No draft: This cannot be drawn.']);
});
