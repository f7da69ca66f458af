import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { STYLES, styleNamed, stylesFor, withStyle } from './styles.ts';

const WORDS = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../media/models/scenes/tokenizer/words.json'), 'utf8'),
) as string[];

test('a style adds its words to both prompts', () => {
  const style = { name: 'Ink', prompt: 'in ink', negativePrompt: 'colour' };
  assert.deepEqual(withStyle({ prompt: ' a tree ', negativePrompt: 'a house', style }), {
    prompt: 'a tree, in ink',
    negativePrompt: 'a house, colour',
    style,
  });
  assert.equal(withStyle({ prompt: 'a tree', negativePrompt: '', style }).negativePrompt, 'colour');
  assert.equal(withStyle({ prompt: 'a tree', style: { name: 'x', prompt: '' } }).prompt, 'a tree');
});

test('the prompt goes where the style says, whatever is in it', () => {
  const style = { name: 'Sign', prompt: 'a sign that shows {prompt} at night' };
  assert.equal(withStyle({ prompt: '$& {prompt}', style }).prompt, 'a sign that shows $& {prompt} at night');
});

test('without words there is nothing to style', () => {
  const style = STYLES[0]!;
  assert.deepEqual(withStyle({ prompt: ' ', style }), { prompt: ' ', style: undefined });
  assert.equal(withStyle({ prompt: 'a tree' }).prompt, 'a tree');
});

test('Scenes is offered the styles whose words it knows, other models all', () => {
  const names = stylesFor(WORDS, STYLES).map(({ name }) => name);
  assert.deepEqual(names, ['Dawn', 'Sunset', 'Night', 'Rain', 'Storm', 'Snow', 'Fog', 'Rainbow']);
  assert.deepEqual(stylesFor(undefined, STYLES), STYLES);
});

test('names of styles are unique, and may be typed in small letters', () => {
  for (const style of STYLES) assert.equal(styleNamed(style.name.toLowerCase()), style);
  assert.equal(styleNamed('nope'), undefined);
});
