import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

const model = path.join(import.meta.dirname, '..', 'fixtures', 'parity', 'tiny-sight', 'segmenter');

test('segment writes a mask of the size of the picture and says what it is', () =>
  inTemporaryFolder(async (folder) => {
    const at = (name: string) => path.join(folder, name);
    const pixels = Uint8Array.from({ length: 3 * 200 * 120 }, (_, i) => (i * 31) % 251);
    await sharp(pixels, { raw: { width: 200, height: 120, channels: 3 } })
      .png()
      .toFile(at('image.png'));
    const args = ['segment', at('image.png'), '-o', at('mask.png'), '--model', model, '--json'];
    const { code, stdout, stderr } = await patchwork([...args, '--point', '60,50', '--point', '150,20,0']);
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.equal(result.file, at('mask.png'));
    assert.ok(Number.isFinite(result.score) && result.seconds > 0 && result.macs > 0);
    assert.equal(result.candidates.length, 3);
    const { data, info } = await sharp(at('mask.png'))
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height], [200, 120]);
    assert.equal(data.filter((value) => value === 255).length, result.area);
    assert.equal(data.filter((value) => value === 0).length, 200 * 120 - result.area);
  }));

test("bench tells EfficientViT's operations and times, and --arch may name a segmenter", async () => {
  const args = ['bench', 'encode', 'encode-part', 'segment', '--mask', '5%', '--repeat', '1', '--json'];
  const { code, stdout, stderr } = await patchwork([...args, '--model', model]);
  assert.equal(code, 0, stderr);
  const { rows, guidance } = JSON.parse(stdout);
  assert.equal(guidance, null);
  assert.deepEqual(
    rows.map((row: { case: string }) => row.case),
    ['encode', 'encode-part', 'segment'],
  );
  for (const { macs, medianSeconds } of rows) assert.ok(macs > 0 && medianSeconds > 0);
  const refused = await patchwork(['bench', 'dense', '--arch', 'efficientvit-sam-l0']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /has the cases encode, encode-part, segment/);
});

test('segment refuses bad input in one sentence', () =>
  inTemporaryFolder(async (folder) => {
    const image = path.join(folder, 'image.png');
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#888' } })
      .png()
      .toFile(image);
    const out = path.join(folder, 'mask.png');
    for (const [args, sentence] of [
      [[image], /--point X,Y or --box/],
      [[image, '--point', '12'], /X,Y,0/],
      [[image, '--point', '1,2,3'], /X,Y,0/],
      [[image, '--box', '1,2,3'], /X0,Y0,X1,Y1/],
      [[image, '--point', '64,3'], /outside the image, which is 64×64/],
      [[image, '--point', '1,1', '--model', path.join(folder, 'none')], /There is no segmenter/],
      [[path.join(folder, 'none.png'), '--point', '1,1'], /none\.png/],
    ] as const) {
      const { code, stdout, stderr } = await patchwork(['segment', '--model', model, '-o', out, ...args]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, sentence);
      assert.equal(stdout, '');
    }
  }));

test('cutout writes a transparent image of what a mask or a place says', () =>
  inTemporaryFolder(async (folder) => {
    const at = (name: string) => path.join(folder, name);
    const scene = path.join(import.meta.dirname, '..', 'fixtures', 'scenes', 'cat.png');
    const { code, stdout, stderr } = await patchwork(
      ['cutout', scene, '--point', '65,185', '-o', at('cat.png'), '--trim', '--json'],
      { cwd: folder },
    );
    assert.equal(code, 0, stderr);
    const cut = JSON.parse(stdout);
    const { data, info } = await sharp(at('cat.png')).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [cut.width, cut.height, 4]);
    const seen = data.filter((value, i) => i % 4 === 3 && value > 0).length;
    assert.deepEqual([seen, cut.file], [cut.area, at('cat.png')]);
    const whole = await sharp(scene).metadata();
    assert.ok(cut.width < whole.width && cut.left > 0 && cut.top > 0);

    const mask = await sharp({ create: { width: 30, height: 20, channels: 3, background: 'white' } })
      .extend({ right: whole.width - 30, bottom: whole.height - 20, background: 'black' })
      .png()
      .toFile(at('mask.png'));
    assert.equal(mask.width, whole.width);
    await sharp(scene).toFile(at('scene.png'));
    const masked = await patchwork(['cutout', at('scene.png'), '--mask', at('mask.png'), '--feather', '0']);
    assert.equal(masked.code, 0, masked.stderr);
    assert.match(masked.stdout, /scene\.cutout\.png: .*, 600 pixels/);
    for (const [args, sentence] of [
      [[scene], /Say once what to cut out/],
      [[scene, '--point', '3,3', '--mask', at('mask.png')], /Say once what to cut out/],
      [[scene, '--point', '3,3', '-o', at('cut.jpg')], /must end in \.png: images with transparency/],
      [[scene, '--mask', at('none.png')], /none\.png/],
      [[scene, '--point', '3,3', '--feather', '99'], /from 0 to 64/],
    ] as const) {
      const refused = await patchwork(['cutout', ...args]);
      assert.equal(refused.code, 2, refused.stderr);
      assert.match(refused.stderr, sentence);
    }
  }));
