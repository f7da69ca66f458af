import { codecs } from '../engine/host/node/codecs.ts';
import type { EditRequest, Engine, GenerateRequest } from '../shared/api.ts';
import { type Called, callIn, squareMask } from '../test/web/calls.ts';
import { bundled, openPage } from '../test/web/server.ts';
import { byDefault, flag, study, table, whole, withEngine } from './frame.ts';

const SIDE = 256;
/** A square of 5 % of the image. */
const EDITED = Math.sqrt(0.05);

await study(
  {
    about:
      'What the web extension’s engine takes in headless Chromium, beside the desktop’s on the same machine: images of ' +
      'Scenes, an edit, memory. The two take turns, so that their ratio holds on a busy machine too. Needs dist/.',
    options: {
      threads: flag('several threads in the browser, in a page that is isolated from other origins'),
      rounds: byDefault(whole('of each case', 1), 3),
    },
  },
  async ({ threads, rounds }) =>
    withEngine(async (desktop) => {
      const script = await bundled('page.ts');
      const opened = performance.now();
      const browser = await openPage(script, { isolated: true, hash: threads ? 'threads' : '' });
      try {
        const scene: GenerateRequest = {
          prompt: 'a red house by a lake at sunset',
          seed: 7,
          steps: 20,
          width: SIDE,
          height: SIDE,
        };
        const first = await callIn(browser.page, 'generate', scene);
        const window = (performance.now() - opened) / 1000;
        const edit = await editOf(first, scene);
        const cases: readonly (readonly [
          string,
          'generate' | 'edit',
          GenerateRequest & Partial<EditRequest>,
        ])[] = [
          ['image', 'generate', scene],
          ['edit of 5 %', 'edit', edit],
        ];
        const row = table('', 'browser', 'desktop', 'ratio');
        row('browser opened → first image', seconds(window), '', '');
        row('first image, engine’s start with it', seconds(first.seconds), '', '');
        for (const [title, call, request] of cases) {
          const times = { browser: [] as number[], desktop: [] as number[] };
          // The first of each loads the network's form.
          for (let round = -1; round < rounds; round++) {
            const { seconds: here } = await callIn(browser.page, call, { ...request, seed: 8 + round });
            const there = await timed(desktop, call, { ...request, seed: 8 + round });
            if (round < 0) continue;
            times.browser.push(here);
            times.desktop.push(there);
          }
          const [here, there] = [median(times.browser), median(times.desktop)];
          row(title, seconds(here), seconds(there), `${(here / there).toFixed(1)}×`);
        }
        row('memory of page and workers', `${((await memory(browser.page)) / 1e6).toFixed(0)} MB`, '', '');
      } finally {
        await browser.close();
      }
    }),
);

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
function memory(page: Awaited<ReturnType<typeof openPage>>['page']): Promise<number> {
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

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
