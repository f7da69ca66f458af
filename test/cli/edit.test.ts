import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

test('edit paints the masked part and leaves every other pixel', () =>
  inTemporaryFolder(async (folder) => {
    const at = (name: string) => path.join(folder, name);
    await sharp({ create: { width: 200, height: 120, channels: 3, background: '#3a7' } })
      .png()
      .toFile(at('image.png'));
    const white = await sharp({ create: { width: 48, height: 40, channels: 3, background: 'white' } })
      .png()
      .toBuffer();
    await sharp({ create: { width: 200, height: 120, channels: 3, background: 'black' } })
      .composite([{ input: white, left: 80, top: 40 }])
      .png()
      .toFile(at('mask.png'));
    const args = ['edit', at('image.png'), 'a red house', '--mask', at('mask.png'), '-o', at('edited.png')];
    // Bytes are scaled by what one run computes, so that workers agree exactly only in float32.
    const fixed = ['--steps', '3', '--seed', '1', '--precision', 'fp32', '--json'];
    const { code, stdout, stderr } = await patchwork([...args, ...fixed]);
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.deepEqual([result.width, result.height, result.seed], [200, 120, 1]);
    assert.ok(result.activeFraction[0] > 0.05 && result.activeFraction[0] < 0.4);
    assert.ok(result.denseMacs > 0 && result.recordedSteps > 0);
    const pixels = async (name: string) => sharp(at(name)).removeAlpha().raw().toBuffer();
    const [before, after, mask] = await Promise.all(['image.png', 'edited.png', 'mask.png'].map(pixels));
    assert.ok(before!.every((value, i) => mask![i] !== 0 || after![i] === value));
    assert.ok(before!.some((value, i) => after![i] !== value));

    // A process that knows nothing of the image has nothing to gain from recording it.
    const auto = await patchwork([...args, ...fixed, '--mode', 'auto']);
    assert.deepEqual([JSON.parse(auto.stdout).mode, JSON.parse(auto.stdout).recordedSteps], ['dense', 0]);

    await sharp({ create: { width: 200, height: 120, channels: 4, background: '#0000' } })
      .composite([{ input: white, left: 80, top: 40 }])
      .png()
      .toFile(at('colours.png'));
    const coloured = await patchwork([
      ...['edit', at('image.png'), 'a house', '--colours', at('colours.png'), '-o', at('coloured.png')],
      ...fixed,
    ]);
    assert.equal(coloured.code, 0, coloured.stderr);
    assert.equal(JSON.parse(coloured.stdout).strength, 0.7);
    const repainted = await pixels('coloured.png');
    const around = (i: number) => {
      const [x, y] = [Math.floor(i / 3) % 200, Math.floor(i / 600)];
      return x >= 72 && x < 136 && y >= 32 && y < 88;
    };
    assert.ok(before!.every((value, i) => around(i) || repainted[i] === value));
    assert.ok(before!.some((value, i) => repainted[i] !== value));

    const shared = await patchwork([...args, ...fixed, '--workers', '2']);
    assert.equal(shared.code, 0, shared.stderr);
    const { workers, recordedSteps } = JSON.parse(shared.stdout);
    assert.deepEqual([workers.length, recordedSteps], [2, result.recordedSteps]);
    const together = await pixels('edited.png');
    assert.ok(together.every((value, i) => Math.abs(value - after![i]!) <= 1));
  }));

test('edit refuses what cannot be edited in one sentence', () =>
  inTemporaryFolder(async (folder) => {
    const black = path.join(folder, 'black.png');
    await sharp({ create: { width: 64, height: 64, channels: 3, background: 'black' } })
      .png()
      .toFile(black);
    const out = path.join(folder, 'out.png');
    for (const [args, sentence] of [
      [[black, 'x', '--colours', black], /cover the whole image: leave transparent/],
      [[black, '--remove', '--mask', black, '--colours', black], /--colours goes with --mask/],
      [[black, 'x', '--mask', black], /no white pixel/],
      [[black, 'x', '--mask', path.join(folder, 'none.png')], /none\.png/],
      [[path.join(folder, 'none.png'), 'x', '--mask', black], /none\.png/],
      [[black, 'x', '--mask', black, '--strength', '7'], /from 0\.05 to 1/],
      [[black, 'x', '--mask', black, '--mode', 'fast'], /sparse, dense/],
      [[black, 'x', '--mask', black, '--zoom', 'on'], /auto, off/],
      [[black], /what should be there, or give --remove/],
      [[black, '--remove'], /what to remove: --mask/],
      [[black, 'x', '--mask', black, '--extend', '0,0,8,0'], /once which part/],
      [[black, 'x', '--extend', '0,0,8'], /four numbers/],
      [[black, 'x', '--grow', '4'], /--grow, --shrink, --feather and --soft-mask need a mask/],
      [[black, 'x', '--mask', black, '--grow', '4', '--shrink', '4'], /--grow or --shrink, not both/],
      [[black, 'x', '--mask', black, '--feather', '101'], /from 1 to 100/],
      [[black, 'x', '--mask', black, '--grow', '4'], /no white pixel/],
      [[black, '--remove', '--mask', black, '--soft-mask'], /A removal has no soft mask/],
      [[black, 'x', '--extend', '0,0,0,0'], /at least one pixel/],
      [[black, 'x', '--extend', '8,0,1984,0'], /at most 2048/],
    ] as const) {
      const { code, stderr } = await patchwork(['edit', ...args, '-o', out]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, sentence);
    }
  }));

test('edit repaints the whole image, paints what is added to the canvas, and removes what is masked', () =>
  inTemporaryFolder(async (folder) => {
    const at = (name: string) => path.join(folder, name);
    await sharp({ create: { width: 128, height: 96, channels: 3, background: '#3a7' } })
      .png()
      .toFile(at('image.png'));
    const white = await sharp({ create: { width: 24, height: 24, channels: 3, background: 'white' } })
      .png()
      .toBuffer();
    await sharp({ create: { width: 128, height: 96, channels: 3, background: 'black' } })
      .composite([{ input: white, left: 40, top: 32 }])
      .png()
      .toFile(at('mask.png'));
    const edit = async (...more: string[]) => {
      const args = [
        'edit',
        at('image.png'),
        ...more,
        '-o',
        at('out.png'),
        '--steps',
        '2',
        '--seed',
        '1',
        '--json',
      ];
      const { code, stdout, stderr } = await patchwork(args);
      assert.equal(code, 0, stderr);
      const { data, info } = await sharp(at('out.png'))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      return { result: JSON.parse(stdout), data, info };
    };
    const before = await sharp(at('image.png')).removeAlpha().raw().toBuffer();

    const whole = await edit('a lake at sunset');
    assert.deepEqual([whole.info.width, whole.info.height, whole.result.recordedSteps], [128, 96, 0]);
    const changed = whole.data.filter((value, i) => value !== before[i]).length;
    assert.ok(changed > 0.5 * before.length, `${changed} of ${before.length} values changed`);

    const larger = await edit('a lake at sunset', '--extend', '0,0,32,16');
    assert.deepEqual([larger.info.width, larger.info.height], [160, 112]);
    assert.equal(larger.result.width, 160);
    const row = (image: Buffer, width: number) => image.subarray(3 * 20 * width, 3 * (20 * width + 96));
    assert.deepEqual(row(larger.data, 160), row(before, 128), 'what was there stays');

    const removed = await edit('--remove', '--mask', at('mask.png'));
    assert.deepEqual([removed.info.width, removed.info.height], [128, 96]);
    const far = 3 * (4 * 128 + 4);
    assert.deepEqual(removed.data.subarray(0, far), before.subarray(0, far));
  }));

test('edit grows, shrinks and feathers the mask by pixels, and blends by its greys', () =>
  inTemporaryFolder(async (folder) => {
    const at = (name: string) => path.join(folder, name);
    const [width, height] = [128, 96];
    await sharp({ create: { width, height, channels: 3, background: '#3a7' } })
      .png()
      .toFile(at('image.png'));
    const before = await sharp(at('image.png')).removeAlpha().raw().toBuffer();
    const masked = async (name: string, background: string) => {
      const part = await sharp({ create: { width: 24, height: 24, channels: 3, background } })
        .png()
        .toBuffer();
      await sharp({ create: { width, height, channels: 3, background: 'black' } })
        .composite([{ input: part, left: 48, top: 32 }])
        .png()
        .toFile(at(name));
    };
    await masked('mask.png', 'white');
    await masked('grey.png', '#606060');
    /** The columns of the middle row that an edit changes, from and to. */
    const changed = async (mask: string, ...more: string[]) => {
      const fixed = ['--steps', '2', '--seed', '1', '--strength', '1', '-o', at('out.png')];
      const { code, stderr } = await patchwork([
        ...['edit', at('image.png'), 'a red house', '--mask', at(mask)],
        ...fixed,
        ...more,
      ]);
      assert.equal(code, 0, stderr);
      const after = await sharp(at('out.png')).removeAlpha().raw().toBuffer();
      const columns = Array.from({ length: width }, (_, x) => x).filter((x) => {
        const from = 3 * (44 * width + x);
        return !after.subarray(from, from + 3).equals(before.subarray(from, from + 3));
      });
      return { from: columns[0]!, to: columns.at(-1)! };
    };
    const near = ({ from, to }: { from: number; to: number }, left: number, right: number) =>
      assert.ok(from >= left && from <= left + 3 && to <= right && to >= right - 3, `${from} … ${to}`);
    near(await changed('mask.png'), 48, 71);
    near(await changed('mask.png', '--grow', '10'), 38, 81);
    near(await changed('mask.png', '--shrink', '6'), 54, 65);
    near(await changed('mask.png', '--grow', '4', '--feather', '6'), 38, 81);
    near(await changed('grey.png', '--soft-mask'), 48, 71);
  }));

test('an object is repainted with a margin, unless another edge is given; the recipe says which', () =>
  inTemporaryFolder(async (folder) => {
    const scene = path.join(import.meta.dirname, '../fixtures/scenes/cat.png');
    const mask = path.join(folder, 'cat.png');
    const found = await patchwork(['segment', scene, '--object', 'red cat', '-o', mask]);
    assert.equal(found.code, 0, found.stderr);
    const read = async (file: string) =>
      await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const [before, { data: exact }] = [await read(scene), await read(mask)];
    const { width, height } = before.info;
    const inside = (x: number, y: number) => exact[3 * (y * width + x)]! >= 128;
    /** The farthest along a row or column that an edit changes a pixel beside the mask. */
    const beside = async (...more: string[]) => {
      const out = path.join(folder, 'out.png');
      const fixed = ['--steps', '1', '--seed', '1', '--json', '-o', out];
      const { code, stdout, stderr } = await patchwork(['edit', scene, 'a blue boat', ...fixed, ...more]);
      assert.equal(code, 0, stderr);
      const { data } = await read(out);
      let farthest = 0;
      for (let y = 0, i = 0; y < height; y++)
        for (let x = 0; x < width; x++, i += 3) {
          if (before.data.subarray(i, i + 3).equals(data.subarray(i, i + 3))) continue;
          let by = 0;
          const isNear = () =>
            [-by, by].some((d) => inside(x + d, y) || (y + d >= 0 && y + d < height && inside(x, y + d)));
          while (by < 40 && !isNear()) by++;
          farthest = Math.max(farthest, by < 40 ? by : 0);
        }
      return { farthest, maskOf: JSON.parse(stdout).maskOf };
    };
    const object = await beside('--object', 'red cat');
    assert.ok(object.farthest >= 7, `${object.farthest} pixels`);
    assert.match(object.maskOf, /^object \d+, a red cat, grown by 8$/);
    const exactly = await beside('--object', 'red cat', '--grow', '0');
    assert.equal(exactly.farthest, 0);
    assert.match(exactly.maskOf, /^object \d+, a red cat$/);
    const few = await beside('--object', 'red cat', '--grow', '3');
    assert.ok(few.farthest >= 2 && few.farthest < object.farthest, `${few.farthest} pixels`);
    assert.deepEqual(await beside('--mask', mask), { farthest: 0, maskOf: undefined });
    const same = await beside('--mask', mask, '--grow', '8');
    assert.equal(same.farthest, object.farthest);
  }));
