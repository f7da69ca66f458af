import { openWorkbench } from '../test/e2e/harness.ts';
import { ViewUnderTest } from '../test/e2e/viewPage.ts';
import { AS_WEB_EXTENSION, webHost } from '../test/e2e/webHost.ts';
import { SOFTWARE_GPU } from '../test/web/server.ts';
import { study, table } from './frame.ts';

const SETTINGS = { ...AS_WEB_EXTENSION, 'patchwork.device': 'cpu' };
const FLAGS = [[], ['--enable-unsafe-webgpu'], SOFTWARE_GPU];

await study(
  {
    about:
      'Which places of VS Code for the Web a headless Chromium gives a GPU to: the worker of the extensions, the page of ' +
      'a view, workers of these and workers of those. After `npm run build`.',
  },
  async () => {
    const row = table('flags', 'place', 'itself', 'its worker', 'a worker of that');
    for (const flags of FLAGS) {
      const vscode = await openWorkbench({}, SETTINGS, { flags });
      try {
        await new ViewUnderTest(vscode).open();
        const host = await webHost(vscode);
        const places = {
          'worker of the extensions': await host.evaluate(gpus),
          'page of the view': await vscode.view.locator('body').evaluate(gpus),
        };
        for (const [place, found] of Object.entries(places)) row(flags.join(' ') || 'none', place, ...found);
      } finally {
        await vscode.close();
      }
    }
  },
);

/** What GPU a place has, and then a worker that it starts, and a worker of that one. Runs in the browser. */
async function gpus(): Promise<string[]> {
  const here = async () => {
    type Gpu = { requestAdapter(): Promise<{ info: { architecture: string } } | null> };
    const { gpu } = navigator as { gpu?: Gpu };
    if (!gpu) return 'no WebGPU';
    const adapter = await gpu.requestAdapter().catch(() => null);
    return adapter ? adapter.info.architecture : 'no adapter';
  };
  const below = (source: string, depth: number) =>
    new Promise<string[]>((resolve) => {
      const refused = (why: string) => resolve(Array(depth).fill(why));
      try {
        const worker = new Worker(URL.createObjectURL(new Blob([source])));
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = () => refused('may start none');
        worker.postMessage({ source, depth });
      } catch {
        refused('may start none');
      }
    });
  const source = `
    const __name = (named) => named;
    const here = ${here};
    const below = ${below};
    onmessage = async ({ data: { source, depth } }) =>
      postMessage([await here(), ...(depth > 1 ? await below(source, depth - 1) : [])]);`;
  return [await here(), ...(await below(source, 2))];
}
