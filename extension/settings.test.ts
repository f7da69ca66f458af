import assert from 'node:assert/strict';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { InputError } from '../engine/errors.ts';
import { STYLES } from '../shared/styles.ts';
import { deviceSetting, outputFolder, pictureSettings, styleSettings } from './settings.ts';

const from =
  (settings: Record<string, unknown>) =>
  (name: string): unknown =>
    settings[name];

test('empty and zero mean the default of the model', () => {
  const empty = {
    model: '',
    size: '',
    steps: 0,
    scheduler: '',
    precision: '',
    guidance: 0,
    threads: 0,
    workers: 0,
    bus: '',
    busCredentials: '',
    negativePrompt: ' ',
  };
  assert.deepEqual(JSON.parse(JSON.stringify(pictureSettings(from(empty)))), {});
  assert.deepEqual(JSON.parse(JSON.stringify(pictureSettings(from({})))), {});
});

test('values are taken over', () => {
  const base = path.resolve('/home/me/site');
  const settings = {
    size: '320X256',
    steps: 12,
    scheduler: 'unipc',
    precision: 'int8',
    guidance: 4.5,
    model: './models/mine',
  };
  assert.deepEqual(JSON.parse(JSON.stringify(pictureSettings(from(settings), base))), {
    width: 320,
    height: 256,
    steps: 12,
    scheduler: 'unipc',
    precision: 'int8',
    guidance: 4.5,
    model: path.join(base, 'models/mine'),
  });
  assert.equal(pictureSettings(from({ model: 'stabilityai/sd-turbo' }), base).model, 'stabilityai/sd-turbo');
  assert.deepEqual(pictureSettings(from({ loras: { 'me/style': 0.8, './a.safetensors': -1 } }), base).loras, [
    { lora: 'me/style', strength: 0.8 },
    { lora: path.join(base, 'a.safetensors'), strength: -1 },
  ]);
  assert.equal(pictureSettings(from({ decoder: 'fast' })).decoder, 'fast');
  const bus = { bus: 'tls://host:4222', busCredentials: '/me/pictures.creds' };
  assert.deepEqual(pictureSettings(from(bus)).bus, { url: bus.bus, credentials: bus.busCredentials });
  assert.equal(pictureSettings(from({ model: '~/models/a' })).model, path.join(os.homedir(), 'models/a'));
});

test('the device is one of those that there are', () => {
  assert.equal(deviceSetting(from({})), 'auto');
  assert.equal(deviceSetting(from({ device: 'webgpu' })), 'webgpu');
  for (const device of ['gpu', 7])
    assert.throws(() => deviceSetting(from({ device })), /patchwork\.device must be/);
});

test('anything else is refused by a sentence that names the setting', () => {
  const bad: Record<string, unknown[]> = {
    size: ['big', '256', '255x256', '32x256', '4096x256', 256, {}, '256x256x3'],
    steps: [-1, 1.5, 151, '20', Number.NaN],
    guidance: [-1, 51, '7'],
    threads: [-2, 0.5],
    workers: [-1, 65, 1.5],
    bus: [4222],
    scheduler: ['best', 7],
    precision: ['fp8', 8],
    model: [7, 'relative/with/no/folder/open'],
    negativePrompt: [['a']],
  };
  for (const [name, values] of Object.entries(bad)) {
    for (const value of values) {
      assert.throws(
        () => pictureSettings(from({ [name]: value })),
        (error) => error instanceof InputError && error.message.includes(`patchwork.${name}`),
        `${name}: ${value}`,
      );
    }
  }
});

test('the output folder stays in the workspace', () => {
  assert.deepEqual(outputFolder(from({ outputFolder: 'docs/images/' })), ['docs', 'images']);
  assert.deepEqual(outputFolder(from({ outputFolder: './a\\b' })), ['a', 'b']);
  assert.deepEqual(outputFolder(from({ outputFolder: '' })), []);
  const windows = (outputFolderSetting: string) =>
    outputFolder(from({ outputFolder: outputFolderSetting }), path.win32);
  assert.deepEqual(windows('docs\\images 2'), ['docs', 'images 2']);
  for (const bad of [
    'images:hidden',
    'NUL',
    'a/con.d/b',
    'images.',
    '.. ',
    '.. /x',
    'a/... ',
    'a?',
    '\\\\?\\C:\\x',
  ])
    assert.throws(() => windows(bad), InputError, bad);
  for (const bad of ['..', 'a/../../b', '/etc', '\\\\server\\share', 'C:\\x', 'c:x', '~/x', 'a\0b', 5]) {
    assert.throws(() => outputFolder(from({ outputFolder: bad })), InputError, String(bad));
  }
});

test('what is no text is quoted as in settings.json, shortened', () => {
  for (const value of [{ toString: 1 }, ['512x512'], true, 'x'.repeat(100_000)]) {
    const get = (name: string) => (name === 'size' ? value : undefined);
    assert.throws(
      () => pictureSettings(get),
      (error) => error instanceof InputError && error.message.length < 250,
    );
  }
});

test('own styles stand beside the included ones, and replace those of the same name', () => {
  const night = { name: 'night', prompt: 'moonlight' };
  const ink = { name: 'Ink', prompt: 'ink drawing', negativePrompt: 'photograph' };
  const styles = styleSettings(
    from({
      styles: {
        night: { prompt: 'moonlight' },
        Ink: { prompt: ink.prompt, negativePrompt: ink.negativePrompt },
      },
    }),
  );
  assert.equal(styles.length, STYLES.length + 1);
  assert.deepEqual(styles.slice(-2), [night, ink]);
  assert.deepEqual(styleSettings(from({})), STYLES);
  for (const styles of [[], 'x', { a: 'b' }, { a: {} }, { a: { prompt: 1 } }, { '': { prompt: 'x' } }])
    assert.throws(() => styleSettings(from({ styles })), /patchwork\.styles must give each style a prompt/);
});
