import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { caseTwin, isFileName, isFilePath } from './fileNames.ts';

test('names that are something else on Windows are none', () => {
  for (const name of [
    ...['', '.', '..', '...', '.. ', 'a.', 'a ', 'a/b', 'a\\b', '..\\a', 'a:b', 'C:', 'C:a', 'a.png:b.png'],
    ...[
      'a::$DATA',
      'a?',
      'a*',
      'a|b',
      'a"b',
      '<a>',
      'a\0',
      'a\n',
      '\u007f',
      '\u009b',
      '\ud800',
      'ü'.repeat(128),
    ],
    ...['CON', 'con.png', 'Nul', 'aux.safetensors', 'PRN.tar.gz', 'com1', 'LPT9.txt', 'com¹.png', 'nul .png'],
    ...['CONIN$', 'conout$.x', '\\\\server\\share', '//server/share', '\\\\?\\C:\\a', '\\\\.\\NUL', 'COM0'],
  ])
    assert.ok(!isFileName(name), JSON.stringify(name));
  for (const name of [
    'a',
    '.a',
    '..a',
    'a..b',
    'console.png',
    'nul-1.png',
    'com10',
    'été.png',
    '家.png',
    'a b',
    'ü'.repeat(127),
  ])
    assert.ok(isFileName(name), name);
  assert.ok(
    isFilePath('unet/config.json') && !isFilePath('/a') && !isFilePath('a//b') && !isFilePath('a/../b'),
  );
});

test('a path of names stays where it is joined, on both systems', () => {
  const odd = fc.constantFrom('..', '.', '\\', '/', ':', ' ', 'C:', 'a', 'NUL', '\\\\?\\');
  fc.assert(
    fc.property(fc.array(fc.oneof(odd, fc.string({ maxLength: 4 })), { maxLength: 6 }), (parts) => {
      const name = parts.join('');
      if (!isFilePath(name)) return;
      assert.equal(path.win32.relative('C:\\w', path.win32.join('C:\\w', name)), name.replaceAll('/', '\\'));
      assert.equal(path.posix.relative('/w', path.posix.join('/w', name)), name);
    }),
  );
});

test('names that are one where case does not matter', () => {
  assert.deepEqual(caseTwin(['a/Model', 'b', 'A/model']), ['a/Model', 'A/model']);
  assert.deepEqual(caseTwin(['\u00e9', 'e\u0301']), ['\u00e9', 'e\u0301']);
  assert.equal(caseTwin(['a', 'b', 'a']), undefined);
});
