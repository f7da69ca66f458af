import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { EditRequest, Engine, PicturePart } from '../shared/api.ts';
import { NodeBackend } from './backends/node/backend.ts';
import { createEngine } from './engine.ts';
import { isAbort } from './errors.ts';
import { whiteOf } from './pictures/mask.ts';
import { psnr } from './pictures/psnr.ts';
import { decodePicture } from './pictures/read.ts';

const STEPS = 4;
let engine: Engine;
let image: Uint8Array;

before(async () => {
  engine = createEngine(new NodeBackend());
  ({
    picture: { png: image },
  } = await engine.generate({
    prompt: 'a red house by a lake at sunset',
    seed: 1,
    steps: STEPS,
    previews: false,
  }));
});
after(() => engine.dispose());

/** A mask of the picture's size, white in one rectangle. */
async function rectangle(
  left: number,
  top: number,
  width: number,
  height: number,
  size = 256,
): Promise<Uint8Array> {
  const white = await sharp({ create: { width, height, channels: 3, background: 'white' } })
    .png()
    .toBuffer();
  return sharp({ create: { width: size, height: size, channels: 3, background: 'black' } })
    .composite([{ input: white, left, top }])
    .png()
    .toBuffer();
}

async function pixelsOf(png: Uint8Array): Promise<Buffer> {
  return sharp(png).removeAlpha().raw().toBuffer();
}

const request = (mask: Uint8Array, more: Partial<EditRequest> = {}): EditRequest => ({
  prompt: 'a blue boat',
  image,
  mask,
  seed: 3,
  steps: STEPS,
  previews: false,
  ...more,
});

test('outside the mask every pixel stays; inside, the picture changes', async () => {
  const mask = await rectangle(96, 120, 64, 56);
  const { picture, activeFraction, macs, denseMacs } = await engine.edit(request(mask));
  const [before, after, white] = await Promise.all([image, picture.png, mask].map(pixelsOf));
  let changed = 0;
  for (let i = 0; i < before!.length; i++) {
    if (white![i] === 0) assert.equal(after![i], before![i], `value ${i} is outside the mask`);
    else if (after![i] !== before![i]) changed++;
  }
  assert.ok(changed > 1000, `${changed} values changed`);
  assert.ok(activeFraction[0]! > 0.05 && activeFraction[0]! < 0.15, String(activeFraction));
  assert.ok(macs > 0 && denseMacs > 0);
});

test('a removal needs no prompt, and says nothing about words that were not typed', async () => {
  const mask = await rectangle(96, 120, 64, 56);
  const { warnings, recipe } = await engine.edit(request(mask, { prompt: '', remove: true }));
  assert.notEqual(recipe.prompt, '');
  assert.deepEqual(warnings, []);
});

test('tells which positions were computed, and shows the masked part on the way', async () => {
  const mask = await rectangle(96, 120, 64, 56);
  const previews: (PicturePart | undefined)[] = [];
  const { computed, activeFraction } = await engine.edit(request(mask, { steps: 30, previews: true }), {
    onProgress: ({ preview }) => void previews.push(preview),
  });
  assert.deepEqual(
    computed.map(({ cell, width, height }) => [cell, width, height]),
    activeFraction.map((_, l) => [8 * 2 ** l, 32 / 2 ** l, 32 / 2 ** l]),
  );
  for (const [l, { positions }] of computed.entries()) {
    const active = positions.reduce((sum, value) => sum + value, 0);
    assert.equal(active / positions.length, activeFraction[l]);
  }
  // The middle of the mask is computed at the finest level, a far corner is not.
  assert.equal(computed[0]!.positions[18 * 32 + 16], 1);
  assert.equal(computed[0]!.positions[0], 0);
  const seen = previews.filter((preview) => preview !== undefined);
  assert.ok(seen.length > 0, 'there was a preview');
  for (const { left, top, width, height } of seen)
    assert.deepEqual({ left, top, width, height }, { left: 96, top: 120, width: 64, height: 56 });
});

test('zoom: a small mask is worked on in an enlarged window, whose recording serves the next edit there', async () => {
  const mask = await rectangle(100, 120, 40, 36);
  const first = await engine.edit(request(mask, { zoom: 'auto' }));
  const { cell, width, left } = first.computed[0]!;
  // Half the picture's side, twice as large: cells of 4 pixels.
  assert.deepEqual([cell, width], [4, 32]);
  assert.ok(left > 0 && first.activeFraction[0]! > 0.05);
  assert.equal(first.recordedSteps, STEPS);
  const [before, after, white] = await Promise.all([image, first.picture.png, mask].map(pixelsOf));
  assert.ok(before!.every((value, i) => white![i] !== 0 || after![i] === value));
  assert.ok(before!.some((value, i) => after![i] !== value));
  const near = await rectangle(104, 122, 40, 36);
  assert.equal((await engine.edit(request(near, { zoom: 'auto', seed: 4 }))).recordedSteps, 0);
  const dense = await engine.edit(request(mask, { zoom: 'auto', mode: 'dense' }));
  const inside = whiteOf(await decodePicture(mask, 'mask'));
  const pair = [first, dense].map(({ picture }) => decodePicture(picture.png, 'an edit'));
  const [sparse, whole] = await Promise.all(pair);
  assert.ok(psnr(sparse!.pixels, whole!.pixels, inside) > 15);
  // A large mask is edited without zoom.
  const large = await rectangle(40, 40, 120, 100);
  const plain = await engine.edit(request(large, { zoom: 'off' }));
  const zoomed = await engine.edit(request(large, { zoom: 'auto' }));
  assert.deepEqual(zoomed.picture.png, plain.picture.png);
});

test('the greys of a soft mask blend the new with the old', async () => {
  const hard = await rectangle(96, 120, 64, 56);
  const soft = await sharp(hard).linear(0.2, 0).png().toBuffer();
  const changes = async (mask: Uint8Array, softMask: boolean) => {
    const { picture } = await engine.edit(request(mask, { softMask }));
    const [before, after] = await Promise.all([image, picture.png].map(pixelsOf));
    return after!.reduce((sum, value, i) => sum + Math.abs(value - before![i]!), 0);
  };
  const [full, part] = [await changes(hard, true), await changes(soft, true)];
  assert.equal(full, await changes(hard, false));
  assert.ok(part > full * 0.1 && part < full * 0.4, `${part} of ${full}`);
  // Otherwise two greys mean inside and outside, and a warning says so.
  assert.equal(full, await changes(soft, false));
});

test('an edit begins with painted colours where they are, computed in part or in full', async () => {
  const data = new Uint8Array(4 * 256 ** 2);
  for (let i = 0; i < 256 ** 2; i++)
    if (Math.hypot((i % 256) - 128, Math.floor(i / 256) - 160) <= 28) data.set([32, 48, 208, 255], 4 * i);
  const colours = { width: 256, height: 256, channels: 4, data };
  const painted = { prompt: 'a house', mask: undefined, colours } as Partial<EditRequest>;
  const mask = await rectangle(92, 124, 72, 72);
  const before = await pixelsOf(image);
  /** How much bluer than red the middle of the disc is. */
  const blueness = (pixels: Buffer) => {
    let sum = 0;
    for (let y = 140; y < 180; y++)
      for (let x = 108; x < 148; x++) sum += pixels[3 * (256 * y + x) + 2]! - pixels[3 * (256 * y + x)]!;
    return sum / 1600;
  };
  const plain = await engine.edit(request(mask, { prompt: 'a house', strength: 0.5 }));
  const without = blueness(await pixelsOf(plain.picture.png));
  const edits = await Promise.all(
    (['sparse', 'dense'] as const).map((mode) =>
      engine.edit(request(mask, { ...painted, strength: 0.5, mode })),
    ),
  );
  const results = await Promise.all(edits.map(({ picture }) => pixelsOf(picture.png)));
  for (const [i, pixels] of results.entries()) {
    assert.deepEqual(edits[i]!.warnings, []);
    assert.ok(blueness(pixels) > without + 60, `${edits[i]!.mode}: ${blueness(pixels)}, without ${without}`);
    for (let y = 0, at = 0; y < 256; y++)
      for (let x = 0; x < 256; x++, at += 3)
        if (Math.hypot(x - 128, y - 160) > 28 + 13)
          assert.ok(
            pixels[at] === before[at] &&
              pixels[at + 1] === before[at + 1] &&
              pixels[at + 2] === before[at + 2],
            `${x}, ${y}`,
          );
  }
  const alike = psnr(results[0]!, results[1]!);
  assert.ok(alike > 25, `${alike} dB`);

  // A mask decides in place of what is painted, and colours beyond it are not seen; 0.7 is the usual strength.
  const beside = await engine.edit(request(mask, { ...painted, mask: await rectangle(0, 0, 64, 64) }));
  const unpainted = await engine.edit(
    request(await rectangle(0, 0, 64, 64), { prompt: 'a house', strength: 0.7 }),
  );
  assert.deepEqual(await pixelsOf(beside.picture.png), await pixelsOf(unpainted.picture.png));
  assert.match(beside.warnings.join(' '), /None of the painted colours is inside the mask/);

  const lost = await engine.edit(request(mask, { ...painted, strength: 1 }));
  assert.match(lost.warnings.join(' '), /Nothing of the painted colours is left at this strength/);
  const removal = { ...painted, mask, remove: true };
  await assert.rejects(engine.edit(request(mask, removal)), /do not go with a removal/);
});

test('pixels in, pixels out: the same edit as with files', async () => {
  const mask = await rectangle(96, 96, 64, 64);
  const raster = async (file: Uint8Array, channels: 1 | 3) => {
    const data =
      channels === 1 ? await sharp(file).toColourspace('b-w').raw().toBuffer() : await pixelsOf(file);
    return { width: 256, height: 256, channels, data: new Uint8Array(data) };
  };
  const { picture } = await engine.edit(request(mask));
  const raw = { image: await raster(image, 3), mask: await raster(mask, 1), raw: true };
  const { pixels, picture: none } = await engine.edit({ ...request(mask), ...raw });
  assert.deepEqual(pixels, await raster(picture.png, 3));
  assert.equal(none.png.length, 0);
  const cut = { ...raw.image, height: 255 };
  await assert.rejects(engine.edit({ ...request(mask), image: cut }), /The image has not as many values/);
  const inks = { ...raw.image, channels: 4 };
  await assert.rejects(engine.edit({ ...request(mask), image: inks }), /The image must be/);
});

test('the first edit records, later edits of the same picture do not, and edits stack', async () => {
  const first = await engine.edit(
    request(await rectangle(16, 16, 48, 48), { prompt: 'a moon', strength: 1 }),
  );
  const again = await engine.edit(request(await rectangle(180, 180, 40, 40), { strength: 1 }));
  assert.equal(again.recordedSteps, 0, 'features of the picture were recorded already');
  const stacked = await engine.edit(
    request(await rectangle(180, 180, 40, 40), { image: first.picture.png, strength: 1 }),
  );
  assert.equal(stacked.recordedSteps, 0, 'the edit brought the features up to date');
  assert.ok(stacked.macs < stacked.denseMacs / 3, `${stacked.macs} of ${stacked.denseMacs}`);
  const store = await engine.store();
  assert.ok(store.bytes > 0 && store.bytes <= store.budgetBytes);
  assert.ok(store.pictures.some(({ timesteps }) => timesteps.length === STEPS));
});

test('a picture whose features were recorded before needs no recording', async () => {
  const mask = await rectangle(96, 120, 64, 56);
  const other = await sharp(image).flop().png().toBuffer();
  const prepared = await engine.prepareEdit({ image: other, steps: STEPS });
  assert.deepEqual([prepared.complete, prepared.recordedSteps], [true, STEPS]);
  const edited = await engine.edit(request(mask, { image: other }));
  assert.equal(edited.recordedSteps, 0);
});

test('an edit records and reads what its step plan computes, and edits of the result read it too', async () => {
  const plan = { stepPlan: 'FdP-', strength: 1 };
  const mask = await rectangle(96, 120, 64, 56);
  const other = await sharp(image).flip().png().toBuffer();
  const first = await engine.edit(request(mask, { image: other, ...plan }));
  assert.equal(first.recordedSteps, 3, 'nothing is recorded of a step that is forecast');
  const stacked = await engine.edit(request(mask, { image: first.picture.png, ...plan }));
  assert.equal(stacked.recordedSteps, 0);
  assert.equal(stacked.recipe.stepPlan, plan.stepPlan);
  const full = await engine.edit(request(mask, { image: first.picture.png, strength: 1 }));
  assert.ok(full.recordedSteps > 0, 'what steps in full read is recorded for them');
  assert.ok(stacked.macs < full.macs - full.recordingMacs);
});

test('an edit keeps to a budget by leaving out steps, and says so', async () => {
  const mask = await rectangle(96, 120, 64, 56);
  // The model's own plan was not made for negative prompts.
  const asked = request(mask, { budget: 0.5, strength: 1, negativePrompt: 'fog' });
  const { budget, recipe, stepSeconds } = await engine.edit(asked);
  assert.deepEqual(budget, { asked: 0.5, spent: 0.5, plan: '2 steps' });
  assert.deepEqual([recipe.steps, recipe.budget, stepSeconds.length], [2, { share: 0.5, steps: STEPS }, 2]);
});

test('the same seed gives the same picture, another seed another', async () => {
  const mask = await rectangle(96, 120, 64, 56);
  const edited = async (seed: number) => pixelsOf((await engine.edit(request(mask, { seed }))).picture.png);
  const [one, same, other] = [await edited(5), await edited(5), await edited(6)];
  assert.deepEqual(one, same);
  assert.notDeepEqual(one, other);
});

test('a store too small for a pass records again and gives the same picture', async () => {
  const mask = await rectangle(96, 120, 64, 56);
  const expected = await engine.edit(request(mask, { seed: 11 }));
  const forgetful = createEngine(new NodeBackend(), { storeBudget: 1 });
  try {
    const result = await forgetful.edit(request(mask, { seed: 11 }));
    assert.ok(result.recordedSteps > 0);
    assert.deepEqual(await pixelsOf(result.picture.png), await pixelsOf(expected.picture.png));
    assert.equal((await forgetful.store()).bytes, 0);
  } finally {
    await forgetful.dispose();
  }
});

test('a dense edit keeps the pixels outside the mask too', async () => {
  const mask = await rectangle(96, 120, 64, 56);
  const { picture, activeFraction, recordedSteps } = await engine.edit(request(mask, { mode: 'dense' }));
  const [before, after, white] = await Promise.all([image, picture.png, mask].map(pixelsOf));
  assert.ok(before!.every((value, i) => white![i] !== 0 || after![i] === value));
  assert.deepEqual([activeFraction, recordedSteps], [[], 0]);
});

test('under a mask of the whole picture a sparse edit is a dense one', async () => {
  const whole = await rectangle(0, 0, 256, 256);
  const [sparse, dense] = await Promise.all(
    (['sparse', 'dense'] as const).map(async (mode) =>
      pixelsOf((await engine.edit(request(whole, { mode, precision: 'fp32' }))).picture.png),
    ),
  );
  assert.ok(psnr(sparse!, dense!) > 50);
});

test('what is computed around the mask is not painted', async () => {
  const mask = await rectangle(96, 120, 64, 56);
  const same = request(mask, { prompt: 'a red house by a lake at sunset' });
  const narrow = await engine.edit({ ...same, dilation: 0 });
  const wide = await engine.edit({ ...same, dilation: 16 });
  const dense = await engine.edit({ ...same, mode: 'dense' });
  assert.equal(wide.activeFraction[0], 1);
  for (const [level, share] of wide.activeFraction.entries())
    assert.ok(share > narrow.activeFraction[level]!);
  // If everything computed were also painted, the two would show different landscapes.
  const [ours, theirs] = await Promise.all([wide, dense].map(({ picture }) => pixelsOf(picture.png)));
  assert.ok(psnr(ours!, theirs!, whiteOf(await decodePicture(mask, 'the mask'))) > 20);
});

test('a cancelled edit rejects with an AbortError and leaves nothing half recorded', async () => {
  const fresh = createEngine(new NodeBackend());
  const controller = new AbortController();
  try {
    const cancelled = fresh.edit(request(await rectangle(96, 120, 64, 56), { steps: 20 }), {
      signal: controller.signal,
      onProgress: ({ stage, step }) => {
        if (stage === 'denoise' && step === 2) controller.abort();
      },
    });
    await assert.rejects(cancelled, isAbort);
    const { pictures } = await fresh.store();
    assert.ok(pictures.length <= 1, 'only the passes of the picture itself are kept');
  } finally {
    await fresh.dispose();
  }
});

test('masks: of another size they are scaled with a warning, without white they are refused', async () => {
  const { warnings } = await engine.edit(request(await rectangle(40, 40, 30, 30, 128)));
  assert.match(warnings[0]!, /128×128.*256×256/);
  const black = await sharp({ create: { width: 256, height: 256, channels: 3, background: 'black' } })
    .png()
    .toBuffer();
  await assert.rejects(engine.edit(request(black)), /no white pixel/);
});

test('pictures of odd sizes keep size and alpha', async () => {
  const odd = await sharp(image).resize(201, 133, { fit: 'fill' }).ensureAlpha(0.5).png().toBuffer();
  const white = await sharp({ create: { width: 40, height: 30, channels: 3, background: 'white' } })
    .png()
    .toBuffer();
  const mask = await sharp({ create: { width: 201, height: 133, channels: 3, background: 'black' } })
    .composite([{ input: white, left: 161, top: 103 }])
    .png()
    .toBuffer();
  const { picture } = await engine.edit(request(mask, { image: odd, steps: 2 }));
  const { width, height, hasAlpha } = await sharp(picture.png).metadata();
  assert.deepEqual({ width, height, hasAlpha }, { width: 201, height: 133, hasAlpha: true });
  const alpha = async (png: Uint8Array) => sharp(png).extractChannel('alpha').raw().toBuffer();
  assert.deepEqual(await alpha(picture.png), await alpha(odd));
});

test('requests out of bounds name what is allowed', async () => {
  await assert.rejects(engine.generate({ prompt: 'x', width: 100 }), /multiple of 8 from 64 to 2048/);
  await assert.rejects(engine.generate({ prompt: 'x', steps: 0.5 }), /from 1 to 150/);
  await assert.rejects(engine.generate({ prompt: 'x', scheduler: 'plms' as never }), /ddim.*unipc/);
  await assert.rejects(engine.edit(request(image, { strength: 2 })), /from 0.05 to 1/);
  await assert.rejects(engine.edit(request(new Uint8Array([1, 2, 3]))), /The mask is not an image/);
});

test('float16 that a recipe asks for is float32 where the device lacks it', async () => {
  const small = { prompt: 'a house', seed: 1, steps: 1, width: 64, height: 64, previews: false };
  const [asked, plain] = [
    await engine.generate({ ...small, precision: 'fp16' }),
    await engine.generate({ ...small, precision: 'fp32' }),
  ];
  assert.equal(asked.recipe.precision, 'fp32');
  const sentence = 'fp16 was asked for, but the device does not compute in it: this was computed in fp32.';
  assert.deepEqual([asked.warnings, plain.warnings], [[sentence], []]);
  assert.deepEqual(await pixelsOf(asked.picture.png), await pixelsOf(plain.picture.png));
});

test('auto: in full where nothing is recorded or most is masked, sparsely once the picture is prepared', async () => {
  const { picture } = await engine.generate({
    prompt: 'a boat on the sea',
    seed: 5,
    steps: STEPS,
    previews: false,
  });
  const [small, most] = [await rectangle(100, 100, 40, 40), await rectangle(2, 2, 250, 250)];
  const auto = (mask: Uint8Array) => engine.edit(request(mask, { image: picture.png, mode: 'auto' }));
  const first = await auto(small);
  assert.equal(first.mode, 'dense');
  assert.deepEqual([first.recordedSteps, first.computed], [0, []]);
  const stages: string[] = [];
  const prepared = await engine.prepareEdit(
    { image: picture.png, steps: STEPS },
    { onProgress: ({ stage, step, steps }) => stages.push(`${stage} ${step} of ${steps}`) },
  );
  assert.ok(prepared.complete && prepared.recordedSteps > 0);
  assert.equal(stages.length, prepared.recordedSteps);
  assert.equal((await engine.prepareEdit({ image: picture.png, steps: STEPS })).recordedSteps, 0);
  const second = await auto(small);
  assert.equal(second.mode, 'sparse');
  assert.equal(second.recordedSteps, 0);
  assert.ok(second.macs < 0.5 * second.denseMacs);
  assert.equal((await auto(most)).mode, 'dense');
});

test('a recording that is cancelled continues where it stopped', async () => {
  const { picture } = await engine.generate({ prompt: 'a hill', seed: 6, steps: STEPS, previews: false });
  const controller = new AbortController();
  const prepare = engine.prepareEdit(
    { image: picture.png, steps: STEPS, strength: 1 },
    { signal: controller.signal, onProgress: ({ step }) => step === 2 && controller.abort() },
  );
  await assert.rejects(prepare, isAbort);
  const { recordedSteps, complete } = await engine.prepareEdit({
    image: picture.png,
    steps: STEPS,
    strength: 1,
  });
  assert.deepEqual([recordedSteps, complete], [STEPS - 2, true]);
});

test('once an image is prepared, an edit loads nothing more', async () => {
  let loads = 0;
  class Counting extends NodeBackend {
    override load(...given: Parameters<NodeBackend['load']>) {
      loads++;
      return super.load(...given);
    }
  }
  const counting = createEngine(new Counting());
  try {
    const { complete } = await counting.prepareEdit({ image, steps: STEPS });
    assert.ok(complete);
    const prepared = loads;
    const { mode } = await counting.edit(request(await rectangle(100, 100, 40, 40), { mode: 'auto' }));
    assert.deepEqual([mode, loads], ['sparse', prepared]);
  } finally {
    await counting.dispose();
  }
});

test('zoom: an image is prepared in the window around its mask', async () => {
  const masked = { left: 100, top: 100, width: 30, height: 30 };
  const { complete, recordedSteps } = await engine.prepareEdit({ image, steps: STEPS, zoom: 'auto', masked });
  assert.deepEqual([complete, recordedSteps > 0], [true, true]);
  const edit = request(await rectangle(100, 100, 30, 30), { mode: 'auto', zoom: 'auto' });
  const { mode, recordedSteps: missing } = await engine.edit(edit);
  assert.deepEqual([mode, missing], ['sparse', 0]);
  const beyond = engine.prepareEdit({ image, masked: { ...masked, left: 1000 } });
  await assert.rejects(beyond, /not inside the image/);
});

/** An engine, and how many runs of networks there were. */
function countingEngine() {
  let runs = 0;
  class Counting extends NodeBackend {
    override async load(...given: Parameters<NodeBackend['load']>) {
      const program = await super.load(...given);
      const run = program.run.bind(program);
      program.run = (...inputs) => {
        runs++;
        return run(...inputs);
      };
      return program;
    }
  }
  return { engine: createEngine(new Counting()), runs: () => runs };
}

test('edits of a prepared image are rehearsed until the next call, and leave nothing', async () => {
  const { engine: counting, runs } = countingEngine();
  try {
    await counting.prepareEdit({ image, steps: STEPS });
    const prepared = runs();
    while (runs() === prepared) await sleep(5);
    const { pictures } = await counting.store();
    assert.equal(pictures.length, 1);
    const given = runs();
    await sleep(100);
    assert.equal(runs(), given);
  } finally {
    await counting.dispose();
  }
});

test('a rehearsal that a draft has ended goes on when the engine is idle again', async () => {
  const { engine: counting, runs } = countingEngine();
  try {
    const { editSteps } = await counting.prepareEdit({ image, steps: STEPS });
    assert.ok(editSteps! > 0);
    await counting.generate({ prompt: 'a house', width: 64, height: 64, steps: 1 });
    const drafted = runs();
    while (runs() === drafted) await sleep(20);
  } finally {
    await counting.dispose();
  }
});

test('where memory is too short a recording is not complete, and editing still works', async () => {
  const small = createEngine(new NodeBackend(), { storeBudget: 1000 });
  try {
    const { complete } = await small.prepareEdit({ image, steps: STEPS });
    assert.equal(complete, false);
    const { mode } = await small.edit(request(await rectangle(100, 100, 40, 40), { mode: 'auto' }));
    assert.equal(mode, 'dense');
  } finally {
    await small.dispose();
  }
});
