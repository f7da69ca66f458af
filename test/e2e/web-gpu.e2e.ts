/** Patchwork as a web extension on a browser's GPU: here one made of software, chosen by the user. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { similarity } from '../support/similarity.ts';
import { bundled, SOFTWARE_GPU } from '../web/server.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { storyIn } from './story.ts';
import { PICTURE, ViewUnderTest } from './viewPage.ts';
import { AS_WEB_EXTENSION, webHost } from './webHost.ts';

const LAKE = 'a red house by a lake at sunset';
const FILE = 'images/a-red-house-by-a-lake-at-sunset-7';

let vscode: Workbench;
let view: ViewUnderTest;
const step = storyIn(() => vscode);

before(async () => {
  const settings = {
    ...AS_WEB_EXTENSION,
    'patchwork.size': '64x64',
    'patchwork.steps': 1,
  };
  vscode = await openWorkbench({}, settings, { flags: SOFTWARE_GPU });
  view = new ViewUnderTest(vscode);
});
after(() => vscode?.close());

/** Lets the GPU count as tried, in the worker of the web extensions. */
async function rememberGpu(): Promise<void> {
  const script = await bundled('known-gpu-worker.ts');
  const host = await webHost(vscode);
  await host.evaluate(script);
  await host.evaluate(() => (globalThis as unknown as { rememberGpu(): Promise<void> }).rememberGpu());
}

/** Generates, and saves as `file`. */
async function generated(file: string): Promise<Buffer> {
  const images = view.view.locator('.thumbnail');
  const before = await images.count();
  await view.fill({ prompt: LAKE, seed: '7' });
  await view.generate();
  // Compiling its programs takes a GPU of software minutes on a busy machine.
  await images.nth(before).waitFor({ timeout: 2 * PICTURE });
  await view.shows(LAKE);
  await view.view.locator('[data-action=save]').first().click();
  await view.notice(`Saved as ${file}.`);
  return fs.readFileSync(path.join(vscode.workspace, file));
}

/** What the item in the status bar says to screen readers. */
async function computesOn(device: string): Promise<void> {
  const labels = vscode.page.locator('.statusbar-item[aria-label], .statusbar-item [aria-label]');
  const said = () => labels.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')).join('; '));
  await until(async () => (await said()).includes(device), `${device} in ${await said()}`);
}

step('an image from the GPU is that of the processor', async () => {
  await rememberGpu();
  // A setting of the machine, which a server does not take from the user's.
  await vscode.set('patchwork.device', 'webgpu');
  await view.open();
  const there = await generated(`${FILE}.png`);
  await computesOn('(WebGPU)');
  await vscode.screenshot('web-gpu');
  await vscode.set('patchwork.device', 'cpu');
  const here = await generated(`${FILE}-2.png`);
  await computesOn('processor, by WebAssembly');
  const psnr = await similarity(there, here);
  assert.ok(psnr >= 40, `${psnr} dB`);
});
