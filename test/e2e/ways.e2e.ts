/** The ways to edit an image beside painting what is masked: all of it, a removal, a larger canvas, a cutout. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import sharp from 'sharp';
import { TRANSITION } from '../../shared/margins.ts';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { landscape } from './picture.ts';
import { storyIn } from './story.ts';
import { ticks } from './walkthrough.ts';

const SIDE = 128;
const STROKE = [
  [0.45, 0.5],
  [0.55, 0.5],
] as const;

let vscode: Workbench;
let editor: EditorUnderTest;
const step = storyIn(() => vscode);
const file = (name: string) => path.join(vscode.workspace, name);
const rows = () => editor.edits;
const size = () => editor.view.locator('.strip .size').textContent();

before(async () => {
  vscode = await openWorkbench();
  editor = new EditorUnderTest(vscode);
  fs.writeFileSync(file('lake.png'), await landscape(SIDE));
  fs.writeFileSync(file('noise.png'), await noise());
});
after(() => vscode?.close());

step('Repaint All changes the whole image without a mask, as one step', async () => {
  await editor.open('lake.png');
  const original = await editor.pixels('current');
  await editor.press('way-all');
  await hindrance('Enter a prompt first.');
  await editor.prompt('a lake in winter');
  await hindrance('');
  await editor.applied();
  const painted = await editor.pixels('current');
  const share = changed(original, painted) / (SIDE * SIDE);
  assert.ok(share > 0.8, `${share} of the pixels`);
  assert.match((await rows().first().textContent())!, /Repaint All “a lake in winter”/);
  await vscode.screenshot('ways-all');
  await editor.press('undo');
  await until(async () => (await editor.pixels('current')).equals(original), 'the original');
});

step('the palette has a command that repaints all', async () => {
  const original = await editor.pixels('current');
  const runs = await editor.view.locator('main.editor').getAttribute('data-runs');
  await vscode.run('Patchwork: Repaint All of Image');
  await editor.view.locator(`main.editor[data-state=idle]:not([data-runs="${runs}"])`).waitFor();
  assert.ok(!(await editor.pixels('current')).equals(original));
  await editor.press('undo');
  await until(async () => (await editor.pixels('current')).equals(original), 'the original');
});

step('Remove needs a mask and no prompt', async () => {
  const original = await editor.pixels('current');
  await editor.press('way-remove');
  assert.equal(await editor.view.locator('#prompt').count(), 0);
  await hindrance('Paint a mask first.');
  const margin = editor.view.locator('canvas.margin');
  assert.equal(await margin.isVisible(), false);
  await editor.drag(STROKE);
  await hindrance('');
  // What is painted around the mask is shown.
  await margin.waitFor();
  await vscode.screenshot('ways-remove');
  await editor.applied();
  const share = changed(original, await editor.pixels('current')) / (SIDE * SIDE);
  assert.ok(share > 0 && share < 0.7, `${share} of the pixels`);
  assert.match((await rows().first().textContent())!, /Remove/);
  assert.equal((await editor.view.locator('[data-test=notice]').textContent())!.trim(), 'Edit applied.');
  assert.ok(!(await editor.masked()).includes(true), 'the mask is used up');
  await editor.press('undo');
  await until(async () => (await editor.pixels('current')).equals(original), 'the original');
  await editor.press('clear');
});

step('an edge is dragged outwards, and the new part is painted', async () => {
  const original = await editor.pixels('current');
  await vscode.inHost(({ commands }) => commands.executeCommand('patchwork.editor.extend'));
  await hindrance('Drag an edge of the image outwards first.');
  await editor.prompt('a lake by a hill in the morning');
  const handle = (await editor.view.locator('[data-extend=right]').boundingBox())!;
  const sheet = (await editor.view.locator('.sheet').boundingBox())!;
  const { mouse } = vscode.page;
  const [x, y] = [handle.x + handle.width / 2, handle.y + handle.height / 2];
  await mouse.move(x, y);
  await mouse.down();
  await mouse.move(x + sheet.width / 4, y, { steps: 4 });
  await mouse.up();
  assert.equal(await editor.view.locator('[data-action=extend-right]').inputValue(), String(SIDE / 4));
  // The other edges from the keyboard, or typed.
  await editor.view.locator('[data-extend=top]').focus();
  await vscode.page.keyboard.press('ArrowUp');
  await editor.view.locator('[data-action=extend-left]').fill('16');
  await editor.view.locator('[data-action=extend-left]').blur();
  await hindrance('');
  // A line where the transition begins, along the sides that grow.
  const kept = editor.view.locator('.edge-frame.extend .kept');
  for (const side of ['left', 'top', 'right', 'bottom'])
    assert.equal(
      await kept.evaluate(({ classList }, side) => classList.contains(side), side),
      side !== 'bottom',
    );
  const [line, image] = [(await kept.boundingBox())!, (await editor.view.locator('.sheet').boundingBox())!];
  assert.ok(Math.abs(line.width / image.width - (SIDE - 2 * TRANSITION) / SIDE) < 0.02);
  await vscode.screenshot('ways-extending');
  await editor.applied();
  const [width, height] = [SIDE + 16 + SIDE / 4, SIDE + 8];
  assert.equal(await size(), `${width} × ${height}`);
  const extended = await editor.pixels('current');
  assert.equal(extended.length, 4 * width * height);
  // Away from the transition the old pixels are where they were.
  const at = (row: number, column: number) => extended.readUInt32LE(4 * ((row + 8) * width + column + 16));
  for (const [row, column] of [
    [64, 64],
    [100, 40],
  ] as const)
    assert.equal(at(row, column), original.readUInt32LE(4 * (row * SIDE + column)));
  const seen = new Set(
    Array.from({ length: 64 }, (_, i) => extended.readUInt32LE(4 * (i * width + width - 4))),
  );
  assert.ok(seen.size > 4, 'the new part is painted');
  await vscode.screenshot('ways-extended');
  await editor.press('undo');
  await until(async () => (await editor.pixels('current')).equals(original), 'the original size');
  await editor.press('redo');
  await until(async () => (await editor.pixels('current')).equals(extended), 'the extended image');
});

step('an extended image takes further edits, is saved as it is, and opens again with its edits', async () => {
  await editor.press('way-mask');
  await editor.prompt('a red house');
  await editor.drag([
    [0.9, 0.4],
    [0.95, 0.5],
  ]);
  await editor.applied();
  const painted = await editor.pixels('current');
  await editor.save();
  await until(async () => !(await editor.dirty()), 'a clean document');
  const saved = sharp(fs.readFileSync(file('lake.png'))).ensureAlpha();
  assert.deepEqual(await saved.raw().toBuffer(), painted);
  await editor.close();
  await editor.open('lake.png');
  await until(async () => (await editor.pixels('current')).equals(painted), 'the saved image');
  // The list comes after the pixels, with its thumbnails.
  await until(async () => (await rows().count()) === 2, 'both edits in the list');
  // Without the extension the file's own size is back, with the part of the other edit that is inside it.
  await rows().nth(1).locator('[data-action=showEdit]').click();
  await until(async () => (await size()) === `${SIDE} × ${SIDE}`, 'the old size');
  await editor.press('undo');
  await until(async () => (await editor.pixels('current')).equals(painted), 'both edits');
});

step('an extension beyond the limit is refused in a sentence', async () => {
  await editor.press('way-extend');
  await editor.view.locator('[data-action=extend-right]').fill('1984');
  await editor.view.locator('[data-action=extend-right]').blur();
  await hindrance(/^The extended image would have 2160 × 136 pixels; at most 2048 × 2048 are possible\.$/);
  await editor.view.locator('[data-action=extend-right]').fill('0');
  await editor.view.locator('[data-action=extend-right]').blur();
  await editor.press('way-mask');
});

step('Cut Out saves what is masked with a transparent background', async () => {
  await editor.drag(STROKE);
  const masked = (await editor.masked()).filter(Boolean).length;
  await editor.press('cutOut');
  await vscode.answerDialog(file('cut.png'));
  await until(() => fs.existsSync(file('cut.png')), 'the file');
  const { data, info } = await sharp(fs.readFileSync(file('cut.png')))
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 4);
  assert.ok(info.width < SIDE && info.height < SIDE);
  const opaque = Array.from({ length: info.width * info.height }, (_, i) => data[4 * i + 3]!);
  const seen = opaque.filter((alpha) => alpha > 0).length;
  assert.ok(seen > 0.6 * masked && seen <= masked, `${seen} of ${masked}`);
  assert.ok(opaque.includes(0) && opaque.includes(255));
});

step('an edit that waits says what is before it, and can be cancelled', async () => {
  await editor.open('lake.png');
  await editor.press('way-all');
  await editor.prompt('a lake at night');
  await vscode.set('patchwork.steps', 150);
  await vscode.set('patchwork.size', '768x768');
  await vscode.inHost(({ commands }) => {
    void commands.executeCommand('patchwork.generateImage', { prompt: 'a red house', seed: 1 });
  });
  // While the engine is busy, the status bar says so in place of the model.
  await vscode.page.locator('.statusbar-item', { hasText: /Patchwork/ }).waitFor();
  await editor.open('lake.png');
  await editor.apply();
  await editor.view.locator('[data-test=progress]', { hasText: 'Waiting: 1 job before this' }).waitFor();
  await editor.press('cancel');
  await editor.notice('Cancelled.');
  // A click waits too, and does not look as if nothing had happened.
  await editor.press('tool-select');
  await editor.drag([[0.5, 0.5]]);
  await editor.view
    .locator('[data-test=progress]', { hasText: 'Finding the object when the engine is free…' })
    .waitFor();
  await vscode.screenshot('ways-select-waits');
  await editor.press('cancel');
  await until(async () => (await editor.view.locator('[data-test=progress]').count()) === 0, 'no progress');
  await editor.press('tool-brush');
  await vscode.inHost(({ commands }) => commands.executeCommand('patchwork.queue.cancelAll'));
  await vscode.set('patchwork.steps', undefined);
  await vscode.set('patchwork.size', undefined);
});

step(
  'words and images that the built-in model does not know are named, with a way to a better one',
  async () => {
    await editor.open('noise.png');
    const limits = editor.view.locator('[data-test=limits]');
    await limits.filter({ hasText: 'does not know images like this one' }).waitFor();
    await editor.prompt('a dog on a skateboard');
    await limits.filter({ hasText: 'Scenes does not know: dog, skateboard.' }).waitFor();
    await vscode.screenshot('ways-limits');
    await limits.locator('[data-action=getModels]').click();
    await vscode.page.locator('.quick-input-widget', { hasText: 'Manage Models' }).waitFor();
    await vscode.page.keyboard.press('Escape');
  },
);

step('the walkthrough ticks off what was done before it was first opened', async () => {
  await vscode.run('Patchwork: Get Started');
  await until(async () => {
    const done = await ticks(vscode);
    return done.includes('open') && done.includes('paint');
  }, 'the ticks');
});

step('no page has broken its content security policy', async () => {
  assert.deepEqual(vscode.violations, []);
});

async function hindrance(text: string | RegExp): Promise<void> {
  const line = editor.view.locator('[data-test=hindrance]');
  const fits = (is: string) => (typeof text === 'string' ? is === text : text.test(is));
  await until(async () => fits((await line.textContent())!.trim()), `“${text}” below the button`);
}

function changed(a: Buffer, b: Buffer): number {
  let count = 0;
  for (let i = 0; i < a.length; i += 4) if (a.readUInt32LE(i) !== b.readUInt32LE(i)) count++;
  return count;
}

/** An image unlike anything in Scenes' training. */
async function noise(): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
  return await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#888', noise } })
    .png()
    .toBuffer();
}
