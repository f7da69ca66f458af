import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before } from 'node:test';
import sharp from 'sharp';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { field, GRASS } from './picture.ts';
import { storyIn } from './story.ts';

const SIDE = 256;
/** A stroke across the meadow, in shares of the picture, and the pixels around its middle. */
const STROKE = [
  [0.6, 0.62],
  [0.75, 0.62],
  [0.75, 0.7],
  [0.6, 0.7],
] as const;
const MIDDLE = { left: 148, top: 152, width: 48, height: 32 };

let vscode: Workbench;
let editor: EditorUnderTest;
const step = storyIn(() => vscode);

before(async () => {
  vscode = await openWorkbench();
  editor = new EditorUnderTest(vscode);
  await writeFile(path.join(vscode.workspace, 'field.png'), await field());
});
after(() => vscode?.close());

const areColours = async () => (await editor.mask('colours')).some((value) => value > 0);
const paint = () => editor.view.locator('[data-action=paint]');

/** How much bluer than red the middle of the stroke is, in the mean. */
async function blueness(): Promise<number> {
  const raw = { width: SIDE, height: SIDE, channels: 4 as const };
  const pixels = await sharp(await editor.pixels('current'), { raw })
    .extract(MIDDLE)
    .raw()
    .toBuffer();
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 4) sum += pixels[i + 2]! - pixels[i]!;
  return sum / (MIDDLE.width * MIDDLE.height);
}

step('colours are painted over the image and undone; the eyedropper takes one from the image', async () => {
  await editor.open('field.png');
  await editor.press('tool-eyedropper');
  await editor.drag([[0.1, 0.9]]);
  await editor.view.locator('[data-action=tool-colour][aria-pressed=true]').waitFor();
  assert.equal(await paint().inputValue(), GRASS);
  await paint().fill('#2038c8');
  await editor.drag(STROKE);
  assert.ok(await areColours());
  assert.ok(!(await editor.masked()).includes(true), 'the mask is another layer');
  await until(() => editor.view.locator('canvas.colours').isVisible(), 'the colours');
  await vscode.screenshot('colours');
  await editor.pressUndo();
  await until(async () => !(await areColours()), 'no colours');
  await vscode.inHost(({ commands }) => commands.executeCommand('redo'));
  await until(areColours, 'the colours again');
});

step('an edit begins with them where they are, and takes them; undo gives them back', async () => {
  const before = await editor.pixels('current');
  await editor.prompt('a house');
  await editor.view.locator('#seed input').fill('5');
  await editor.apply();
  await editor.idle();
  await editor.notice('Edit applied.');
  const blue = await blueness();
  assert.ok(blue > 30, `${blue} bluer than red`);
  const after = await editor.pixels('current');
  const isAround = (i: number) => {
    const [x, y] = [Math.floor(i / 4) % SIDE, Math.floor(i / 4 / SIDE)];
    return x > 110 && x < 236 && y > 110 && y < 226;
  };
  assert.ok(
    before.every((value, i) => isAround(i) || after[i] === value),
    'beside the colours',
  );
  assert.ok(!(await areColours()), 'the colours are in the edit');
  await vscode.screenshot('colours-applied');
  await editor.pressUndo();
  await until(areColours, 'the colours again');
});

step('they are there after a reload of the window, and can be cleared', async () => {
  const changed = Date.now();
  await editor.drag([
    [0.1, 0.1],
    [0.2, 0.1],
  ]);
  const painted = await editor.mask('colours');
  await editor.backedUp(changed);
  await vscode.reload();
  await editor.idle();
  await until(async () => (await editor.mask('colours')).equals(painted), 'the colours');
  assert.equal(await paint().inputValue(), '#2038c8');
  await editor.press('clearColours');
  await until(async () => !(await areColours()), 'no colours');
  assert.deepEqual(vscode.violations, []);
});
