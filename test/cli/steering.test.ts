import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import {
  writeCheckpoint,
  writeControlModels,
  writeLora,
  writeReferenceModel,
} from '../support/checkpoints.ts';
import { redShare } from '../support/red.ts';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

const fixtures = path.join(import.meta.dirname, '..', 'fixtures');
const cat = path.join(fixtures, 'scenes', 'cat.png');
const json = async (...args: string[]) => JSON.parse((await patchwork([...args, '--json'])).stdout);

test('generate takes control images, references, and what a prompt names in folders', () =>
  inTemporaryFolder(async (folder) => {
    const model = path.join(folder, 'sd15');
    await writeCheckpoint(model, 'sd15');
    await writeLora(path.join(folder, 'tool', 'loras', 'style.safetensors'));
    const { controlNet, adapter } = await writeControlModels(folder);
    const reference = await writeReferenceModel(folder);
    const out = (name: string) => path.join(folder, `${name}.png`);
    const common = [
      '--model',
      model,
      '--steps',
      '2',
      '--seed',
      '5',
      '--model-folder',
      path.join(folder, 'tool'),
    ];
    const plain = await json('generate', 'a house', '-o', out('plain'), ...common);
    assert.equal(plain.prompt, 'a house');
    const control = ['--control', `canny=${cat}:0.8:0-0.5`, '--control', cat];
    const models = ['--control-model', controlNet, '--control-model', adapter];
    const seen = ['--reference', `${cat}:0.6`, '--reference-model', reference, '--clip-skip', '2'];
    const prompt = 'a {house|house} <lora:style:0.5>';
    const steered = await json(
      'generate',
      prompt,
      '-o',
      out('steered'),
      ...common,
      ...control,
      ...models,
      ...seen,
    );
    assert.equal(steered.prompt, 'a house');
    assert.deepEqual(steered.loras, [{ lora: 'style', strength: 0.5 }]);
    assert.equal(steered.clipSkip, 2);
    assert.deepEqual(steered.steeredBy, [
      { model: 'controlnet', hint: 'canny', strength: 0.8, start: 0, end: 0.5 },
      { model: 't2i-adapter' },
    ]);
    assert.deepEqual(steered.referredTo, [{ model: 'ip-adapter', strength: 0.6 }]);
    assert.notDeepEqual(await readFile(out('steered')), await readFile(out('plain')));

    const lost = await patchwork(['generate', 'a house <lora:nothing:1>', '-o', out('lost'), ...common]);
    assert.match(lost.stderr, /<lora:nothing:1> in the prompt was left out/);
    const alone = await patchwork(['generate', 'a house', '-o', out('x'), ...common, '--control', cat]);
    assert.equal(alone.code, 2);
    assert.match(alone.stderr, /--control-model/);
  }));

test('Scenes draws a house where a sketch has one', () =>
  inTemporaryFolder(async (folder) => {
    const given = ['generate', 'a red house in a meadow at noon', '--seed', '3'];
    for (const left of [20, 150]) {
      const sketch = path.join(folder, `sketch-${left}.png`);
      const house = `M${left} 200v-60l44-40l44 40v60z`;
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256"/><path d="${house}" fill="none" stroke="white" stroke-width="3"/></svg>`;
      await sharp(Buffer.from(svg)).png().toFile(sketch);
      const out = path.join(folder, `house-${left}.png`);
      const made = await json(...given, '-o', out, '--control', sketch);
      assert.deepEqual(made.steeredBy, [{ model: 'scenes-control' }]);
      assert.ok((await redIn(out, left)) > 0.4, `${left}`);
    }
    const alone = path.join(folder, 'alone.png');
    await json(...given, '-o', alone);
    assert.ok((await redIn(alone, 150)) < 0.2);
  }));

test('Scenes draws a house in the region whose prompt has one, on one worker and on two', () =>
  inTemporaryFolder(async (folder) => {
    const at = (name: string) => path.join(folder, name);
    const given = ['generate', 'a meadow at noon', '--seed', '3', '--steps', '8', '--precision', 'fp32'];
    for (const [name, left] of Object.entries({ left: 0, right: 128 })) {
      const white = {
        input: { create: { width: 128, height: 256, channels: 3, background: 'white' } },
        left,
      } as const;
      await sharp({ create: { width: 256, height: 256, channels: 3, background: 'black' } })
        .composite([{ ...white, top: 0 }])
        .png()
        .toFile(at(`${name}.png`));
      const region = ['--region', `a red house in a meadow at noon@${at(`${name}.png`)}`];
      const made = await json(...given, '-o', at(`house-${name}.png`), ...region);
      assert.deepEqual(made.regionPrompts, ['a red house in a meadow at noon']);
      const half = async (left: number) => {
        const part = sharp(at(`house-${name}.png`)).removeAlpha();
        const area = { left, top: 100, width: 128, height: 120 };
        return redShare(await part.extract(area).raw().toBuffer(), 3);
      };
      const [here, there] = [await half(left), await half(128 - left)];
      assert.ok(here > 0.1 && there < here / 4, `${name}: ${here}, elsewhere ${there}`);
    }
    const region = ['--region', `a red house in a meadow at noon@${at('left.png')}`];
    const shared = await json(...given, '-o', at('shared.png'), ...region, '--workers', '2');
    assert.equal(shared.workers.length, 2);
    const [alone, together] = await Promise.all(
      ['house-left.png', 'shared.png'].map((file) => sharp(at(file)).removeAlpha().raw().toBuffer()),
    );
    assert.ok(together!.every((value, i) => Math.abs(value - alone![i]!) <= 1));

    for (const [option, sentence] of [
      ['a red house', /a prompt and an image of its part/],
      [`x@${at('none.png')}`, /none\.png/],
    ] as const) {
      const { code, stderr } = await patchwork([...given, '-o', at('x.png'), '--region', option]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, sentence);
    }
  }));

test('an image that steers and is none is named', () =>
  inTemporaryFolder(async (folder) => {
    const notes = path.join(folder, 'notes.txt');
    await writeFile(notes, 'a house');
    const out = ['generate', 'a house', '-o', path.join(folder, 'x.png')];
    for (const given of [
      ['--control', notes],
      ['--reference', notes],
      ['--reference', cat, '--reference-mask', notes],
      ['--region', `a tree@${notes}`],
    ]) {
      const { code, stderr } = await patchwork([...out, ...given]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /notes\.txt is not an image/);
    }
  }));

/** The share of red pixels within the walls of the sketched house. */
async function redIn(file: string, left: number): Promise<number> {
  const walls = { left, top: 140, width: 88, height: 60 };
  return redShare(await sharp(file).removeAlpha().extract(walls).raw().toBuffer(), 3);
}

test('upscale writes a larger image beside the image', () =>
  inTemporaryFolder(async (folder) => {
    await mkdir(folder, { recursive: true });
    const image = path.join(folder, 'cat.png');
    await copyFile(cat, image);
    const model = path.join(fixtures, 'upscalers', 'compact-x2.safetensors');
    const { file, width, height, scale, seconds } = await json('upscale', image, '--model', model);
    const header = (await readFile(file)).subarray(16, 24);
    assert.deepEqual([header.readUInt32BE(0), header.readUInt32BE(4)], [width, height]);
    assert.equal(scale, 2);
    assert.ok(seconds > 0 && path.dirname(file) === folder);
    const given = ['upscale', image, '--model', model, '--repaint', '0.3', '--steps', '4', '--seed', '1'];
    const detailed = await json(...given, '--prompt', 'a cat', '--scale', '1.5');
    assert.deepEqual(detailed.repaint, { prompt: 'a cat', model: 'scenes', seed: 1, strength: 0.3 });
    assert.notEqual(detailed.file, file);
    const idle = await patchwork(['upscale', image, '--model', model, '--prompt', 'a cat']);
    assert.match(idle.stderr, /--prompt says how to repaint: give --repaint/);
    const wrong = await patchwork(['upscale', image, '--model', path.join(folder, 'nothing.safetensors')]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /nothing\.safetensors does not exist/);
  }));
