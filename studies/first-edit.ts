import fs from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { median } from '../engine/benchmark/timing.ts';
import { circle } from '../scripts/screenshots/strokes.ts';
import { EditorUnderTest } from '../test/e2e/editorPage.ts';
import { openWorkbench, type Workbench } from '../test/e2e/harness.ts';
import { byDefault, study, table, whole } from './frame.ts';

const PHOTO = path.join(import.meta.dirname, '../test/fixtures/photos/coffee.jpg');
/** Where things are painted, fractions of the image. */
const PLACES = [
  [0.3, 0.3],
  [0.7, 0.4],
  [0.4, 0.7],
  [0.6, 0.65],
] as const;
const RADIUS = 0.12;

await study(
  {
    about:
      'Times the first edit of a photograph in a real VS Code, after `npm run build`, against later edits. The user paints ' +
      'for some seconds before each: three strokes, then a prompt. The image is recorded meanwhile, as far as the drafts ' +
      'of the edit leave time for it.',
    options: {
      repeat: byDefault(whole('how often VS Code is opened', 1, 20), 3),
      seconds: byDefault(whole('of painting before an edit', 1, 60), 10),
      size: byDefault(whole('of the sides of the photograph, in pixels', 64, 2048), 512),
    },
  },
  async ({ repeat, seconds, size }) => {
    const photo = await sharp(PHOTO).resize(size, size).png().toBuffer();
    const row = table(`${size}×${size} pixels`, 'first edit', 'later edits', 'ratio');
    for (const drafts of [true, false]) {
      const rounds: number[][] = [];
      for (let i = 0; i < repeat; i++) rounds.push(await edits(photo, drafts, seconds));
      const first = median(rounds.map(([time]) => time!));
      const later = median(rounds.flatMap(([, ...times]) => times));
      const ratio = (first / later).toFixed(2);
      row(drafts ? 'with drafts' : 'without drafts', `${first.toFixed(2)} s`, `${later.toFixed(2)} s`, ratio);
    }
  },
);

/** Seconds of each edit, in a new VS Code. */
async function edits(photo: Buffer, drafts: boolean, seconds: number): Promise<number[]> {
  const vscode = await openWorkbench();
  try {
    fs.writeFileSync(path.join(vscode.workspace, 'photo.png'), photo);
    await vscode.set('patchwork.draftWhilePainting', drafts);
    const editor = new EditorUnderTest(vscode);
    await editor.open('photo.png');
    const times: number[] = [];
    for (const [i, place] of PLACES.entries()) {
      await editor.view.locator('#seed input').fill(String(i));
      await paint(vscode, editor, place, seconds);
      await editor.applied();
      const cost = await editor.view.locator('[data-test=cost]').textContent();
      times.push(Number.parseFloat(cost!));
    }
    return times;
  } finally {
    await vscode.close();
  }
}

/** Paints a mask for some seconds, in three strokes, and types a prompt. */
async function paint(
  vscode: Workbench,
  editor: EditorUnderTest,
  [x, y]: readonly [number, number],
  seconds: number,
): Promise<void> {
  const { page } = vscode;
  const end = performance.now() + seconds * 1000;
  await editor.prompt('a house');
  for (let stroke = 0; stroke < 3; stroke++) {
    const sheet = (await editor.view.locator('.sheet').boundingBox())!;
    for (const [i, [left, top]] of circle(x, y, RADIUS * (0.8 + 0.1 * stroke)).entries()) {
      await page.mouse.move(sheet.x + left * sheet.width, sheet.y + top * sheet.height);
      if (i === 0) await page.mouse.down();
      // A quarter of the time is spent on a stroke.
      await page.waitForTimeout((seconds * 250) / 40);
    }
    await page.mouse.up();
  }
  await editor.prompt('a red house');
  await page.waitForTimeout(Math.max(0, end - performance.now()));
}
