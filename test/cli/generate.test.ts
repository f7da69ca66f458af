import assert from 'node:assert/strict';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import { readRecipe } from '../../engine/pictures/recipe.ts';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

const PROMPT = 'a red house by a lake at sunset';

async function pixels(file: string): Promise<Buffer> {
  return sharp(file).raw().toBuffer();
}

test('a picture from a prompt: repeatable, distinguished by seed and prompt, with its recipe inside', () =>
  inTemporaryFolder(async (folder) => {
    const draw = async (name: string, prompt: string, ...options: string[]) => {
      const file = path.join(folder, name);
      const args = ['generate', prompt, '-o', file, '--steps', '6', '--json', ...options];
      const { code, stdout, stderr } = await patchwork(args);
      assert.equal(code, 0, stderr);
      return { file, result: JSON.parse(stdout) };
    };
    const first = await draw('first.png', PROMPT, '--seed', '7');
    const again = await draw('again.png', PROMPT, '--seed', '7');
    const otherSeed = await draw('seed.png', PROMPT, '--seed', '8');
    const otherPrompt = await draw('prompt.png', 'two blue boats on the sea at night', '--seed', '7');

    assert.deepEqual(await pixels(first.file), await pixels(again.file));
    const stats = await sharp(first.file).stats();
    assert.ok(
      stats.channels.some(({ stdev }) => stdev > 20),
      'the picture is nearly one colour',
    );
    for (const other of [otherSeed, otherPrompt])
      assert.notDeepEqual(await pixels(first.file), await pixels(other.file));

    const { result } = first;
    assert.deepEqual(
      {
        file: result.file,
        seed: result.seed,
        steps: result.steps,
        width: result.width,
        height: result.height,
      },
      { file: first.file, seed: 7, steps: 6, width: 256, height: 256 },
    );
    assert.equal(result.stepSeconds.length, 6);
    assert.ok(result.macs > 1e9 && result.seconds > 0);
    const recipe = readRecipe(await readFile(first.file));
    assert.equal(recipe?.prompt, PROMPT);
    assert.equal(recipe?.seed, 7);
    assert.deepEqual((await readdir(folder)).sort(), ['again.png', 'first.png', 'prompt.png', 'seed.png']);
  }));

test('other sizes and aspect ratios', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'wide.png');
    const { code, stderr } = await patchwork([
      'generate',
      PROMPT,
      '-o',
      file,
      '--steps',
      '2',
      '--size',
      '328x200',
    ]);
    assert.equal(code, 0, stderr);
    const { width, height } = await sharp(file).metadata();
    assert.deepEqual({ width, height }, { width: 328, height: 200 });
  }));

test('an over-long prompt is cut with a warning', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'long.png');
    const prompt = `${PROMPT} and a tree`.repeat(80);
    const { code, stderr } = await patchwork(['generate', prompt, '-o', file, '--steps', '1']);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /too long/);
  }));

test('Ctrl-C ends with code 130 and leaves no file', () =>
  inTemporaryFolder(async (folder) => {
    const args = [
      'generate',
      PROMPT,
      '-o',
      path.join(folder, 'cut.png'),
      '--steps',
      '150',
      '--size',
      '512x512',
    ];
    const { code, stderr } = await patchwork(args, { interruptAfterMs: 2500 });
    assert.equal(code, 130, stderr);
    assert.match(stderr, /Cancelled/);
    assert.deepEqual(await readdir(folder), []);
  }));

test('a target that cannot be written is refused before anything is computed', () =>
  inTemporaryFolder(async (folder) => {
    await mkdir(path.join(folder, 'taken.png'));
    for (const target of [path.join(folder, 'missing', 'x.png'), path.join(folder, 'taken.png')]) {
      const { code, stderr } = await patchwork(['generate', PROMPT, '-o', target]);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(path.basename(target)));
      assert.equal(stderr.trim().split('\n').length, 1);
    }
    assert.deepEqual(await readdir(folder), ['taken.png']);
  }));
