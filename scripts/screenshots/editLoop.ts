// Makes docs/images/edit-loop.webp, the animated picture of the edit loop, from screenshots of it.
import path from 'node:path';
import sharp from 'sharp';
import { EditorUnderTest } from '../../test/e2e/editorPage.ts';
import { openWorkbench } from '../../test/e2e/harness.ts';
import { circle } from './strokes.ts';
import { FOLDER } from './themes.ts';

/** Width of the animation, in pixels. */
const WIDTH = 880;
/** Milliseconds that frames are shown: for a movement, a step and a result. */
const [QUICK, STEP, RESULT] = [90, 700, 2200];
const MOST_BYTES = 1.5e6;

interface Frame {
  png: Buffer;
  delay: number;
}

const vscode = await openWorkbench();
const editor = new EditorUnderTest(vscode);
const frames: Frame[] = [];
try {
  await vscode.page.setViewportSize({ width: 1100, height: 700 });
  for (const [name, value] of [
    ['workbench.activityBar.location', 'hidden'],
    ['workbench.statusBar.visible', false],
    ['workbench.editor.showTabs', 'none'],
    ['breadcrumbs.enabled', false],
  ] as const)
    await vscode.set(name, value);
  await vscode.set('patchwork.size', '512x512');
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.closeSidebar'));
  await vscode.inHost(
    ({ commands }, request) => {
      void commands.executeCommand('patchwork.generateImage', request);
    },
    { prompt: 'a yellow tent by a lake at sunset', seed: 3 },
  );
  await vscode.view.locator('main[data-state=idle] img.picture').waitFor({ timeout: 120_000 });
  await vscode.view.locator('[data-action=save]').click();
  await vscode.view.locator('[data-test=notice]', { hasText: 'Saved' }).waitFor();
  await editor.close();
  await editor.open('images/a-yellow-tent-by-a-lake-at-sunset-3.png');
  await editor.prepared();
  await frame(STEP);
  await paint(circle(0.25, 0.22, 0.12), 'a red balloon in the sky at sunset', '7');
  await paint(circle(0.5, 0.82, 0.1), 'a white boat on a lake at sunset', '3');
  // Without a prompt: removes the balloon.
  await editor.press('way-remove');
  await editor.press('tool-select');
  await editor.drag([[0.22, 0.2]]);
  await vscode.view.locator('main.editor[data-mask=shown]').waitFor();
  await vscode.page.waitForTimeout(1500);
  await frame(STEP);
  await apply();
} finally {
  await vscode.close();
}
const size = { width: WIDTH };
const pages = await Promise.all(frames.map(({ png }) => sharp(png).resize(size).png().toBuffer()));
const target = path.join(FOLDER, 'edit-loop.webp');
const { size: bytes } = await sharp(pages, { join: { animated: true } })
  .webp({ quality: 60, effort: 6, loop: 0, delay: frames.map(({ delay }) => delay) })
  .toFile(target);
console.log(`${target}: ${frames.length} frames, ${(bytes / 1e6).toFixed(2)} MB`);
if (bytes > MOST_BYTES)
  throw new Error(`The animation has ${bytes} bytes; at most ${MOST_BYTES} are wanted.`);

async function frame(delay: number): Promise<void> {
  frames.push({ png: await vscode.page.screenshot(), delay });
}

/** Masks along points, types a prompt, and applies it. */
async function paint(points: [number, number][], prompt: string, seed: string): Promise<void> {
  const sheet = (await editor.view.locator('.sheet').boundingBox())!;
  const { mouse } = vscode.page;
  for (const [i, [x, y]] of points.entries()) {
    await mouse.move(sheet.x + x * sheet.width, sheet.y + y * sheet.height);
    if (i === 0) await mouse.down();
    if (i % 5 === 4) await frame(QUICK);
  }
  await mouse.up();
  await editor.view.locator('#seed input').fill(seed);
  const words = prompt.split(' ');
  for (let i = 2; i < words.length + 2; i += 2) {
    await editor.prompt(words.slice(0, i).join(' '));
    await frame(2 * QUICK);
  }
  await editor.drafted();
  await frame(STEP);
  // The user looks at the draft.
  await vscode.page.waitForTimeout(1500);
  await apply();
}

async function apply(): Promise<void> {
  await editor.apply();
  await editor.notice('Edit applied.');
  await editor.idle();
  await vscode.page.mouse.move(4, 4);
  await frame(RESULT);
}
