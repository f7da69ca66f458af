import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import sharp from 'sharp';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { storyIn } from './story.ts';
import { ticks } from './walkthrough.ts';

const SIDE = 256;
const STROKE = [
  [0.4, 0.5],
  [0.6, 0.5],
] as const;

let vscode: Workbench;
let editor: EditorUnderTest;
const step = storyIn(() => vscode);
const file = (name: string) => path.join(vscode.workspace, name);

before(async () => {
  vscode = await openWorkbench();
  editor = new EditorUnderTest(vscode);
  fs.writeFileSync(file('hill.png'), await hill());
});
after(() => vscode?.close());

step('the walkthrough has four steps, and none is done yet', async () => {
  assert.deepEqual(await ticks(vscode), []);
  await vscode.screenshot('walkthrough');
});

step('Save As writes another file in its format, and leaves the first as it is', async () => {
  await editor.open('hill.png');
  const original = await editor.pixels('current');
  await paint('a yellow balloon', '7');
  const painted = await editor.pixels('current');
  await saveAs('copy.png');
  assert.deepEqual(await rgba('copy.png'), painted);
  assert.deepEqual(await rgba('hill.png'), original);
  await until(async () => (await label()) === 'copy.png', 'the editor of the copy');
  await editor.idle();
  await editor.shows(painted, 'the image as it was saved');
  await saveAs('copy.jpg');
  await until(async () => (await label()) === 'copy.jpg', 'the editor of copy.jpg');
  assert.equal((await sharp(fs.readFileSync(file('copy.jpg'))).metadata()).format, 'jpeg');
});

step('Save As under an ending that is not supported says which are, and keeps the edits', async () => {
  await paint('a white balloon', '8');
  const painted = await editor.pixels('current');
  void vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.files.saveAs'));
  await vscode.answerDialog(file('copy.bmp'));
  const toast = vscode.page.locator('.notification-toast', { hasText: 'copy.bmp was not saved' });
  await toast.waitFor();
  assert.match((await toast.textContent())!, /a name that ends in \.png, \.jpg or \.webp/);
  // VS Code's own message would offer to drop the edits.
  assert.equal(await vscode.page.getByRole('button', { name: 'Revert File' }).count(), 0);
  assert.ok(await editor.dirty());
  await toast.getByRole('button', { name: 'Save As…' }).click();
  await vscode.answerDialog(file('other.png'));
  await until(async () => (await label()) === 'other.png', 'the editor of other.png');
  await editor.idle();
  await editor.shows(painted, 'the image as it was saved');
  assert.ok(!fs.existsSync(file('copy.bmp')));
});

step('a file that is renamed stays in the editor, with what was not saved', async () => {
  await editor.close();
  fs.copyFileSync(file('hill.png'), file('old.png'));
  await editor.open('old.png');
  await editor.drag(STROKE);
  await until(() => editor.dirty(), 'the stroke');
  const mask = await editor.mask();
  await vscode.inHost(
    async ({ Uri, WorkspaceEdit, workspace }, from, to) => {
      const edit = new WorkspaceEdit();
      edit.renameFile(Uri.file(from), Uri.file(to));
      await workspace.applyEdit(edit);
    },
    file('old.png'),
    file('new.png'),
  );
  await until(async () => (await label()) === 'new.png', 'the editor of new.png');
  await editor.idle();
  await until(async () => (await editor.mask()).equals(mask), 'the mask');
  assert.ok(await editor.dirty());
  await editor.press('undo');
  await until(async () => (await editor.masked()).every((value) => !value), 'an empty mask');
  assert.ok(!(await editor.dirty()));
});

step('the walkthrough ticks off what was done', async () => {
  await editor.close();
  await vscode.openFile('README.md');
  await vscode.page.locator('.monaco-editor .view-lines').first().waitFor();
  await editor.open('copy.png');
  await editor.press('insertLink');
  await vscode.page.locator('.monaco-editor', { hasText: '](copy.png)' }).first().waitFor();
  await until(async () => (await ticks(vscode)).join() === 'open,paint,use', 'three ticks');
  await vscode.screenshot('walkthrough-ticks');
  await vscode.inHost(async ({ commands }) => {
    await commands.executeCommand('patchwork.generateImage', { prompt: 'a red house by a lake', seed: 1 });
  });
  await until(async () => (await ticks(vscode)).join() === 'generate,open,paint,use', 'four ticks');
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.files.saveAll'));
  await editor.close();
});

step('the mask is exported as greys of the picture’s size', async () => {
  await editor.open('copy.png');
  await editor.drag(STROKE);
  await editor.press('exportMask');
  await vscode.answerDialog(file('mask.png'));
  await editor.notice('Exported the mask as mask.png.');
  const values = await editor.mask();
  const { data, info } = await sharp(fs.readFileSync(file('mask.png')))
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [SIDE, SIDE]);
  assert.deepEqual(data, values);
});

step('dragging out gives the file to editors and the picture to other programs', async () => {
  const dragged = editor.view.locator('body').evaluate(
    () =>
      new Promise<Record<string, string>>((resolve) => {
        document.addEventListener(
          'dragstart',
          ({ dataTransfer }) => {
            const types = [...dataTransfer!.types];
            resolve(Object.fromEntries(types.map((type) => [type, dataTransfer!.getData(type)])));
          },
          { once: true },
        );
      }),
  );
  const handle = (await editor.view.locator('[data-action=drag]').boundingBox())!;
  const { mouse } = vscode.page;
  await mouse.move(handle.x + 10, handle.y + 10);
  await mouse.down();
  await vscode.page.waitForTimeout(500);
  await mouse.move(handle.x - 60, handle.y + 80, { steps: 5 });
  const data = await dragged;
  await mouse.up();
  assert.match(data['text/uri-list']!, /copy\.png$/);
  const [, type, name, url] = /^([^:]+):([^:]+):(blob:.*)$/.exec(data.downloadurl!)!;
  assert.deepEqual([type, name], ['image/png', 'copy.png']);
  const size = await editor.view.locator('body').evaluate(async (_, from) => {
    const image = new Image();
    image.src = from;
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  }, url!);
  assert.deepEqual(size, [SIDE, SIDE]);
});

step('two fingers zoom, one draws', async () => {
  const zoom = async () =>
    Number.parseFloat((await editor.view.locator('[data-action=actualSize]').textContent())!);
  const before = await zoom();
  const sheet = (await editor.view.locator('.sheet').boundingBox())!;
  const [x, y] = [sheet.x + sheet.width / 2, sheet.y + sheet.height / 2];
  const masked = (await editor.masked()).filter(Boolean).length;
  const touch = await vscode.page.context().newCDPSession(vscode.page);
  const fingers = (spread: number) => [
    { x: x - spread, y, id: 1 },
    { x: x + spread, y, id: 2 },
  ];
  await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(30) });
  for (let spread = 40; spread <= 90; spread += 10)
    await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: fingers(spread) });
  await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await until(async () => (await zoom()) > 2.5 * before, 'a larger picture');
  assert.equal((await editor.masked()).filter(Boolean).length, masked, 'two fingers do not draw');
  // A touchpad's pinch comes as a wheel with Control.
  await vscode.page.mouse.move(x, y);
  await vscode.page.keyboard.down('Control');
  const large = await zoom();
  await vscode.page.mouse.wheel(0, 60);
  await vscode.page.keyboard.up('Control');
  await until(async () => (await zoom()) < 0.7 * large, 'a smaller picture');
  await editor.press('fit');
  await touch.send('Input.dispatchTouchEvent', {
    type: 'touchStart',
    touchPoints: [{ x, y: y + 60, id: 1 }],
  });
  await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await until(async () => (await editor.masked()).filter(Boolean).length > masked, 'a dab of the brush');
  await revert();
});

step('what is no picture, or too large, is reported in one sentence', async () => {
  fs.writeFileSync(file('words.png'), 'these are words');
  fs.writeFileSync(file('none.webp'), '');
  fs.writeFileSync(file('huge.png'), await huge());
  for (const [name, says] of [
    ['words.png', 'words.png is not an image that can be read, or is damaged.'],
    ['none.webp', 'none.webp is empty.'],
    ['huge.png', 'huge.png is 9000×9000 pixels'],
  ] as const) {
    await openBroken(name);
    await editor.view.locator('[data-test=failure]', { hasText: says }).waitFor();
    assert.ok(await editor.view.locator('.broken').isVisible());
    assert.equal(await editor.view.locator('.rail, .bar, .side').count(), 0, 'no tools without an image');
  }
  await vscode.screenshot('editor-broken');
  await openBroken('words.png');
  fs.writeFileSync(file('words.png'), await hill());
  await editor.idle();
  assert.equal(await editor.view.locator('[data-test=failure]').count(), 0);
});

step('of a GIF a PNG copy is opened beside it', async () => {
  const gif = await sharp(await hill())
    .gif()
    .toBuffer();
  fs.writeFileSync(file('hill-of.gif'), gif);
  await vscode.inHost(async ({ commands, Uri }, gif) => {
    await commands.executeCommand('patchwork.editPicture', Uri.file(gif));
  }, file('hill-of.gif'));
  await editor.idle();
  await vscode.page
    .getByText('hill-of.gif stays as it is: its PNG copy hill-of.png is open.')
    .first()
    .waitFor();
  assert.equal((await sharp(file('hill-of.png')).metadata()).format, 'png');
  assert.deepEqual(fs.readFileSync(file('hill-of.gif')), gif);
});

step('a read-only file takes edits, which Save As keeps', async () => {
  await vscode.inHost(
    async (vscode, bytes) => {
      const { FileType, FileSystemError, FilePermission } = vscode;
      const files = new Map<string, Uint8Array>([['/hill.png', Uint8Array.from(bytes)]]);
      const provider: import('vscode').FileSystemProvider = {
        onDidChangeFile: new vscode.EventEmitter<import('vscode').FileChangeEvent[]>().event,
        watch: () => ({ dispose() {} }),
        stat({ path }) {
          const file = files.get(path);
          if (!file && path !== '/') throw FileSystemError.FileNotFound(path);
          const type = file ? FileType.File : FileType.Directory;
          const permissions = path === '/hill.png' ? FilePermission.Readonly : undefined;
          return { type, ctime: 0, mtime: 0, size: file?.length ?? 0, permissions };
        },
        readDirectory: () => [...files.keys()].map((name) => [name.slice(1), FileType.File]),
        readFile: ({ path }) => files.get(path)!,
        writeFile: ({ path }, content) => void files.set(path, content),
        createDirectory() {},
        delete: ({ path }) => void files.delete(path),
        rename() {
          throw FileSystemError.NoPermissions('this file system cannot rename');
        },
      };
      vscode.workspace.registerFileSystemProvider('locked', provider);
      const uri = vscode.Uri.from({ scheme: 'locked', path: '/hill.png' });
      await vscode.commands.executeCommand('vscode.openWith', uri, 'patchwork.pictureEditor');
    },
    [...(await hill())],
  );
  await editor.view.locator('[data-test=readOnly]', { hasText: 'hill.png is read-only' }).waitFor();
  await paint('a yellow balloon', '7');
  const painted = await editor.pixels('current');
  await editor.save();
  const refused = vscode.page.locator('.notifications-toasts', { hasText: 'read-only. Use Save As…' });
  await refused.waitFor();
  assert.deepEqual(await editor.pixels('current'), painted);
  void vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.files.saveAs'));
  await vscode.answerDialog(file('kept.png'));
  await until(async () => (await label()) === 'kept.png', 'the editor of the copy');
  await editor.idle();
  await editor.shows(painted, 'the image as it was saved');
  assert.equal(await editor.view.locator('[data-test=readOnly]').count(), 0);
});

step('in narrow and low windows nothing overlaps and Apply stays in sight', async () => {
  await vscode.inHost(({ commands }) => commands.executeCommand('notifications.clearAll'));
  await editor.open('copy.png');
  await paint('a yellow balloon', '7');
  // A banner with two buttons lies over the image.
  fs.writeFileSync(file('copy.png'), await hill());
  await editor.view.locator('[data-test=changed]').waitFor();
  for (const [width, height] of [
    [1280, 500],
    [1280, 720],
    [860, 720],
    [700, 800],
    [600, 800],
    [1400, 900],
  ] as const) {
    await vscode.page.setViewportSize({ width, height });
    await until(async () => {
      const crowded = await crowding();
      return crowded.length === 0;
    }, `a tidy layout at ${width}×${height}`);
    await vscode.screenshot(`editor-${width}x${height}`);
  }
  await vscode.page.setViewportSize({ width: 1280, height: 800 });
  await revert();
});

step('a stroke over a large photograph touches only the pixels around the brush', async () => {
  await vscode.page.setViewportSize({ width: 1280, height: 800 });
  const large = sharp(await hill())
    .resize(4000, 3000, { fit: 'fill' })
    .jpeg();
  await large.toFile(file('large.jpg'));
  await editor.open('large.jpg');
  await editor.view.locator('.stage').evaluate(countPixels);
  const way = Array.from({ length: 12 }, (_, i) => [0.3 + 0.01 * i, 0.4] as const);
  await editor.drag(way);
  await until(() => editor.dirty(), 'the stroke');
  const { touched, most, files } = await editor.view.locator('.stage').evaluate(countedPixels);
  assert.ok(touched > 0);
  // A frame draws what has changed since the last one: at most the whole stroke, far less than the stage.
  const stroke = 12_000;
  assert.ok(most < stroke, `${most} pixels at once`);
  assert.ok(touched < stroke * way.length, `${touched} pixels in all`);
  assert.equal(files, 0, 'nothing is encoded');
  await vscode.screenshot('editor-large');
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.files.revert'));
  await editor.close();
});

step('no page has broken its content security policy', async () => {
  assert.deepEqual(vscode.violations, []);
});

async function paint(prompt: string, seed: string): Promise<void> {
  await editor.drag(STROKE);
  await editor.prompt(prompt);
  await editor.view.locator('#seed input').fill(seed);
  await editor.view.locator('#steps input').fill('4');
  await editor.applied();
}

/** Elements that are cut off, cover others, or cannot be reached; none in a tidy layout. */
async function crowding(): Promise<string[]> {
  return editor.view.locator('main.editor').evaluate((main) => {
    const wrong: string[] = [];
    const rectOf = (element: Element) => element.getBoundingClientRect();
    const apply = rectOf(main.querySelector('[data-action=apply]')!);
    if (apply.top < 0 || apply.bottom > innerHeight || apply.right > innerWidth)
      wrong.push('Apply is not in sight');
    const strip = rectOf(main.querySelector('.strip')!);
    if (strip.height > 80) wrong.push(`the strip is ${strip.height} high`);
    const canvas = rectOf(main.querySelector('.canvas')!);
    if (canvas.width < 100 || canvas.height < 100)
      wrong.push(`the canvas is ${canvas.width}×${canvas.height}`);
    const middles = [...main.querySelectorAll('.amounts > *')].map((part) => {
      const { top, bottom } = rectOf(part);
      return (top + bottom) / 2;
    });
    if (Math.max(...middles) - Math.min(...middles) > 4) wrong.push('grow, shrink and feather wrap');
    for (const way of main.querySelectorAll('.way'))
      if (way.scrollWidth > way.clientWidth) wrong.push(`${way.textContent} is cut off`);
    for (const bar of main.querySelectorAll(
      '.banner, .ways, .bar, .strip, .side-head, .options, .cost, .place',
    )) {
      if (bar.scrollWidth > bar.clientWidth + 1) wrong.push(`${bar.className} is cut off`);
      const shown = [...bar.children].filter((child) => rectOf(child).width > 1);
      for (const [i, one] of shown.entries())
        for (const other of shown.slice(i + 1)) {
          const [a, b] = [rectOf(one), rectOf(other)];
          const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
          const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
          if (across > 1 && down > 1) wrong.push(`${one.textContent} covers ${other.textContent}`);
        }
    }
    return wrong;
  });
}

/** Label of our editor's tab if it is in front. */
async function label(): Promise<string | undefined> {
  return await vscode.inHost(({ window }) => {
    const { label, input } = window.tabGroups.activeTabGroup.activeTab ?? {};
    return (input as { viewType?: string }).viewType === 'patchwork.pictureEditor' ? label : undefined;
  });
}

async function saveAs(name: string): Promise<void> {
  void vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.files.saveAs'));
  await vscode.answerDialog(file(name));
  await until(() => fs.existsSync(file(name)), name);
}

async function revert(): Promise<void> {
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.files.revert'));
  await until(async () => !(await editor.dirty()), 'a clean document');
}

async function openBroken(name: string): Promise<void> {
  await vscode.inHost(async ({ commands, Uri }, target) => {
    await commands.executeCommand('vscode.openWith', Uri.file(target), 'patchwork.pictureEditor');
  }, file(name));
  await editor.view.locator('main.editor[data-state=broken]').waitFor();
}

async function rgba(name: string): Promise<Buffer> {
  return await sharp(fs.readFileSync(file(name)))
    .ensureAlpha()
    .raw()
    .toBuffer();
}

/** A picture without prompt: a hill before the sky. */
async function hill(): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}"><rect width="100%" height="100%" fill="#80b0e0"/><circle cx="128" cy="330" r="160" fill="#408030"/></svg>`;
  return await sharp(Buffer.from(svg)).removeAlpha().png().toBuffer();
}

/** A small file with more pixels than a page can hold. */
async function huge(): Promise<Buffer> {
  const create = { width: 9000, height: 9000, channels: 3 as const, background: '#80b0e0' };
  return await sharp({ create }).png({ palette: true }).toBuffer();
}

/** What the page's canvases have read, written and encoded since counting began. */
interface CanvasWork {
  touched: number;
  most: number;
  files: number;
}

/** Counts what the page's canvases do; runs in the page. */
function countPixels(): void {
  const work: CanvasWork = { touched: 0, most: 0, files: 0 };
  Object.assign(window, { canvasWork: work });
  const count = (width: number, height: number) => {
    work.touched += width * height;
    work.most = Math.max(work.most, width * height);
  };
  const context = CanvasRenderingContext2D.prototype;
  const { putImageData, getImageData, drawImage } = context;
  context.putImageData = function (this: CanvasRenderingContext2D, ...args: unknown[]) {
    const { width, height } = args[0] as ImageData;
    count(width, height);
    Reflect.apply(putImageData, this, args);
  };
  context.getImageData = function (this: CanvasRenderingContext2D, left, top, width, height, settings) {
    count(width, height);
    return getImageData.call(this, left, top, width, height, settings);
  };
  context.drawImage = function (this: CanvasRenderingContext2D, ...args: unknown[]) {
    const { width, height } = this.canvas;
    count(width, height);
    Reflect.apply(drawImage, this, args);
  };
  const { toBlob, toDataURL } = HTMLCanvasElement.prototype;
  for (const [name, encode] of Object.entries({ toBlob, toDataURL }))
    Object.assign(HTMLCanvasElement.prototype, {
      [name](this: HTMLCanvasElement, ...args: unknown[]) {
        work.files++;
        return Reflect.apply(encode, this, args);
      },
    });
}

function countedPixels(): CanvasWork {
  return (window as unknown as { canvasWork: CanvasWork }).canvasWork;
}
