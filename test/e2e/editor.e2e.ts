import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import type { Locator } from 'playwright-core';
import sharp from 'sharp';
import { withPngText } from '../../engine/pictures/png-text.ts';
import { EditorUnderTest, maskOf } from './editorPage.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { textChunks } from './picture.ts';
import { storyIn } from './story.ts';

const SIDE = 256;
const STROKE = [
  [0.4, 0.5],
  [0.5, 0.55],
  [0.6, 0.5],
] as const;

const ELSEWHERE = [
  [0.75, 0.15],
  [0.85, 0.15],
] as const;

let vscode: Workbench;
let editor: EditorUnderTest;
const step = storyIn(() => vscode);
const file = (name: string) => path.join(vscode.workspace, name);

before(async () => {
  vscode = await openWorkbench();
  editor = new EditorUnderTest(vscode);
  const png = await sky();
  fs.writeFileSync(file('sky.png'), withPngText(png, 'Comment', 'by hand'));
  fs.writeFileSync(file('sky.jpg'), await sharp(png).jpeg().toBuffer());
});
after(() => vscode?.close());

step('the image preview has a button that opens the editor', async () => {
  await vscode.openFile('sky.png');
  await vscode.page.locator('.editor-actions').getByRole('button', { name: 'Edit with Patchwork' }).click();
  await editor.idle();
  assert.deepEqual(await editor.pixels('current'), await rgba('sky.png'));
  assert.equal(await editor.dirty(), false);
});

step('a brush stroke is a mask, and a change that VS Code can undo and do again', async () => {
  await editor.drag(STROKE);
  await until(() => editor.dirty(), 'the dirty mark');
  const stroke = await editor.masked();
  const count = stroke.filter(Boolean).length;
  assert.ok(count > 500 && count < 12_000, `${count} pixels`);
  assert.ok(stroke[Math.floor(0.55 * SIDE) * SIDE + SIDE / 2], 'the middle of the stroke');
  await vscode.inHost(({ commands }) => commands.executeCommand('undo'));
  await until(async () => !(await editor.masked()).includes(true), 'an empty mask');
  await until(async () => !(await editor.dirty()), 'a clean document');
  await vscode.inHost(({ commands }) => commands.executeCommand('redo'));
  await until(async () => (await editor.masked()).filter(Boolean).length === count, 'the stroke again');
});

step('the mask has the colour that is chosen', async () => {
  assert.ok(!(await maskColours()).some(isGreen));
  await editor.press('colour-green');
  await until(async () => (await maskColours()).some(isGreen), 'a green mask');
  await editor.press('colour-red');
  await until(async () => !(await maskColours()).some(isGreen), 'a red mask');
});

step('what keeps Apply from being pressed is said below it', async () => {
  await editor.press('clear');
  await hindrance('Paint a mask and enter a prompt first.');
  await editor.prompt('a yellow balloon');
  await hindrance('Paint a mask first.');
  await editor.prompt('');
  await editor.drag(STROKE);
  await hindrance('Enter a prompt first.');
  await vscode.screenshot('editor-masked');
});

step('applying paints what is masked and nothing else', async () => {
  const original = await editor.pixels('current');
  const masked = await editor.masked();
  await editor.prompt('a yellow balloon');
  await hindrance('');
  // It was recorded while the mask was painted, so that even the first edit computes only a part.
  await editor.prepared();
  await editor.applied();
  const cost = editor.view.locator('[data-test=cost]', { hasText: /^[\d.]+ s/ });
  await cost.waitFor();
  assert.match((await cost.textContent())!, /· [\d.]+ % computed/);
  assert.doesNotMatch((await cost.textContent())!, /analysing|instead of/);
  const changed = changes(original, await editor.pixels('current'));
  assert.ok(
    changed.every((is, i) => !is || masked[i]),
    'pixels outside the mask',
  );
  assert.ok(changed.filter(Boolean).length > 500);
  await vscode.screenshot('editor-painted');
});

step('the next stroke begins a new mask, so that another edit leaves the first as it is', async () => {
  assert.ok(!(await editor.masked()).includes(true), 'the mask is used up');
  const first = await editor.pixels('current');
  await editor.drag(ELSEWHERE);
  const masked = await editor.masked();
  assert.ok(!masked[Math.floor(0.5 * SIDE) * SIDE + Math.floor(0.4 * SIDE)], 'nothing of the first mask');
  await editor.prompt('a white balloon');
  await editor.applied();
  const changed = changes(first, await editor.pixels('current'));
  assert.ok(
    changed.every((is, i) => !is || masked[i]),
    'pixels outside the second mask',
  );
  assert.ok(changed.includes(true));
  await editor.press('reselect');
  await until(async () => same(await editor.masked(), masked), 'the last mask');
  await editor.press('undo');
  await until(async () => !(await editor.masked()).includes(true), 'no mask');
  await editor.press('undo');
  await until(async () => (await editor.pixels('current')).equals(first), 'the first edit alone');
  assert.ok(same(await editor.masked(), masked), 'the mask comes back with the undo of its edit');
  await editor.press('undo');
  await until(async () => !(await editor.masked()).includes(true), 'no mask');
});

step('undo brings the picture back, redo the edit', async () => {
  const painted = await editor.pixels('current');
  const original = await editor.pixels('before');
  await editor.press('undo');
  await until(async () => (await editor.pixels('current')).equals(original), 'the original');
  await editor.press('redo');
  await until(async () => (await editor.pixels('current')).equals(painted), 'the edit');
});

step('saving keeps the other pixels and texts, tells the recipe, and reopening shows the same', async () => {
  const painted = await editor.pixels('current');
  await editor.save();
  await until(async () => !(await editor.dirty()), 'a clean document');
  assert.deepEqual(await rgba('sky.png'), painted);
  const texts = textChunks(fs.readFileSync(file('sky.png')));
  assert.equal(texts.Comment, 'by hand');
  assert.match(texts.parameters!, /^a yellow balloon\n/);
  await editor.close();
  await editor.open('sky.png');
  await until(async () => (await editor.pixels('current')).equals(painted), 'the saved picture');
  assert.equal(await editor.dirty(), false);
  // The edit is still listed, and can be hidden.
  const [row] = await editor.view.locator('.edits .edit').all();
  assert.match((await row!.textContent())!, /a yellow balloon/);
  await row!.locator('[data-action=showEdit]').click();
  await until(async () => !(await editor.pixels('current')).equals(painted), 'the picture without the edit');
  await editor.press('undo');
  await until(async () => !(await editor.dirty()), 'a clean document');
});

step('levels, comparison and copying', async () => {
  await editor.drag(STROKE);
  await editor.prompt('a red kite');
  await editor.apply();
  await editor.idle();
  const measure = editor.view.locator('[data-action=measure]');
  assert.ok(!(await measure.isVisible()), 'what only some users need is not in the strip itself');
  await editor.press('details');
  assert.ok(await measure.isVisible());
  await editor.view.locator('.levels-choice', { hasText: 'Computed, from fine to coarse:' }).waitFor();
  await editor.press('level');
  assert.ok(await editor.view.locator('canvas.levels').isVisible());
  await editor.press('level');
  assert.ok(!(await editor.view.locator('canvas.levels').isVisible()));
  await editor.press('details');
  await editor.press('compare');
  const handle = editor.view.getByRole('slider', { name: /Before and after/ });
  const [before, after] = ['Before', 'After'].map((side) => handle.getByText(side, { exact: true }));
  const [left, line, right] = [await boxOf(before!), await boxOf(handle), await boxOf(after!)];
  const middle = line.x + line.width / 2;
  assert.ok(left.x + left.width <= middle && middle <= right.x, 'each side has its name');
  const sheet = await boxOf(editor.view.locator('.sheet'));
  assert.ok(line.y >= sheet.y - 1 && line.y + line.height <= sheet.y + sheet.height + 1, 'on the image only');
  await vscode.screenshot('editor-compare');
  await handle.focus();
  await vscode.page.keyboard.press('Home');
  assert.equal(await handle.getAttribute('aria-valuenow'), '0');
  assert.ok(!(await before!.isVisible()), 'there is nothing of before');
  await editor.press('compare');
  await editor.press('reselect');
  await until(async () => (await editor.masked()).includes(true), 'the last mask');
  await editor.press('copySelection');
  await editor.notice('Copied the selection.');
  const size = await vscode.page.evaluate(async () => {
    const [item] = await navigator.clipboard.read();
    const bitmap = await createImageBitmap(await item!.getType('image/png'));
    return [bitmap.width, bitmap.height];
  });
  assert.ok(size[0]! < SIDE && size[1]! < SIDE, `${size}`);
});

step('the restoring brush brings back the original', async () => {
  const original = await editor.pixels('before');
  assert.ok(!(await editor.pixels('current')).equals(original));
  await editor.press('tool-restore');
  await setBrush(200);
  await editor.drag(STROKE);
  await until(async () => (await editor.pixels('current')).equals(original), 'the original');
  await editor.press('undo');
  await until(async () => !(await editor.pixels('current')).equals(original), 'the edit');
  await setBrush(40);
});

step('each edit is listed: it can be hidden, shown and gone back to', async () => {
  await editor.press('tool-brush');
  const one = await editor.pixels('current');
  await editor.drag(ELSEWHERE);
  await editor.prompt('a white balloon');
  await editor.applied();
  const both = await editor.pixels('current');
  const rows = editor.edits;
  const row = rows.first();
  assert.match((await row.textContent())!, /a white balloon.*seed \d+/s);
  await row.locator('img[src]').waitFor();
  await row.locator('[data-action=showEdit]').click();
  await until(async () => (await editor.pixels('current')).equals(one), 'the picture without the edit');
  assert.equal(await row.getAttribute('data-shown'), 'false');
  await row.locator('[data-action=showEdit]').click();
  await until(async () => (await editor.pixels('current')).equals(both), 'the picture with it');
  await rows.nth(1).locator('[data-action=goBack]').click();
  await until(async () => (await editor.pixels('current')).equals(one), 'the picture after the earlier edit');
  await editor.press('undo');
  await until(async () => (await editor.pixels('current')).equals(both), 'both edits');
  await row.locator('[data-action=useEdit]').click();
  await until(async () => (await editor.masked()).includes(true), 'its mask');
  await vscode.screenshot('editor-edits');
});

step('an edit is run again in place of itself', async () => {
  const rows = editor.edits;
  const count = await rows.count();
  const before = await editor.pixels('current');
  await rows.first().locator('[data-action=runAgain]').click();
  await until(async () => (await rows.count()) === count + 1, 'another edit');
  await editor.idle();
  assert.equal(await rows.nth(1).getAttribute('data-shown'), 'false');
  assert.ok(!(await editor.pixels('current')).equals(before));
  await editor.press('undo');
  await until(async () => (await editor.pixels('current')).equals(before), 'the first one again');
});

step('hot exit: after a reload the edits, the mask, the form and what can be undone are there', async () => {
  if ((await editor.masked()).includes(true)) await editor.press('clear');
  const rows = editor.edits;
  const count = await rows.count();
  await editor.prompt('a green kite');
  const changed = Date.now();
  await editor.press('tool-brush');
  await editor.drag([[0.2, 0.2]]);
  const [painted, masked] = [await editor.pixels('current'), await editor.mask()];
  await editor.backedUp(changed);
  await vscode.reload();
  await editor.idle();
  await until(async () => (await editor.pixels('current')).equals(painted), 'the edit');
  assert.deepEqual(await editor.mask(), masked);
  assert.equal(await editor.dirty(), true);
  assert.equal(await editor.view.locator('#prompt textarea').inputValue(), 'a green kite');
  // Their thumbnails are decoded first.
  await until(async () => (await rows.count()) === count, 'the list of edits');
  await editor.pressUndo();
  await until(async () => !(await editor.masked()).includes(true), 'the mask before the last stroke');
  await vscode.inHost(({ commands }) => commands.executeCommand('redo'));
  await until(async () => (await editor.masked()).includes(true), 'the stroke');
});

step('a killed engine loses nothing, and the next edit comes from a fresh one', async () => {
  const [painted, masked] = [await editor.pixels('current'), await editor.mask()];
  await editor.spend({ steps: '150', budget: 'End' });
  await editor.apply();
  await editor.view.locator('[data-test=progress]', { hasText: /[Ss]tep \d/ }).waitFor();
  const outlined = editor.view.locator('main.editor[data-mask=outline]');
  await outlined.waitFor();
  for (const pid of vscode.engines()) process.kill(pid, 'SIGKILL');
  const failure = editor.view.locator('[data-test=failure]', { hasText: 'was ended by SIGKILL' });
  await failure.waitFor();
  const [frame, text] = [await boxOf(editor.view.locator('.failure')), await boxOf(failure)];
  const button = await boxOf(editor.view.locator('.failure vscode-button').first());
  assert.ok(text.width > 0.7 * frame.width, 'the text has the width of its box');
  assert.ok(button.y >= text.y + text.height, 'the buttons are below it');
  assert.deepEqual(await editor.pixels('current'), painted);
  assert.deepEqual(await editor.mask(), masked);
  await editor.view.locator('main.editor[data-mask=shown]').waitFor();
  await editor.spend({ steps: '', budget: 'Home' });
  await editor.apply();
  await editor.notice('Edit applied.');
  assert.ok(!(await editor.pixels('current')).equals(painted));
});

step('cancelling leaves the picture as it is, and the mask in sight', async () => {
  await editor.drag(STROKE);
  const [painted, masked] = [await editor.pixels('current'), await editor.mask()];
  await editor.spend({ steps: '150', budget: 'End' });
  await editor.apply();
  await editor.view.locator('[data-test=progress]', { hasText: /[Ss]tep \d/ }).waitFor();
  await editor.press('cancel');
  await editor.notice('Cancelled.');
  assert.deepEqual(await editor.pixels('current'), painted);
  assert.deepEqual(await editor.mask(), masked);
  await editor.view.locator('main.editor[data-mask=shown]').waitFor();
});

step('strokes while an edit is painted prepare the next mask', async () => {
  const applied = await editor.masked();
  const before = await editor.pixels('current');
  await editor.apply();
  await editor.view.locator('[data-test=progress]', { hasText: /[Ss]tep \d/ }).waitFor();
  let next: boolean[] = [];
  await vscode.holding(async () => {
    await editor.drag(ELSEWHERE);
    next = await editor.masked();
    assert.ok(!same(next, applied));
    assert.ok(
      !next[Math.floor(0.5 * SIDE) * SIDE + Math.floor(0.4 * SIDE)],
      'nothing of the mask that is painted',
    );
    await editor.view.locator('main.editor[data-mask=shown][data-state=running]').waitFor();
    await editor.press('undo');
    await until(async () => same(await editor.masked(), applied), 'the mask that is painted');
    await editor.press('redo');
    await until(async () => same(await editor.masked(), next), 'the next mask');
  });
  await editor.press('cancel');
  await editor.notice('Cancelled.');
  await editor.press('undo');
  await until(async () => same(await editor.masked(), applied), 'the mask of the cancelled edit');
  await editor.apply();
  await editor.drag(ELSEWHERE);
  await editor.notice('Edit applied.');
  await editor.idle();
  await editor.spend({ steps: '', budget: 'Home' });
  assert.ok(same(await editor.masked(), next), 'the next mask is still there');
  const changed = changes(before, await editor.pixels('current'));
  assert.ok(
    changed.every((is, i) => !is || applied[i]),
    'only the mask of the edit was painted',
  );
});

step('variations are seen in place, and the picked one becomes the edit', async () => {
  const before = await editor.pixels('current');
  await editor.view.locator('#variations').evaluate((select: HTMLElement & { value: string }) => {
    select.value = '2';
    select.dispatchEvent(new Event('change'));
  });
  await editor.view.locator('#seed input').fill('11');
  // Unless the image is recorded, the edit is a full recompute itself, and there is nothing to time.
  await editor.prepared();
  // The field for how many is at the end of the panel.
  await editor.view.locator('#variations').scrollIntoViewIfNeeded();
  const panel = editor.view.locator('.side-scroll');
  assert.ok((await panel.evaluate(({ scrollTop }) => scrollTop)) > 0);
  await editor.apply();
  await editor.idle();
  const choices = editor.view.locator('.variations .thumbnail');
  assert.equal(await choices.count(), 2);
  assert.equal(await panel.evaluate(({ scrollTop }) => scrollTop), 0, 'the choice is in sight');
  assert.deepEqual(await editor.pixels('current'), before);
  await choices.nth(1).hover();
  await editor.view.locator('canvas.preview').waitFor();
  await vscode.screenshot('editor-variations');
  await choices.nth(1).click();
  await editor.notice('Edit applied.');
  assert.ok(!(await editor.pixels('current')).equals(before));
  assert.equal(await choices.count(), 0);
  assert.equal(await editor.view.locator('#seed input').inputValue(), '11');
  await editor.press('details');
  await editor.press('measure');
  await editor.notice('A full recompute takes');
  const cost = editor.view.locator('[data-test=cost]');
  await until(async () => !(await cost.textContent())!.includes('about'), 'a measured time');
});

step('everything can be done from the keyboard', async () => {
  await editor.drag(STROKE);
  await editor.press('clear');
  await until(async () => !(await editor.masked()).includes(true), 'an empty mask');
  await editor.view.locator('.stage').focus();
  const { keyboard } = vscode.page;
  await keyboard.press('r');
  assert.equal(
    await editor.view.locator('[data-action=tool-rectangle]').getAttribute('aria-pressed'),
    'true',
  );
  await keyboard.press('Enter');
  for (let i = 0; i < 3; i++) await keyboard.press('ArrowRight');
  for (let i = 0; i < 2; i++) await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  const masked = await editor.masked();
  assert.equal(masked.filter(Boolean).length, 30 * 20);
  await keyboard.press('i');
  await until(
    async () => (await editor.masked()).filter(Boolean).length === SIDE * SIDE - 600,
    'the inverted mask',
  );
  await keyboard.press('1');
  await editor.view.locator('[data-action=actualSize]', { hasText: '100 %' }).waitFor();
  await keyboard.press('0');
  assert.equal(await editor.view.locator('[data-action=fit]').getAttribute('aria-pressed'), 'true');
});

step('a click masks an object', async () => {
  await editor.press('clear');
  await until(async () => !(await editor.masked()).includes(true), 'an empty mask');
  await editor.press('tool-select');
  await editor.drag([[0.5, 0.85]]);
  await until(async () => (await editor.masked()).includes(true), 'a mask');
});

step('revert goes back to the file', async () => {
  const saved = await rgba('sky.png');
  assert.ok(!(await editor.pixels('current')).equals(saved));
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.files.revert'));
  await until(async () => (await editor.pixels('current')).equals(saved), 'the saved picture');
  await until(async () => !(await editor.dirty()), 'a clean document');
});

step('a file that changes on the disk is followed, or asked about where there are edits', async () => {
  fs.writeFileSync(file('sky.png'), await sky('#305080'));
  const changed = await rgba('sky.png');
  await until(async () => (await editor.pixels('current')).equals(changed), 'the changed file');
  await editor.press('tool-brush');
  await editor.drag(STROKE);
  await until(() => editor.dirty(), 'the dirty mark');
  fs.writeFileSync(file('sky.png'), await sky('#803050'));
  await editor.view.locator('[data-test=changed]').waitFor();
  assert.deepEqual(await editor.pixels('current'), changed);
  await vscode.screenshot('editor-changed');
  await editor.press('reload');
  const again = await rgba('sky.png');
  await until(async () => (await editor.pixels('current')).equals(again), 'the file as it is now');
  assert.equal(await editor.view.locator('[data-test=changed]').count(), 0);
});

step('two editors of one file show the same', async () => {
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.splitEditor'));
  const views = vscode.page.locator('iframe.webview.ready').filter({ visible: true });
  await until(async () => (await views.count()) === 2, 'two editors');
  const countIn = (i: number) =>
    views
      .nth(i)
      .contentFrame()
      .locator('iframe#active-frame')
      .contentFrame()
      .locator('.stage')
      .evaluate(maskOf, 'mask' as const)
      .then((mask) => Buffer.from(mask, 'base64').reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0));
  const second = views.nth(1).contentFrame().locator('iframe#active-frame').contentFrame();
  await second.locator('main.editor[data-state=idle]').waitFor();
  await second.locator('[data-action=invert]').click();
  await until(
    async () => (await countIn(0)) === SIDE * SIDE && (await countIn(1)) === SIDE * SIDE,
    'both masks',
  );
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.files.revert'));
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.closeAllEditors'));
});

step('a JPEG is saved at high quality, and the editor says what that means', async () => {
  await editor.open('sky.jpg');
  await editor.press('tool-brush');
  await editor.drag(STROKE);
  await editor.prompt('a yellow balloon');
  await editor.view.locator('#variations').evaluate((select: HTMLElement & { value: string }) => {
    select.value = '1';
    select.dispatchEvent(new Event('change'));
  });
  await editor.apply();
  await editor.notice('Edit applied.');
  await editor.view.locator('[data-test=losses]', { hasText: 'quality 95' }).waitFor();
  await editor.save();
  await editor.notice('Saved sky.jpg. JPEG is saved at quality 95');
  assert.equal((await sharp(fs.readFileSync(file('sky.jpg'))).metadata()).format, 'jpeg');
});

step('virtual file systems: saves there, and says what is read-only', async () => {
  await vscode.inHost(
    async (vscode, bytes) => {
      const files = new Map<string, Uint8Array>();
      const changes = new vscode.EventEmitter<import('vscode').FileChangeEvent[]>();
      const provider: import('vscode').FileSystemProvider = {
        onDidChangeFile: changes.event,
        watch: () => ({ dispose() {} }),
        stat({ path }) {
          const file = files.get(path);
          if (!file && path !== '/') throw vscode.FileSystemError.FileNotFound(path);
          const type = file ? vscode.FileType.File : vscode.FileType.Directory;
          return { type, ctime: 0, mtime: 0, size: file?.length ?? 0 };
        },
        readDirectory: () => [...files.keys()].map((name) => [name.slice(1), vscode.FileType.File]),
        createDirectory() {},
        readFile({ path }) {
          const file = files.get(path);
          if (!file) throw vscode.FileSystemError.FileNotFound(path);
          return file;
        },
        writeFile: (uri, content) => void files.set(uri.path, content),
        delete: ({ path }) => void files.delete(path),
        rename() {
          throw vscode.FileSystemError.NoPermissions('this file system cannot rename');
        },
      };
      files.set('/sky.png', Uint8Array.from(bytes));
      vscode.workspace.registerFileSystemProvider('memory', provider);
      vscode.workspace.registerFileSystemProvider('fixed', provider, { isReadonly: true });
      const uri = vscode.Uri.from({ scheme: 'memory', path: '/sky.png' });
      await vscode.commands.executeCommand('vscode.openWith', uri, 'patchwork.pictureEditor');
    },
    [...(await sky())],
  );
  await editor.idle();
  await editor.drag(STROKE);
  await editor.prompt('a yellow balloon');
  await editor.apply();
  await editor.notice('Edit applied.');
  const painted = await editor.pixels('current');
  await editor.save();
  await until(async () => !(await editor.dirty()), 'a clean document');
  const written = await vscode.inHost(async ({ workspace, Uri }) => {
    return [...(await workspace.fs.readFile(Uri.from({ scheme: 'memory', path: '/sky.png' })))];
  });
  assert.deepEqual(await sharp(Uint8Array.from(written)).ensureAlpha().raw().toBuffer(), painted);

  await vscode.inHost(async ({ commands, Uri }) => {
    const uri = Uri.from({ scheme: 'fixed', path: '/sky.png' });
    await commands.executeCommand('vscode.openWith', uri, 'patchwork.pictureEditor');
  });
  await editor.view.locator('[data-test=readOnly]', { hasText: 'sky.png is read-only' }).waitFor();
  await editor.shows(painted, 'the image as it was saved');
});

step('inserts a Markdown link to the picture', async () => {
  await vscode.openFile('README.md');
  await vscode.page.locator('.monaco-editor .view-lines').first().waitFor();
  await editor.open('sky.jpg');
  await editor.press('insertLink');
  await vscode.page.locator('.monaco-editor', { hasText: '](sky.jpg)' }).first().waitFor();
});

step('no page has broken its content security policy', async () => {
  assert.deepEqual(vscode.violations, []);
});

/** A picture without prompt: a sky over a meadow. */
async function sky(top = '#4080c0'): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}"><defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="${top}"/><stop offset="1" stop-color="#c0e0f0"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/><rect y="180" width="100%" height="76" fill="#408030"/></svg>`;
  return await sharp(Buffer.from(svg)).removeAlpha().png().toBuffer();
}

async function rgba(name: string): Promise<Buffer> {
  return await sharp(fs.readFileSync(file(name)))
    .ensureAlpha()
    .raw()
    .toBuffer();
}

/** The colours on the screen's mask layer, as `R,G,B,A`. */
async function maskColours(): Promise<string[]> {
  return await editor.view.locator('canvas.mask').evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set<string>();
    for (let i = 0; i < data.length; i += 4) colours.add(data.subarray(i, i + 4).join());
    return [...colours];
  });
}

function isGreen(colour: string): boolean {
  const [red, green, blue, alpha] = colour.split(',').map(Number);
  return alpha! > 0 && green! > 60 + Math.max(red!, blue!);
}

async function boxOf(element: Locator) {
  return (await element.boundingBox())!;
}

/** Which pixels differ. */
function changes(a: Buffer, b: Buffer): boolean[] {
  return Array.from({ length: a.length / 4 }, (_, i) => a.readUInt32LE(4 * i) !== b.readUInt32LE(4 * i));
}

function same(a: readonly boolean[], b: readonly boolean[]): boolean {
  return a.every((value, i) => value === b[i]);
}

/** Waits until the line below *Apply* has this text; with an empty one, until it can be pressed. */
async function hindrance(text: string): Promise<void> {
  const line = editor.view.locator('[data-test=hindrance]');
  await until(async () => (await line.textContent())!.trim() === text, `“${text}” below Apply`);
  const disabled = await editor.view
    .locator('[data-action=apply]')
    .evaluate((button) => 'disabled' in button && button.disabled);
  assert.equal(disabled, text !== '');
}

async function setBrush(size: number): Promise<void> {
  await editor.view.locator('[data-action=size]').evaluate(
    (input: HTMLInputElement, percent) => {
      input.value = String(percent);
      input.dispatchEvent(new Event('input'));
    },
    Math.round((100 * Math.log(size)) / Math.log(512)),
  );
}
