import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { HubError, hubSentence, isTransient, waitIn } from './errors.ts';

const wait = (headers: Record<string, string>) => waitIn(new Headers(headers));

test('every header that says how long to wait is understood', () => {
  mock.timers.enable({ apis: ['Date'], now: 1.7e12 });
  for (const [headers, seconds] of [
    [{ 'retry-after': '120' }, 120],
    [{ 'retry-after': '1.5' }, 1.5],
    [{ 'retry-after': new Date(1.7e12 + 60_000).toUTCString() }, 60],
    [{ 'retry-after': new Date(1.6e12).toUTCString() }, 0],
    [{ ratelimit: '"api";r=0;t=95' }, 95],
    [{ ratelimit: '"burst";r=0;t=5, "api";r=0;t=95, "day";r=9;t=900' }, 95],
    [{ ratelimit: 'limit=100, remaining=0, reset=50' }, 50],
    [{ 'ratelimit-reset': '30' }, 30],
    [{ 'x-ratelimit-reset': '1700000040' }, 40],
    [{ 'retry-after': '-5', ratelimit: '"api";r=0;t=9' }, 9],
    [{ 'retry-after': 'soon' }, undefined],
    [{ ratelimit: '"api";r=7;t=95' }, undefined],
    [{}, undefined],
  ] as const)
    assert.equal(wait(headers), seconds, JSON.stringify(headers));
  mock.timers.reset();
});

test('answers that ask to wait may succeed later, and say when', () => {
  const settings = { endpoint: 'https://h', cache: '/c' } as never;
  for (const status of [408, 425, 429, 500, 503]) {
    const response = new Response(null, { status, headers: { 'retry-after': '90' } });
    Object.defineProperty(response, 'url', { value: 'https://h/x' });
    const error = new HubError(response);
    assert.ok(isTransient(error));
    const { name, message } = hubSentence(error, 'o/n', settings);
    assert.deepEqual([name, /in 90 seconds\.$/.test(message)], ['Error', true], message);
  }
});
