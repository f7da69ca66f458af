import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { compression } from '#host';
import { type Recipe, SCHEDULERS } from '../../shared/api.ts';
import { InputError } from '../errors.ts';
import { encodePng } from './png.ts';
import { readPngText, withPngText } from './png-text.ts';
import { decodePicture } from './read.ts';
import { readRecipe, withRecipe } from './recipe.ts';
import { formatRecipe, parseRecipe } from './recipes/webui.ts';

const recipe: Recipe = {
  prompt: 'a red house, (by a lake:1.2)\nat sunset',
  negativePrompt: 'fog, rain: heavy',
  model: 'scenes',
  seed: 4294967295,
  steps: 20,
  guidance: 7.5,
  width: 512,
  height: 384,
  scheduler: 'dpmpp-2m-karras',
  precision: 'fp32',
};
const png = await encodePng(new Float32Array(3 * 16).fill(0.3), 4, 4);

const HEADER_END = 8 + 25;

/** A picture with a chunk of any kind after its header. */
function insertChunk(type: string, data: Uint8Array, file = png): Uint8Array {
  return Buffer.concat([file.subarray(0, HEADER_END), chunk(type, data), file.subarray(HEADER_END)]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

test('the text is what Stable Diffusion tools write', () => {
  assert.equal(
    formatRecipe(recipe),
    'a red house, (by a lake:1.2)\nat sunset\nNegative prompt: fog, rain: heavy\n' +
      'Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 4294967295, Size: 512x384, Model: scenes, ' +
      'Precision: fp32, Version: Patchwork',
  );
});

test('any recipe is read back as it was', () => {
  const prose = fc
    .string({ unit: 'grapheme', maxLength: 200 })
    .map((text) => text.replaceAll('\r', '').replaceAll('\0', '').trim())
    .filter((text) => !/^Negative prompt:/m.test(text));
  const REQUIRED = [
    'prompt',
    'negativePrompt',
    'model',
    'seed',
    'steps',
    'guidance',
    'width',
    'height',
    'scheduler',
    'precision',
  ] as const;
  const recipes = fc.record(
    {
      prompt: prose,
      negativePrompt: prose,
      model: fc.string({ maxLength: 60 }),
      seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      steps: fc.integer({ min: 1, max: 150 }),
      guidance: fc.integer({ min: 0, max: 5000 }).map((hundredths) => hundredths / 100),
      width: fc.integer({ min: 64, max: 2048 }),
      height: fc.integer({ min: 64, max: 2048 }),
      scheduler: fc.constantFrom(...SCHEDULERS),
      precision: fc.constant('fp32' as const),
      strength: fc.integer({ min: 5, max: 100 }).map((hundredths) => hundredths / 100),
      decoder: fc.constant('fast' as const),
      budget: fc.record(
        {
          share: fc.integer({ min: 10, max: 100 }).map((hundredths) => hundredths / 100),
          steps: fc.nat(150),
          scheduler: fc.constantFrom(...SCHEDULERS),
        },
        { noNullPrototype: true, requiredKeys: ['share', 'steps'] },
      ),
      stepPlan: fc.constantFrom('FPd-p', 'FFF 999 700 250', 'PP 999 400 @budget/few.safetensors'),
      loras: fc.array(
        fc
          .tuple(fc.stringMatching(/^\w[\w./ -]{0,20}\w$/), fc.integer({ min: -400, max: 400 }))
          .map(([lora, hundredths]) => ({ lora, strength: hundredths / 100 })),
        { minLength: 1, maxLength: 3 },
      ),
    },
    { noNullPrototype: true, requiredKeys: [...REQUIRED] },
  );
  fc.assert(
    fc.property(recipes, (original) => {
      assert.deepEqual(parseRecipe(formatRecipe(original)), original);
      assert.deepEqual(readRecipe(withRecipe(png, original)), original);
    }),
    { numRuns: 300 },
  );
});

test('recipes of other tools', () => {
  const webui = `masterpiece, castle
Negative prompt: blurry
bad hands
Steps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 123, Size: 768x512, Model hash: abc, Model: "v1-5, pruned", Lora hashes: "a: 1, b: 2", Version: v1.9.4`;
  assert.deepEqual(parseRecipe(webui), {
    prompt: 'masterpiece, castle',
    negativePrompt: 'blurry\nbad hands',
    steps: 30,
    scheduler: 'dpmpp-2m-karras',
    guidance: 7,
    seed: 123,
    width: 768,
    height: 512,
    model: 'v1-5, pruned',
  });
  const sampler = (name: string) => parseRecipe(`x\nSteps: 5, Sampler: ${name}, Seed: 1`)?.scheduler;
  assert.equal(sampler('euler_ancestral'), 'euler-a');
  assert.equal(sampler('Euler a'), 'euler-a');
  assert.equal(sampler('dpmpp_2m'), 'dpmpp-2m');
  assert.equal(sampler('UniPC'), 'unipc');
  assert.equal(sampler('DPM adaptive'), undefined);
});

test('lines after the settings, JSON and quotes among them; the first value wins', () => {
  const parsed = parseRecipe(`a castle
on a hill
Negative prompt: fog
Steps: 30, Sampler: Euler a, CFG scale: 7, Seed: 123, Size: 768x512, ControlNet 0: "Module: canny, Seed: 9, Steps: 2", Model: v1-5, Version: v1.9.4
Template: a {castle|house}, Seed: 77
Civitai resources: [{"type":"checkpoint","note":"Steps: 1, Seed: 2]","weight":0.8}], Steps: 99
Negative Template: fog`);
  const { notes, ...read } = parsed!;
  assert.deepEqual(read, {
    prompt: 'a castle\non a hill',
    negativePrompt: 'fog',
    steps: 30,
    scheduler: 'euler-a',
    guidance: 7,
    seed: 123,
    width: 768,
    height: 512,
    model: 'v1-5',
  });
  assert.match(notes![0]!, /ControlNet 0: Module: canny, Seed: 9, Steps: 2; Template: /);
  // In a recipe of ours the last line counts, whatever the prompt says.
  const ours = { ...recipe, prompt: 'Steps: 1, Sampler: x, Seed: 2\nis a line' };
  assert.deepEqual(parseRecipe(formatRecipe(ours)), ours);
});

test('seeds of other tools: up to 53 bits are taken, of longer ones the rest, which is said; −1 is random', () => {
  const seed = (text: string) => parseRecipe(`x\nSteps: 5, Sampler: Euler, Seed: ${text}, Size: 64x64`)!;
  for (const taken of ['4294967295', '4294967296', '1102676403634909', '9007199254740991'])
    assert.deepEqual([seed(taken).seed, seed(taken).notes], [Number(taken), undefined]);
  assert.equal(seed('18446744073709551615').seed, 2 ** 53 - 1);
  assert.match(seed('18446744073709551614').notes![0]!, /18446744073709551614 .* 9007199254740990, are used/);
  assert.deepEqual([seed('-1').seed, seed('-1').notes], [undefined, undefined]);
});

test('a step plan of a later version is left out, which is said', () => {
  const read = (plan: string) =>
    parseRecipe(`x\nSteps: 3, Sampler: Euler, Seed: 1, Size: 64x64, Step plan: ${plan}`)!;
  assert.deepEqual([read('FdP').stepPlan, read('FdP').notes], ['FdP', undefined]);
  const { stepPlan, notes } = read(`Fz${'P'.repeat(500)}`);
  assert.equal(stepPlan, undefined);
  assert.match(notes!.join(), /^The step plan FzP+…P+ is not known to this version, /);
});

test('JSON of other tools: its fields, or no recipe', () => {
  const swarm = {
    sui_image_params: {
      prompt: 'a castle, by night',
      negativeprompt: 'fog',
      model: 'sd15',
      seed: 42,
      steps: 20,
      cfgscale: 7,
      width: 512,
      height: 768,
      sampler: 'dpmpp_2m',
      scheduler: 'karras',
    },
  };
  const expected = {
    prompt: 'a castle, by night',
    negativePrompt: 'fog',
    model: 'sd15',
    seed: 42,
    steps: 20,
    guidance: 7,
    width: 512,
    height: 768,
    scheduler: 'dpmpp-2m-karras',
  };
  assert.deepEqual(parseRecipe(JSON.stringify(swarm)), expected);
  assert.deepEqual(parseRecipe(JSON.stringify(swarm, null, 2)), expected);
  const fooocus = { prompt: 'x', negative_prompt: '', seed: '7', resolution: '(896, 1152)', steps: 30 };
  assert.deepEqual(parseRecipe(JSON.stringify(fooocus)), {
    prompt: 'x',
    negativePrompt: '',
    seed: 7,
    width: 896,
    height: 1152,
    steps: 30,
  });
  // Steps are optional. Settings that change an image and are not read are named.
  const { notes, ...few } = parseRecipe(
    '{"sui_image_params":{"prompt":"x","seed":18446744073709551614,"cfgscale":"7","loras":["a","b"],"initimage":"x.png","refinerupscale":0,"styles":[]}}',
  )!;
  const loras = ['a', 'b'].map((lora) => ({ lora, strength: 1 }));
  assert.deepEqual(few, { prompt: 'x', negativePrompt: '', seed: 9007199254740990, guidance: 7, loras });
  assert.equal(notes!.length, 2);
  assert.match(notes![0]!, /could not be taken over: initimage: x\.png\.$/);
  for (const other of [{}, { nodes: [1] }, { prompt: { '3': {} } }, { sui_image_params: 5 }, [1, 2], []])
    assert.equal(parseRecipe(JSON.stringify(other)), undefined);
  assert.equal(parseRecipe('{red|blue} house')?.prompt, '{red|blue} house');
  assert.equal(parseRecipe('{a: house}')?.prompt, '{a: house}');
});

test('numbers that no request may hold, and noise levels that a sampler does not have here, are said', () => {
  const lost = (settings: string) =>
    /this could not be taken over: (.*)\.$/.exec(
      parseRecipe(`a\nSteps: 4, ${settings}`)?.notes?.[0] ?? '',
    )?.[1];
  for (const one of [
    'Schedule type: Beta',
    'CFG scale: 900',
    'Clip skip: 99',
    'Denoising strength: 7',
    'Denoising strength: 0',
  ])
    assert.equal(lost(`Sampler: Euler, ${one}`), one);
  assert.equal(lost('Sampler: Heun 9, Schedule type: Karras'), 'Sampler: Heun 9; Schedule type: Karras');
  assert.match(parseRecipe('a\nSteps: 400, Seed: 1, Size: 64x64')!.notes![0]!, /Steps: 400\.$/);
  for (const usual of ['Automatic', 'Normal'])
    assert.equal(lost(`Sampler: Euler, Schedule type: ${usual}`), undefined);
  assert.equal(lost('Sampler: DPM++ 2M, Schedule type: Karras'), undefined);
});

test('how noise levels are spaced is read by the names of A1111, ComfyUI and SwarmUI', () => {
  const read = (settings: string) => {
    const { scheduler, sigmas, notes } = parseRecipe(`a\nSteps: 4, Seed: 1, Size: 64x64, ${settings}`)!;
    return [scheduler, sigmas, notes];
  };
  assert.deepEqual(read('Sampler: Euler, Schedule type: Karras'), ['euler', 'karras', undefined]);
  assert.deepEqual(read('Sampler: DPM++ SDE Karras'), ['dpmpp-sde', 'karras', undefined]);
  assert.deepEqual(read('Sampler: DPM++ 2M SDE Exponential'), ['dpmpp-2m-sde', 'exponential', undefined]);
  assert.deepEqual(read('Sampler: DPM++ 2M, Schedule type: Exponential'), [
    'dpmpp-2m',
    'exponential',
    undefined,
  ]);
  for (const name of ['Align Your Steps', 'align_your_steps', 'AYS'])
    assert.deepEqual(read(`Sampler: DPM++ 2M, Schedule type: ${name}`), ['dpmpp-2m', 'ays', undefined]);
  const ours: Recipe = { ...recipe, scheduler: 'euler-a', sigmas: 'ays' };
  assert.deepEqual(parseRecipe(formatRecipe(ours)), ours);
});

test('texts that are no recipe, or an odd one', () => {
  assert.deepEqual(parseRecipe('only a prompt'), { prompt: 'only a prompt', negativePrompt: '' });
  assert.deepEqual(parseRecipe(''), { prompt: '', negativePrompt: '' });
  const odd = parseRecipe('x\nSteps: many, Seed: -4, Size: 5, CFG scale: NaN, Precision: fp99');
  const note =
    "Of the image's recipe this could not be taken over: Steps: many; Seed: -4; Size: 5; CFG scale: NaN.";
  assert.deepEqual(odd, { prompt: 'x', negativePrompt: '', notes: [note] });
  assert.equal(parseRecipe('x'.repeat(200_000)), undefined);
  for (const part of ['a: "', 'a:"\\",', ' ', 'a ', '"\\', 'a:']) {
    const settings = `Steps: 1, ${part.repeat(19_000 / part.length)}`;
    assert.equal(parseRecipe(`x\n${settings}, Seed: 5`)?.steps, 1, part);
  }
  fc.assert(fc.property(fc.string(), (text) => void parseRecipe(text)));
});

test('text goes into the file without a change of the picture, and takes the place of older text', async () => {
  const once = withPngText(png, 'parameters', 'größe');
  const twice = withPngText(withPngText(once, 'Comment', 'stays'), 'parameters', '家 🏠');
  assert.equal(readPngText(once, 'parameters'), 'größe');
  assert.deepEqual([readPngText(twice, 'parameters'), readPngText(twice, 'Comment')], ['家 🏠', 'stays']);
  assert.equal(Buffer.from(twice).toString('latin1').split('parameters').length, 2);
  assert.equal(readPngText(twice, 'Comm'), undefined);
  const pixels = (file: Uint8Array) => sharp(file).raw().toBuffer();
  assert.deepEqual(await pixels(twice), await pixels(png));
  assert.match(Buffer.from(once).toString('latin1'), /tEXtparameters\0gr\xf6\xdfe/);
  assert.match(Buffer.from(twice).toString('latin1'), /iTXtparameters/);
  // Latin-1 that reads as UTF-8 is written so that it comes back.
  assert.equal(readPngText(withPngText(png, 'k', 'Ã¼'), 'k'), 'Ã¼');
});

test('text is read as UTF-8 where it is, as Latin-1 else; compressed or not', () => {
  const text = (bytes: Buffer) => insertChunk('tEXt', Buffer.concat([Buffer.from('k\0'), bytes]));
  assert.equal(readPngText(text(Buffer.from('テスト ünï')), 'k'), 'テスト ünï');
  assert.equal(readPngText(text(Buffer.from('größe', 'latin1')), 'k'), 'größe');
  const ztxt = (bytes: Buffer) =>
    insertChunk('zTXt', Buffer.concat([Buffer.from('k\0\0'), deflateSync(bytes)]));
  assert.equal(readPngText(ztxt(Buffer.from('テスト')), 'k'), 'テスト');
  const itxt = Buffer.concat([Buffer.from('k\0\x01\0de\0\0'), deflateSync(Buffer.from('Häuser'))]);
  assert.equal(readPngText(insertChunk('iTXt', itxt), 'k'), 'Häuser');
});

test('damaged, endless and long texts are passed over for the first that can be read', () => {
  const after = (type: string, data: Uint8Array) =>
    readPngText(insertChunk(type, data, withPngText(png, 'k', 'read')), 'k');
  assert.equal(
    after('zTXt', Buffer.concat([Buffer.from('k\0\0'), deflateSync(Buffer.alloc(10 << 20))])),
    'read',
  );
  assert.equal(after('zTXt', Buffer.from('k\0\0nonsense')), 'read');
  assert.equal(after('iTXt', Buffer.from('k\0\0\0no end')), 'read');
  assert.equal(after('tEXt', Buffer.concat([Buffer.from('k\0'), Buffer.alloc((1 << 20) + 1, 65)])), 'read');
  assert.equal(after('tEXt', Buffer.from('k\0first')), 'first');
  assert.equal(readPngText(insertChunk('tEXt', Buffer.from('k no end')), 'k'), undefined);
});

test('thousands of compressed texts are neither inflated nor slow to pass', async () => {
  const bomb = deflateSync(Buffer.alloc(1 << 20, 0xc8));
  const texts = Array.from({ length: 20_000 }, (_, i) =>
    chunk('zTXt', Buffer.concat([Buffer.from(`k${i}\0\0`), bomb])),
  );
  const file = Buffer.concat([png.subarray(0, HEADER_END), ...texts, png.subarray(HEADER_END)]);
  const calls = mock.method(compression, 'inflate');
  assert.equal(readPngText(file, 'parameters'), undefined);
  assert.equal(readPngText(file, 'k7')?.length, 1 << 20);
  assert.equal(calls.mock.callCount(), 1);
  calls.mock.restore();
  // The decoder must not see them, because it would inflate them all.
  const { width } = await decodePicture(file, 'x');
  assert.equal(width, 4);
  const kept = withPngText(file, 'k0', 'new');
  assert.equal(readPngText(kept, 'k0'), 'new');
  assert.equal(kept.length, file.length - texts[0]!.length + chunk('tEXt', Buffer.from('k0\0new')).length);
});

test('damaged files give what is there, or an InputError', () => {
  const full = withPngText(png, 'parameters', 'text');
  for (let length = 0; length < full.length; length++) {
    const cut = full.subarray(0, length);
    if (length < 8) assert.throws(() => readPngText(cut, 'parameters'), InputError);
    else assert.ok([undefined, 'text'].includes(readPngText(cut, 'parameters')));
    if (length < 33) assert.throws(() => withPngText(cut, 'a', 'b'), InputError);
    else assert.equal(readPngText(withPngText(cut, 'a', 'b'), 'a'), 'b');
  }
});
