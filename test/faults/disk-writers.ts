/**
 * Runs everything that writes files against a disk that accepts no writes, and prints how each ended: one JSON array on
 * stdout.
 * Arguments: the folder on that disk, and how it refuses: `full` (it is a small disk, filled here), `read-only` (it is
 * one), or `stand-in:CODE` (writing fails with this error in this process).
 */
import '../support/vscode/register.ts';
import fsPromises, { mkdir, mkdtemp, open, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { BatchFolder } from '../../engine/batch/folder.ts';
import { createEngine } from '../../engine/engine.ts';
import { fetchModel, planFetch } from '../../engine/hub/fetch-model.ts';
import { hubSettings } from '../../engine/hub/settings.ts';
import { contentHash } from '../../engine/models/content-hash.ts';
import { EMBEDDED } from '../../engine/models/embedded.ts';
import { openModel } from '../../engine/models/open.ts';
import { writePicture } from '../../engine/pictures/write.ts';
import { syntheticWeights } from '../../engine/weights/synthetic.ts';
import type { GenerateResult } from '../../shared/api.ts';
import { row, run } from '../../shared/benchmark/testing.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { writeCheckpoint, writeLora } from '../support/checkpoints.ts';
import { startHub } from '../support/hub.ts';

const { Uri, workspace } = await import('../support/vscode/stub.ts');
const { BenchmarkStore } = await import('../../extension/benchmark/store.ts');
const { EditStore } = await import('../../extension/editor/editStore.ts');
const { writePictureUri } = await import('../../extension/editor/pictureFile.ts');
const { Gallery } = await import('../../extension/gallery/store.ts');
const { writeAtomically, writeUnderFreeName } = await import('../../extension/save.ts');

const [disk, how] = process.argv.slice(2) as [string, string];
const elsewhere = await mkdtemp(path.join(os.tmpdir(), 'patchwork-disks-'));
const noise = Uint8Array.from({ length: 128 * 128 * 3 }, (_, i) => (i * i * 7919) % 251);
const png = new Uint8Array(
  await sharp(noise, { raw: { width: 128, height: 128, channels: 3 } })
    .png()
    .toBuffer(),
);
const model = path.join(elsewhere, 'model');
await writeCheckpoint(model, 'sd15');
const lora = path.join(elsewhere, 'lora.safetensors');
await writeLora(lora);
const hub = await startHub({ 'some/model': { folder: model } });
process.env.PATCHWORK_CACHE = path.join(disk, 'cache');

const at = (...names: string[]) => path.join(disk, ...names);
const uri = (name: string) => Uri.file(at(name)) as never;
const files = workspace.fs as never;
const result = {
  picture: { png, width: 128, height: 128 },
  recipe: { prompt: 'a house', seed: 1 },
  warnings: [],
} as unknown as GenerateResult;
const engine = createEngine(new NodeBackend(1));
const request = {
  prompt: 'a house',
  seed: 1,
  steps: 1,
  width: 64,
  height: 64,
  model,
  threads: 1,
  previews: false,
};

const WRITERS: Record<string, () => Promise<unknown>> = {
  'an image': () => writePicture(at('image.png'), png),
  'an image that is replaced': () => writePicture(at('old.png'), png),
  'an image in the editor': () => writePictureUri(uri('edited.png'), png),
  'an image in the workspace': () => writeUnderFreeName(files, uri('images'), ['a.png'], png),
  'the gallery': () => new Gallery(at('gallery'), () => 0).add({ prompt: 'a house' }, result),
  'the backup of an image': () => writeAtomically(files, uri('backup'), png, { overwrite: true }),
  'the edits of a saved image': () => new EditStore(files, uri('edits')).keep('digest', png),
  'a benchmark': () =>
    new BenchmarkStore(files, uri('')).add({ report: run({}, [row()]).report, pictures: { original: png } }),
  'a batch': () =>
    BatchFolder.open(at('batch'), {
      prompts: Array(200).fill('a house '.repeat(20)),
      count: 1,
      settings: {},
    }),
  // Before a writer that keeps a file of the disk in use.
  'merged weights': () => engine.generate({ ...request, loras: [{ lora, strength: 1 }], precision: 'fp32' }),
  'quantized weights': () => engine.generate({ ...request, precision: 'int8' }),
  'synthetic weights': () =>
    syntheticWeights([{ name: 'w', shape: [300, 300], kind: 'weight' }] as never, {
      seed: 1,
      folder: at('arch'),
    }),
  'a download': async () => {
    const settings = await hubSettings({ endpoint: hub.endpoint, cache: at('hub'), retryDelay: 1 });
    const plan = await planFetch(settings, { id: 'some/model' });
    return fetchModel(settings, { ...plan, freeBytes: Number.MAX_SAFE_INTEGER });
  },
  // Files that only save time are not needed.
  'a hash': async () => contentHash(await openModel(EMBEDDED)),
  'the speed of the machine': () => new NodeBackend(1).formSpeed(),
};

/** All files of the disk, without those that a download continues with. */
async function filesThere(): Promise<string[]> {
  const entries = await readdir(disk, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(disk, path.join(entry.parentPath, entry.name)));
  const isMeant = (name: string) => /^filler$|\.incomplete$|^cache\/(hashes\/|machine)/.test(name);
  return names.filter((name) => !isMeant(name.replaceAll(path.sep, '/'))).sort();
}

async function fill(): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  await writeFile(at('filler'), new Uint8Array(bavail * bsize));
}

/** Makes every way of writing fail in this process. */
async function refuse(code: string): Promise<void> {
  const handle = await open(process.execPath);
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  const failing = async () => {
    throw Object.assign(new Error(`${code}: stand-in, write`), { code });
  };
  for (const name of ['write', 'writev', 'writeFile', 'appendFile']) prototype[name] = failing;
  Object.assign(fsPromises, { writeFile: failing, appendFile: failing });
  if (code === 'EROFS') {
    const { open: opened } = fsPromises;
    const reading = (flags: unknown) => flags === undefined || flags === 'r' || flags === 0 || flags === 2048;
    const openFile = (...args: Parameters<typeof opened>) => (reading(args[1]) ? opened(...args) : failing());
    Object.assign(fsPromises, { open: openFile, mkdir: failing, rename: failing });
  }
  syncBuiltinESMExports();
}

const [kind, code = ''] = how.split(':');
if (kind === 'full') await writeFile(at('old.png'), 'old');
else if (kind === 'stand-in') {
  await mkdir(disk, { recursive: true });
  await writeFile(at('old.png'), 'old');
  await refuse(code);
}
const outcomes = [];
for (const [name, write] of Object.entries(WRITERS)) {
  if (kind === 'full') await fill();
  const before = await filesThere();
  const outcome = await write().then(
    () => 'written',
    (error: unknown) => `${(error as Error).name}: ${messageOf(error)}`,
  );
  const isKept = (await readFile(at('old.png'), 'utf8')).startsWith('old');
  const left = (await filesThere()).filter((file) => !before.includes(file));
  if (kind === 'full') await rm(at('filler'));
  // With room it succeeds, whatever the first attempt left behind.
  const later = kind !== 'full' ? undefined : await write().then(() => 'written', messageOf);
  if (kind === 'full')
    for (const entry of await readdir(disk))
      if (entry !== 'old.png') await rm(at(entry), { recursive: true, force: true });
  if (kind === 'full') await writeFile(at('old.png'), 'old');
  outcomes.push({ name, outcome, isKept, left, later });
}
await engine.dispose();
await hub.close();
await rm(elsewhere, { recursive: true, force: true });
console.log(JSON.stringify(outcomes));
process.exit(0);
