/** Faults of processes and disks: a short run of killing, stopping and filling. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import { float32 } from '../../engine/graph/tensor.ts';
import { contentHash, denoiserVersion } from '../../engine/models/content-hash.ts';
import { EMBEDDED } from '../../engine/models/embedded.ts';
import { openModel } from '../../engine/models/open.ts';
import type { Job } from '../../engine/parallel/job.ts';
import { psnr } from '../../engine/pictures/psnr.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import { BusCrew } from '../../processes/bus/crew.ts';
import { noServer, startServer } from '../../processes/bus/testing/server.ts';
import { BusWorker } from '../../processes/bus/worker.ts';
import { LocalCrew } from '../../processes/workers/crew.ts';
import type { GenerateProgress } from '../../shared/api.ts';
import { writeCheckpoint, writeLora } from '../support/checkpoints.ts';
import { scriptOf } from '../support/script.ts';

const request = { prompt: 'a house', seed: 1, steps: 60, width: 128, height: 128, threads: 1 };

test('a worker of a bus whose process is stopped is given up; its next job gets a fresh process', {
  skip: noServer || process.platform === 'win32',
}, async () => {
  const server = await startServer();
  const pids: number[] = [];
  const start = (onLog?: (line: string) => void) =>
    BusWorker.start({
      bus: { url: server.url },
      models: [EMBEDDED],
      threads: 1,
      onLog,
      crew: { pulsePatience: 5000 },
    });
  const stopped = await start((line) => {
    const pid = /^Worker 1 (\d+) started/.exec(line)?.[1];
    if (pid) pids.push(Number(pid));
  });
  const honest = await start();
  const engine = createEngine(new NodeBackend(), { connect: (bus) => BusCrew.connect(bus) });
  try {
    const bus = { url: server.url };
    let done = false;
    const { warnings } = await engine.generate(
      { ...request, bus, patch: { split: 'bands' } },
      {
        onProgress: ({ step }) => {
          if (step !== 3 || done) return;
          done = true;
          process.kill(pids.at(-1)!, 'SIGSTOP');
        },
      },
    );
    assert.match(warnings.join(), /was lost; .* did the rest/);
    while (stopped.busy || honest.busy) await pause(100);
    const next = await engine.generate({ ...request, steps: 2, bus });
    assert.equal(next.workers!.length, 2);
    assert.ok(new Set(pids).size > 1);
  } finally {
    await engine.dispose();
    await stopped.stop();
    await honest.stop();
    await server.stop();
  }
});

test('a worker that computes on for a job that is over is replaced', async () => {
  const crew = new LocalCrew({ endPatience: 300 });
  try {
    const [member] = await crew.members(1, 1);
    const model = await openModel(EMBEDDED);
    const side = 256;
    const text = model.network('denoiser').inputs.get('encoder_hidden_states') as { channels: number };
    const { channels } = text;
    const job: Job = {
      id: 'long',
      model: model.id,
      version: await denoiserVersion(model),
      precision: 'fp32',
      condition: { text: float32(new Float32Array(2 * 8 * channels), [2, 8, channels]), guidance: 3 },
      channels: 4,
      bands: { height: side, width: side, axis: 'y', edges: [[0, side]] },
      index: 0,
      mode: 'displaced',
      coding: 'float32',
    };
    await assert.rejects(member!.begin({ ...job, version: 'of other files' }), {
      name: 'InputError',
      message: /^the files of .* are others than when the image began/,
    });
    await member!.begin(job);
    const sample = new Float32Array(4 * side * side);
    const step = member!.step({ job: 'long', step: 0, timestep: 500, kind: 'dense', sample });
    const over = assert.rejects(step, { name: 'MemberLostError' });
    await member!.end('long');
    const [next] = await crew.members(1, 1);
    assert.notEqual(next!.pid, member!.pid);
    await over;
  } finally {
    await crew.dispose();
  }
});

test('a cache that cannot be written is not needed where it only saves time', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  const before = process.env.PATCHWORK_CACHE;
  try {
    // Nobody, not even root, makes a folder below a file.
    process.env.PATCHWORK_CACHE = path.join(folder, 'file');
    await writeFile(process.env.PATCHWORK_CACHE, '');
    assert.match(await contentHash(await openModel(EMBEDDED)), /^[0-9a-f]{64}$/);
  } finally {
    if (before === undefined) delete process.env.PATCHWORK_CACHE;
    else process.env.PATCHWORK_CACHE = before;
    await rm(folder, { recursive: true });
  }
});

const checkpoint = await mkdtemp(path.join(os.tmpdir(), 'patchwork-faults-'));
after(() => rm(checkpoint, { recursive: true, force: true }));

test('where the cache takes no files, merged and quantized weights are kept elsewhere until the end', async () => {
  const folder = await mkdtemp(path.join(checkpoint, 'cache-'));
  const at = (name: string) => path.join(folder, name);
  await writeCheckpoint(at('model'), 'sd15');
  await writeLora(at('lora.safetensors'));
  await writeFile(at('file'), '');
  await mkdir(at('temporary'));
  const { script, execArgv } = scriptOf(path.join(import.meta.dirname, '../../cli/main.ts'));
  const images: Buffer[] = [];
  // Nobody, not even root, makes a folder below a file.
  for (const [name, cache, said] of [
    ['without.png', at('file/cache'), 1],
    ['with.png', at('cache'), 0],
  ] as const) {
    const settings = ['--size', '64x64', '--steps', '1', '--seed', '1', '--precision', 'int8'];
    const files = ['--model', at('model'), '--lora', at('lora.safetensors'), '-o', at(name)];
    const { stderr } = await promisify(execFile)(
      process.execPath,
      [...execArgv, script, 'generate', 'a house', ...settings, ...files],
      { env: { ...process.env, PATCHWORK_CACHE: cache, TMPDIR: at('temporary'), TEMP: at('temporary') } },
    );
    const notices = stderr.match(/Cannot write .* are kept in .* until Patchwork ends/g) ?? [];
    assert.equal(notices.length, said, stderr);
    images.push(await readFile(at(name)));
  }
  assert.deepEqual(images[0], images[1]);
  assert.deepEqual(
    (await readdir(at('temporary'))).filter((name) => name.startsWith('patchwork')),
    [],
  );
});

/** Generates with a small model, and changes something in the middle of the run, at its first report of a stage. */
async function generatedWhile(stage: GenerateProgress['stage'], change: (folder: string) => void) {
  const folder = await mkdtemp(path.join(checkpoint, 'model-'));
  await writeCheckpoint(folder, 'sd15');
  const engine = createEngine(new NodeBackend(1));
  let done = false;
  const asked = { prompt: 'a house', seed: 1, steps: 2, width: 64, height: 64, threads: 1, model: folder };
  try {
    return await engine.generate(asked, {
      onProgress: (progress) => {
        if (progress.stage !== stage || done) return;
        done = true;
        change(folder);
      },
    });
  } finally {
    await engine.dispose();
  }
}

const DENOISER = path.join('unet', 'diffusion_pytorch_model.safetensors');

for (const [what, stage, change, sentence] of [
  [
    'its folder vanishes',
    'load',
    (folder: string) => rmSync(folder, { recursive: true }),
    /does not exist; the model folder is not complete|was removed, or cannot be read any more, while it was in use; get the model again/,
  ],
  [
    'its weights vanish',
    'encode',
    (folder: string) => rmSync(path.join(folder, DENOISER)),
    /diffusion_pytorch_model\.safetensors was removed.* get the model again/,
  ],
  [
    'its weights are cut off',
    'load',
    (folder: string) => truncateSync(path.join(folder, DENOISER), 5000),
    /diffusion_pytorch_model\.safetensors was changed while it was in use; start again/,
  ],
  [
    'its weights are replaced by others of the same length',
    'encode',
    (folder: string) => {
      const file = path.join(folder, DENOISER);
      const bytes = readFileSync(file);
      bytes.fill(0, bytes.length - 1000);
      rmSync(file);
      writeFileSync(file, bytes);
    },
    /diffusion_pytorch_model\.safetensors was changed while it was in use; start again/,
  ],
] as const)
  test(`a model of which ${what} in the middle of a run: one sentence with the file and what to do`, {
    // There a file that is used can be neither removed nor changed.
    skip: process.platform === 'win32',
  }, async () => {
    await assert.rejects(generatedWhile(stage, change), { name: 'InputError', message: sentence });
  });

/** Other weights in a model's place, of the same length. */
function replaceWeights(folder: string, part = DENOISER): void {
  const file = path.join(folder, part);
  const bytes = readFileSync(file);
  const data = 8 + Number(bytes.readBigUInt64LE());
  for (let i = data; i + 4 <= bytes.length; i += 4) bytes.writeFloatLE(0.01, i);
  replaceFile(file, bytes);
}

function replaceFile(file: string, content: Uint8Array | string): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

/** Other values in one of a model's JSON files. */
function replaceIn(folder: string, name: string, values: object): void {
  const file = path.join(folder, name);
  replaceFile(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...values }));
}

const CHANGES: Record<string, (folder: string) => void> = {
  'a number of the denoiser': (folder) =>
    replaceIn(folder, path.join('unet', 'config.json'), { norm_eps: 0.1 }),
  'a number of the sampler': (folder) =>
    replaceIn(folder, path.join('scheduler', 'scheduler_config.json'), { beta_end: 0.02 }),
  tokenizer: (folder) =>
    replaceFile(path.join(folder, 'tokenizer', 'special_tokens_map.json'), '{"pad_token": "!"}'),
  denoiser: (folder) => replaceWeights(folder),
  autoencoder: (folder) => replaceWeights(folder, path.join('vae', 'diffusion_pytorch_model.safetensors')),
};
const posix = { skip: process.platform === 'win32' };

test('a model of which a file was replaced between two runs is loaded again', posix, async () => {
  const folder = await mkdtemp(path.join(checkpoint, 'model-'));
  await writeCheckpoint(folder, 'sd15');
  const engine = createEngine(new NodeBackend(1));
  const asked = { prompt: 'a house', seed: 1, steps: 1, width: 64, height: 64, threads: 1, model: folder };
  try {
    let before = (await engine.generate(asked)).picture.png;
    for (const [what, change] of Object.entries(CHANGES)) {
      change(folder);
      const { png } = (await engine.generate(asked)).picture;
      assert.notDeepEqual(png, before, what);
      before = png;
    }
    const fresh = createEngine(new NodeBackend(1));
    assert.deepEqual((await fresh.generate(asked)).picture.png, before);
    await fresh.dispose();
  } finally {
    await engine.dispose();
  }
});

test('workers notice that a model was replaced between two images', posix, async () => {
  const folder = await mkdtemp(path.join(checkpoint, 'model-'));
  await writeCheckpoint(folder, 'sd15');
  const crew = new LocalCrew();
  const engine = createEngine(new NodeBackend(1), { openCrew: () => crew });
  const asked = { prompt: 'a house', seed: 1, steps: 1, width: 64, height: 64, threads: 1, model: folder };
  try {
    const before = await engine.generate({ ...asked, workers: 2 });
    replaceWeights(folder);
    const divided = await engine.generate({ ...asked, workers: 2 });
    assert.deepEqual(divided.warnings, before.warnings);
    const alone = await engine.generate(asked);
    const decoded = await Promise.all(
      [divided, alone, before].map(async ({ picture }) => (await decodePicture(picture.png, 'it')).pixels),
    );
    const [now, right, old] = decoded as [Uint8Array, Uint8Array, Uint8Array];
    assert.ok(psnr(now, right) > psnr(now, old) + 10);
  } finally {
    await engine.dispose();
  }
});

test('a worker of a bus whose files of a model have changed is refused by name', {
  skip: noServer || process.platform === 'win32',
}, async () => {
  const [here, there] = [path.join(checkpoint, 'here'), path.join(checkpoint, 'there', 'here')];
  await writeCheckpoint(here, 'sd15');
  await cp(here, there, { recursive: true });
  const server = await startServer();
  const bus = { url: server.url };
  const start = (model: string) => BusWorker.start({ bus, models: [model], threads: 1 });
  const changed = await start(there);
  const engine = createEngine(new NodeBackend(1), { connect: (bus) => BusCrew.connect(bus) });
  const asked = { prompt: 'a house', seed: 1, steps: 1, width: 64, height: 64, threads: 1, model: here, bus };
  const why = /\(\w{4}\)(?:: | was given up, since )the files of here have changed since this worker started/;
  try {
    assert.equal((await engine.generate(asked)).workers!.length, 1);
    replaceWeights(there);
    await assert.rejects(engine.generate(asked), why);
    const honest = await start(here);
    assert.match((await engine.generate(asked)).warnings.join(), why);
    await honest.stop();
    // A worker that starts with other files has another model.
    await changed.stop();
    const other = await start(there);
    await assert.rejects(engine.generate(asked), /\(\w{4}\) does not have the model/);
    await other.stop();
  } finally {
    await engine.dispose();
    await changed.stop().catch(() => {});
    await server.stop();
  }
});
