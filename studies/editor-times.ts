import fs from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { openWorkbench, type Workbench } from '../test/e2e/harness.ts';
import { byDefault, study, table, whole } from './frame.ts';

const [WIDTH, HEIGHT] = [1600, 1250];

await study(
  {
    about:
      'Times the image editor in a real VS Code, after `npm run build`: the first paint of an image of two megapixels, ' +
      'and the frames of a brush stroke over it.',
    options: { repeat: byDefault(whole('how often the image is opened', 1, 50), 5) },
  },
  async ({ repeat }) => {
    const vscode = await openWorkbench();
    try {
      await vscode.page.setViewportSize({ width: 1600, height: 1000 });
      // Noise over slow waves is about as hard to decode as a photograph.
      const data = new Uint8Array(3 * WIDTH * HEIGHT).map(
        (_, i) => 128 + 90 * Math.sin(i / 9000) + 20 * Math.random(),
      );
      const raw = { width: WIDTH, height: HEIGHT, channels: 3 as const };
      const png = await sharp(data, { raw }).png().toBuffer();
      for (let i = 0; i <= repeat; i++) fs.writeFileSync(path.join(vscode.workspace, `${i}.png`), png);
      // The first webview of a VS Code is slow whatever it shows.
      await open(vscode, 0);
      const paints: Paint[] = [];
      for (let i = 1; i <= repeat; i++) paints.push(await open(vscode, i));
      const row = table(`${WIDTH}×${HEIGHT} pixels`, 'median', '95 %', 'most', 'count');
      row('from the command to the image on the screen', ...spread(paints.map(({ command }) => command)));
      row('of it in the page, from its start', ...spread(paints.map(({ page }) => page)));
      row('of it after the image had come to the page', ...spread(paints.map(({ picture }) => picture)));
      for (const size of [48, 200, 400]) {
        await setBrush(vscode, size);
        row(`frame to frame while a brush of ${size} pixels is dragged`, ...spread(await stroke(vscode)));
      }
    } finally {
      await vscode.close();
    }
  },
);

/** Milliseconds until an image is on the screen: from the command, from the page's start, from when the page had its file. */
interface Paint {
  command: number;
  page: number;
  picture: number;
}

async function open(vscode: Workbench, i: number): Promise<Paint> {
  const begin = Date.now();
  await vscode.inHost(
    ({ commands, Uri }, file) => {
      void commands.executeCommand('patchwork.editPicture', Uri.file(file));
    },
    path.join(vscode.workspace, `${i}.png`),
  );
  await vscode.view.locator(`.stage[aria-label^="${i}.png"]`).waitFor();
  await vscode.page.waitForTimeout(1000);
  return await vscode.view.locator('body').evaluate((_, start) => {
    const at = (name: string) => performance.getEntriesByName(name)[0]!.startTime;
    return {
      command: performance.timeOrigin + at('painted') - start,
      page: at('painted'),
      picture: at('painted') - at('received'),
    };
  }, begin);
}

async function setBrush(vscode: Workbench, size: number): Promise<void> {
  const percent = Math.round((100 * Math.log(size)) / Math.log(512));
  await vscode.view.locator('[data-action=size]').evaluate((input: HTMLInputElement, value) => {
    input.value = String(value);
    input.dispatchEvent(new Event('input'));
  }, percent);
}

/** Drags the brush for some seconds. @returns milliseconds from frame to frame */
async function stroke(vscode: Workbench): Promise<number[]> {
  const sheet = (await vscode.view.locator('.sheet').boundingBox())!;
  const place = (t: number): [number, number] => [
    sheet.x + sheet.width * (0.5 + 0.4 * Math.sin(3 * t)),
    sheet.y + sheet.height * (0.5 + 0.4 * Math.cos(2 * t)),
  ];
  await vscode.page.mouse.move(...place(0));
  await vscode.page.mouse.down();
  await vscode.view.locator('body').evaluate((body) => {
    const frames: number[] = [];
    delete body.dataset.stop;
    requestAnimationFrame(function next(time) {
      frames.push(time);
      if (!body.dataset.stop) requestAnimationFrame(next);
      body.dataset.frames = frames.join();
    });
  });
  for (let t = 0; t < 6; t += 0.02) await vscode.page.mouse.move(...place(t));
  const frames = (
    await vscode.view.locator('body').evaluate((body) => {
      body.dataset.stop = 'yes';
      return body.dataset.frames!;
    })
  )
    .split(',')
    .map(Number);
  await vscode.page.mouse.up();
  return frames.slice(1).map((time, i) => time - frames[i]!);
}

/** Median, 95th percentile and largest of some milliseconds, and how many there are. */
function spread(values: number[]): (string | number)[] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    `${sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(1)} ms`;
  return [at(0.5), at(0.95), at(1), values.length];
}
