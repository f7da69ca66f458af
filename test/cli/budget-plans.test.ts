import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import { readRecipe } from '../../engine/pictures/recipe.ts';
import { readPrompts, UNSEEN } from '../../studies/support/prompts.ts';
import { changeJson, writeCheckpoint, writeLora } from '../support/checkpoints.ts';
import { similarity } from '../support/similarity.ts';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

const PLAN = 'PPP 999 600 200 @budget/few.safetensors';

test('a budget takes the plan of the model’s folder, its recipe makes the same image, and what is broken is named', () =>
  inTemporaryFolder(async (folder) => {
    const model = path.join(folder, 'tiny');
    const adapter = path.join(model, 'budget', 'few.safetensors');
    const config = path.join(model, 'generation_config.json');
    await writeCheckpoint(model, 'sd15');
    await writeLora(adapter);
    const defaults = { num_inference_steps: 12, guidance_scale: 5 };
    await changeJson(config, {
      ...defaults,
      budget_plans: [{ step_plan: PLAN, guidance: 5, scheduler: 'dpmpp-2m' }],
    });
    const draw = (name: string, ...options: string[]) => {
      const place = ['-o', path.join(folder, name), '--model', model, '--size', '64x64', '--seed', '1'];
      const env = { PATCHWORK_CACHE: path.join(folder, 'cache') };
      return patchwork(['generate', 'a red house', ...place, ...options], { env });
    };
    const pixels = (name: string) => sharp(path.join(folder, name)).raw().toBuffer();

    const draft = await draw('draft.png', '--budget', '0.3');
    assert.equal(draft.code, 0, draft.stderr);
    assert.match(draft.stdout, /of the full process: 3 steps with the adapter few, .*without guidance\)/);
    const recipe = readRecipe(await readFile(path.join(folder, 'draft.png')))!;
    assert.deepEqual(
      [recipe.stepPlan, recipe.scheduler, recipe.budget],
      [PLAN, 'dpmpp-2m', { share: 0.3, steps: 12, scheduler: 'ddim' }],
    );
    const again = await draw('again.png', '--step-plan', PLAN, '--scheduler', 'dpmpp-2m');
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(await pixels('again.png'), await pixels('draft.png'));
    const fog = await draw('fog.png', '--budget', '0.3', '--negative', 'fog', '--json');
    assert.equal(JSON.parse(fog.stdout).stepPlan, undefined);

    const refused = async (reason: RegExp, ...options: string[]) => {
      const { code, stderr } = await draw('none.png', ...options);
      assert.equal(code, 2, stderr);
      assert.match(stderr, reason);
    };
    await writeFile(adapter, 'no weights');
    await refused(/few\.safetensors/, '--budget', '0.3');
    await refused(
      /tiny has no adapter budget\/other\.safetensors/,
      '--step-plan',
      'PP @budget/other.safetensors',
    );
    await changeJson(config, { budget_plans: [{ step_plan: 'PQ', guidance: 5 }] });
    await refused(
      /generation_config\.json: budget_plans\.0: the step plan "PQ" is not known to this version/,
    );
  }));

test('a large image by the built-in model begins at half the resolution, as its recipe and the output say', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'large.png');
    const draw = async (...options: string[]) => {
      const size = ['--size', '512x384', '--steps', '3', '--seed', '1', '--json'];
      const { code, stdout, stderr } = await patchwork([
        'generate',
        'a red house',
        '-o',
        file,
        ...size,
        ...options,
      ]);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const composed = await draw();
    assert.equal(readRecipe(await readFile(file))!.stepPlan, 'FF/F');
    const pixels = await sharp(file).raw().toBuffer();
    const whole = await draw('--step-plan', 'FFF');
    assert.ok(composed.macs < 0.65 * whole.macs, `${composed.macs} of ${whole.macs}`);
    assert.equal((await draw('--step-plan', 'FF/F')).macs, composed.macs);
    assert.deepEqual(await sharp(file).raw().toBuffer(), pixels);
  }));

test('half a budget takes the learned steps of the built-in model, which end nearer to full images than plain ones', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'image.png');
    let gained = 0;
    // One image in five ends nearer with plain steps; the mean over 200 is in docs/measurements.md.
    const prompts = await readPrompts(UNSEEN, 4);
    for (const { prompt, seed } of prompts) {
      const draw = async (...options: string[]) => {
        const asked = ['generate', prompt, '--seed', String(seed), '-o', file, ...options];
        const { code, stderr } = await patchwork(asked);
        assert.equal(code, 0, stderr);
        return await readFile(file);
      };
      const full = await draw();
      const learned = await draw('--budget', '0.5');
      const { steps, stepPlan } = readRecipe(learned)!;
      assert.deepEqual([steps, stepPlan], [9, 'FFFFFFFFF 999 899 849 749 699 599 449 249 99']);
      gained += (await similarity(learned, full)) - (await similarity(await draw('--steps', '9'), full));
    }
    assert.ok(gained / prompts.length > 1, `${gained / prompts.length} dB`);
  }));

test('an edit with the built-in model takes its plan for edits, and ends nearer to the full edit than as many evaluations of plain steps', () =>
  inTemporaryFolder(async (folder) => {
    const mask = path.join(folder, 'mask.png');
    const white = { create: { width: 72, height: 72, channels: 3, background: 'white' } } as const;
    await sharp({ create: { width: 256, height: 256, channels: 3, background: 'black' } })
      .composite([{ input: await sharp(white).png().toBuffer(), left: 16, top: 24 }])
      .png()
      .toFile(mask);
    let gained = 0;
    for (const [name, prompt] of [
      ['cat.png', 'a red balloon'],
      ['tent.png', 'a white rocket'],
    ] as const) {
      const edit = async (...options: string[]) => {
        const file = path.join(folder, `${options.join('')}${name}`);
        const picture = path.join(import.meta.dirname, '..', 'fixtures', 'scenes', name);
        const args = ['edit', picture, prompt, '--mask', mask, '--seed', '5', '-o', file, ...options];
        const { code, stdout, stderr } = await patchwork(args);
        assert.equal(code, 0, stderr);
        return { file: await readFile(file), stdout };
      };
      const [own, full, plain] = [await edit(), await edit('--budget', '1'), await edit('--steps', '2')];
      assert.match(own.stdout, /4 steps with the adapter few, without guidance/);
      const { stepPlan, budget } = readRecipe(own.file)!;
      assert.deepEqual([stepPlan, budget], ['PPPP @budget/few.safetensors', { share: 0.35, steps: 20 }]);
      gained += (await similarity(own.file, full.file)) - (await similarity(plain.file, full.file));
    }
    assert.ok(gained > 0, `${gained / 2} dB`);
  }));
