import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scheduleOf } from './prompt-schedule.ts';

test('words change at a share of the steps, or at a step', () => {
  for (const [prompt, schedule] of [
    [
      'a [cat:dog:0.5]',
      [
        [0, 'a cat'],
        [5, 'a dog'],
      ],
    ],
    [
      'a [cat:dog:3]',
      [
        [0, 'a cat'],
        [3, 'a dog'],
      ],
    ],
    [
      'a [cat:.25]',
      [
        [0, 'a '],
        [2, 'a cat'],
      ],
    ],
    [
      'a [cat::4] b',
      [
        [0, 'a cat b'],
        [4, 'a  b'],
      ],
    ],
    ['[a:b:0.0]', [[0, 'b']]],
    ['[a:b:1.0]', [[0, 'a']]],
    [
      '[(a:1.3):[b:c:8]:5]',
      [
        [0, '(a:1.3)'],
        [5, 'b'],
        [8, 'c'],
      ],
    ],
    [
      '[a:b:5] [c:d:5]',
      [
        [0, 'a c'],
        [5, 'b d'],
      ],
    ],
  ] as const)
    assert.deepEqual(
      scheduleOf(prompt, 10).map(({ from, text }) => [from, text]),
      schedule,
      prompt,
    );
});

test('words alternate', () => {
  assert.deepEqual(
    scheduleOf('a [cat|dog|]', 4).map(({ text }) => text),
    ['a cat', 'a dog', 'a ', 'a cat'],
  );
});

test('other brackets stay as they are', () => {
  for (const prompt of [
    '[red] house',
    '\\[cat:dog:0.5\\]',
    '[a:b:c]',
    '[a:b:c:0.5]',
    '[',
    ']',
    '[a:',
    'a:b:0.5',
    '',
  ])
    assert.deepEqual(scheduleOf(prompt, 10), [{ from: 0, text: prompt }]);
});

test('any text gives a text for every step, in order', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[ab[\]:|.0-9()\\ ]{0,40}$/),
      fc.integer({ min: 1, max: 12 }),
      (text, steps) => {
        const schedule = scheduleOf(text, steps);
        assert.equal(schedule[0]!.from, 0);
        for (const [i, { from }] of schedule.entries()) assert.ok(i === 0 || from > schedule[i - 1]!.from);
        assert.ok(schedule.at(-1)!.from < steps);
      },
    ),
    { numRuns: 500 },
  );
  for (const part of ['[', '[a:', '[a|', ']', '[a:b:1]'])
    assert.ok(scheduleOf(part.repeat(10_000 / part.length), 3).length > 0);
});
