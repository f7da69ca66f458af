/** Drives the MCP server as a client does: over stdio, with the official SDK's client. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import sharp from 'sharp';
import { redShare } from '../support/red.ts';
import { BUNDLE, inTemporaryFolder, patchwork } from './patchwork.ts';

const PROMPT = 'a red house by a lake at sunset';

/** Fields of answers that are read here. */
interface Answer {
  file: string;
  replaced: boolean;
  name: string;
  object: string;
  recipe: { maskOf: string };
  area: number;
  computedShare: number;
  prompt: string;
  sure: boolean;
  objects: { name: string; area: number; box: { x0: number; y0: number; x1: number; y1: number } }[];
}

interface Session {
  folder: string;
  client: Client;
  /** A tool's answer, which must be a success. */
  call(name: string, input: object): Promise<Answer>;
  /** The sentence with which a tool refuses. */
  refusal(name: string, input: object): Promise<string>;
}

function withServer(use: (session: Session) => Promise<void>): Promise<void> {
  return inTemporaryFolder(async (outer) => {
    const folder = path.join(outer, 'inside');
    fs.mkdirSync(folder);
    const client = new Client({ name: 'test', version: '1' });
    const args = [BUNDLE, 'mcp', folder, '--threads', '1'];
    await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'inherit' }));
    const answer = async (name: string, input: object) =>
      (await client.callTool({ name, arguments: { ...input } })) as CallToolResult;
    try {
      await use({
        folder,
        client,
        async call(name, input) {
          const { content, isError } = await answer(name, input);
          assert.ok(!isError, JSON.stringify(content));
          return JSON.parse(textOf(content));
        },
        async refusal(name, input) {
          const { content, isError } = await answer(name, input);
          assert.equal(isError, true, textOf(content));
          return textOf(content);
        },
      });
    } finally {
      await client.close();
    }
  });
}

function textOf([first]: CallToolResult['content']): string {
  return first?.type === 'text' ? first.text : '';
}

test('the server offers its tools with their schemas, and says which write', () =>
  withServer(async ({ client }) => {
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint]),
      [
        ['generate_image', false],
        ['edit_image', false],
        ['select_object', false],
        ['describe_image', true],
      ],
    );
    for (const { description, inputSchema } of tools) {
      assert.ok(description!.length > 100);
      assert.equal(inputSchema.type, 'object');
    }
    assert.deepEqual(client.getServerVersion()?.name, 'patchwork');
    assert.match(client.getInstructions() ?? '', /paths are relative .* select_object .* edit_image/);
  }));

test('input that a tool does not know, or lacks, is refused by its name', () =>
  withServer(async ({ refusal }) => {
    assert.match(
      await refusal('generate_image', { prompt: PROMPT, size: '512x512' }),
      /Unrecognized key: "size"/,
    );
    assert.match(await refusal('generate_image', {}), /It is missing\. at prompt/);
    assert.match(await refusal('describe_image', {}), /A path is missing\. at image/);
  }));

test('an agent generates an image, lists its objects, edits one of them, and describes the result', () =>
  withServer(async ({ folder, client, call, refusal }) => {
    const steps: string[] = [];
    const drawn = (await client.callTool(
      { name: 'generate_image', arguments: { prompt: PROMPT, seed: 7, output: 'lake.png' } },
      undefined,
      { onprogress: ({ message }) => steps.push(message ?? '') },
    )) as CallToolResult;
    assert.ok(!drawn.isError, JSON.stringify(drawn.content[0]));
    const generated = JSON.parse(textOf(drawn.content));
    assert.deepEqual([generated.file, generated.replaced, generated.recipe.seed], ['lake.png', false, 7]);
    assert.ok(
      steps.some((message) => /^denoise: \d+ of 20$/.test(message)),
      steps.join(),
    );
    const seen = drawn.content[1];
    assert.ok(seen?.type === 'image' && seen.mimeType === 'image/png');
    assert.deepEqual(Buffer.from(seen.data, 'base64'), fs.readFileSync(path.join(folder, 'lake.png')));

    const { objects } = await call('select_object', { image: 'lake.png' });
    const house = objects.find(({ name }: { name: string }) => name === 'a red house');
    assert.ok(house, JSON.stringify(objects));
    const mask = await call('select_object', { image: 'lake.png', object: 'red house' });
    assert.deepEqual([mask.file, mask.area], ['lake.red-house.png', house.area]);
    const point = { x: (house.box.x0 + house.box.x1) / 2, y: (house.box.y0 + house.box.y1) / 2 };
    assert.equal((await call('select_object', { image: 'lake.png', point })).file, 'lake.mask.png');

    const edit = { image: 'lake.png', prompt: 'a blue boat', steps: 2, seed: 1 };
    const byName = await call('edit_image', { ...edit, object: 'red house' });
    assert.deepEqual([byName.file, byName.object], ['lake.blue-boat.png', 'a red house']);
    const byMask = await call('edit_image', { ...edit, mask: mask.file, output: 'edits/boat.jpg' });
    assert.equal(byMask.file, 'edits/boat.jpg');
    // Nothing is recorded of the image yet, so that computing everything is faster.
    assert.equal(byName.computedShare, 1);
    const pixels = (file: string) =>
      sharp(path.join(folder, file)).removeAlpha().greyscale().raw().toBuffer();
    const [before, after, inside] = await Promise.all(['lake.png', byName.file, mask.file].map(pixels));
    const beside = (image: Buffer) =>
      before!.filter((value, i) => inside![i] === 0 && image[i] !== value).length;
    assert.ok(before!.some((value, i) => after![i] !== value));
    assert.ok(beside(after!) > 0, 'with a margin, so that nothing of the outline stays');
    assert.match(byName.recipe.maskOf, /^object \d+, a red house, grown by 8$/);
    const exactly = await call('edit_image', { ...edit, object: 'red house', grow: 0 });
    assert.equal(beside(await pixels(exactly.file)), 0);
    const grown = await call('edit_image', { ...edit, mask: mask.file, grow: 8 });
    assert.deepEqual(await pixels(grown.file), after);

    const described = await call('describe_image', { image: 'lake.png' });
    assert.match(described.prompt, /lake/);
    assert.equal(typeof described.sure, 'boolean');
    assert.match(
      await refusal('edit_image', { ...edit, object: 'rocket' }),
      /no object “rocket”. It has: .*red house/,
    );
    assert.match(await refusal('edit_image', edit), /an object or a mask, one of them/);
  }));

test('an agent gives regions prompts of their own, and edits that begin with painted colours', () =>
  withServer(async ({ folder, call, refusal }) => {
    const at = (name: string) => path.join(folder, name);
    const colour = (background: string, width = 256) =>
      sharp({ create: { width, height: 256, channels: 4, background } }).png();
    const right = { input: await colour('white', 128).toBuffer(), left: 128, top: 0 };
    await colour('black').composite([right]).toFile(at('right.png'));
    const region = { prompt: 'a red house in a meadow at noon', mask: 'right.png' };
    const drawn = { prompt: 'a meadow at noon', seed: 3, steps: 8, output: 'meadow.png' };
    await call('generate_image', { ...drawn, regions: [region] });
    const redIn = async (left: number) => {
      const half = sharp(at('meadow.png')).removeAlpha().extract({ left, top: 100, width: 128, height: 120 });
      return redShare(await half.raw().toBuffer(), 3);
    };
    const [there, here] = [await redIn(0), await redIn(128)];
    assert.ok(here > 0.1 && there < here / 4, `${here} in the region, ${there} elsewhere`);

    const spot = {
      input: await sharp({ create: { width: 60, height: 60, channels: 4, background: '#2038c8' } })
        .png()
        .toBuffer(),
    };
    await colour('#0000')
      .composite([{ ...spot, left: 30, top: 150 }])
      .toFile(at('colours.png'));
    const edit = { image: 'meadow.png', prompt: 'a house', seed: 5 };
    const edited = await call('edit_image', { ...edit, colours: 'colours.png' });
    const pixels = (file: string) => sharp(at(file)).removeAlpha().raw().toBuffer();
    const [before, after] = await Promise.all(['meadow.png', edited.file].map(pixels));
    const blueness = (image: Buffer) => {
      let sum = 0;
      for (let y = 165; y < 195; y++)
        for (let x = 45; x < 75; x++) sum += image[3 * (256 * y + x) + 2]! - image[3 * (256 * y + x)]!;
      return sum / 900;
    };
    assert.ok(blueness(after!) > blueness(before!) + 30, `${blueness(before!)}, then ${blueness(after!)}`);
    assert.deepEqual(before!.subarray(0, 3 * 256 * 100), after!.subarray(0, 3 * 256 * 100));

    for (const input of [
      { ...edit, colours: '../colours.png' },
      { ...edit, colours: 'colours.png', regions: [{ ...region, mask: '../right.png' }] },
    ])
      assert.match(await refusal('edit_image', input), /is outside/);
    assert.match(
      await refusal('generate_image', {
        ...drawn,
        output: 'x.png',
        regions: [{ ...region, mask: '/etc/hostname' }],
      }),
      /is outside/,
    );
  }));

test('no file outside the folder is touched, and none is replaced without a word', () =>
  withServer(async ({ folder, call, refusal }) => {
    const quick = { prompt: PROMPT, steps: 1, width: 64, height: 64, seed: 1 };
    const secret = path.join(folder, '../secret.png');
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#123' } })
      .png()
      .toFile(secret);
    const bytes = fs.readFileSync(secret);
    fs.symlinkSync('..', path.join(folder, 'up'));
    for (const file of ['../secret.png', secret, 'up/secret.png']) {
      assert.match(await refusal('describe_image', { image: file }), /is outside/);
      assert.match(await refusal('select_object', { image: file }), /is outside/);
      assert.match(await refusal('edit_image', { image: file, prompt: 'x', object: '1' }), /is outside/);
      const over = { output: file, overwrite: true };
      assert.match(await refusal('generate_image', { ...quick, ...over }), /is outside/);
    }
    assert.deepEqual(fs.readFileSync(secret), bytes);
    assert.deepEqual(fs.readdirSync(folder), ['up']);

    await call('generate_image', { ...quick, output: 'a.png' });
    assert.match(await refusal('generate_image', { ...quick, output: 'a.png' }), /a\.png exists/);
    assert.equal(
      (await call('generate_image', { ...quick, output: 'a.png', overwrite: true })).replaced,
      true,
    );
    const free = [await call('generate_image', quick), await call('generate_image', quick)];
    assert.deepEqual(
      free.map(({ file }) => file),
      ['a-red-house-by-a-lake-at-sunset-1.png', 'a-red-house-by-a-lake-at-sunset-1-2.png'],
    );
    for (const input of [{ ...quick, prompt: ' ' }, { ...quick, steps: 0 }, { ...quick, width: 100 }, {}])
      assert.match(await refusal('generate_image', input), /prompt|steps|width/);
  }));

test('a call that the client cancels ends, and the next one is answered', () =>
  withServer(async ({ folder, client, call }) => {
    const controller = new AbortController();
    const long = client.callTool(
      { name: 'generate_image', arguments: { prompt: PROMPT, steps: 150, width: 512, height: 512 } },
      undefined,
      {
        signal: controller.signal,
        onprogress: ({ message }) => message?.startsWith('denoise: 1 ') && controller.abort(),
      },
    );
    await assert.rejects(long);
    const next = await call('generate_image', { prompt: PROMPT, steps: 1, width: 64, height: 64, seed: 1 });
    assert.deepEqual(fs.readdirSync(folder), [next.file]);
  }));

test('the server ends with its client, and refuses a folder that is not there', async () => {
  const { code, stderr } = await patchwork(['mcp', 'no/such/folder']);
  assert.equal(code, 2);
  assert.match(stderr, /There is no folder no\/such\/folder\./);
  // Its stdin is closed: there is no client.
  assert.deepEqual(await patchwork(['mcp']), { code: 0, stdout: '', stderr: '' });
});
