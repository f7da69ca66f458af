import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import type { Locator } from 'playwright-core';
import { inEachTheme } from '../../scripts/screenshots/themes.ts';
import type { BenchmarkReport } from '../../shared/api.ts';
import { formatGigaMacs } from '../../shared/format.ts';
import { macsUnit } from '../../webview/benchmark/units.ts';
import { patchwork } from '../cli/patchwork.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { storyIn } from './story.ts';

const RUN = 600_000;

let vscode: Workbench;
const step = storyIn(() => vscode);

before(async () => {
  vscode = await openWorkbench();
});
after(() => vscode?.close());

step('four presets come first, each with a sentence, a predicted time and a button of its own', async () => {
  await vscode.run('Patchwork: Open Benchmark');
  await vscode.view.locator('main[data-state=idle]').waitFor();
  const presets = vscode.view.locator('.preset:has([data-preset])');
  await until(async () => (await presets.count()) === 4, 'four presets');
  const times = presets.locator('[data-test=time]');
  // Nothing was measured yet, and the panel says so.
  await times
    .filter({ hasText: /^Takes .* roughly: nothing of this size was measured here yet\.\s*$/ })
    .nth(3)
    .waitFor();
  const buttons = await presets.locator('[data-preset]').allTextContents();
  assert.equal(new Set(buttons.map((text) => text.trim())).size, 4, buttons.join());
  // SIGE's masks are shipped, and its cost is shown before it runs.
  await vscode.view.locator('.preset [title*="3.44 GB of synthetic weights"]').waitFor();
  assert.equal(await vscode.view.locator('#size').isVisible(), false, 'the form is behind Customise');
  for (const height of [720, 900]) {
    await vscode.page.setViewportSize({ width: 1280, height });
    for (const button of await vscode.view.locator('[data-preset]').all()) await inView(button);
  }
  await vscode.screenshot('benchmark-start');
});

step('operations against resolution are counted at a press, and nothing runs', async () => {
  await vscode.view.locator('[data-action=count]').click();
  await vscode.view.locator('patchwork-chart[label="MACs against resolution"] canvas').waitFor();
  await vscode.view.locator('figure summary').first().click();
  const cells = await vscode.view.locator('[data-test=curves] tbody tr').allTextContents();
  assert.equal(cells.length, 5);
  // FLUX.2 and SANA at 1024×1024, as counted from their authors' modules.
  assert.match(cells[2]!, /1024×1024.*17\.4 TMACs.*560\.7 GMACs/s);
  assert.equal(await vscode.view.locator('main[data-state=idle]').count(), 1);
  await vscode.screenshot('benchmark-curves');
  await vscode.view.locator('figure summary').first().click();
});

step('Customise shows the whole form, its modes explained, with Run in view', async () => {
  await vscode.page.setViewportSize({ width: 1280, height: 720 });
  await act('customise');
  await inView(vscode.view.locator('#size'));
  for (const mode of await vscode.view.locator('.mode').all())
    assert.match((await mode.locator('.hint').textContent())!, /^[A-Z].{20,}\.$/);
  for (const height of [600, 720, 900]) {
    await vscode.page.setViewportSize({ width: 1280, height });
    await inView(vscode.view.locator('[data-action=run]'));
  }
  await vscode.screenshot('benchmark-customise');
});

step('what cannot be run says why before it is run', async () => {
  const problem = (text: string | RegExp) =>
    vscode.view.locator('[data-test=problem]', { hasText: text }).waitFor();
  await fill('size', '8192x8192');
  await problem('The width must be a multiple of 8 from 64 to 2048 pixels');
  await vscode.view.locator('[data-action=run][disabled]').waitFor();
  await fill('size', '128x128');
  await vscode.view.locator('[data-choice=fp32]').click();
  await problem('Choose at least one precision.');
  await vscode.view.locator('[data-choice=fp32]').click();
  await fill('threads', '4096');
  await problem('Threads: enter a whole number, 0 (automatic) to 1024.');
  await fill('threads', '');
  await fill('share', '0');
  await problem('Mask area: enter more than 0 and at most 100 %.');
  await fill('share', '10');
  await vscode.view.locator('[data-test=cost]', { hasText: 'Scenes at 128×128' }).waitFor();
});

step('runs a small benchmark to the end, with progress, and knows then how long it takes', async () => {
  await fill('repeat', '2');
  await act('run');
  await vscode.view.locator('[data-test=progress]').waitFor();
  await finished('Finished: Scenes, 128×128, one denoising step.');
  await vscode.view.locator('.bar [data-test=time]', { hasText: /^Took .* s last time\.$/ }).waitFor();
  // The step time that it measured holds for the others too.
  await vscode.view
    .locator('.preset [data-test=time]', { hasText: /^Takes [^,]*(s|min|h|less)\./ })
    .first()
    .waitFor();
});

step('its numbers are those of the command line', async () => {
  const args = ['bench', 'dense', 'sparse', '--size', '128x128', '--mask', '10%', '--repeat', '2'];
  const { stdout } = await patchwork([...args, '--profile', '--isolate', '--json']);
  const report: BenchmarkReport = JSON.parse(stdout);
  for (const row of report.rows) {
    assert.equal(await cell(row.case, 'MACs'), formatGigaMacs(row.macs));
    const psnr = row.psnr === null ? '–' : `${row.psnr.toFixed(1)} dB`;
    assert.equal(await cell(row.case, 'PSNR under the mask'), psnr);
    near(milliseconds(await cell(row.case, 'Median')), 1000 * row.medianSeconds, 20);
    near(bytes(await cell(row.case, 'Peak memory (own process)')), row.peakBytes, 1.5);
  }
  const [dense, sparse] = report.rows;
  near(Number.parseFloat(await cell('sparse', 'Fewer MACs')), dense!.macs / sparse!.macs, 1.01);
  const kinds = await vscode.view
    .locator('[data-test=macs] tbody tr')
    .first()
    .locator('td')
    .allTextContents();
  const unit = macsUnit(report.rows.map(({ macs }) => macs));
  assert.deepEqual(kinds.toSorted(), Object.values(dense!.macsByKind).map(unit.format).toSorted());
  const machine = await vscode.view.locator('[data-test=machine]').textContent();
  assert.ok(machine!.includes(`ONNX Runtime ${report.machine.versions.onnxruntime}`), machine!);
});

step('charts are drawn, and each has its numbers in a table', async () => {
  const charts = vscode.view.locator('patchwork-chart canvas');
  assert.equal(await charts.count(), 4);
  for (const chart of await charts.all()) {
    assert.ok(await chart.getAttribute('aria-label'));
    const colours = await chart.evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
    assert.ok(colours > 10, `${colours} colours`);
  }
  assert.equal(await vscode.view.locator('[data-test=latency] tbody tr').count(), 2);
  assert.equal(await vscode.view.locator('[data-test=memory] tbody tr').count(), 2);
  const operators = vscode.view.locator('[data-test=operators]').first();
  await operators.locator('th', { hasText: 'Conv' }).waitFor({ state: 'attached' });
});

step('a mask can be painted with the pointer and with the keyboard', async () => {
  await choose('maskKind', 'Draw a mask');
  const canvas = vscode.view.locator('mask-canvas canvas');
  await canvas.focus();
  await vscode.page.keyboard.press('Space');
  const painted = async () =>
    Number(/(\d+) % painted/.exec((await canvas.getAttribute('aria-label')) ?? '')?.[1]);
  const byKeys = await painted();
  assert.ok(byKeys > 0, 'Space paints');
  await canvas.evaluate((element) => element.scrollIntoView({ block: 'center' }));
  const box = (await canvas.boundingBox())!;
  await vscode.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await vscode.page.mouse.down();
  await vscode.page.mouse.move(box.x + box.width / 2 + 40, box.y + box.height / 2, { steps: 10 });
  await vscode.page.mouse.up();
  assert.ok((await painted()) > byKeys);
});

step('whole pictures show themselves, with their distance from the dense one', async () => {
  await choose('scope', 'Whole images');
  // Two dense ones, one after which bands are exchanged, and one that reads them.
  await fill('steps', '4');
  await fill('repeat', '1');
  for (const name of ['profile', 'isolate', 'patch'])
    await vscode.view.locator(`[data-choice=${name}]`).click();
  await fill('workers', '2');
  await fill('threads', '1');
  await act('run');
  await finished('Finished: Scenes, 128×128, whole images of 4 steps.');
  for (const name of ['original', 'generate', 'dense', 'sparse', 'patch-2']) {
    const picture = vscode.view.locator(`img[data-picture=${name}]`);
    await picture.waitFor();
    assert.equal(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth), 128);
  }
  assert.match(await cell('sparse', 'PSNR under the mask'), /^\d+\.\d dB$/);
  await vscode.screenshot('benchmark-whole');
});

step('what several workers did is listed worker by worker, and drawn on the picture', async () => {
  const table = vscode.view.locator('[data-test=workers] tbody tr');
  assert.deepEqual(await table.locator('td:nth-child(2)').allTextContents(), ['rows 0 to 7', 'rows 8 to 15']);
  for (const received of await table.locator('td:last-child').allTextContents())
    assert.ok(Number.parseFloat(received) > 0, received);
  const bands = vscode.view.locator('[data-test=bands]');
  assert.equal(await bands.count(), 1);
  assert.deepEqual(await bands.locator('text').allTextContents(), ['1', '2']);
  assert.equal(await bands.locator('line.light').getAttribute('y1'), '50%');
  await vscode.view
    .locator('[data-test=published] tbody', { hasText: '24.6 dB' })
    .waitFor({ state: 'attached' });
});

step('cancels half way', async () => {
  await fill('repeat', '1000');
  await act('run');
  await vscode.view.locator('[data-test=progress]', { hasText: /^Round/ }).waitFor({ timeout: RUN });
  await act('cancel');
  await finished('Cancelled.');
  assert.equal(await vscode.view.locator('[data-run]').count(), 2, 'half a run is not kept');
});

step('a failure is reported in one sentence, and gone after the next action', async () => {
  const file = path.join(vscode.workspace, 'bad.json');
  for (const [text, sentence] of [
    ['{', 'bad.json is not valid JSON.'],
    ['{}', 'bad.json is not a Patchwork benchmark file (“date” is missing or invalid).'],
  ] as const) {
    fs.writeFileSync(file, text);
    await act('import');
    await vscode.answerDialog(file);
    await vscode.view.locator('[data-test=failure]', { hasText: sentence }).waitFor();
  }
  await vscode.view.locator('[data-run]').first().click();
  await vscode.view.locator('[data-test=failure]').waitFor({ state: 'detached' });
});

step('runs are compared side by side', async () => {
  await vscode.view.locator('[data-compare]').nth(1).click();
  await vscode.view.locator('[data-test=figures] tbody tr').nth(5).waitFor();
  const titles = await vscode.view.locator('[data-test=figures] tbody th').allTextContents();
  assert.deepEqual(titles, [
    'A · Single worker (baseline)',
    'A · Dense · drawn',
    'A · Sparse · drawn',
    'A · Patch parallel · 2 workers',
    'B · Dense',
    'B · Sparse · 10 %',
  ]);
});

step('a reload of the window brings the comparison and the form back', async () => {
  await vscode.reload();
  await vscode.view.locator('[data-test=figures] tbody tr').nth(5).waitFor();
  assert.equal(await vscode.view.locator('#steps input').inputValue(), '4');
  await vscode.view
    .locator('mask-canvas canvas:not([aria-label*=" 0 % painted"])')
    .waitFor({ state: 'attached' });
});

step('exports JSON, CSV and Markdown, reads a mask from a file, and imports the JSON again', async () => {
  await vscode.view.locator('[data-run]').nth(1).click();
  await vscode.view.locator('h1', { hasText: 'one denoising step' }).waitFor();
  const json = await exported('json', 'run.json');
  const { stdout } = await patchwork(['bench', 'dense', '--size', '64x64', '--repeat', '1', '--json']);
  const fromCommand = JSON.parse(stdout);
  const keys = (object: object) => Object.keys(object).sort();
  assert.deepEqual(keys(JSON.parse(json)), keys(fromCommand));
  assert.deepEqual(keys(JSON.parse(json).rows[0]), keys(fromCommand.rows[0]));
  assert.match(await exported('csv', 'run.csv'), /^case,mask,.*\r\ndense,,/);
  assert.match(await exported('markdown', 'run.md'), /\| Sparse · 10 % \|/);
  await choose('maskKind', 'A file');
  await act('pickMask');
  const mask = path.join(import.meta.dirname, '../../media/masks/inpaint.active-64x128.png');
  await vscode.answerDialog(mask);
  await vscode.view.locator('.path', { hasText: mask }).waitFor();
  await act('import');
  await vscode.answerDialog(path.join(vscode.workspace, 'run.json'));
  await vscode.view.locator('[data-test=notice]', { hasText: 'Imported run.json.' }).waitFor();
  assert.equal(await vscode.view.locator('[data-run]').count(), 3);
});

step("EfficientViT's rows are shown beside the U-Net's, with the numbers of the command line", async () => {
  await choose('scope', 'One denoising step');
  await choose('maskKind', 'An area in the middle');
  await fill('size', '128x128');
  await fill('share', '10');
  await fill('repeat', '1');
  const looking = ['encode', 'encode-part', 'segment'];
  for (const name of looking) await vscode.view.locator(`[data-choice=${name}]`).click();
  await vscode.view.locator('#segmenter').waitFor();
  await act('run');
  await finished('Finished: Scenes, 128×128, one denoising step.');
  const args = [
    'bench',
    'dense',
    'sparse',
    ...looking,
    '--size',
    '128x128',
    '--mask',
    '10%',
    '--repeat',
    '1',
  ];
  const report: BenchmarkReport = JSON.parse((await patchwork([...args, '--json'])).stdout);
  assert.deepEqual(
    report.rows.map((row) => row.case),
    ['dense', 'sparse', ...looking],
  );
  for (const row of report.rows) {
    assert.equal(await cell(row.case, 'MACs'), formatGigaMacs(row.macs));
    near(milliseconds(await cell(row.case, 'Median')), 1000 * row.medianSeconds, 20);
  }
  const titles = await vscode.view.locator('[data-test=figures] tbody th').allTextContents();
  assert.ok(titles.includes("Selector: one click · embedded segmenter's decoder"), titles.join());
  await vscode.screenshot('benchmark-sight');
});

step('budgets are charted beside plain steps, with their images side by side', async () => {
  await choose('scope', 'Whole images');
  await fill('steps', '10');
  const budgets = ['budget-50', 'steps-50', 'budget-20', 'steps-20'];
  for (const name of ['generate', 'dense', 'sparse', 'patch', ...budgets]) {
    const box = vscode.view.locator(`[data-choice=${name}]`);
    const isOn = await box.evaluate((element: HTMLInputElement) => element.checked);
    if (isOn !== ['generate', ...budgets].includes(name)) await box.click();
  }
  await act('run');
  await finished('Finished: scenes, 128×128, whole images of 10 steps.');
  for (const label of ['Quality for the operations spent', 'Time for the operations spent'])
    await vscode.view.locator(`patchwork-chart[label="${label}"] canvas`).waitFor();
  const rows = await vscode.view.locator('[data-test=budgets] tbody th').allTextContents();
  assert.deepEqual(rows, ['50 %', '20 %']);
  for (const name of ['generate', ...budgets]) {
    const picture = vscode.view.locator(`[data-test=budget-pictures] img[data-picture=${name}]`);
    await picture.waitFor();
    assert.equal(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth), 128);
  }
  await vscode.view.locator('body').evaluate(() => window.scrollTo(0, 0));
  await vscode.screenshot('benchmark-budgets');
});

step('a run is deleted once that is confirmed', async () => {
  const runs = vscode.view.locator('[data-run]');
  const count = await runs.count();
  await vscode.view
    .getByRole('button', { name: /^Delete/ })
    .first()
    .click();
  const question = vscode.page.locator('.monaco-dialog-box', { hasText: 'Delete the run of' });
  await question.getByRole('button', { name: 'Delete' }).click();
  await until(async () => (await runs.count()) === count - 1, 'one run less');
});

step('is readable in dark, light and high contrast', async () => {
  await inEachTheme(vscode, (_, kind) => vscode.screenshot(`benchmark-${kind}`));
});

step('no page has broken its content security policy', async () => {
  assert.deepEqual(vscode.violations, []);
});

async function act(action: string): Promise<void> {
  await vscode.view.locator(`[data-action=${action}]`).click();
}

async function fill(field: string, value: string): Promise<void> {
  await vscode.view.locator(`#${field} input`).fill(value);
}

async function choose(field: string, option: string): Promise<void> {
  await vscode.view.locator(`#${field}`).click();
  await vscode.view.getByRole('option', { name: option }).click();
}

async function finished(notice: string): Promise<void> {
  await vscode.view.locator('[data-test=notice]', { hasText: notice }).waitFor({ timeout: RUN });
  await vscode.view.locator('main[data-state=idle]').waitFor();
}

/** A cell of the table of figures. */
async function cell(name: string, column: string): Promise<string> {
  const row = vscode.view.locator(`[data-test=figures] tr[data-row=${name}]`);
  return (await row.locator(`[data-column="${column}"]`).textContent()) ?? '';
}

/** Waits until a button is in the window without scrolling: pages learn of a new size a little later. */
async function inView(button: Locator): Promise<void> {
  await until(
    async () => {
      const box = await button.boundingBox();
      const { width, height } = vscode.page.viewportSize()!;
      return (
        box !== null && box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height
      );
    },
    `${await button.textContent()} in view`,
  );
}

function bytes(text: string): number {
  return Number.parseFloat(text) * (text.endsWith('GB') ? 1e9 : 1e6);
}

function milliseconds(text: string): number {
  return Number.parseFloat(text) * (text.endsWith('ms') ? 1 : 1000);
}

/** Times differ from run to run, but not by more than a factor. */
function near(actual: number, expected: number, factor: number): void {
  assert.ok(actual < expected * factor && actual > expected / factor, `${actual} is not near ${expected}`);
}

/** The content of an export under a name into the workspace. */
async function exported(format: string, name: string): Promise<string> {
  const file = path.join(vscode.workspace, name);
  await vscode.view.locator(`[data-export=${format}]`).click();
  await vscode.answerDialog(file);
  await until(() => fs.existsSync(file), file);
  return fs.readFileSync(file, 'utf8');
}
