// Measures the picture editor in a real VS Code (after a build): node --import tsx scripts/editor-times.ts
// First paint of a picture of two megapixels, and the frames of a brush stroke over it.
import fs from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { openWorkbench } from '../test/e2e/harness.ts';

const [WIDTH, HEIGHT] = [1600, 1250];
const REPEATS = 5;

const vscode = await openWorkbench();
try {
  await vscode.page.setViewportSize({ width: 1600, height: 1000 });
  // Noise over slow waves is about as hard to decode as a photograph.
  const data = new Uint8Array(3 * WIDTH * HEIGHT).map(
    (_, i) => 128 + 90 * Math.sin(i / 9000) + 20 * Math.random(),
  );
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 as const };
  const png = await sharp(data, { raw }).png().toBuffer();
  for (let i = 0; i <= REPEATS; i++) fs.writeFileSync(path.join(vscode.workspace, `${i}.png`), png);
  // The first webview of a VS Code is slow whatever it shows.
  await open(0);
  const paints: Paint[] = [];
  for (let i = 1; i <= REPEATS; i++) paints.push(await open(i));
  console.log(
    `first paint of ${WIDTH}×${HEIGHT}, from the command: ${ms(paints.map(({ command }) => command))}`,
  );
  console.log(`of it in the page, from its start: ${ms(paints.map(({ page }) => page))}`);
  console.log(`and from when the picture had come: ${ms(paints.map(({ picture }) => picture))}`);
  for (const size of [48, 200, 400]) {
    await setBrush(size);
    console.log(`frames while a brush of ${size} pixels is dragged: ${ms(await stroke())}`);
  }
} finally {
  await vscode.close();
}

/** Milliseconds until a picture is on the screen: from the command, the page's start, and when the page had its file. */
interface Paint {
  command: number;
  page: number;
  picture: number;
}

async function open(i: number): Promise<Paint> {
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

async function setBrush(size: number): Promise<void> {
  const percent = Math.round((100 * Math.log(size)) / Math.log(512));
  await vscode.view.locator('[data-action=size]').evaluate((input: HTMLInputElement, value) => {
    input.value = String(value);
    input.dispatchEvent(new Event('input'));
  }, percent);
}

/** Drags the brush for some seconds. @returns milliseconds from frame to frame */
async function stroke(): Promise<number[]> {
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

/** Median, 95th percentile and most. */
function ms(values: number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    `${sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(1)} ms`;
  return `median ${at(0.5)}, 95 % ${at(0.95)}, most ${at(1)} (${values.length})`;
}
