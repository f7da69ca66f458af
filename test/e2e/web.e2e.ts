/** Patchwork as a web extension: in the browser's own extension host, with the engine in a worker on WebAssembly. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import type { BenchmarkReport } from '../../shared/api.ts';
import { patchwork } from '../cli/patchwork.ts';
import { callTool } from './agentTool.ts';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { pictureFacts, textChunks } from './picture.ts';
import { storyIn } from './story.ts';
import { PICTURE, ViewUnderTest } from './viewPage.ts';
import { ticks } from './walkthrough.ts';
import { AS_WEB_EXTENSION, engineWorkers, webHost } from './webHost.ts';

const LAKE = 'a red house by a lake at sunset';
const FILE = 'images/a-red-house-by-a-lake-at-sunset-7.png';

/** Around a part of an image. */
const SQUARE = [
  [0.4, 0.4],
  [0.6, 0.4],
  [0.6, 0.6],
  [0.4, 0.6],
] as const;

let vscode: Workbench;
let view: ViewUnderTest;
let editor: EditorUnderTest;
/** The servers that the browser has asked for something. */
const servers = new Set<string>();
const step = storyIn(() => vscode);

before(async () => {
  const settings = {
    ...AS_WEB_EXTENSION,
    'patchwork.size': '128x128',
    'patchwork.steps': 6,
  };
  vscode = await openWorkbench({}, settings);
  vscode.page.context().on('request', (request) => servers.add(new URL(request.url()).hostname));
  view = new ViewUnderTest(vscode);
  editor = new EditorUnderTest(vscode);
});
after(() => vscode?.close());

step('starts no engine before somebody is about to ask for an image', async () => {
  await webHost(vscode);
  assert.equal((await engineWorkers(vscode)).length, 0);
});

step('says how long the first image will take', async () => {
  await view.open();
  await view.fill({ steps: '100' });
  await view.view.locator('[data-test=time]', { hasText: /^about \d+ s$/ }).waitFor();
  await view.fill({ steps: '' });
});

step('generates from the palette, without a process on the server', async () => {
  await vscode.run('Patchwork: Generate Image…');
  const box = vscode.page.getByPlaceholder('What should the image show?');
  await box.waitFor();
  await until(async () => (await engineWorkers(vscode)).length === 1, 'the engine while the prompt is typed');
  await box.fill(LAKE);
  await vscode.page.keyboard.press('Enter');
  await view.shows(LAKE);
  await vscode.screenshot('web-generated');
  assert.deepEqual(vscode.engines(), []);
});

step('cancels half way, and the next image comes', async () => {
  await vscode.set('patchwork.steps', 150);
  await view.generate();
  await view.view.locator('[data-test=remaining]').waitFor({ timeout: PICTURE });
  await view.view.locator('[data-action=cancel]').click();
  await view.notice('Cancelled.');
  await vscode.set('patchwork.steps', 6);
  await view.fill({ prompt: LAKE, seed: '7' });
  await view.generate();
  await view.shows(LAKE);
  assert.equal(await view.recipe('Seed'), '7');
});

step('saves into the workspace, with the recipe in the file', async () => {
  await view.view.locator('[data-action=save]').first().click();
  await view.notice(`Saved as ${FILE}.`);
  const png = fs.readFileSync(path.join(vscode.workspace, FILE));
  const facts = await pictureFacts(png);
  assert.equal(facts.width, 128);
  assert.ok(facts.colours > 20, `${facts.colours} colours`);
  assert.match(textChunks(png).parameters!, /Seed: 7\b/);
});

step('edits under a mask, undoes, and saves', async () => {
  const file = path.join(vscode.workspace, FILE);
  const before = fs.readFileSync(file);
  await editor.open(FILE);
  const original = await editor.pixels('current');
  await editor.drag(SQUARE);
  await editor.prompt('a green tree');
  await editor.applied();
  const edited = await editor.pixels('current');
  assert.notDeepEqual(edited, original);
  assert.deepEqual(edited.subarray(0, 4 * 128), original.subarray(0, 4 * 128), 'the first row is kept');
  await vscode.screenshot('web-edited');
  await vscode.inHost(({ commands }) => commands.executeCommand('undo'));
  await until(async () => (await editor.pixels('current')).equals(original), 'undo');
  await vscode.inHost(({ commands }) => commands.executeCommand('redo'));
  await until(async () => (await editor.pixels('current')).equals(edited), 'redo');
  await editor.save();
  await until(() => !fs.readFileSync(file).equals(before), 'the saved file');
  assert.equal((await pictureFacts(fs.readFileSync(file))).width, 128);
});

step('an agent generates, edits and is kept inside the workspace, as on the desktop', async () => {
  const inWorkspace = (file: string) => path.join(vscode.workspace, file);
  fs.mkdirSync(inWorkspace('../outside'));
  fs.symlinkSync('../outside', inWorkspace('link'));
  const { result } = await callTool(
    vscode,
    'generate_image',
    { prompt: LAKE, seed: 7, output: 'lake.png' },
    { title: 'Generate an image?', text: 'Generates an image on this machine. Saves lake.png.' },
  );
  assert.equal(result!.file, 'lake.png');
  assert.match(result!.uri as string, /^vscode-remote:.*\/picture-book\/lake\.png$/);
  assert.equal(result!.path, undefined);
  const facts = await pictureFacts(fs.readFileSync(inWorkspace('lake.png')));
  assert.equal(facts.width, 128);
  const edited = await callTool(
    vscode,
    'edit_image',
    { image: result!.uri, prompt: 'a blue boat', object: '1', seed: 1 },
    { title: 'Edit an image?', text: 'Repaints “1”' },
  );
  assert.deepEqual([edited.result?.file, edited.image], ['lake.blue-boat.png', true], edited.error);
  assert.ok(fs.existsSync(inWorkspace('lake.blue-boat.png')));
  for (const output of ['../x.png', '/data/x.png', '/storage/x.png', 'link/x.png']) {
    const { error } = await callTool(vscode, 'generate_image', { prompt: LAKE, output });
    assert.match(error!, /is outside/, output);
  }
  const kept = { prompt: LAKE, output: 'lake.png' };
  assert.match((await callTool(vscode, 'generate_image', kept)).error!, /lake\.png exists/);
  assert.deepEqual(fs.readdirSync(inWorkspace('../outside')), []);
  fs.unlinkSync(inWorkspace('link'));
});

step('the walkthrough ticks off what was done', async () => {
  await vscode.run('Patchwork: Get Started');
  await until(async () => (await ticks(vscode)).includes('generate'), 'the tick');
  await vscode.screenshot('web-walkthrough');
});

step('Manage Models lists what there is, and says why nothing can be fetched', async () => {
  await vscode.page.context().route(/huggingface\.co/, (route) => route.abort());
  await vscode.run('Patchwork: Manage Models…');
  const rows = vscode.page.locator('.quick-input-list .monaco-list-row');
  await rows.filter({ hasText: 'Scenes' }).first().waitFor();
  await vscode.screenshot('web-models');
  await vscode.page.getByPlaceholder('Choose a model, or download one').fill('bk-sdm-tiny');
  await rows.filter({ hasText: 'bk-sdm-tiny' }).first().click();
  const told = vscode.page.locator('.notifications-toasts', { hasText: 'Can’t reach huggingface.co' });
  await told.or(vscode.page.getByText("Can't reach huggingface.co")).first().waitFor({ timeout: PICTURE });
  assert.equal(await vscode.page.getByText('HTTPS_PROXY').count(), 0);
});

step('the benchmark panel runs, and its JSON has the figures of the command line', async () => {
  await vscode.run('Patchwork: Open Benchmark');
  const page = vscode.view;
  await page.locator('[data-action=customise]').click();
  for (const [field, value] of Object.entries({ size: '128x128', share: '10', repeat: '1' }))
    await page.locator(`#${field} input`).fill(value);
  for (const name of ['profile', 'isolate']) {
    const box = page.locator(`[data-choice=${name}]`);
    if (await box.evaluate((element: HTMLInputElement) => element.checked)) await box.click();
  }
  await page.locator('[data-action=run]').click();
  await page
    .locator('[data-test=notice]', { hasText: 'Finished: scenes, 128×128, one denoising step.' })
    .waitFor({ timeout: PICTURE });
  await vscode.screenshot('web-benchmark');
  const file = path.join(vscode.workspace, 'browser.json');
  await page.locator('[data-export=json]').click();
  await vscode.answerDialog(file);
  await until(() => fs.existsSync(file) && fs.statSync(file).size > 0, file);
  const here: BenchmarkReport = JSON.parse(fs.readFileSync(file, 'utf8'));
  const args = ['bench', 'dense', 'sparse', '--size', '128x128', '--mask', '10%', '--repeat', '1', '--json'];
  const there: BenchmarkReport = JSON.parse((await patchwork(args)).stdout);
  const counted = ({ rows }: BenchmarkReport) =>
    rows.map(({ case: name, mode, precision, macs, activeFraction }) => [
      ...[name, mode, precision, macs],
      activeFraction,
    ]);
  assert.deepEqual(counted(here), counted(there));
  assert.deepEqual(Object.keys(here).sort(), Object.keys(there).sort());
  assert.equal(here.machine.platform, 'browser');
  assert.match(here.machine.processor, /WebAssembly/);
  assert.equal(here.machine.versions.onnxruntime, there.machine.versions.onnxruntime);
});

step('after a reload the images are still there', async () => {
  await vscode.reload();
  await view.open();
  await view.view.locator('.thumbnail').nth(1).waitFor({ timeout: PICTURE });
});

const ALBUM = 'memfs:/album';

/** A file of the workspace in memory. */
async function kept(file: string): Promise<Buffer> {
  const read = await vscode.inHost(
    async ({ workspace, Uri }, address) =>
      Buffer.from(await workspace.fs.readFile(Uri.parse(address))).toString('base64'),
    `${ALBUM}/${file}`,
  );
  return Buffer.from(read, 'base64');
}

step('in a workspace in memory it generates, saves, edits, saves again, and reads that back', async () => {
  await vscode.openFolder(ALBUM);
  await view.open();
  await view.fill({ prompt: LAKE, seed: '7' });
  await view.generate();
  await view.shows(LAKE);
  await view.view.locator('[data-action=save]').first().click();
  await view.notice(`Saved as ${FILE}.`);
  const saved = await kept(FILE);
  assert.equal((await pictureFacts(saved)).width, 128);
  await editor.openAt(`${ALBUM}/${FILE}`);
  await editor.drag(SQUARE);
  await editor.prompt('a green tree');
  await editor.applied();
  const edited = await editor.pixels('current');
  await editor.save();
  await until(async () => !(await kept(FILE)).equals(saved), 'the saved file');
  await vscode.screenshot('web-memory');
  await editor.close();
  await editor.openAt(`${ALBUM}/${FILE}`);
  await editor.shows(edited, 'the image that was saved');
  const input = { prompt: LAKE, seed: 8, output: 'chat.jpg' };
  const { result, error } = await callTool(vscode, 'generate_image', input, {
    title: 'Generate an image?',
    text: 'Saves chat.jpg.',
  });
  assert.equal(result?.uri, `${ALBUM}/chat.jpg`, error);
  assert.equal((await pictureFacts(await kept('chat.jpg'))).width, 128);
});

step('asks other servers for nothing but what the user wanted to fetch', async () => {
  // Pages have addresses below the last, which VS Code answers itself.
  const here = /^$|^127\.0\.0\.1$|^localhost$|\.vscode-resource\.vscode-cdn\.net$/;
  assert.deepEqual(
    [...servers].filter((server) => !here.test(server)),
    ['huggingface.co'],
  );
});
