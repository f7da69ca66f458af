import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../engine/errors.ts';
import { withoutSecrets } from '../../shared/address.ts';
import { busAddress, exposureOf, userOf } from './address.ts';

test('an address is written without user and password', () => {
  for (const [address, shown] of [
    ['nats://127.0.0.1:4222', 'nats://127.0.0.1:4222'],
    ['nats://u:s3cret@127.0.0.1:4222', 'nats://127.0.0.1:4222'],
    ['tls://u:a#b@h:4222', 'tls://h:4222'],
    ['tls://u:1#b@h:4222', 'tls://h:4222'],
    ['natz://u:s3cret@[::1]:1', 'natz://[::1]:1'],
    ['u:s3cret@host', 'host'],
    ['nats://u:s3cret', 'nats://…'],
    ['nats://a:s3cret@h1,nats://b:s3,cret@h2', 'nats://h2'],
    ['nats://h1,nats://h2', 'nats://…'],
  ] as const)
    assert.equal(withoutSecrets(address), shown);
});

test('whatever a password holds, no error quotes it', () => {
  const mark = 'Zq7';
  fc.assert(
    fc.property(
      fc.string({ maxLength: 12 }),
      fc.string({ maxLength: 12 }),
      fc.string(),
      (before, after, place) => {
        const address = `nats://u:${before}${mark}${after}@${place.replaceAll('@', '')}`;
        try {
          busAddress(address);
        } catch (error) {
          assert.ok(error instanceof InputError);
          assert.ok(!error.message.includes(mark), error.message);
        }
      },
    ),
  );
});

test('what an address must not hold is refused, with what to write instead', () => {
  for (const address of [
    'tls://u:a#b@h',
    'tls://u:1#b@h',
    'nats://u:1?b@h',
    'nats://u:1/b@h',
    'http://u:a@h',
  ])
    assert.throws(() => busAddress(address), /# is written as %23/);
  for (const address of ['', 'x', 'http://h', 'nats://', 'nats://h1,nats://h2', 'nats://h/path'])
    assert.throws(() => busAddress(address), InputError);
  assert.throws(() => userOf(busAddress('nats://u:50%@h')), /written as %25/);
});

test('user and password are what was meant', () => {
  assert.deepEqual(userOf(busAddress('tls://me:a%23b%40c@h:4222')), { user: 'me', password: 'a#b@c' });
});

test('only addresses of this machine are safe without anything', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]'])
    assert.equal(exposureOf({ url: `nats://${host}:4222` }), undefined);
  for (const host of ['localhost.example.org', '127.example.org', '192.168.1.10'])
    assert.match(exposureOf({ url: `nats://${host}` })!, /not encrypted/);
  assert.match(exposureOf({ url: 'tls://example.org' })!, /without credentials/);
});
