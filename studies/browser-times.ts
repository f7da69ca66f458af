import type { Page } from 'playwright-core';
import { median } from '../engine/benchmark/timing.ts';
import { codecs } from '../engine/host/node/codecs.ts';
import type { EditRequest, Engine, GenerateRequest } from '../shared/api.ts';
import { openWorkbench } from '../test/e2e/harness.ts';
import { ViewUnderTest } from '../test/e2e/viewPage.ts';
import { AS_WEB_EXTENSION } from '../test/e2e/webHost.ts';
import { type Called, callIn, squareMask } from '../test/web/calls.ts';
import { bundled, openPage } from '../test/web/server.ts';
import { byDefault, flag, study, table, whole, withEngine } from './frame.ts';

const SIDE = 256;
/** Milliseconds between keys, of somebody who types fast. */
const TYPING = 100;
/** A square of 5 % of the image. */
const EDITED = Math.sqrt(0.05);
const SCENE: GenerateRequest = {
  prompt: 'a red house by a lake at sunset',
  seed: 7,
  steps: 20,
  width: SIDE,
  height: SIDE,
};

const DRAFT: GenerateRequest = { ...SCENE, budget: 0.2 };

type Times = { wall: number; processor: number };

await study(
  {
    about:
      'What the web extension’s engine takes in headless Chromium, beside the desktop’s on the same machine: images of ' +
      'Scenes, an edit, memory. All take turns, so that ratios hold on a busy machine too, and processor seconds say ' +
      'what a quiet one would take at least. `--window` opens VS Code for the Web instead. Needs dist/.',
    options: {
      threads: flag('several threads in the browser, in a page that is isolated from other origins'),
      rounds: byDefault(whole('of each case', 1), 3),
      window: flag('from opening the window of VS Code to the first image'),
      draft: flag('the first image with a budget of 0.2, which drafts have'),
    },
  },
  async ({ threads, rounds, window, draft }) => {
    if (window) await inVSCode(rounds);
    else await withEngine((desktop) => compare(desktop, threads, rounds, draft ? DRAFT : SCENE));
  },
);

async function compare(
  desktop: Engine,
  threads: boolean,
  rounds: number,
  firstScene: GenerateRequest,
): Promise<void> {
  const script = await bundled('page.ts');
  const opened = performance.now();
  const browser = await openPage(script, { isolated: true, hash: threads ? 'threads' : '' });
  try {
    const row = table('', 'browser', 'processor', 'desktop', 'ratio');
    const processor = await processorOf(browser.page);
    const first = await callIn(browser.page, 'generate', firstScene);
    const [wall, computed] = [(performance.now() - opened) / 1000, await processor()];
    row('browser opened → first image', seconds(wall), seconds(computed), '', '');
    row('of it the engine’s start and the image', seconds(first.seconds), '', '', '');
    const cases = await casesOf(first);
    const times = cases.map(() => ({ here: [] as Times[], there: [] as number[] }));
    // The first of each loads the network's form.
    for (let round = -1; round < rounds; round++)
      for (const [i, { call, request }] of cases.entries()) {
        const asked = { ...request, seed: 8 + round };
        const before = await processor();
        const { seconds: wall } = await callIn(browser.page, call, asked);
        const here = { wall, processor: (await processor()) - before };
        const there = await timed(desktop, call, asked);
        if (round < 0) continue;
        times[i]!.here.push(here);
        times[i]!.there.push(there);
      }
    for (const [i, { title }] of cases.entries()) {
      const { here, there } = times[i]!;
      const [wall, other] = [median(here.map(({ wall }) => wall)), median(there)];
      const computed = median(here.map(({ processor }) => processor));
      row(title, seconds(wall), seconds(computed), seconds(other), `${(wall / other).toFixed(1)}×`);
    }
    row('memory of page and workers', `${((await memory(browser.page)) / 1e6).toFixed(0)} MB`, '', '', '');
  } finally {
    await browser.close();
  }
}

interface Case {
  title: string;
  call: 'generate' | 'edit';
  request: GenerateRequest & Partial<EditRequest>;
}

async function casesOf(image: Called): Promise<Case[]> {
  return [
    { title: 'image', call: 'generate', request: SCENE },
    { title: 'image, budget 0.2', call: 'generate', request: DRAFT },
    { title: 'edit of 5 %', call: 'edit', request: await editOf(image, SCENE) },
  ];
}

/** The processor seconds that all of a page's browser has taken. */
async function processorOf(page: Page): Promise<() => Promise<number>> {
  const tools = await page.context().browser()!.newBrowserCDPSession();
  return async () => {
    const { processInfo } = await tools.send('SystemInfo.getProcessInfo');
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
}

/**
 * Seconds since the window of VS Code for the Web was opened, each time in a new browser: until the workbench is drawn,
 * until the command has opened its box, until a prompt is typed there, until the first image is shown.
 */
async function inVSCode(rounds: number): Promise<void> {
  const row = table('', 'workbench', 'prompt box', 'prompt typed', 'first image', 'processor');
  for (let round = 1; round <= rounds; round++) {
    const vscode = await openWorkbench({}, AS_WEB_EXTENSION);
    try {
      const { page } = vscode;
      const processor = await processorOf(page);
      const opened = await page.evaluate(() => performance.timeOrigin);
      const passed = () => seconds((Date.now() - opened) / 1000);
      const workbench = passed();
      await vscode.run('Patchwork: Generate Image…');
      const box = page.getByPlaceholder('What should the image show?');
      await box.waitFor();
      const asked = passed();
      await box.pressSequentially(SCENE.prompt, { delay: TYPING });
      await page.keyboard.press('Enter');
      const typed = passed();
      await new ViewUnderTest(vscode).shows(SCENE.prompt);
      row(`visit ${round}`, workbench, asked, typed, passed(), seconds(await processor()));
    } finally {
      await vscode.close();
    }
  }
}

async function editOf(image: Called, request: GenerateRequest): Promise<EditRequest> {
  const data = squareMask(SIDE, 0.4, EDITED);
  const mask = await codecs.encode({ width: SIDE, height: SIDE, channels: 1, data }, { format: 'png' });
  return { ...request, prompt: 'a green tree', image: image.png, mask };
}

async function timed(engine: Engine, call: 'generate' | 'edit', request: object): Promise<number> {
  const begin = performance.now();
  await engine[call](request as never);
  return (performance.now() - begin) / 1000;
}

/** Bytes that the browser attributes to the page and its workers, WebAssembly's among them. */
function memory(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const measuring = performance as unknown as {
      measureUserAgentSpecificMemory(): Promise<{ bytes: number }>;
    };
    return (await measuring.measureUserAgentSpecificMemory()).bytes;
  });
}

function seconds(value: number): string {
  return `${value.toFixed(2)} s`;
}
