import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { messageText } from './messageText.ts';

/** How VS Code finds links in its messages (src/vs/base/common/linkedText.ts). */
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/gi;

test('what VS Code would make a link of is text', () => {
  const name = '[Details](command:workbench.action.showCommands).png';
  assert.match(name, LINK);
  assert.equal(messageText(name), '[Details] (command:workbench.action.showCommands).png');
  assert.equal(messageText('$(sync~spin) x'), '$ (sync~spin) x');
});

test('plain sentences stay as they are', () => {
  for (const text of ['The size (512) is bad.', 'a[0] costs $5 (or less).'])
    assert.equal(messageText(text), text);
});

test('no text makes a link or an icon, whatever is around it', () => {
  const parts = fc.constantFrom(
    '[',
    ']',
    '(',
    ')',
    '$',
    'a',
    '\n',
    '\u202e',
    'command:x',
    'https://x',
    ' ',
    '"',
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 40 }), (text) => {
      const shown = messageText(text.join(''));
      assert.doesNotMatch(shown, LINK);
      assert.doesNotMatch(shown, /\$\(/);
    }),
  );
});
