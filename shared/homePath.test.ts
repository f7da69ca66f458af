import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homePath } from './homePath.ts';

test('a tilde is the home folder at the start of a path, and a name elsewhere', () => {
  const home = '/home/$&';
  assert.equal(homePath('~', home), home);
  assert.equal(homePath('~/a', home), '/home/$&/a');
  assert.equal(homePath('~\\a', home), '/home/$&\\a');
  for (const other of ['', '/a/~', '~a/b', './~', 'a~']) assert.equal(homePath(other, home), other);
});
