import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import sharp from 'sharp';
import { withPngText } from '../../engine/pictures/png-text.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { storyIn } from './story.ts';
import { PICTURE, ViewUnderTest } from './viewPage.ts';

const BOAT = 'a blue boat on the sea';
const TENT = 'a yellow tent in a meadow';
const HOUSE = 'a red house by a lake at sunset';
const UNKNOWN = 'a dog riding a skateboard in New York, photorealistic';

let vscode: Workbench;
let view: ViewUnderTest;
const step = storyIn(() => vscode);

before(async () => {
  vscode = await openWorkbench();
  view = new ViewUnderTest(vscode);
});
after(() => vscode?.close());

step('words that Scenes does not know are named while they are typed and under the image', async () => {
  await view.open();
  await vscode.view.locator('[data-test=example]').first().waitFor();
  await view.fill({ prompt: UNKNOWN, steps: '2' });
  const unknown = 'dog, riding, skateboard, New York, photorealistic';
  await vscode.view.locator('[data-test=unknown-typed]', { hasText: unknown }).waitFor();
  await view.generate();
  await view.shows(UNKNOWN);
  await vscode.view.locator('[data-test=unknown]', { hasText: unknown }).waitFor();
  await vscode.view.locator('[data-action=getModels]').waitFor();
  assert.equal(await vscode.view.locator('[data-test=warnings]').count(), 0, 'each said once');
  await vscode.screenshot('unknown-words');
  const example = vscode.view.locator('[data-test=unknown] [data-test=example]').first();
  await example.click();
  assert.equal(await vscode.view.locator('#prompt textarea').inputValue(), HOUSE);
  assert.equal(await vscode.view.locator('[data-test=unknown-typed]').count(), 0);
});

step('a word of the prompt gets more weight by a key, which can be undone', async () => {
  const prompt = vscode.view.locator('#prompt textarea');
  await prompt.click();
  await prompt.press('End');
  await prompt.press('ControlOrMeta+ArrowUp');
  assert.equal(await prompt.inputValue(), HOUSE.replace('sunset', '(sunset:1.1)'));
  await prompt.press('ControlOrMeta+z');
  assert.equal(await prompt.inputValue(), HOUSE);
});

step('several images of one prompt are a grid of seeds', async () => {
  await view.fill({ prompt: TENT, images: '3', seed: '5', steps: '3' });
  await view.generate();
  await view.idle();
  const tiles = vscode.view.locator('[data-test=grid] .tile .seen');
  await tiles.nth(2).waitFor({ timeout: PICTURE });
  assert.equal(await tiles.count(), 3);
  await vscode.screenshot('grid');
  await tiles.filter({ hasText: 'Seed 6' }).click();
  await view.shows(TENT);
  assert.equal(await view.recipe('Seed'), '6');
  assert.equal(await view.recipe('Steps'), '3');
});

step('the form follows the image that is shown, unless something else was typed into it', async () => {
  const prompt = vscode.view.locator('#prompt textarea');
  await vscode.view.locator('.thumbnail').last().click();
  await view.shows(UNKNOWN);
  assert.equal(await prompt.inputValue(), UNKNOWN);
  await prompt.fill('my own words');
  await vscode.view.locator('.thumbnail').first().click();
  await view.shows(TENT);
  assert.equal(await prompt.inputValue(), 'my own words');
  await vscode.view.locator('[data-action=useRecipe]').click();
  await view.notice('The form has the recipe.');
  assert.equal(await prompt.inputValue(), TENT);
  assert.equal(await vscode.view.locator('#seed input').inputValue(), '7');
});

step('the queue shows what waits, in order, and cancels one or all', async () => {
  // A narrow column has the images below the form.
  await vscode.page.setViewportSize({ width: 700, height: 800 });
  await view.fill({ prompt: HOUSE, images: '1', seed: '', steps: '150' });
  await view.generate();
  await vscode.view.locator('main[data-state=running]').waitFor();
  const queue = vscode.view.locator('.queue');
  // On a busy machine the first image would be finished before the third is asked for.
  await vscode.holding(async () => {
    for (const prompt of [BOAT, TENT]) {
      await view.fill({ prompt });
      await view.generate();
    }
    await queue.getByText('Queue: 3').waitFor({ timeout: PICTURE });
    assert.deepEqual(await queue.locator('.title').allTextContents(), [HOUSE, BOAT, TENT]);
    assert.equal(await queue.locator('[data-test=waiting]').count(), 2);
    const top = () => queue.evaluate((element) => element.getBoundingClientRect().top / innerHeight);
    await until(async () => (await top()) < 0.5, 'the queue in sight');
    await vscode.page.setViewportSize({ width: 1280, height: 800 });
    await vscode.screenshot('queue');
    await queue.locator('li', { hasText: BOAT }).locator('[data-action=cancel]').click();
    await queue.getByText('Queue: 2').waitFor();
    assert.deepEqual(await queue.locator('.title').allTextContents(), [HOUSE, TENT]);
  });
  await queue.locator('[data-action=cancelAll]').click();
  await view.idle();
  await queue.waitFor({ state: 'detached' });
  await view.notice('Cancelled.');
});

step('closing the view stops nothing, and what finishes is announced and kept', async () => {
  await view.fill({ prompt: BOAT, steps: '150' });
  await view.generate();
  await vscode.view.locator('main[data-state=running]').waitFor();
  await vscode.holding(() =>
    vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.closeAllEditors')),
  );
  const toast = vscode.page.locator('.notifications-toasts', { hasText: `The image “${BOAT}” is finished.` });
  await toast.waitFor({ timeout: PICTURE });
  await vscode.screenshot('announced');
  await toast.getByRole('button', { name: 'Show' }).click();
  await view.shows(BOAT);
});

step('an image that finished in the background survives a reload', async () => {
  await view.fill({ prompt: HOUSE, steps: '150', seed: '7' });
  await view.generate();
  await vscode.view.locator('main[data-state=running]').waitFor();
  // A fast machine would finish before the file is in front of it.
  await vscode.holding(() => vscode.openFile('README.md'));
  const toast = vscode.page.locator('.notifications-toasts', {
    hasText: `The image “${HOUSE}” is finished.`,
  });
  // In a column beside the view a text does not hide it.
  const hidden = (await vscode.view.locator('#prompt').count()) === 0;
  if (hidden) await toast.waitFor({ timeout: PICTURE });
  await until(() => kept(HOUSE) === 1, 'the image in the gallery');
  await vscode.reload();
  await view.open();
  await view.shows(HOUSE);
});

step('a run that a reload cut off says so and can be started again', async () => {
  await view.fill({ prompt: TENT, steps: '150', seed: '3', images: '1' });
  await vscode.view.locator('#size').waitFor();
  await view.generate();
  await vscode.view
    .locator('[data-test=progress]', { hasText: /^Step ([2-9]|\d\d)/ })
    .waitFor({ timeout: PICTURE });
  await vscode.reload();
  await view.open();
  const interrupted = vscode.view.locator('[data-test=interrupted]', { hasText: TENT });
  await interrupted.waitFor();
  await vscode.screenshot('interrupted');
  await interrupted.locator('[data-action=restart]').click();
  await interrupted.waitFor({ state: 'detached' });
  await vscode.view.locator('main[data-state=running]').waitFor();
  await view.shows(TENT);
  assert.equal(await view.recipe('Seed'), '3');
  assert.equal(await view.recipe('Steps'), '150');
});

step('the gallery has every image, and finds them by words and recipe', async () => {
  await vscode.run('Patchwork: Gallery');
  const tiles = vscode.view.locator('.tiles .tile');
  await tiles.first().waitFor();
  await tilesAre(7);
  await search('boat sea');
  await tilesAre(1);
  await search('seed 6');
  await tilesAre(1);
  await search('nowhere');
  await vscode.view.getByText('No image matches “nowhere”.').waitFor();
  await search('');
  await tilesAre(7);
  await vscode.view
    .locator('[data-test=usage]', { hasText: /7 images,[\s\S]*kept on this machine only/ })
    .waitFor();
  await vscode.screenshot('gallery');
});

step('two images are compared at full size, with what differs', async () => {
  await search('tent');
  await tilesAre(4);
  const tiles = vscode.view.locator('.tiles .tile');
  await tiles.nth(0).click();
  await tiles.nth(1).click({ modifiers: ['ControlOrMeta'] });
  await vscode.view.locator('[data-test=selected]', { hasText: '2 selected' }).waitFor();
  await vscode.view.locator('[data-action=compare]').click();
  const images = vscode.view.locator('.pane img');
  await images.nth(1).waitFor();
  await until(
    () => images.evaluateAll((all) => (all as HTMLImageElement[]).every((image) => image.complete)),
    'both images',
  );
  const widths = await images.evaluateAll((all) =>
    (all as HTMLImageElement[]).map((image) => [image.naturalWidth, image.getBoundingClientRect().width]),
  );
  for (const [own, seen] of widths) assert.equal(seen, own, 'a pixel is a pixel');
  await vscode.view.locator('.differences .differs', { hasText: 'Seed' }).waitFor();
  await vscode.view.locator('.differences .same', { hasText: TENT }).waitFor();
  await vscode.screenshot('compare');
  await vscode.view.locator('[data-action=back]').click();
  await search('');
});

step('deleted images come back: by Undo, and from the deleted ones', async () => {
  await search('boat');
  await vscode.view.locator('.tiles .tile').first().click();
  await vscode.view.locator('[data-action=delete]').click();
  await vscode.view.locator('[data-test=notice]', { hasText: 'Deleted 1 image.' }).waitFor();
  await tilesAre(0);
  await vscode.view.locator('[data-action=notice]').click();
  await tilesAre(1);
  await vscode.view.locator('.tiles .tile').first().click();
  await vscode.view.locator('[data-action=delete]').click();
  await tilesAre(0);
  await search('');
  await vscode.view.locator('[data-action=deleted]', { hasText: 'Deleted (1)' }).click();
  await tilesAre(1);
  await vscode.view.locator('.tiles .tile').first().click();
  await vscode.view.locator('[data-action=restore]').click();
  await tilesAre(0);
  await vscode.view.locator('[data-action=deleted]', { hasText: 'Back to Gallery' }).click();
  await tilesAre(7);
});

step('the context menu saves, copies and uses recipes', async () => {
  await search('boat');
  await menu(vscode.view.locator('.tiles .tile').first(), 'Save');
  await vscode.view
    .locator('[data-test=notice]', { hasText: 'Saved as images/a-blue-boat-on-the-sea-' })
    .waitFor();
  await menu(vscode.view.locator('.tiles .tile').first(), 'Copy Prompt');
  await vscode.view.locator('[data-test=notice]', { hasText: 'Copied the prompt.' }).waitFor();
  assert.equal(await vscode.page.evaluate(() => navigator.clipboard.readText()), BOAT);
  await menu(vscode.view.locator('.tiles .tile').first(), 'Copy Image');
  await vscode.view.locator('[data-test=notice]', { hasText: 'Copied the image.' }).waitFor();
  await menu(vscode.view.locator('.tiles .tile').first(), 'Use This Recipe');
  await view.notice('The form has the recipe.');
  assert.equal(await vscode.view.locator('#prompt textarea').inputValue(), BOAT);
});

step('an image dropped in fills the form; one without a recipe says so', async () => {
  const images = path.join(vscode.workspace, 'images');
  const [name] = fs.readdirSync(images);
  await view.fill({ prompt: 'something else' });
  await drop(name!, fs.readFileSync(path.join(images, name!)));
  await view.notice('The form has the recipe.');
  // An earlier notice may have said the same.
  const prompt = vscode.view.locator('#prompt textarea');
  await until(async () => (await prompt.inputValue()) === BOAT, 'the recipe in the form');
  // Of another tool's recipe the form says what it could not take.
  const theirs = {
    '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'dreams.safetensors' } },
    '2': { class_type: 'CLIPTextEncode', inputs: { text: 'a castle', clip: ['1', 1] } },
    '3': { class_type: 'ControlNetApply', inputs: { conditioning: ['2', 0], strength: 1 } },
    '4': {
      class_type: 'KSampler',
      inputs: { seed: 1102676403634909, steps: 9, model: ['5', 0], positive: ['3', 0], negative: ['2', 0] },
    },
    '5': {
      class_type: 'LoraLoader',
      inputs: { lora_name: 'ink.safetensors', strength_model: 0.7, model: ['1', 0] },
    },
  };
  const bare = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#48c' } })
    .png()
    .toBuffer();
  await drop('castle.png', Buffer.from(withPngText(bare, 'prompt', JSON.stringify(theirs))));
  await view.notice('its model dreams is not on this machine.');
  await view.notice('this could not be taken over: ControlNet: ControlNetApply.');
  const words = 'a castle <lora:ink:0.7>';
  await until(async () => (await prompt.inputValue()) === words, "the other tool's recipe in the form");
  assert.equal(await vscode.view.locator('#seed input').inputValue(), '1102676403634909');
  await vscode.screenshot('recipe-of-another-tool');
  await drop('notes.txt', Buffer.from('no image'));
  await vscode.view.locator('[data-test=failure]', { hasText: 'notes.txt is not an image' }).waitFor();
});

step('the side bar has gallery, queue and models', async () => {
  await vscode.page.locator('.activitybar .action-label[aria-label^="Patchwork"]').click();
  for (const title of ['Gallery', 'Queue', 'Models'])
    await vscode.page.locator('.pane-header', { hasText: title }).waitFor();
  for (const name of ['Scenes', 'Scenes selector'])
    await vscode.page.getByRole('treeitem', { name: new RegExp(`^${name}, `) }).waitFor();
  await vscode.page.locator('.pane-body', { hasText: 'Nothing is running.' }).first().waitFor();
  await vscode.screenshot('side-bar');
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.toggleSidebarVisibility'));
});

step('the gallery is cleared only after a question', async () => {
  await vscode.run('Patchwork: Gallery');
  await vscode.view.locator('[data-action=clear]').click();
  const dialog = vscode.page.locator('.monaco-dialog-box', { hasText: 'Remove all 7 images of the gallery' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await tilesAre(1);
  await search('');
  await tilesAre(7);
  await vscode.view.locator('[data-action=clear]').click();
  await dialog.getByRole('button', { name: 'Clear Gallery' }).click();
  await tilesAre(0);
  await vscode.view.getByText('Every image that you generate is kept here.').waitFor();
  assert.equal(fs.readdirSync(path.join(vscode.workspace, 'images')).length, 1, 'saved files stay');
});

step('in a narrow column the prompt stays in view above the images', async () => {
  await vscode.page.setViewportSize({ width: 700, height: 800 });
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.closeSidebar'));
  await view.open();
  await view.fill({ prompt: HOUSE, seed: '2', steps: '2' });
  await view.generate();
  await view.shows(HOUSE);
  const cut = await vscode.view.locator('main').evaluate((main) => {
    const [ask, picture] = ['.ask', 'img.picture'].map((part) =>
      main.querySelector(part)!.getBoundingClientRect(),
    );
    return { asks: ask!.top, covered: ask!.bottom - picture!.top, below: picture!.bottom - innerHeight };
  });
  assert.equal(cut.asks, 0, 'the prompt is at the top');
  assert.ok(cut.covered <= 0 && cut.below <= 0, `the image is whole: ${JSON.stringify(cut)}`);
  await vscode.screenshot('view-narrow');
});

step('in a narrow column a failure is scrolled into view', async () => {
  await vscode.view.locator('#negative input').scrollIntoViewIfNeeded();
  await view.fill({ steps: '400' });
  await view.generate();
  const failure = vscode.view.locator('.failure', { hasText: 'from 1 to 150' });
  await failure.waitFor();
  const place = await failure.evaluate((box) => {
    const { top, bottom } = box.getBoundingClientRect();
    return {
      covered: document.querySelector('.ask')!.getBoundingClientRect().bottom - top,
      below: bottom - innerHeight,
    };
  });
  assert.ok(place.covered <= 0 && place.below <= 0, JSON.stringify(place));
  await view.fill({ steps: '' });
});

step('no page has broken its content security policy', async () => {
  assert.deepEqual(vscode.violations, []);
});

async function search(text: string): Promise<void> {
  await vscode.view.locator('#search input').fill(text);
}

async function tilesAre(count: number): Promise<void> {
  const tiles = vscode.view.locator('.tiles .tile');
  await until(async () => (await tiles.count()) === count, `${count} images in the gallery`);
}

/** Chooses from the context menu of an element in a page. A menu takes no clicks in its first moment. */
async function menu(element: ReturnType<Workbench['view']['locator']>, item: string): Promise<void> {
  await element.click({ button: 'right' });
  const row = vscode.page.locator('.context-view .action-item', {
    has: vscode.page.getByText(item, { exact: true }),
  });
  await row.waitFor();
  await until(async () => {
    await row.click({ timeout: 1000 }).catch(() => {});
    return (await row.count()) === 0;
  }, `the menu to take ${item}`);
}

/** Drops a file on the view. */
async function drop(name: string, bytes: Buffer): Promise<void> {
  await vscode.view.locator('main').evaluate(
    (main, { name, base64 }) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], name));
      main.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    },
    { name, base64: bytes.toString('base64') },
  );
}

/** How many images of a prompt the gallery's folder has. */
function kept(prompt: string): number {
  const folder = path.join(vscode.globalStorage(), 'pictures');
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.filter((name) => fs.readFileSync(path.join(folder, name), 'utf8').includes(prompt)).length;
}
