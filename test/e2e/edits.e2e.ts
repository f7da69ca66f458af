/** The list of edits of an image: how much of each is seen, in which order they lie, and their variations. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { landscape } from './picture.ts';
import { storyIn } from './story.ts';

const SIDE = 128;
/** Two strokes that lie over each other in the middle. */
const STROKES = [
  [
    [0.35, 0.5],
    [0.55, 0.5],
  ],
  [
    [0.45, 0.5],
    [0.65, 0.5],
  ],
] as const;

let vscode: Workbench;
let editor: EditorUnderTest;
const step = storyIn(() => vscode);
const file = (name: string) => path.join(vscode.workspace, name);
const rows = () => editor.edits;
const current = () => editor.pixels('current');

before(async () => {
  vscode = await openWorkbench();
  editor = new EditorUnderTest(vscode);
  fs.writeFileSync(file('field.png'), await landscape(SIDE));
});
after(() => vscode?.close());

step('an edit is seen as far as its slider says, while it is moved and as one step', async () => {
  await editor.open('field.png');
  const original = await current();
  await editor.prompt('a yellow balloon');
  await editor.drag(STROKES[0]);
  await editor.applied();
  const one = await current();
  await editor.prompt('a red house');
  await editor.drag(STROKES[1]);
  await editor.applied();
  const both = await current();
  const slider = rows().first().locator('[data-action=fadeEdit]');
  await slider.focus();
  for (let i = 0; i < 10; i++) await vscode.page.keyboard.press('ArrowLeft');
  await until(async () => (await slider.inputValue()) === '0.5', 'half of it');
  assert.equal(await slider.getAttribute('aria-valuetext'), '50 %');
  const isHalf = (pixels: Buffer) =>
    pixels.every((value, i) => Math.abs(value - (one[i]! + both[i]!) / 2) <= 1);
  await until(async () => isHalf(await current()), 'half of its pixels');
  const half = await current();
  assert.ok(!half.equals(one) && !half.equals(both));
  await vscode.screenshot('edits-faded');
  await vscode.page.keyboard.press('Home');
  await editor.shows(one, 'nothing of it');
  await editor.press('undo');
  await editor.shows(half, 'the step before');
  for (let i = 0; i < 10; i++) await editor.press('undo');
  await editor.shows(both, 'all of it');
  assert.equal(await slider.inputValue(), '1');
  // While it is dragged, nothing is a step yet.
  await slider.evaluate((input: HTMLInputElement) => {
    input.value = '0';
    input.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await editor.shows(one, 'the edit hidden while the slider is moved');
  await slider.evaluate((input: HTMLInputElement) => {
    input.value = '1';
    input.dispatchEvent(new Event('input', { bubbles: true }));
    input.dispatchEvent(new Event('change', { bubbles: true }));
  });
  await editor.shows(both, 'the edit again');
  assert.ok(!original.equals(both));
});

step('an edit is moved below another one, and the image follows', async () => {
  const before = await current();
  const names = async () => await rows().locator('.edit-title').allTextContents();
  await rows().first().locator('[data-action=fadeEdit]').focus();
  await vscode.page.keyboard.press('Home');
  await shown(rows().first(), '0 %');
  await rows().first().locator('[data-action=moveEditDown]').focus();
  await vscode.page.keyboard.press('Enter');
  await shown(rows().nth(1), '0 %');
  await until(
    async () =>
      await rows()
        .nth(1)
        .locator('[data-action=moveEditUp]')
        .evaluate((button) => button === document.activeElement),
    'the focus at the row that was moved',
  );
  await vscode.screenshot('edits-moved');
  await editor.press('undo');
  await shown(rows().first(), '0 %');
  await editor.press('undo');
  await editor.shows(before, 'both as they were');
  await rows().first().locator('[data-action=moveEditDown]').click();
  await until(async () => !(await current()).equals(before), 'the other edit above');
  assert.equal((await names()).length, 2);
});

step('order and opacity are there after a reload, and when the saved file is opened again', async () => {
  const before = await current();
  const changed = Date.now();
  await rows().first().locator('[data-action=fadeEdit]').focus();
  await vscode.page.keyboard.press('Home');
  await shown(rows().first(), '0 %');
  await until(async () => !(await current()).equals(before), 'less of the edit');
  const pixels = await current();
  await editor.backedUp(changed);
  await vscode.reload();
  await editor.idle();
  await editor.shows(pixels, 'the image before the reload');
  await shown(rows().first(), '0 %');
  await editor.save();
  await until(async () => !(await editor.dirty()), 'a clean document');
  await editor.close();
  await editor.open('field.png');
  await editor.shows(pixels, 'the saved image');
  await shown(rows().first(), '0 %');
  await shown(rows().nth(1), '100 %');
});

step('the variations that were not picked stay in the list, and can take the place of the edit', async () => {
  await editor.view.locator('#variations').evaluate((select: HTMLElement & { value: string }) => {
    select.value = '2';
    select.dispatchEvent(new Event('change'));
  });
  await editor.view.locator('#seed input').fill('11');
  await editor.prompt('a white balloon');
  await editor.drag([
    [0.3, 0.25],
    [0.5, 0.25],
  ]);
  await editor.apply();
  await editor.idle();
  await editor.view.locator('.variations .thumbnail').nth(1).click();
  await editor.notice('Edit applied.');
  const picked = await current();
  const kept = rows().first().locator('[data-action=varyEdit]');
  assert.deepEqual(
    (await kept.allTextContents()).map((text) => text.trim()),
    ['11', '12'],
  );
  await pressed('12');
  await kept.first().locator('img[src]').waitFor();
  await kept.first().focus();
  await vscode.page.keyboard.press('Enter');
  await pressed('11');
  await until(async () => !(await current()).equals(picked), 'the other variation');
  const other = await current();
  await vscode.screenshot('edits-variations');
  await editor.press('undo');
  await editor.shows(picked, 'the one that was picked');
  await pressed('12');
  const changed = Date.now();
  await editor.press('redo');
  await editor.shows(other, 'the other one again');
  await editor.backedUp(changed);
  await vscode.reload();
  await editor.idle();
  await editor.shows(other, 'the image before the reload');
  await kept.last().click();
  await editor.shows(picked, 'the one that was picked');
});

step('a draft is shown under the outline of the mask after a stroke, and is no edit', async () => {
  fs.writeFileSync(file('draft.png'), await landscape(SIDE));
  await editor.open('draft.png');
  await editor.prepared();
  const original = await current();
  await editor.prompt('a yellow balloon');
  await editor.drag(STROKES[0]);
  await editor.drafted();
  assert.ok(await editor.view.locator('canvas.preview').isVisible());
  assert.equal(await editor.view.locator('main.editor').getAttribute('data-mask'), 'outline');
  assert.ok((await current()).equals(original), 'it is no edit');
  assert.equal(await rows().count(), 0);
  await vscode.screenshot('edits-draft');
  // Without a draft the mask is seen again.
  await editor.press('way-all');
  await editor.view.locator('main.editor[data-mask=shown]').waitFor();
  await editor.press('way-mask');
  await editor.drafted();
  await editor.view.locator('main.editor[data-mask=outline]').waitFor();
  // Without a mask there is nothing to draft.
  await editor.press('clear');
  await editor.view.locator('canvas.preview').waitFor({ state: 'hidden' });
  await editor.press('undo');
  await editor.drafted();
  await editor.applied();
  assert.equal(await rows().count(), 1);
  await editor.view.locator('canvas.preview').waitFor({ state: 'hidden' });
});

step('drafts can be switched off', async () => {
  const box = editor.view.locator('#live');
  await box.click();
  await until(
    () =>
      vscode.inHost(
        ({ workspace }) => workspace.getConfiguration('patchwork').get('draftWhilePainting') === false,
      ),
    'the setting',
  );
  const asked = editor.view.locator('[data-test=live]', { hasText: /\S/ });
  await editor.drag(STROKES[1]);
  await editor.view.locator('main.editor[data-mask=shown]').waitFor();
  await vscode.page.waitForTimeout(1500);
  assert.equal(await asked.count(), 0);
  assert.ok(!(await editor.view.locator('canvas.preview').isVisible()));
  await box.click();
  await asked.waitFor();
});

step('small masks are painted enlarged if that is asked for', async () => {
  fs.writeFileSync(file('far.png'), await landscape(256));
  await editor.open('far.png');
  const original = await current();
  await editor.prompt('a red house');
  await editor.view.locator('#seed input').fill('7');
  const [plain, enlarged] = [await edited(false), await edited(true)];
  assert.ok(!plain.equals(enlarged));

  /** The edit of a small mask, which is undone again. */
  async function edited(zoom: boolean): Promise<Buffer> {
    if (zoom) await editor.view.locator('#zoom').click();
    await editor.drag([[0.4, 0.5]]);
    await editor.applied();
    const result = await current();
    await editor.press('undo');
    await editor.shows(original, 'the image without the edit');
    return result;
  }
});

step('no page has broken its content security policy', async () => {
  assert.deepEqual(vscode.violations, []);
});

/** Waits until the variation with this seed is the first row's edit. */
async function pressed(seed: string): Promise<void> {
  const button = rows().first().locator('[data-action=varyEdit][aria-pressed=true]', { hasText: seed });
  await button.waitFor();
}

/** Waits for the opacity of a row. */
async function shown(row: ReturnType<typeof rows>, opacity: string): Promise<void> {
  await row.locator('.slider output', { hasText: new RegExp(`^${opacity}$`) }).waitFor();
}
