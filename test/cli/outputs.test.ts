import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import { decodePicture } from '../../engine/pictures/read.ts';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

const root = path.join(import.meta.dirname, '../..');
const PROMPT = 'a red house by a lake at sunset';

type Drawn = { file: string; seed: number };

/** In a folder with `lake.png`, an image of Scenes with objects that the segmenter finds and the tagger names. */
function withLake(use: (folder: string) => Promise<void>): Promise<void> {
  return inTemporaryFolder(async (folder) => {
    await json(folder, 'generate', PROMPT, '--seed', '7', '-o', 'lake.png');
    await use(folder);
  });
}

/** Runs a command in a folder. Resolves with its JSON and its stderr. */
async function json(cwd: string, ...args: string[]) {
  const { code, stdout, stderr } = await patchwork([...args, '--json'], { cwd });
  assert.equal(code, 0, stderr);
  return { ...JSON.parse(stdout), stderr };
}

test('a reader that stops early ends the command quietly', () => {
  const bundle = path.join(root, 'dist/patchwork.mjs');
  const { stderr } = spawnSync('sh', ['-c', `node ${bundle} macs sd15 --size 64x64 | true`], {
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
});

test('parts of other models are refused for the embedded one', async () => {
  for (const [option, why] of [
    [['--text-encoder', root], /is for other models/],
    [['--prediction', 'v_prediction'], /is for a checkpoint in one file/],
  ] as const) {
    const { code, stderr } = await patchwork(['generate', PROMPT, ...option]);
    assert.equal(code, 2);
    assert.match(stderr, why);
  }
});

test('images without a name are named after the prompt and seed, and never replace one', () =>
  inTemporaryFolder(async (folder) => {
    const args = ['generate', PROMPT, '--seed', '7', '--steps', '1', '--size', '64x64'];
    const first = await json(folder, ...args);
    assert.deepEqual([first.file, first.replaced], ['a-red-house-by-a-lake-at-sunset-7.png', false]);
    const second = await json(folder, ...args);
    assert.deepEqual([second.file, second.replaced], ['a-red-house-by-a-lake-at-sunset-7-2.png', false]);
    const { stdout } = await patchwork([...args, '-o', first.file], { cwd: folder });
    assert.match(stdout, /7\.png: 64×64.*\(replaced the file that was there\)/);
    assert.equal((await json(folder, ...args, '-o', first.file)).replaced, true);
    assert.equal((await readdir(folder)).length, 2);
  }));

test('several images of one prompt have one seed after another, over the end of the range', () =>
  inTemporaryFolder(async (folder) => {
    const args = ['generate', PROMPT, '--steps', '1', '--size', '64x64', '--count', '2'];
    const named = await json(folder, ...args, '--seed', '9007199254740991', '-o', 'house.webp');
    const listed: [string, number][] = named.images.map(({ file, seed }: Drawn) => [file, seed]);
    assert.deepEqual(listed, [
      ['house-1.webp', Number.MAX_SAFE_INTEGER],
      ['house-2.webp', 0],
    ]);
    assert.equal(named.file, 'house-1.webp');
    for (const [file, seed] of listed)
      assert.equal((await decodePicture(await readFile(path.join(folder, file)), file)).recipe?.seed, seed);
    const random = await json(folder, ...args, '--seed', '-1');
    const [one, two] = random.images;
    assert.equal(two.seed, one.seed + 1);
    assert.equal(two.file, `a-red-house-by-a-lake-at-sunset-${two.seed}.png`);
    const again = await json(folder, ...args, '--seed', '-1');
    assert.notEqual(again.images[0].seed, one.seed, 'by chance, once in four thousand million times');
  }));

test('the format follows the ending', () =>
  inTemporaryFolder(async (folder) => {
    const args = ['generate', PROMPT, '--steps', '1', '--size', '64x64', '--seed', '1'];
    for (const [file, format] of [
      ['a.png', 'png'],
      ['a.JPG', 'jpeg'],
      ['a.jpeg', 'jpeg'],
      ['a.webp', 'webp'],
    ] as const) {
      await json(folder, ...args, '-o', file);
      const bytes = await readFile(path.join(folder, file));
      assert.equal((await sharp(bytes).metadata()).format, format);
      assert.equal((await decodePicture(bytes, file)).recipe?.prompt, PROMPT);
    }
  }));

test('objects are listed, masked and repainted by name or number', () =>
  withLake(async (folder) => {
    const { objects, width, height } = await json(folder, 'objects', 'lake.png');
    const house = objects.find(({ name }: { name: string }) => name === 'a red house');
    assert.ok(house, JSON.stringify(objects));
    assert.ok(house.area > 0 && house.area < width * height && house.score > 0);
    assert.equal(objects[house.number - 1], house);

    const mask = await json(folder, 'segment', 'lake.png', '--object', 'red house');
    assert.equal(mask.file, 'lake.red-house.png');
    assert.deepEqual([mask.name, mask.area, mask.box], [house.name, house.area, house.box]);
    const white = (await sharp(path.join(folder, mask.file)).greyscale().raw().toBuffer()).filter(
      (v) => v === 255,
    );
    assert.equal(white.length, house.area);
    const byNumber = await json(folder, 'segment', 'lake.png', '--object', `${house.number}`);
    assert.deepEqual([byNumber.file, byNumber.area], ['lake.red-house-2.png', house.area]);

    const edited = await json(
      folder,
      'edit',
      'lake.png',
      'a blue boat',
      '--object',
      'red house',
      '--grow',
      '0',
      '--steps',
      '2',
    );
    assert.deepEqual([edited.file, edited.object], ['lake.blue-boat.png', 'a red house']);
    const pixels = (name: string) =>
      sharp(path.join(folder, name)).removeAlpha().greyscale().raw().toBuffer();
    const [before, after, inside] = await Promise.all(['lake.png', edited.file, mask.file].map(pixels));
    assert.ok(before!.every((value, i) => inside![i] !== 0 || after![i] === value));
    assert.ok(before!.some((value, i) => after![i] !== value));

    const { code, stderr } = await patchwork(['segment', 'lake.png', '--object', 'rocket'], { cwd: folder });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /lake\.png has no object “rocket”. It has: .*a red house.* Give a name or a number\./,
    );
  }));

test('describe puts an image into words and says whether it is sure', () =>
  withLake(async (folder) => {
    const image = await json(folder, 'describe', 'lake.png');
    assert.match(image.prompt, /lake/);
    assert.equal(typeof image.sure, 'boolean');
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#888' } })
      .png()
      .toFile(path.join(folder, 'grey.png'));
    const grey = await json(folder, 'describe', 'grey.png');
    assert.equal(grey.sure, false);
    assert.match(grey.stderr, /Low confidence/);
    const { stdout } = await patchwork(['describe', 'lake.png'], { cwd: folder });
    assert.equal(stdout, `${image.prompt}\n`);
  }));

test('paths are relative to where npm was called', () =>
  withLake(async (folder) => {
    for (const args of [
      ['run', '-s', '--prefix', root, 'patchwork', '--', 'describe', 'lake.png', '--json'],
      ['exec', '--prefix', root, '--', 'patchwork', 'describe', 'lake.png', '--json'],
    ]) {
      const shell = process.platform === 'win32';
      const { status, stdout, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8', shell });
      assert.equal(status, 0, stderr);
      assert.equal(JSON.parse(stdout).file, 'lake.png');
    }
  }));

test('a model that is not there is said in a sentence, without a list of all that there are', async () => {
  const { code, stderr } = await patchwork(['generate', 'a house', '--model', '/no/such/model']);
  assert.equal(code, 2);
  assert.match(stderr, /^There is no model \/no\/such\/model\. A model is a folder or a file/);
  assert.doesNotMatch(stderr, /sd15|efficientvit|sana/);
  assert.ok(stderr.length < 300, stderr);
});

test('crop keeps pixels and recipe, and says what would leave nothing', () =>
  inTemporaryFolder(async (folder) => {
    await json(
      folder,
      'generate',
      PROMPT,
      '--seed',
      '7',
      '--steps',
      '1',
      '--size',
      '64x64',
      '-o',
      'lake.png',
    );
    const cut = await json(folder, 'crop', 'lake.png', '--box', '8,16,40,999');
    const { file, width, height, left, top, exact } = cut;
    assert.deepEqual([file, width, height, left, top, exact], ['lake.cropped.png', 32, 48, 8, 16, true]);
    const [whole, part] = await Promise.all(
      ['lake.png', file].map(async (name) => readFile(path.join(folder, name))),
    );
    const expected = await sharp(whole).extract({ left, top, width, height }).removeAlpha().raw().toBuffer();
    assert.deepEqual(Buffer.from((await decodePicture(part!, file)).pixels), expected);
    assert.ok(part!.includes('Seed: 7'));
    const { code, stderr } = await patchwork(['crop', 'lake.png', '--box', '64,0,90,9'], { cwd: folder });
    assert.equal(code, 2);
    assert.match(stderr, /^--box leaves nothing of lake\.png, which is 64×64 pixels\.$/m);
  }));
