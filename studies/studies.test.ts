import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { scriptOf } from '../test/support/script.ts';

const FOLDER = import.meta.dirname;
const ROOT = path.dirname(FOLDER);
const STUDIES = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && !/^frame\.|\.test\./.test(name));

/** Arguments with which a study takes seconds, and how many rows its table has then. */
const SMALL: readonly { study: string; given: string[]; rows: number }[] = [
  { study: 'autoencoder-int8.ts', given: ['media/models/scenes', '--side', '64', '--repeat', '1'], rows: 2 },
  {
    study: 'autoencoder-regions.ts',
    given: ['media/models/scenes/vae', scene('cat'), scene('tent'), '--side', '64', '--margins', '2,4'],
    rows: 3,
  },
  {
    study: 'edit-times.ts',
    given: ['media/models/scenes', '--side', '64', '--repeat', '1', '--budget', '0.4'],
    rows: 10,
  },
  { study: 'describe-doubts.ts', given: ['test/fixtures/photos'], rows: 1 },
  {
    study: 'encode-parts.ts',
    given: ['media/models/sight/segmenter', scene('cat'), scene('tent'), '--margins', '1', '--repeat', '1'],
    rows: 1,
  },
  {
    study: 'whole-times.ts',
    given: ['scenes:64:2', 'scenes:64:1', '--repeat', '1'],
    rows: 2,
  },
  {
    study: 'peaks.ts',
    given: ['media/models/scenes', '--size', '64x64', '--only', 'vae-decoder,fp32'],
    rows: 2,
  },
  {
    study: 'device-times.ts',
    given: [
      '--device',
      'cpu',
      '--parity',
      // What fails has a row with the reason, and loses no other.
      'tiny-sd21-v-fp16,missing',
      '--images',
      'scenes:64:1',
      '--models',
      'scenes',
      '--sides',
      '64',
      '--repeat',
      '1',
    ],
    rows: 4,
  },
  { study: 'simulate-workers.ts', given: ['sd15', '--coding', 'float32'], rows: 4 },
];

describe('studies', { concurrency: 2 }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'studies-'));
  });
  after(() => rm(folder, { recursive: true }));

  test('each study starts, explains itself and is listed', async () => {
    // In one process: starting one for each takes most of a minute.
    const files = STUDIES.map((study) => scriptOf(path.join(FOLDER, study)).script);
    const { code, stdout, stderr } = await run('support/help.ts', ...files);
    assert.equal(code, 0, stderr);
    const helps = helpOf(stdout);
    const readme = readFileSync(path.join(FOLDER, 'README.md'), 'utf8');
    for (const study of STUDIES) {
      const { name } = path.parse(study);
      assert.match(helps.get(name) ?? '', new RegExp(`^Usage: ${name}\\.(ts|mjs) \\[options\\]`));
      assert.equal(readme.split(`\`${study}\``).length, 2, `${study} has one line in studies/README.md`);
    }
  });

  for (const { study, given, rows } of SMALL)
    test(`${study} prints its table`, async () => {
      const { code, stdout, stderr } = await run(study, ...given);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^.+ cores, .+ onnxruntime-node \d/);
      const lines = stdout.split('\n').filter((line) => line.startsWith('|'));
      assert.equal(lines.length, rows + 2, stdout);
      assert.doesNotMatch(stdout, /NaN|undefined/);
    });

  test('images that one study draws are scored by another', async () => {
    const drawn = await run('draw-prompts.ts', 'training/prompts/sheet.json', folder, '--count', '1');
    assert.equal(drawn.code, 0, drawn.stderr);
    const scored = await run('score-pictures.ts', path.join(folder, 'pictures.json'));
    assert.equal(scored.code, 0, scored.stderr);
    assert.match(scored.stdout, /\n\| .*pictures\.json( \| [\d.]+ %){5} \|\n/);
  });

  test('edits of a case are drawn in both modes, compared and shown on a sheet', async () => {
    const cases = path.join(folder, 'cases');
    await mkdir(cases);
    const file = (name: string) => path.join(cases, name);
    await copyFile(scene('cat'), file('before.png'));
    await sharp({ create: { width: 64, height: 64, channels: 3, background: 'white' } })
      .extend({ top: 96, left: 96, right: 96, bottom: 96, background: 'black' })
      .png()
      .toFile(file('mask.png'));
    const edit = {
      file: '0.png',
      before: 'before.png',
      mask: 'mask.png',
      prompt: 'a house',
      seed: 1,
      way: 'add',
    };
    await writeFile(file('cases.json'), JSON.stringify([edit]));
    const sheet = file('sheet.jpg');
    const drawn = await run('edit-cases.ts', cases, '--steps', '2', '--no-judge', '--sheet', sheet);
    assert.equal(drawn.code, 0, drawn.stderr);
    assert.match(drawn.stdout, /inside the mask, 1 edits: median \d+\.\d dB/);
    for (const mode of ['sparse', 'dense']) assert.ok(existsSync(path.join(cases, mode, '0.png')));
    assert.equal((await sharp(sheet).metadata()).format, 'jpeg');
  });

  test('wrong arguments are refused in a sentence', async () => {
    const word = await run('simulate-workers.ts', 'sd15', '--coding', 'gzip');
    assert.equal(word.code, 2);
    assert.match(word.stderr, /It must be one of float32, float16, residual\./);
    const missing = await run('peaks.ts');
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /missing required argument 'arch'/);
  });
});

/** The help of each study, from what `support/help.ts` prints. */
function helpOf(printed: string): Map<string, string> {
  const parts = printed.split(/^# /m).slice(1);
  return new Map(
    parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  );
}

function scene(name: string): string {
  return `test/fixtures/scenes/${name}.png`;
}

function run(study: string, ...given: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { script, execArgv } = scriptOf(path.join(FOLDER, study));
  const child = spawn(process.execPath, [...execArgv, script, ...given], { cwd: ROOT });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}
