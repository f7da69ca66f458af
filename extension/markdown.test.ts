import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markdownImage, relativePath } from './markdown.ts';

test('images', () => {
  assert.equal(
    markdownImage('a red house', 'images/a-red-house-7.png'),
    '![a red house](images/a-red-house-7.png)',
  );
  assert.equal(
    markdownImage('a [red] *house*\nby \\ `x` <b>', 'my images/a (1)%.png'),
    '![a \\[red\\] \\*house\\* by \\\\ \\`x\\` \\<b\\>](my%20images/a%20%281%29%25.png)',
  );
});

test('relative paths', () => {
  assert.equal(relativePath('/w/README.md', '/w/images/a.png'), 'images/a.png');
  assert.equal(relativePath('/w/docs/guide/x.md', '/w/images/a.png'), '../../images/a.png');
  assert.equal(relativePath('/w/images/x.md', '/w/images/a.png'), 'a.png');
  assert.equal(relativePath('/w/a/x.md', '/w/ab/a.png'), '../ab/a.png');
  assert.equal(relativePath('/w/x.png/y.md', '/w/x.png'), '../x.png');
});
