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

test('noise levels spaced as asked: another image, and its recipe says how; refused where the sampler has none', () =>
  inTemporaryFolder(async (folder) => {
    const draw = (name: string, ...options: string[]) =>
      patchwork([
        ...[
          'generate',
          PROMPT,
          '-o',
          path.join(folder, name),
          '--steps',
          '4',
          '--size',
          '64x64',
          '--seed',
          '7',
        ],
        ...['--scheduler', 'euler', ...options],
      ]);
    const images = new Set<string>();
    for (const name of ['karras', 'exponential', 'ays', undefined]) {
      const { code, stderr } = await draw(`${name}.png`, ...(name ? ['--sigmas', name] : []));
      assert.equal(code, 0, stderr);
      const file = path.join(folder, `${name}.png`);
      assert.equal(readRecipe(await readFile(file))?.sigmas, name);
      images.add((await pixels(file)).toString('base64'));
    }
    assert.equal(images.size, 4);
    const { code, stderr } = await draw('no.png', '--scheduler', 'ddim', '--sigmas', 'ays');
    assert.equal(code, 2);
    assert.match(stderr, /ddim spaces its noise levels itself/);
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

test('a budget is kept to, said, and stands in the recipe, from which the same image is made again', () =>
  inTemporaryFolder(async (folder) => {
    const draw = async (name: string, ...options: string[]) => {
      const file = path.join(folder, name);
      const args = ['generate', PROMPT, '-o', file, '--seed', '1', '--size', '64x64', '--json', ...options];
      const { code, stdout, stderr } = await patchwork(args);
      assert.equal(code, 0, stderr);
      return { file, ...JSON.parse(stdout) };
    };
    const full = await draw('full.png', '--steps', '20');
    const draft = await draw('draft.png', '--steps', '20', '--budget', '0.2');
    assert.equal(full.budget, undefined);
    assert.equal(draft.budget.asked, 0.2);
    assert.ok(draft.budget.spent <= 0.205);
    assert.ok(Math.abs(draft.macs / full.macs - draft.budget.spent) < 0.01, `${draft.macs} of ${full.macs}`);
    assert.match(draft.budget.plan, /^\d+ steps.*without guidance$/);
    const written = readRecipe(await readFile(draft.file))!;
    assert.deepEqual([written.budget?.share, written.budget?.steps], [0.2, 20]);
    const plan = ['--step-plan', written.stepPlan!, '--scheduler', written.scheduler!];
    const again = await draw('again.png', ...plan);
    assert.deepEqual(await pixels(again.file), await pixels(draft.file));
    const { code, stderr } = await patchwork(['generate', PROMPT, '--step-plan', 'FXF']);
    assert.equal(code, 2);
    assert.match(stderr, /The step plan "FXF" is not known to this version/);
  }));

test('a budget that no plan reaches is said, and samplers of noise only leave out steps', () =>
  inTemporaryFolder(async (folder) => {
    const draw = (name: string, ...options: string[]) =>
      patchwork(['generate', PROMPT, '-o', path.join(folder, name), '--size', '64x64', '--json', ...options]);
    const near = await draw('near.png', '--steps', '2', '--budget', '0.1');
    assert.equal(near.code, 0, near.stderr);
    assert.match(
      near.stderr,
      /No plan costs as little as 0\.1 of the full process; the nearest, 0\.\d+, is used/,
    );
    const { budget } = JSON.parse(near.stdout);
    assert.ok(budget.spent > budget.asked);
    const noisy = await draw('noisy.png', '--steps', '12', '--scheduler', 'euler-a', '--budget', '0.3');
    assert.equal(noisy.code, 0, noisy.stderr);
    assert.match(JSON.parse(noisy.stdout).budget.plan, /^\d+ steps?$/);
    const forecast = await draw('forecast.png', '--scheduler', 'euler-a', '--step-plan', 'FF-F');
    assert.equal(forecast.code, 2);
    assert.match(forecast.stderr, /draws noise in every step, so none can be forecast/);
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
      '768x768',
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

test('a style adds its words to the prompt, and is in the recipe', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'night.png');
    const styled = ['generate', 'a red house', '--style', 'night', '-o', file, '--steps', '2', '--json'];
    const { code, stdout, stderr } = await patchwork(styled);
    assert.equal(code, 0, stderr);
    const { prompt, style } = JSON.parse(stdout);
    assert.deepEqual([prompt, style], ['a red house at night', 'Night']);
    const recipe = readRecipe(await readFile(file));
    assert.deepEqual([recipe?.prompt, recipe?.notes], ['a red house at night', undefined]);
    const wrong = await patchwork(['generate', 'a red house', '--style', 'noir']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /It must be one of Photograph, .*Night/);
  }));
