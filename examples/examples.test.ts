import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { decodePicture } from '../engine/pictures/read.ts';
import { scriptOf } from '../test/support/script.ts';

test('the engine as a library: an image and an edit of it', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'examples-'));
  try {
    const { script, execArgv } = scriptOf(path.join(import.meta.dirname, 'edit.ts'));
    const { status, stdout, stderr } = spawnSync(process.execPath, [...execArgv, script, folder], {
      cwd: path.dirname(import.meta.dirname),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /denoise 12\/12/);
    const [, times] = /([\d.]+) times fewer/.exec(stdout)!;
    assert.ok(Number(times) > 2, stdout);
    const [house, boat] = await Promise.all(
      ['house.png', 'boat.png'].map(async (name) =>
        decodePicture(await readFile(path.join(folder, name)), name),
      ),
    );
    assert.equal(house!.recipe?.prompt, 'a red house by a lake at sunset');
    assert.equal(boat!.recipe?.prompt, 'a blue boat on a lake at sunset');
    const { width, height, pixels } = house!;
    const side = Math.round(width / 3);
    let changed = 0;
    for (let i = 0; i < pixels.length; i++) {
      if (pixels[i] === boat!.pixels[i]) continue;
      const pixel = Math.floor(i / 3);
      assert.ok(pixel % width >= width - side && Math.floor(pixel / width) >= height - side);
      changed++;
    }
    assert.ok(changed > 0, 'the edit changed nothing');
  } finally {
    await rm(folder, { recursive: true });
  }
});
