import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markdownImage, markdownText, relativePath } from './markdown.ts';

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

test('text is text in Markdown, whatever it begins with or holds', () => {
  for (const [text, escaped] of [
    ['# Heading', '\\# Heading'],
    ['- item', '\\- item'],
    ['1. item', '1\\. item'],
    ['10.0× faster, sd-1.5', '10.0× faster, sd-1.5'],
    ['<img src=x onerror=y>', '\\<img src=x onerror=y\\>'],
    ['[x](command:y)', '\\[x\\](command:y)'],
    ['a\n\n# b | c', 'a # b \\| c'],
    ['&lt;b&gt; $x$ ~~y~~', '\\&lt;b\\&gt; \\$x\\$ \\~\\~y\\~\\~'],
  ] as const)
    assert.equal(markdownText(text), escaped);
});

test('relative paths', () => {
  assert.equal(relativePath('/w/README.md', '/w/images/a.png'), 'images/a.png');
  assert.equal(relativePath('/w/docs/guide/x.md', '/w/images/a.png'), '../../images/a.png');
  assert.equal(relativePath('/w/images/x.md', '/w/images/a.png'), 'a.png');
  assert.equal(relativePath('/w/a/x.md', '/w/ab/a.png'), '../ab/a.png');
  assert.equal(relativePath('/w/x.png/y.md', '/w/x.png'), '../x.png');
});
