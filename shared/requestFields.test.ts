import assert from 'node:assert/strict';
import test from 'node:test';
import { eachField } from './requestFields.ts';

test('an option of the command line is named like its field', () => {
  eachField(({ option }, name) => {
    const [, flag = ''] = option ? /^--([a-z-]+) <\w+>$/.exec(option.flags)! : [];
    if (option)
      assert.equal(
        flag.replace(/-(.)/g, (_, letter) => letter.toUpperCase()),
        name,
      );
  });
});
