import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import sharp from 'sharp';
import { redShare } from '../support/red.ts';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, type Workbench } from './harness.ts';
import { field } from './picture.ts';
import { storyIn } from './story.ts';
import { ToolFolder } from './toolFolder.ts';

const SIDE = 256;
const HOUSE = 'a red house in a meadow at noon';

let vscode: Workbench;
let editor: EditorUnderTest;
let tool: ToolFolder;
const step = storyIn(() => vscode);

before(async () => {
  vscode = await openWorkbench();
  editor = new EditorUnderTest(vscode);
  tool = new ToolFolder(vscode);
  fs.writeFileSync(path.join(vscode.workspace, 'field.png'), await field());
});
after(() => vscode?.close());

/** The share of red in the left and the right half of an image, RGBA. */
async function redHalves(image: Buffer, raw?: { width: number; height: number; channels: 4 }) {
  const half = async (left: number) => {
    const area = { left, top: 90, width: SIDE / 2, height: 130 };
    const part = sharp(image, raw && { raw })
      .ensureAlpha()
      .extract(area);
    return redShare(await part.raw().toBuffer(), 4);
  };
  return [await half(0), await half(SIDE / 2)] as const;
}

step('what is masked in the editor becomes a region with a prompt of its own', async () => {
  await editor.open('field.png');
  await editor.press('tool-rectangle');
  await editor.drag([
    [0.5, 0],
    [1, 1],
  ]);
  await tool.open('regions');
  await editor.press('masked-region');
  await editor.press('way-all');
  await editor.prompt('a meadow at noon');
  const hindrance = editor.view.locator('[data-test=hindrance]');
  await hindrance.filter({ hasText: 'Enter the prompt of region 1.' }).waitFor();
  await tool.row('regions-0').locator('[data-action=region-prompt]').fill(HOUSE);
  await hindrance.filter({ hasText: 'Enter the prompt' }).waitFor({ state: 'detached' });
  await editor.view.locator('#seed input').fill('3');
  await editor.view.locator('[data-action=strength]').first().fill('1');
  await tool.row('regions-0').scrollIntoViewIfNeeded();
  await vscode.screenshot('region');
  await editor.apply();
  await editor.idle();
  await editor.notice('Edit applied.');
  const raw = { width: SIDE, height: SIDE, channels: 4 } as const;
  const [left, right] = await redHalves(await editor.pixels('current'), raw);
  assert.ok(right > 0.1 && left < right / 4, `${left} left, ${right} right`);
  await vscode.screenshot('region-applied');
});

step('an image that is dropped on the view’s regions is one, and the recipe names its prompt', async () => {
  await tool.view.open();
  const black = sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: 'black' } });
  const white = { create: { width: 128, height: SIDE, channels: 3, background: 'white' } } as const;
  const mask = await black
    .composite([{ input: white, left: 0, top: 0 }])
    .png()
    .toBuffer();
  await tool.list('regions').evaluate((well, base64) => {
    const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([data], 'left.png'));
    well.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }, mask.toString('base64'));
  await tool.row('regions-0').locator('[data-action=region-prompt]').fill(HOUSE);
  await tool.view.fill({ seed: '3' });
  await tool.generated('a meadow at noon');
  assert.equal(await tool.view.recipe('Region'), HOUSE);
  await vscode.screenshot('region-view');
  const folder = path.join(vscode.globalStorage(), 'pictures');
  const [file] = fs.readdirSync(folder).filter((name) => name.endsWith('.png'));
  const [left, right] = await redHalves(fs.readFileSync(path.join(folder, file!)));
  assert.ok(left > 0.1 && right < left / 4, `${left} left, ${right} right`);
  assert.deepEqual(vscode.violations, []);
});
