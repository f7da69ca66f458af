import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import sharp from 'sharp';
import { dilate } from '../../engine/regions/mask.ts';
import { objectMargin } from '../../shared/margins.ts';
import { type AgentCall, callTool } from './agentTool.ts';
import { openWorkbench, type Workbench } from './harness.ts';
import { storyIn } from './story.ts';

const PROMPT = 'a red house by a lake at sunset';

let vscode: Workbench;
const step = storyIn(() => vscode);

before(async () => {
  vscode = await openWorkbench();
});
after(() => vscode?.close());

const call: AgentCall = (...args) => callTool(vscode, ...args);

const inWorkspace = (file: string) => path.join(vscode.workspace, file);

step('an agent generates where it says, once the user agrees', async () => {
  const input = { prompt: PROMPT, seed: 7, output: 'lake.png' };
  const { result } = await call('generate_image', input, {
    title: 'Generate an image?',
    text: 'Generates an image on this machine. Saves lake.png.',
  });
  assert.equal(result!.file, 'lake.png');
  assert.equal(result!.uri, `file://${inWorkspace('lake.png')}`);
  assert.ok(fs.existsSync(inWorkspace('lake.png')));
});

step('a file is not replaced without a word, and nothing outside the workspace is touched', async () => {
  const input = { prompt: PROMPT, seed: 8, steps: 2, output: 'lake.png' };
  const before = fs.readFileSync(inWorkspace('lake.png'));
  assert.match((await call('generate_image', input)).error!, /lake\.png exists/);
  for (const image of ['../outside.png', '/etc/hostname'])
    for (const tool of ['describe_image', 'select_object', 'edit_image']) {
      const title = { describe_image: 'Describe', select_object: 'Select', edit_image: 'Edit' }[tool]!;
      const asked = { image, ...(tool === 'edit_image' && { prompt: PROMPT, object: '1' }) };
      const refused = await call(tool, asked, tool === 'edit_image' ? undefined : { title, text: image });
      assert.match(refused.error!, /is outside/, tool);
    }
  assert.deepEqual(fs.readFileSync(inWorkspace('lake.png')), before);
  const { result } = await call(
    'generate_image',
    { ...input, overwrite: true },
    { title: 'Generate an image?', text: 'Overwrites lake.png.' },
  );
  assert.equal(result!.replaced, true);
  fs.writeFileSync(inWorkspace('lake.png'), before);
});

step('an agent lists objects, edits one by its name, makes a mask and describes', async () => {
  const listed = await call(
    'select_object',
    { image: 'lake.png' },
    { title: 'Select an object?', text: 'Lists the objects in lake.png.' },
  );
  const objects = listed.result!.objects as { name: string }[];
  assert.ok(
    objects.some(({ name }) => name === 'a red house'),
    JSON.stringify(objects),
  );
  const edited = await call(
    'edit_image',
    { image: 'lake.png', prompt: 'a blue boat', object: 'red house', steps: 4, seed: 1 },
    {
      title: 'Edit an image?',
      text: 'Repaints “red house” of lake.png on this machine. Saves lake.blue-boat.png.',
    },
  );
  assert.deepEqual(
    [edited.result!.file, edited.result!.object, edited.image],
    [...['lake.blue-boat.png', 'a red house', true]],
  );
  const mask = await call(
    'select_object',
    { image: 'lake.png', object: 'red house' },
    { title: 'Select an object?', text: 'Makes a mask of an object in lake.png. Saves lake.red-house.png.' },
  );
  const pixels = (file: unknown) =>
    sharp(inWorkspace(file as string))
      .removeAlpha()
      .greyscale()
      .raw()
      .toBuffer();
  const [original, after, inside] = await Promise.all(
    ['lake.png', edited.result!.file, mask.result!.file].map(pixels),
  );
  const changed = (where: (i: number) => boolean) =>
    original!.some((value, i) => where(i) && after![i] !== value);
  // The object is painted with a margin, and nothing beyond.
  const { width, height } = await sharp(inWorkspace('lake.png')).metadata();
  const object = { width, height, data: inside!.map((value) => Number(value > 127)) };
  const painted = dilate(object, objectMargin(object)).data;
  assert.ok(changed((i) => object.data[i] === 0));
  assert.ok(!changed((i) => painted[i] === 0));
  const described = await call(
    'describe_image',
    { image: 'lake.png' },
    { title: 'Describe an image?', text: 'Reads lake.png and puts it into words on this machine.' },
  );
  assert.match(described.result!.prompt as string, /lake/);
});

step('what an agent asks wrongly is answered in one sentence', async () => {
  assert.match((await call('generate_image', { prompt: ' ' })).error!, /The prompt is missing/);
  assert.match((await call('generate_image', { prompt: PROMPT, steps: 0.5 })).error!, /steps/);
  assert.match((await call('edit_image', { image: 'lake.png', prompt: 'x' })).error!, /object or a mask/);
  assert.match((await call('generate_image', { prompt: PROMPT, size: '64x64' })).error!, /key: "size"/);
  assert.match((await call('describe_image', {})).error!, /A path is missing/);
});
