import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  additionsOf,
  hindranceOfAdditions,
  NO_ADDITIONS,
  NO_CONTROL,
  requestOfAdditions,
  withChosen,
} from './additions.ts';

const name = fc.stringMatching(/^[a-f0-9]{8}$/);
const on = fc.constant(true);
const strength = fc.integer({ min: 0, max: 8 }).map((n) => n / 4);
const additions = fc.record({
  loras: fc.array(fc.record({ lora: name, strength, on }), { maxLength: 3 }),
  controls: fc.array(
    fc.record({
      picture: name,
      model: name,
      hint: fc.constantFrom('', 'canny', 'scribble'),
      strength,
      start: fc.constantFrom(0, 0.25),
      end: fc.constantFrom(0.5, 1),
      on,
    }),
    { maxLength: 3 },
  ),
  references: fc.array(fc.record({ picture: name, strength, mask: fc.constantFrom('', 'aa'), on }), {
    minLength: 1,
    maxLength: 3,
  }),
  referenceModel: name,
  regions: fc.array(fc.record({ picture: name, prompt: fc.string({ minLength: 1 }), on }), { maxLength: 3 }),
});

test('a request fills the form with what it asks for', () => {
  fc.assert(
    fc.property(additions, (asked) => {
      assert.deepEqual(additionsOf(requestOfAdditions(asked as never)), structuredClone(asked));
    }),
  );
  assert.deepEqual(additionsOf(requestOfAdditions(NO_ADDITIONS)), NO_ADDITIONS);
});

test('what is switched off is not asked for', () => {
  const control = { picture: 'p', model: '', hint: '' as const, strength: 1, start: 0, end: 1, on: false };
  const off = {
    loras: [{ lora: 'a', strength: 1, on: false }],
    controls: [control],
    references: [{ picture: 'p', strength: 1, mask: '', on: false }],
    referenceModel: '',
    regions: [{ picture: 'p', prompt: ' ', on: false }],
  };
  assert.deepEqual(requestOfAdditions(off), {});
  assert.equal(hindranceOfAdditions(off), undefined);
  assert.match(hindranceOfAdditions({ ...off, controls: [{ ...control, on: true }] })!, /ControlNet/);
  const late = { ...control, model: 'm', start: 0.5, end: 0.5, on: true };
  assert.match(hindranceOfAdditions({ ...off, controls: [late] })!, /end after it starts/);
  const unsaid = { ...off.regions[0]!, on: true };
  assert.match(hindranceOfAdditions({ ...off, regions: [...off.regions, unsaid] })!, /prompt of region 2/);
  assert.match(
    hindranceOfAdditions({ ...off, references: [{ ...off.references[0]!, on: true }] })!,
    /IP-Adapter/,
  );
});

test('too many of anything are refused before they are asked for', () => {
  const region = { picture: 'p', prompt: 'a tree', on: true };
  const asked = { ...NO_ADDITIONS, regions: [...Array(8).fill(region), { ...region, on: false }] };
  assert.equal(hindranceOfAdditions(asked), undefined);
  const most = (many: Partial<typeof asked>) => hindranceOfAdditions({ ...NO_ADDITIONS, ...many });
  assert.equal(most({ regions: Array(9).fill(region) }), 'There can be 8 regions at most, not 9.');
  assert.match(most({ loras: Array(17).fill({ lora: 'a', strength: 1, on: true }) })!, /16 LoRA files/);
  const control = { ...NO_CONTROL, picture: 'p', model: 'm' };
  assert.match(most({ controls: Array(9).fill(control) })!, /8 control images/);
  const reference = { picture: 'p', strength: 1, mask: '', on: true };
  assert.match(most({ references: Array(9).fill(reference) })!, /8 reference images/);
});

test('what is chosen goes where it was chosen for, and a new row takes the model of the last', () => {
  const first = withChosen(NO_ADDITIONS, { list: 'controls', field: 'picture', at: -1 }, 'a');
  assert.equal(first.controls[0]!.model, '');
  const chosen = withChosen(first, { list: 'controls', field: 'model', at: 0 }, 'net');
  const second = withChosen(chosen, { list: 'controls', field: 'picture', at: -1 }, 'b', 'other');
  assert.deepEqual(
    second.controls.map(({ picture, model }) => [picture, model]),
    [
      ['a', 'net'],
      ['b', 'net'],
    ],
  );
  const seen = withChosen(second, { list: 'references', field: 'picture', at: -1 }, 'c', 'adapter');
  assert.equal(seen.referenceModel, 'adapter');
  assert.equal(withChosen(seen, { list: 'references', field: 'mask', at: 0 }, 'm').references[0]!.mask, 'm');
  assert.equal(withChosen(seen, { list: 'references', field: 'model', at: -1 }, 'x').referenceModel, 'x');
  assert.deepEqual(withChosen(seen, { list: 'loras', field: 'lora', at: -1 }, 'l').loras, [
    { lora: 'l', strength: 1, on: true },
  ]);
});
