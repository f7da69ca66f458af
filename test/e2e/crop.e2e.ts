/** Cropping the image, and what follows it: masks, edits, the saved file. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import sharp from 'sharp';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { landscape } from './picture.ts';
import { storyIn } from './story.ts';

const SIDE = 128;

let vscode: Workbench;
let editor: EditorUnderTest;
const step = storyIn(() => vscode);
const file = (name: string) => path.join(vscode.workspace, name);
const rows = () => editor.edits;
const current = () => editor.pixels('current');
const typed = (side: string) => editor.view.locator(`[data-action=crop-${side}]`);
const edge = (side: string) => editor.view.locator(`[data-crop=${side}]`);

before(async () => {
  vscode = await openWorkbench();
  editor = new EditorUnderTest(vscode);
  fs.writeFileSync(file('crop.png'), await landscape(SIDE));
});
after(() => vscode?.close());

step('the image is cropped by its edges, as one step that the mask and later edits follow', async () => {
  await editor.open('crop.png');
  const original = await current();
  await editor.drag([
    [0.55, 0.5],
    [0.7, 0.5],
  ]);
  const masked = await editor.masked();
  await vscode.run('Patchwork: Crop Image');
  const hindrance = editor.view.locator('[data-test=hindrance]');
  await hindrance.filter({ hasText: 'Drag an edge of the image inwards first.' }).waitFor();
  const handle = (await edge('left').boundingBox())!;
  const sheet = (await editor.view.locator('.sheet').boundingBox())!;
  const { mouse, keyboard } = vscode.page;
  const [x, y] = [handle.x + handle.width / 2, handle.y + handle.height / 2];
  await mouse.move(x, y);
  await mouse.down();
  await mouse.move(x + sheet.width / 4, y, { steps: 4 });
  await mouse.up();
  assert.equal(await typed('left').inputValue(), String(SIDE / 4));
  await edge('top').focus();
  await keyboard.press('Shift+ArrowDown');
  await keyboard.press('ArrowDown');
  assert.equal(await typed('top').inputValue(), '9');
  await typed('bottom').fill('10');
  await typed('bottom').blur();
  await vscode.screenshot('crop-edges');
  // Another tab unloads the page.
  await vscode.openFile('README.md');
  await editor.open('crop.png');
  await edge('left').waitFor();
  const kept = await Promise.all(['left', 'top', 'bottom'].map((side) => typed(side).inputValue()));
  assert.deepEqual(kept, [String(SIDE / 4), '9', '10']);
  await editor.press('apply');
  const [width, height] = [SIDE - SIDE / 4, SIDE - 19];
  const size = editor.view.locator('.strip .size');
  await size.filter({ hasText: `${width} × ${height}` }).waitFor();
  const at = (column: number, row: number) => 4 * ((row + 9) * SIDE + column + SIDE / 4);
  const cropped = await current();
  for (const [column, row] of [
    [0, 0],
    [width - 1, height - 1],
  ] as const)
    assert.equal(cropped.readUInt32LE(4 * (row * width + column)), original.readUInt32LE(at(column, row)));
  const mask = await editor.masked();
  assert.ok(mask.every((is, i) => is === masked[at(i % width, Math.floor(i / width)) / 4]));
});

step('a cropped image is edited, saved and opened again, and what was cut off comes back', async () => {
  const original = await editor.pixels('before');
  await editor.prompt('a red house');
  await editor.applied();
  const edited = await current();
  await vscode.screenshot('crop-edited');
  await editor.save();
  await until(async () => !(await editor.dirty()), 'a clean document');
  const saved = sharp(fs.readFileSync(file('crop.png'))).ensureAlpha();
  assert.deepEqual(await saved.raw().toBuffer(), edited);
  await editor.close();
  await editor.open('crop.png');
  await editor.shows(edited, 'the cropped image');
  assert.match((await rows().nth(1).textContent())!, /Crop to 96 × 109/);
  // Without the crop, what was cut off is back, also on the side of the original.
  await rows().nth(1).locator('[data-action=showEdit]').click();
  await editor.view.locator('.strip .size', { hasText: `${SIDE} × ${SIDE}` }).waitFor();
  const whole = await sharp(await landscape(SIDE))
    .ensureAlpha()
    .raw()
    .toBuffer();
  await until(async () => (await editor.pixels('before')).equals(whole), 'the whole original');
  assert.ok(original.length < whole.length);
  assert.equal((await current()).readUInt32LE(0), whole.readUInt32LE(0));
  // To the mask of the edit.
  await editor.press('reselect');
  await editor.press('way-crop');
  await editor.press('cropToMask');
  assert.notEqual(await typed('right').inputValue(), '0');
  await editor.press('way-mask');
  assert.ok(!(await edge('left').isVisible()));
});

step('no page has broken its content security policy', async () => {
  assert.deepEqual(vscode.violations, []);
});
