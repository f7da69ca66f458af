import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import sharp from 'sharp';
import { redShare } from '../support/red.ts';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { field } from './picture.ts';
import { storyIn } from './story.ts';

const SIDE = 256;
/** The outlines of a house, in shares of the picture, and its walls in pixels. */
const HOUSE = [
  [0.58, 0.78],
  [0.58, 0.55],
  [0.75, 0.39],
  [0.93, 0.55],
  [0.93, 0.78],
  [0.58, 0.78],
] as const;
const WALLS = { left: 150, top: 142, width: 86, height: 56 };

let vscode: Workbench;
let editor: EditorUnderTest;
const step = storyIn(() => vscode);

before(async () => {
  vscode = await openWorkbench();
  editor = new EditorUnderTest(vscode);
  fs.writeFileSync(path.join(vscode.workspace, 'field.png'), await field());
});
after(() => vscode?.close());

const isDrawn = async () => (await editor.mask('control')).some((value) => value > 0);
/** The layer's canvas over the picture. */
const isSeen = () => editor.view.locator('canvas.control').isVisible();

/** Repaints the image. @returns how red it is where the sketch has walls */
async function repainted(): Promise<number> {
  await editor.apply();
  await editor.idle();
  await editor.notice('Edit applied.');
  const raw = { width: SIDE, height: SIDE, channels: 4 as const };
  const walls = sharp(await editor.pixels('current'), { raw }).extract(WALLS);
  return redShare(await walls.raw().toBuffer(), 4);
}

step('a sketch is drawn on the control layer with a brush of its own, and undone', async () => {
  await editor.open('field.png');
  await editor.press('tool-sketch');
  await editor.drag(HOUSE);
  assert.ok(await isDrawn());
  assert.ok(!(await editor.masked()).includes(true), 'the mask is another layer');
  await until(isSeen, 'the lines');
  await vscode.screenshot('control-layer');
  await editor.pressUndo();
  await until(async () => !(await isDrawn()), 'the empty layer');
  await vscode.inHost(({ commands }) => commands.executeCommand('redo'));
  await until(isDrawn, 'the lines again');
});

step(
  'it steers an edit with the ControlNet of Scenes, and is hidden while the result is looked at',
  async () => {
    await editor.press('way-all');
    await editor.prompt('a red house in a meadow at noon');
    await editor.view.locator('[data-action=strength]').first().fill('1');
    await editor.view.locator('#seed input').fill('3');
    await editor.view.locator('[data-action=controlModel]', { hasText: 'Scenes' }).waitFor();
    assert.ok((await repainted()) > 0.4, 'no house where the sketch has one');
    await until(async () => !(await isSeen()), 'the picture without lines');
    await vscode.screenshot('control-layer-applied');
    await editor.press('toggleControl');
    await until(isSeen, 'the lines');
    await editor.press('toggleControl');
    await editor.press('undo');
    await editor.press('useControl');
    assert.ok((await repainted()) < 0.2, 'a layer that is switched off steers');
    await editor.press('undo');
  },
);

step('it is there after a reload of the window, and can be cleared', async () => {
  const changed = Date.now();
  await editor.press('useControl');
  await editor.press('tool-sketch');
  await editor.drag([
    [0.1, 0.1],
    [0.2, 0.2],
  ]);
  const drawn = await editor.mask('control');
  await editor.backedUp(changed);
  await vscode.reload();
  await editor.idle();
  await until(async () => (await editor.mask('control')).equals(drawn), 'the lines');
  await until(isSeen, 'the lines on the screen');
  await editor.press('clearControl');
  await until(async () => !(await isDrawn()), 'the empty layer');
});

step('an image that is dropped becomes the layer, with its edges as what is taken of it', async () => {
  await editor.open('field.png');
  await editor.press('way-all');
  await editor.prompt('a red house in a meadow at noon');
  const bytes = fs.readFileSync(path.resolve(import.meta.dirname, '../fixtures/scenes/cat.png'));
  await editor.view.locator('[data-test=control]').evaluate((section, base64) => {
    const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([data], 'cat.png'));
    section.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }, bytes.toString('base64'));
  await until(isDrawn, 'the image');
  await editor.view.locator('[data-test=control] [data-action=hint]').selectOption('canny');
  await vscode.screenshot('control-layer-image');
  await editor.apply();
  await editor.idle();
  await editor.notice('Edit applied.');
  assert.deepEqual(vscode.violations, []);
});
