import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import type { Locator } from 'playwright-core';
import { inEachTheme } from '../../scripts/screenshots/themes.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { type PictureFacts, pictureFacts, textChunks } from './picture.ts';
import { storyIn } from './story.ts';
import { ViewUnderTest } from './viewPage.ts';

const PICTURE = 600_000;
const LAKE = 'a red house by a lake at sunset';
const SNOWMAN = 'a white snowman on a snowfield at night';

let vscode: Workbench;
const step = storyIn(() => vscode);

before(async () => {
  vscode = await openWorkbench();
});
after(() => vscode?.close());

/** Pictures take seconds, on a fast machine too. */
async function makeItLast(steps = 150): Promise<void> {
  await vscode.set('patchwork.steps', steps);
  await vscode.set('patchwork.size', '768x768');
}

async function asUsual(): Promise<void> {
  await vscode.set('patchwork.steps', undefined);
  await vscode.set('patchwork.size', undefined);
}

step('the command asks for a prompt, shows progress and preview, and then the picture', async () => {
  // The first webview of a VS Code takes seconds to load.
  await makeItLast(40);
  await vscode.openFile('README.md');
  await putCursorAt(12);
  await vscode.run('Patchwork: Generate Image…');
  await vscode.page.getByPlaceholder('What should the image show?').fill(LAKE);
  await vscode.page.locator('.quick-input-list .monaco-list-row', { hasText: LAKE }).waitFor();
  await vscode.screenshot('prompt');
  await vscode.page.keyboard.press('Enter');
  await vscode.view.locator('img[alt="The image so far"]').waitFor({ timeout: PICTURE });
  // One progress, in the page, and how long it still takes; the status bar says it too.
  assert.equal(await vscode.page.locator('.notifications-toasts .notification-list-item').count(), 0);
  await vscode.view.locator('[data-test=remaining]', { hasText: /about .* left/ }).waitFor();
  await vscode.page.locator('.statusbar-item', { hasText: /Patchwork \d+ %/ }).waitFor();
  await vscode.screenshot('generating');
  const facts = await finishedPicture(LAKE);
  assert.ok(facts.width >= 64 && facts.height >= 64, `${facts.width}×${facts.height}`);
  assert.ok(facts.colours > 20, `${facts.colours} colours`);
  assert.ok(facts.contrast > 8, `contrast ${facts.contrast}`);
  assert.equal(await recipe('Prompt'), LAKE);
  // As all large images by the built-in model.
  assert.equal(await recipe('Steps'), '40, 28 of them at half the resolution');
  await asUsual();
});

step('another prompt is another picture, the same seed is the same picture', async () => {
  const [lake, snowman] = [await generateInView(LAKE, '7'), await generateInView(SNOWMAN, '7')];
  const [again, other] = [await generateInView(SNOWMAN, '7'), await anotherSeed(SNOWMAN)];
  assert.notEqual(snowman.hash, lake.hash);
  assert.equal(again.hash, snowman.hash);
  assert.notEqual(other.hash, snowman.hash);
  await vscode.view.locator('.thumbnail').nth(4).waitFor();
});

step('earlier pictures can be shown again', async () => {
  // The newest comes first.
  await vscode.view.locator('.thumbnail').nth(3).click();
  await vscode.view.locator(`img.picture[alt="${LAKE}"]`).waitFor();
  assert.equal(await recipe('Seed'), '7');
});

step('saves into the workspace, with the recipe in the file, and never over another file', async () => {
  const images = path.join(vscode.workspace, 'images');
  const name = 'a-red-house-by-a-lake-at-sunset-7.png';
  fs.mkdirSync(images);
  fs.writeFileSync(path.join(images, name), 'already here');
  await act('save', 'Saved as images/a-red-house-by-a-lake-at-sunset-7-2.png.');
  assert.deepEqual(fs.readdirSync(images), ['a-red-house-by-a-lake-at-sunset-7-2.png', name]);
  assert.equal(fs.readFileSync(path.join(images, name), 'utf8'), 'already here');
  const png = fs.readFileSync(path.join(images, 'a-red-house-by-a-lake-at-sunset-7-2.png'));
  assert.equal((await pictureFacts(png)).hash, (await finishedPicture(LAKE)).hash);
  const { parameters } = textChunks(png);
  assert.match(parameters!, new RegExp(LAKE));
  assert.match(parameters!, /Seed: 7\b/);
});

step('inserts a link at the cursor of the last active editor', async () => {
  await act('insertLink', 'Inserted a link into README.md.');
  await vscode.page.keyboard.press('ControlOrMeta+s');
  const link = `![${LAKE}](images/a-red-house-by-a-lake-at-sunset-7-2.png)`;
  const readme = path.join(vscode.workspace, 'README.md');
  await until(() => fs.readFileSync(readme, 'utf8').includes(link), `a link in ${readme}`);
  assert.equal(fs.readFileSync(readme, 'utf8').split('\n')[11], link);
  await vscode.screenshot('link');
});

step('copies the image', async () => {
  await act('copy', 'Copied the image.');
  const types = await vscode.page.evaluate(async () => {
    const items = await navigator.clipboard.read();
    return items.flatMap((item) => item.types);
  });
  assert.deepEqual(types, ['image/png']);
});

step('cancels half way, and the engine still works', async () => {
  const engines = vscode.engines();
  assert.equal(engines.length, 1);
  await makeItLast();
  await startLong();
  await vscode.view.locator('[data-action=cancel]').click();
  await notice('Cancelled.');
  assert.deepEqual(vscode.engines(), engines);
});

step('a killed engine is one clear sentence, and the next picture comes from a fresh one', async () => {
  const [engine] = vscode.engines();
  await startLong();
  process.kill(engine!, 'SIGKILL');
  const failure = vscode.view.locator('[data-test=failure]');
  await failure.waitFor();
  assert.equal(
    await failure.textContent(),
    'The engine process was ended by SIGKILL; the next request starts a fresh one.',
  );
  await vscode.screenshot('killed');
  await asUsual();
  const fresh = await generateInView(SNOWMAN, '7');
  assert.ok(fresh.colours > 20);
  assert.equal(await failure.count(), 0);
  assert.notDeepEqual(vscode.engines(), [engine]);
});

step('a bad setting is reported by its name', async () => {
  await vscode.set('patchwork.size', '100x100');
  await vscode.view.locator('[data-action=generate]').click();
  await vscode.view.locator('[data-test=failure]', { hasText: 'patchwork.size' }).waitFor();
  await vscode.set('patchwork.size', undefined);
});

step('a reload of the window brings the view back', async () => {
  const before = await finishedPicture(SNOWMAN);
  const thumbnails = await vscode.view.locator('.thumbnail').count();
  await vscode.reload();
  const after = await finishedPicture(SNOWMAN);
  assert.equal(after.hash, before.hash);
  assert.equal(await vscode.view.locator('.thumbnail').count(), thumbnails);
  assert.equal(await vscode.view.locator('#prompt textarea').inputValue(), SNOWMAN);
});

step('chat agents can call the tool, once the user agrees', async () => {
  const call = vscode.inHost(async ({ lm }, prompt) => {
    const input = { prompt, seed: 11, steps: 4 };
    const { content } = await lm.invokeTool('patchwork_generate_image', {
      input,
      toolInvocationToken: undefined,
    });
    return content.map((part) => part as { value?: string; mimeType?: string });
  }, SNOWMAN);
  const question = vscode.page.locator('.monaco-dialog-box', { hasText: 'Generate an image?' });
  await question.getByText(SNOWMAN).waitFor();
  await question.getByRole('button', { name: 'Yes' }).click();
  const answer = await call;
  const { file, recipe } = JSON.parse(answer[0]!.value!);
  assert.equal(file, 'images/a-white-snowman-on-a-snowfield-at-night-11.png');
  assert.equal(recipe.steps, 4);
  assert.equal(answer[1]!.mimeType, 'image/png');
  assert.ok(fs.existsSync(path.join(vscode.workspace, file)));
});

step('the palette remembers the prompts', async () => {
  await vscode.run('Patchwork: Generate Image…');
  const earlier = vscode.page.locator('.quick-input-list .monaco-list-row', { hasText: LAKE });
  // With the last image that was made from it.
  await earlier.locator('.quick-input-list-icon[style*="background-image"]').waitFor();
  await vscode.screenshot('history');
  await vscode.page.keyboard.press('Escape');
});

step('is readable in dark, light and high contrast', async () => {
  await inEachTheme(vscode, (_, kind) => vscode.screenshot(kind));
});

step('no page has broken its content security policy', async () => {
  assert.deepEqual(vscode.violations, []);
});

async function putCursorAt(line: number): Promise<void> {
  await vscode.page.locator('.monaco-editor .view-lines').first().waitFor();
  await vscode.page.keyboard.press('Control+g');
  await vscode.page.locator('.quick-input-widget input.input').fill(`:${line}`);
  await vscode.page.keyboard.press('Enter');
}

/** Fills the view's form and waits for the picture. */
async function generateInView(prompt: string, seed: string): Promise<PictureFacts> {
  await fillForm(prompt, seed);
  return await newPicture(() => vscode.view.locator('[data-action=generate]').click(), prompt);
}

async function anotherSeed(prompt: string): Promise<PictureFacts> {
  return await newPicture(() => vscode.view.locator('[data-action=again]').click(), prompt);
}

async function fillForm(prompt: string, seed: string): Promise<void> {
  await vscode.view.locator('#prompt textarea').fill(prompt);
  await vscode.view.locator('#seed input').fill(seed);
}

async function newPicture(start: () => Promise<void>, prompt: string): Promise<PictureFacts> {
  await start();
  await vscode.view.locator('main[data-state=running]').waitFor();
  return await finishedPicture(prompt);
}

async function startLong(): Promise<void> {
  await fillForm(LAKE, '1');
  await vscode.view.locator('[data-action=generate]').click();
  await vscode.view
    .locator('[data-test=progress]', { hasText: /^Step ([3-9]|\d\d+) of 150$/ })
    .waitFor({ timeout: PICTURE });
}

step(
  'one slider goes from a draft to the full image; it says what that costs, and the image how it was spent',
  async () => {
    const viewPage = new ViewUnderTest(vscode);
    const cost = (text: RegExp) => vscode.view.locator('[data-test=cost]', { hasText: text }).waitFor();
    await viewPage.open();
    await viewPage.fill({ prompt: SNOWMAN, seed: '7', steps: '20' });
    await cost(/^[\d.]+ GMACs: 20 steps$/);
    const slider = vscode.view.locator('#budget');
    await slider.focus();
    for (const key of ['Home', 'ArrowRight', 'ArrowRight']) await slider.press(key);
    await vscode.view.locator('label[for=budget]', { hasText: '20 %' }).waitFor();
    await cost(/^[\d.]+ GMACs: \d+ steps.*without guidance$/);
    await vscode.screenshot('budget');
    await viewPage.generate();
    await viewPage.shows(SNOWMAN);
    assert.match((await recipe('Budget')) ?? '', /^20 %: 6 steps with the adapter few/);
    assert.equal(await recipe('Steps'), '6');
    await slider.press('End');
    await cost(/: 20 steps$/);
  },
);

step('drafts follow the prompt as it is typed, are refined, and are not kept', async () => {
  // So small that a busy machine is fast enough for drafts.
  await vscode.set('patchwork.size', '64x64');
  await vscode.set('patchwork.steps', 12);
  const viewPage = new ViewUnderTest(vscode);
  const prompt = viewPage.view.locator('#prompt textarea');
  await viewPage.fill({ prompt: '', seed: '', steps: '' });
  const images = await viewPage.view.locator('.thumbnail').count();
  const draft = (of: string) => viewPage.view.locator(`[data-test=draft] img[alt="Draft of “${of}”"]`);
  await prompt.pressSequentially('a red house');
  await draft('a red house').waitFor({ timeout: PICTURE });
  await vscode.screenshot('draft');
  await prompt.pressSequentially(' by a lake');
  await draft('a red house by a lake').waitFor({ timeout: PICTURE });
  const refined = viewPage.view.locator('[data-test=draft][data-refined=true] img');
  await refined.waitFor({ timeout: PICTURE });
  const seen = await factsOf(refined);
  assert.equal(await viewPage.view.locator('.thumbnail').count(), images);
  await viewPage.generate();
  await viewPage.shows('a red house by a lake');
  assert.equal((await finishedPicture('a red house by a lake')).hash, seen.hash, 'the draft’s own seed');
  await viewPage.view.locator('.thumbnail').nth(images).waitFor();
  assert.equal(await viewPage.view.locator('.thumbnail').count(), images + 1);
});

step('drafts can be switched off, which is remembered', async () => {
  const viewPage = new ViewUnderTest(vscode);
  const box = viewPage.view.locator('#drafting');
  const isOn = () => box.evaluate((element: HTMLInputElement) => element.checked);
  await box.click();
  await until(async () => !(await isOn()), 'the box is off');
  await vscode.reload();
  await viewPage.open();
  await viewPage.view.locator('[data-test=cost]', { hasText: 'GMACs' }).waitFor({ timeout: PICTURE });
  assert.equal(await isOn(), false);
  await viewPage.fill({ prompt: 'a yellow tent', steps: '3' });
  // The form has arrived and what it costs is known: a draft would have begun.
  await viewPage.view.locator('[data-test=cost]', { hasText: ': 3 steps' }).waitFor();
  await viewPage.generate();
  await viewPage.shows('a yellow tent');
  assert.equal(await viewPage.view.locator('[data-test=draft]').count(), 0);
  await box.click();
  await until(isOn, 'the box is on');
  await viewPage.fill({ prompt: 'a blue tent' });
  await viewPage.view.locator('[data-test=draft]').waitFor({ timeout: PICTURE });
  await asUsual();
});

step('of several images the good ones are marked, compared and kept, and the others deleted', async () => {
  const viewPage = new ViewUnderTest(vscode);
  await vscode.set('patchwork.size', '64x64');
  await viewPage.open();
  await viewPage.fill({ prompt: 'a red house by a lake', seed: '20', steps: '2', images: '3' });
  await viewPage.generate();
  await viewPage.view.locator('.tile .mark').nth(2).waitFor({ timeout: PICTURE });
  await viewPage.idle();
  const mark = (seed: number) => viewPage.view.locator(`.tile .mark[aria-label="Mark seed ${seed}"]`).click();
  await mark(20);
  await mark(22);
  await viewPage.view.locator('[data-test=marked]', { hasText: '2 of 3 marked' }).waitFor();
  await vscode.screenshot('grid');
  await viewPage.view.locator('[data-action=compare]').click();
  await viewPage.view.locator('.differences .differs', { hasText: 'Seed' }).waitFor();
  assert.equal(await viewPage.view.locator('.pane img').count(), 2);
  await vscode.screenshot('grid-compare');
  await viewPage.view.locator('[data-action=back]').click();
  const images = await viewPage.view.locator('.thumbnail').count();
  await viewPage.view.locator('[data-action=deleteOthers]').click();
  await viewPage.notice('Deleted 1 image.');
  await viewPage.view.locator('[data-test=marked]', { hasText: '2 of 2 marked' }).waitFor();
  assert.equal(await viewPage.view.locator('.tile .mark[aria-label="Mark seed 21"]').count(), 0);
  assert.ok(images >= 3);
  await viewPage.view.locator('[data-action=saveMarked]').click();
  await viewPage.notice('Saved 2 images in images.');
  await viewPage.fill({ images: '' });
});

step('a style adds its words; the form offers only those that the model knows', async () => {
  const viewPage = new ViewUnderTest(vscode);
  await vscode.set('patchwork.styles', { Stormy: { prompt: 'stormy' }, Ink: { prompt: 'ink drawing' } });
  await viewPage.fill({ prompt: 'a white boat', seed: '3', steps: '2' });
  await viewPage.view.locator('#style vscode-option[value=Stormy]').waitFor({ state: 'attached' });
  const offered = await viewPage.view.locator('#style vscode-option').allTextContents();
  for (const [name, known] of [
    ['Night', true],
    ['Watercolour', false],
    ['Ink', false],
  ] as const)
    assert.equal(offered.map((text) => text.trim()).includes(name), known, `${name} of ${offered}`);
  await viewPage.view.locator('#style').click();
  await viewPage.view.locator('#style .option', { hasText: 'Night' }).click();
  await viewPage.view.locator('[data-test=styled]', { hasText: '“… at night”' }).waitFor();
  await viewPage.generate();
  await viewPage.shows('a white boat at night');
  assert.equal(await recipe('Prompt'), 'a white boat at night');
  assert.equal(await recipe('Style'), 'Night');
  await vscode.screenshot('style');
  // The form keeps the prompt as it was typed, and the style.
  assert.equal(await viewPage.view.locator('#prompt textarea').inputValue(), 'a white boat');
  await vscode.set('patchwork.styles', undefined);
});

step(
  'a prompt of 2000 characters leaves the recipe within the window, and can be read to its end',
  async () => {
    const viewPage = new ViewUnderTest(vscode);
    const end = 'at the very end';
    const long = `${'a red house by a lake, '.repeat(87)}${end}`.slice(-2000);
    await viewPage.fill({ prompt: long, seed: '1', steps: '1' });
    await viewPage.generate();
    await viewPage.idle();
    const said = viewPage.view.locator('[data-recipe=Prompt]', { hasText: end });
    await said.waitFor({ timeout: PICTURE });
    const seen = await said.evaluate((element) => {
      element.scrollTop = element.scrollHeight;
      const { height, width } = element.getBoundingClientRect();
      const reached = element.scrollTop + element.clientHeight >= element.scrollHeight - 1;
      return { height, width, reached, window: window.innerHeight };
    });
    assert.ok(seen.height < seen.window / 2, `${seen.height} of ${seen.window} pixels high`);
    assert.ok(seen.width > 100, `${seen.width} pixels wide`);
    assert.ok(seen.reached, 'its end can be scrolled to');
    await vscode.screenshot('long-prompt');
    await asUsual();
  },
);

step('a link without a document to put it into is refused before anything is saved', async () => {
  const viewPage = new ViewUnderTest(vscode);
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.closeAllEditors'));
  await viewPage.open();
  const folder = path.join(vscode.workspace, 'images');
  const files = () => (fs.existsSync(folder) ? fs.readdirSync(folder).sort() : []);
  const before = files();
  await viewPage.view.locator('[data-action=insertLink]').click({ timeout: PICTURE });
  await viewPage.view
    .locator('[data-test=failure]', { hasText: 'Open the document you want to link from first.' })
    .waitFor();
  // No setting would help, and an earlier notice is gone.
  assert.equal(await viewPage.view.getByText('Open Settings').count(), 0);
  assert.equal(await viewPage.view.locator('[data-test=notice]').count(), 0);
  assert.deepEqual(files(), before);
});

/** The picture that the view shows when it is done. */
async function finishedPicture(prompt: string): Promise<PictureFacts> {
  await vscode.view.locator('main[data-state=idle]').waitFor({ timeout: PICTURE });
  const image = vscode.view.locator(`img.picture[alt="${prompt}"]`);
  await image.waitFor({ timeout: PICTURE });
  return await factsOf(image);
}

async function factsOf(image: Locator): Promise<PictureFacts> {
  const pixels = await image.evaluate(async (element: HTMLImageElement) => {
    await element.decode();
    const canvas = document.createElement('canvas');
    canvas.width = element.naturalWidth;
    canvas.height = element.naturalHeight;
    canvas.getContext('2d')!.drawImage(element, 0, 0);
    return canvas.toDataURL('image/png');
  });
  return await pictureFacts(Buffer.from(pixels.split(',')[1]!, 'base64'));
}

async function recipe(label: string): Promise<string | null> {
  return await vscode.view.locator(`[data-recipe="${label}"]`).textContent();
}

/** Presses a button of the picture's toolbar and waits for the view's notice. */
async function act(action: string, says: string): Promise<void> {
  await vscode.view.locator(`[data-action=${action}]`).click();
  await notice(says);
}

async function notice(text: string): Promise<void> {
  await vscode.view.locator('[data-test=notice]', { hasText: text }).waitFor();
}
