import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import { catalogueEntry } from '../../engine/models/catalogue.ts';
import { writeCheckpoint, writeLora, writeTinyAutoencoder } from '../support/checkpoints.ts';
import { type Hub, type HubRepository, startHub } from '../support/hub.ts';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

const ID = 'nota-ai/bk-sdm-tiny';
const UNET = 'unet/diffusion_pytorch_model.safetensors';
const PROMPT = 'a red house by a lake';

const WRITERS: Record<string, (folder: string) => Promise<void>> = {
  [ID]: (folder) => writeCheckpoint(folder, 'bk-sdm-tiny'),
  'SimianLuo/LCM_Dreamshaper_v7': (folder) => writeCheckpoint(folder, 'lcm'),
  'stabilityai/sd-turbo': (folder) => writeCheckpoint(folder, 'sd-turbo'),
  'stabilityai/sdxl-turbo': (folder) => writeCheckpoint(folder, 'sdxl-turbo'),
  'segmind/SSD-1B': (folder) => writeCheckpoint(folder, 'ssd-1b'),
  'stable-diffusion-v1-5/stable-diffusion-v1-5': (folder) => writeCheckpoint(folder, 'sd15'),
  'stable-diffusion-v1-5/stable-diffusion-inpainting': (folder) => writeCheckpoint(folder, 'sd15-inpaint'),
  'madebyollin/taesd': writeTinyAutoencoder,
  'latent-consistency/lcm-lora-sdv1-5': (folder) =>
    writeLora(path.join(folder, 'pytorch_lora_weights.safetensors')),
};

/** A hub with some models, at the catalogue's commits, an empty cache, and the command that uses them. */
async function withHub(
  ids: readonly string[],
  use: (run: Run, folder: string, hub: Hub) => Promise<void>,
): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const published: Record<string, HubRepository> = {};
    for (const id of ids) {
      const { licence, revision: commit } = catalogueEntry(id)!;
      published[id] = { folder: path.join(folder, id), licence, commit };
      await WRITERS[id]!(published[id].folder);
    }
    const served = await startHub(published);
    const env = { HF_ENDPOINT: served.endpoint, HF_HUB_CACHE: path.join(folder, 'cache'), HF_TOKEN: '' };
    try {
      await use((...args) => patchwork(args, { env }), folder, served);
    } finally {
      await served.close();
    }
  });
}
type Run = (...args: string[]) => ReturnType<typeof patchwork>;

test('from an empty cache: get with a cut in the middle, generate, edit, remove', () =>
  withHub([ID], async (run, folder, served) => {
    const picture = path.join(folder, 'house.png');
    const missing = await run('generate', PROMPT, '-o', picture, '--model', ID);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /models get nota-ai\/bk-sdm-tiny/);

    const unasked = await run('models', 'get', ID);
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, /Licence: creativeml-openrail-m[\s\S]*--yes/);
    assert.ok(!served.requests.some(({ file }) => file), 'nothing is fetched without a yes');

    let cuts = 0;
    served.fault = ({ file, path }) =>
      file === UNET && !path.includes('/resolve/') && cuts++ === 0 ? { cut: 30_000 } : undefined;
    const got = await run('models', 'get', ID, '--yes', '--json');
    assert.equal(got.code, 0, got.stderr);
    assert.equal(cuts, 2);
    const { folder: model, fetchedBytes } = JSON.parse(got.stdout);
    assert.ok(existsSync(path.join(model, 'model_index.json')) && fetchedBytes > 100_000);

    const few = ['--model', ID, '--steps', '2', '--json'];
    const drawn = await run('generate', PROMPT, '-o', picture, '--size', '64x64', ...few);
    assert.equal(drawn.code, 0, drawn.stderr);
    assert.equal(JSON.parse(drawn.stdout).model, ID);
    const mask = path.join(import.meta.dirname, '../../media/masks/img2img-0.active-64x128.png');
    const edited = path.join(folder, 'boat.png');
    const edit = await run('edit', picture, 'a blue boat', '--mask', mask, '-o', edited, ...few);
    assert.equal(edit.code, 0, edit.stderr);
    assert.ok(JSON.parse(edit.stdout).activeFraction[0] < 1);

    const listed = JSON.parse((await run('models', 'list', '--json')).stdout);
    assert.deepEqual(
      listed.models.map(({ id, removable }: { id: string; removable: boolean }) => [id, removable]).at(-1),
      [ID, true],
    );
    assert.deepEqual(
      listed.catalogue.filter(({ here }: { here: boolean }) => here).map(({ id }: { id: string }) => id),
      [ID],
    );
    assert.equal((await run('models', 'remove', ID)).code, 2);
    assert.equal((await run('models', 'remove', ID, '--yes')).code, 0);
    assert.ok(!existsSync(model));
    assert.equal((await run('models', 'remove', ID, '--yes')).code, 2);
  }));

test('the fast decoder draws with TAESD, once it is there', () =>
  withHub([ID, 'madebyollin/taesd'], async (run, folder) => {
    const picture = path.join(folder, 'house.png');
    assert.equal((await run('models', 'get', ID, '--yes')).code, 0);
    const draw = (...more: string[]) =>
      run(
        'generate',
        PROMPT,
        '-o',
        picture,
        '--model',
        ID,
        '--size',
        '64x64',
        '--steps',
        '1',
        '--seed',
        '1',
        '--json',
        ...more,
      );
    const missing = await draw('--decoder', 'fast');
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /models get madebyollin\/taesd/);
    const own = JSON.parse((await draw()).stdout);
    assert.equal((await run('models', 'get', 'madebyollin/taesd', '--yes')).code, 0);
    const fast = JSON.parse((await draw('--decoder', 'fast')).stdout);
    assert.equal(fast.decoder, 'fast');
    assert.ok(fast.macs < own.macs);
  }));

for (const id of [
  'SimianLuo/LCM_Dreamshaper_v7',
  'stabilityai/sd-turbo',
  'stabilityai/sdxl-turbo',
  'segmind/SSD-1B',
])
  test(`${id}: got, drawn with as its makers recommend, and edited with`, () =>
    withHub([id], async (run, folder) => {
      const json = async (...args: string[]) => {
        const { code, stdout, stderr } = await run(...args, '--json');
        assert.equal(code, 0, stderr);
        return JSON.parse(stdout);
      };
      const { revision, scheduler, recommended } = catalogueEntry(id)!;
      assert.equal((await json('models', 'get', id, '--yes')).commit, revision);
      const picture = path.join(folder, 'house.png');
      const size = ['--size', '64x64'];
      const drawn = await json('generate', 'a (red:1.2) house', '-o', picture, '--model', id, ...size);
      const { steps, guidance } = recommended!;
      assert.deepEqual([drawn.scheduler, drawn.steps, drawn.guidance], [scheduler, steps, guidance]);
      const mask = path.join(import.meta.dirname, '../../media/masks/img2img-0.active-64x128.png');
      const to = ['--mask', mask, '-o', path.join(folder, 'boat.png'), '--steps', '2'];
      const edited = await json('edit', picture, 'a blue boat', '--model', id, ...to);
      assert.ok(edited.activeFraction[0] < 1);
    }));

test('a LoRA file of the hub, as the catalogue says it is used', () => {
  const lora = 'latent-consistency/lcm-lora-sdv1-5';
  return withHub([ID, lora], async (run, folder) => {
    const picture = path.join(folder, 'house.png');
    const { steps, guidance } = catalogueEntry(lora)!.recommended!;
    const how = ['--scheduler', 'lcm', '--steps', `${steps}`, '--guidance', `${guidance}`, '--size', '64x64'];
    const draw = () =>
      run('generate', PROMPT, '-o', picture, '--model', ID, '--lora', `${lora}:0.8`, ...how, '--json');
    assert.equal((await run('models', 'get', ID, '--yes')).code, 0);
    assert.match((await draw()).stderr, /models get latent-consistency\/lcm-lora-sdv1-5/);
    assert.equal((await run('models', 'get', lora, '--yes')).code, 0);
    const { code, stdout, stderr } = await draw();
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout).loras, [{ lora, strength: 0.8 }]);
  });
});

test('names that are none, and what is not at the hub', () =>
  withHub([ID], async (run) => {
    for (const [id, sentence] of [
      ['bk-sdm', /neither a listed model nor a Hugging Face name/],
      ['../../etc/passwd', /neither a listed model nor a Hugging Face name/],
      ['no/such-model', /does not exist at/],
      [`${ID}@0123`, /There is no such revision .*@main is the newest/],
      [`${ID}@../../x`, /not a branch, a tag or a commit/],
    ] as const) {
      const { code, stderr, stdout } = await run('models', 'get', id, '--yes', '--json');
      assert.equal(code, 2, stderr);
      assert.match(stderr, sentence);
      assert.equal(stdout, '');
    }
  }));

test('a hub that cannot be reached is a failure, not a mistake', () =>
  withHub([ID], async (run, _folder, hub) => {
    await hub.close();
    const { code, stderr, stdout } = await run('models', 'get', ID, '--yes');
    assert.equal(code, 1, stderr);
    assert.match(stderr, /Can't reach 127\.0\.0\.1.* nota-ai\/bk-sdm-tiny was not downloaded\./);
    assert.equal(stdout, '');
  }));

test('an inpainting model edits for its model once it is installed, and is named before', () => {
  const model = 'stable-diffusion-v1-5/stable-diffusion-v1-5';
  const twin = 'stable-diffusion-v1-5/stable-diffusion-inpainting';
  return withHub([model, twin], async (run, folder) => {
    const at = (name: string) => path.join(folder, name);
    const ok = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(...args, '--json');
      assert.equal(code, 0, stderr);
      return { ...JSON.parse(stdout), stderr };
    };
    await ok('models', 'get', model, '--yes');
    const few = ['--size', '64x64', '--steps', '2', '--seed', '1'];
    await ok('generate', PROMPT, '-o', at('lake.png'), '--model', model, ...few);
    const white = { create: { width: 24, height: 24, channels: 3, background: 'white' } } as const;
    await sharp(white)
      .extend({ top: 20, left: 20, right: 20, bottom: 20, background: 'black' })
      .png()
      .toFile(at('mask.png'));
    const edit = [
      'edit',
      at('lake.png'),
      'a boat',
      '--steps',
      '2',
      '--mask',
      at('mask.png'),
      '--model',
      model,
    ];
    const blended = await ok(...edit, '-o', at('blended.png'));
    assert.equal(blended.model, model);
    assert.match(blended.stderr, new RegExp(`${twin} does, .*models get ${twin}`));

    await ok('models', 'get', twin, '--yes');
    const fitted = await ok(...edit, '-o', at('fitted.png'));
    assert.equal(fitted.model, twin);
    assert.doesNotMatch(fitted.stderr, /does not see the mask/);
    const chosen = await ok(...edit, '--edit-model', model, '-o', at('chosen.png'));
    assert.equal(chosen.model, model);
    assert.doesNotMatch(chosen.stderr, /does not see the mask/);
  });
});

test('a proxy is used, hosts in NO_PROXY are not; an address with a password is refused without it', () =>
  withHub(['madebyollin/taesd'], async (_, folder, served) => {
    const get = (env: Record<string, string>) =>
      patchwork(['models', 'get', 'madebyollin/taesd', '--yes'], {
        env: { HF_ENDPOINT: served.endpoint, HF_HUB_CACHE: path.join(folder, 'cache'), HF_TOKEN: '', ...env },
      });
    const refused = await get({ HTTP_PROXY: 'http://u:s3cret@127.0.0.1:1', NO_PROXY: '' });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Can't reach [\s\S]* proxy/);
    const secret = await get({ HF_ENDPOINT: served.endpoint.replace('://', '://u:s3cret@') });
    assert.equal(secret.code, 2);
    assert.match(secret.stderr, /HF_ENDPOINT must hold no user and no password/);
    const odd = await get({ HF_ENDPOINT: 'htps://u:s3cret@host' });
    assert.match(odd.stderr, /not htps:\/\/host\./);
    for (const { stderr, stdout } of [refused, secret, odd]) assert.doesNotMatch(stderr + stdout, /s3cret/);
    assert.equal((await get({ HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1' })).code, 0);
  }));
