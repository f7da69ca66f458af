import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import sharp from 'sharp';
import { BoundedFolders, placesBelow } from './folders.ts';

const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#888' } })
  .png()
  .toBuffer();
const NAMES = () => ['free.png', 'free-2.png'];

/** A folder `inside` with an image, one beside it with another, and links from the first into the second. */
async function withFolders(use: (folders: BoundedFolders, inside: string, outside: string) => Promise<void>) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'patchwork-')));
  const [inside, outside] = ['inside', 'inside-not'].map((name) => path.join(root, name)) as [string, string];
  try {
    for (const folder of [inside, outside, path.join(inside, 'images')]) fs.mkdirSync(folder);
    for (const file of ['inside/a.png', 'inside/images/b.png', 'inside-not/secret.png'])
      fs.writeFileSync(path.join(root, file), png);
    fs.symlinkSync(outside, path.join(inside, 'link'));
    fs.symlinkSync(path.join(outside, 'secret.png'), path.join(inside, 'secret-link.png'));
    fs.symlinkSync(path.join(outside, 'new.png'), path.join(inside, 'dangling.png'));
    fs.symlinkSync('a.png', path.join(inside, 'a-link.png'));
    await use(new BoundedFolders([inside], 'images'), inside, outside);
  } finally {
    fs.rmSync(root, { recursive: true });
  }
}

const OUTSIDE = [
  '../inside-not/secret.png',
  'images/../../inside-not/secret.png',
  'link/secret.png',
  'secret-link.png',
];

test('images inside are read by relative, absolute and URL paths, and through links that stay inside', () =>
  withFolders(async (folders, inside) => {
    const absolute = path.join(inside, 'a.png');
    for (const [file, shown] of [
      ['a.png', 'a.png'],
      ['./images/../a.png', 'a.png'],
      [absolute, 'a.png'],
      [pathToFileURL(absolute).href, 'a.png'],
      ['images/b.png', 'images/b.png'],
      ['a-link.png', 'a-link.png'],
    ] as const) {
      const read = await folders.read(file);
      assert.equal(read.file, shown);
      assert.deepEqual(Buffer.from(read.bytes), png);
    }
  }));

test('addresses of other schemes are read where they have a path inside', () =>
  withFolders(async (_, inside) => {
    const pathOf = (address: string) =>
      address.startsWith('memfs:/') ? path.join(inside, address.slice('memfs:/'.length)) : undefined;
    const folders = new BoundedFolders([inside], 'images', pathOf);
    assert.equal((await folders.read('memfs:///images/b.png')).file, 'images/b.png');
    await assert.rejects(folders.read('memfs:///../inside-not/secret.png'), /is outside/);
    await assert.rejects(folders.read('https://elsewhere.example/a.png'), /There is no file https:/);
  }));

test('nothing outside is read or written, by whatever path', () =>
  withFolders(async (folders, inside, outside) => {
    const before = fs.readdirSync(outside);
    const absolute = path.join(outside, 'secret.png');
    for (const file of [...OUTSIDE, absolute, pathToFileURL(absolute).href, `${inside}-not/secret.png`])
      await assert.rejects(folders.read(file), /is outside/, file);
    for (const output of [
      ...OUTSIDE,
      absolute,
      'link/new.png',
      'link/deep/new.png',
      '../new.png',
      'dangling.png',
    ])
      for (const overwrite of [false, true])
        await assert.rejects(folders.write(png, { output, overwrite, names: NAMES }), /is outside/, output);
    await assert.rejects(folders.write(png, { names: NAMES, beside: 'link/secret.png' }), /is outside/);
    assert.deepEqual(fs.readdirSync(outside), before);
    assert.deepEqual(fs.readFileSync(absolute), png);
  }));

test('paths of any characters either lie inside or are refused', () =>
  withFolders(async (folders, inside) => {
    const part = fc.oneof(fc.constantFrom('..', '.', 'link', 'images', '', 'a.png', '~'), fc.string());
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
        const output = `${parts.join('/')}.png`;
        const found = await folders.find({ output, names: NAMES }).catch((error: Error) => error);
        if (found instanceof Error)
          assert.match(found.message, /is outside|exists|not a file|zero|must end in|too long/);
        else
          assert.ok(
            fs.realpathSync(inside) && found.file.split('/')[0] !== '..' && !path.isAbsolute(found.file),
          );
      }),
      { numRuns: 300 },
    );
  }));

test('a file is replaced only where that is asked for, and it is said', () =>
  withFolders(async (folders, inside) => {
    const write = (overwrite?: boolean) => folders.write(png, { output: 'a.png', overwrite, names: NAMES });
    await assert.rejects(write(), /a\.png exists\. Give another name, or set overwrite to true/);
    assert.deepEqual(await folders.find({ output: 'a.png', overwrite: true, names: NAMES }), {
      file: 'a.png',
      exists: true,
    });
    assert.deepEqual(await write(true), {
      file: 'a.png',
      path: path.join(inside, 'a.png'),
      replaced: true,
    });
    const made = await folders.write(png, { output: 'deep/er/c.webp', names: NAMES });
    assert.deepEqual([made.file, made.replaced], ['deep/er/c.webp', false]);
    await assert.rejects(
      folders.write(png, { output: 'images', overwrite: true, names: NAMES }),
      /must end in/,
    );
    fs.mkdirSync(path.join(inside, 'folder.png'));
    await assert.rejects(
      folders.write(png, { output: 'folder.png', overwrite: true, names: NAMES }),
      /folder\.png is not a file/,
    );
  }));

test('without a name a free one is taken: in the output folder, or beside an image', () =>
  withFolders(async (folders) => {
    const files = [
      await folders.write(png, { names: NAMES }),
      await folders.write(png, { names: NAMES }),
      await folders.write(png, { names: NAMES, beside: 'a.png' }),
    ];
    assert.deepEqual(
      files.map(({ file }) => file),
      ['images/free.png', 'images/free-2.png', 'free.png'],
    );
  }));

test('what is no image is refused', () =>
  withFolders(async (folders, inside) => {
    fs.writeFileSync(path.join(inside, 'text.png'), 'text');
    await assert.rejects(folders.read('text.png'), /text\.png is not an image/);
    await assert.rejects(folders.read('images'), /images is not a file/);
    await assert.rejects(folders.read('none.png'), /There is no file none\.png/);
    await assert.rejects(folders.read('file://elsewhere.example/a.png'), /is not the address|is outside/);
  }));

test('of several folders each is inside', () =>
  withFolders(async (_, inside, outside) => {
    const both = new BoundedFolders([inside, outside]);
    assert.equal((await both.read('secret.png')).file, 'secret.png');
    assert.equal((await both.read('link/secret.png')).file, 'link/secret.png');
    await assert.rejects(both.read('../other.png'), /is outside/);
  }));

test('Windows: drives, shares, streams, devices and names that change are outside', () => {
  const below = (given: string) => placesBelow(['C:\\w', 'D:\\other'], given, path.win32);
  assert.deepEqual(below('a\\b.png'), ['C:\\w\\a\\b.png', 'D:\\other\\a\\b.png']);
  assert.deepEqual(below('c:/W/a.png'), ['c:\\W\\a.png']);
  assert.deepEqual(below('..\\other\\a.png'), ['D:\\other\\a.png']);
  for (const given of [
    ...[
      '..\\x.png',
      'C:\\x.png',
      'E:x.png',
      '\\x.png',
      '/x.png',
      '\\\\server\\share\\x.png',
      '//server/share/x.png',
    ],
    ...[
      '\\\\?\\C:\\w\\x.png',
      '\\\\.\\C:\\w\\x.png',
      'a.png:hidden.png',
      'a.png::$DATA',
      'NUL',
      'con.png',
      'aux\\x.png',
    ],
    ...['x.png.', 'x.png ', 'dir. \\x.png', '.. \\x.png', 'a?.png', 'C:\\w2\\x.png'],
  ])
    assert.deepEqual(below(given), [], given);
});
