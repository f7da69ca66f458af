import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { SOFTWARE_GPU, skipWithoutGpu } from '../../engine/backends/node/devices/testing.ts';
import { scriptOf } from '../support/script.ts';

/** Operators of a network in one form that run on the processor, and copies between it and the GPU. */
interface Placement {
  processor: Record<string, number>;
  copies: number;
}

const NOTHING: Placement = { processor: {}, copies: 0 };
/** Shapes are computed on the processor, where they are read: nothing is copied for them. */
const shapes = (Gather: number, Concat: number): Placement => ({ processor: { Gather, Concat }, copies: 0 });

/** Networks in forms of which nothing runs on the processor. */
const allOf = (networks: readonly string[], forms: readonly string[]): Record<string, Placement> =>
  Object.fromEntries(networks.flatMap((network) => forms.map((form) => [`${network} ${form}`, NOTHING])));

/** A transformer whose features stay on the GPU. */
const keptIn = (name: string, placement: Placement): Record<string, Placement> =>
  Object.fromEntries(
    ['float32', 'float16', 'uint8'].map((storage) => [`${name} kept ${storage}`, placement]),
  );

const EXPECTED: Readonly<Record<string, Placement>> = {
  'denoiser planar': shapes(67, 7),
  'denoiser fresh': NOTHING,
  'denoiser any': NOTHING,
  'denoiser recorded': NOTHING,
  'denoiser rectangles': NOTHING,
  'denoiser bands': NOTHING,
  // Features that stay on the GPU, in each form in which they are recorded.
  ...allOf(
    ['recording', 'taking', 'putting'].map((form) => `denoiser ${form}`),
    ['float32', 'float16', 'uint8'],
  ),
  'denoiser text': NOTHING,
  'denoiser shift': NOTHING,
  ...allOf(['SD 2.1', 'SDXL', 'inpainting'], ['any', 'text', 'shift']),
  'SD 2.1 planar': shapes(34, 5),
  'SDXL planar': shapes(50, 4),
  'inpainting planar': shapes(50, 5),
  ...allOf(['deep', 'shallow', 'denoiser fp16'], ['any']),
  'deep planar': shapes(67, 7),
  'shallow planar': shapes(3, 1),
  'denoiser fp16 planar': shapes(67, 7),
  'denoiser fp16 recording': NOTHING,
  'U-Net with LoRA planar': shapes(67, 7),
  ...allOf(['U-Net with LoRA'], ['any', 'fp16']),
  // What steers a U-Net, and the networks that make it of images.
  ...allOf(
    ['ControlNet', 'T2I-Adapter', 'ip-adapter', 'ip-adapter-plus', 'regions'].map(
      (name) => `U-Net with ${name}`,
    ),
    ['any', 'bands'],
  ),
  'U-Net with ControlNet planar': shapes(71, 5),
  'U-Net with T2I-Adapter planar': shapes(48, 5),
  'U-Net with ip-adapter planar': shapes(48, 5),
  'U-Net with ip-adapter-plus planar': shapes(48, 5),
  'U-Net with regions planar': shapes(64, 7),
  'ControlNet encoder': { processor: { Gather: 3 }, copies: 0 },
  'T2I-Adapter encoder': { processor: { Gather: 2 }, copies: 0 },
  ...allOf(['ip-adapter', 'ip-adapter-plus'], ['encoder', 'projection']),
  // Weights in blocks of 8 and 4 bits.
  ...allOf(['denoiser int8', 'denoiser int4'], ['fresh', 'any', 'recorded', 'bands']),
  'FLUX.2 int8 part': { processor: { Squeeze: 1, Cast: 1 }, copies: 0 },
  'FLUX.2 int4 part': { processor: { Squeeze: 1, Cast: 1 }, copies: 0 },
  // Rows of a table of bytes, too, are gathered on the processor.
  'text-encoder int8': {
    processor: { GreaterOrEqual: 1, Shape: 1, Sub: 1, Where: 2, Gather: 1, Cast: 1 },
    copies: 4,
  },
  ...Object.fromEntries(
    ['vae-decoder', 'vae-encoder'].flatMap((role) =>
      ['planar', 'crops'].map((form) => [
        `AutoencoderTiny ${role} ${form}`,
        { processor: { Gather: 3 }, copies: 0 },
      ]),
    ),
  ),
  // The prompt's tokens are integers of 64 bits, of which those that a table has no row for are distinguished.
  ...Object.fromEntries(
    ['text-encoder', 'text-encoder-2'].map((role) => [
      `${role} planar`,
      { processor: { GreaterOrEqual: 1, Shape: 1, Sub: 1, Where: 2 }, copies: 3 },
    ]),
  ),
  'vae-decoder planar': shapes(25, 1),
  'vae-decoder crops': shapes(3, 1),
  'vae-encoder planar': shapes(17, 1),
  'vae-encoder crops': shapes(3, 1),
  // The mask of the text's tokens is integers of 64 bits.
  'SANA whole': { processor: { Cast: 1, Concat: 1 }, copies: 1 },
  'SANA part': { processor: { Cast: 1, Concat: 1 }, copies: 1 },
  'SANA text': NOTHING,
  ...allOf(
    ['SANA', 'FLUX.2', 'Nitro-E'],
    ['float32', 'float16', 'uint8'].map((storage) => `putting ${storage}`),
  ),
  ...keptIn('SANA', { processor: { Cast: 1, Concat: 1 }, copies: 1 }),
  'SANA kept nibbles': { processor: { Cast: 1, Concat: 1 }, copies: 1 },
  'SANA putting nibbles': NOTHING,
  ...keptIn('FLUX.2', { processor: { Squeeze: 1, Cast: 1 }, copies: 0 }),
  ...keptIn('Nitro-E', NOTHING),
  // The number of the text's tokens, from which the device counts them.
  'FLUX.2 whole': { processor: { Squeeze: 1, Cast: 1 }, copies: 0 },
  'FLUX.2 part': { processor: { Squeeze: 1, Cast: 1 }, copies: 0 },
  'FLUX.2 text': NOTHING,
  'Nitro-E whole': { processor: { Div: 113, Concat: 256 }, copies: 0 },
  'Nitro-E part': NOTHING,
  'Nitro-E text': NOTHING,
  // Of language models both: the number of tokens, and their mask.
  'Gemma 2 planar': { processor: { Squeeze: 1, Cast: 2, Concat: 4, Gather: 8 }, copies: 1 },
  'Llama planar': { processor: { Squeeze: 1, Cast: 2, Concat: 6, Gather: 12 }, copies: 1 },
  'Qwen 3 planar': { processor: { Squeeze: 1, Cast: 2, Concat: 54, Gather: 108 }, copies: 1 },
  'AutoencoderDC decoder planar': shapes(9, 13),
  'AutoencoderDC decoder crops': shapes(9, 13),
  'AutoencoderDC encoder planar': shapes(9, 13),
  'AutoencoderDC encoder crops': shapes(9, 13),
  'AutoencoderKLFlux2 decoder planar': shapes(26, 1),
  'AutoencoderKLFlux2 decoder crops': shapes(4, 1),
  'AutoencoderKLFlux2 encoder planar': shapes(18, 1),
  'AutoencoderKLFlux2 encoder crops': shapes(4, 1),
  'image encoder planar': shapes(7, 3),
  'image encoder recording': shapes(5, 3),
  'image encoder parts': shapes(13, 2),
  'image encoder updates': shapes(15, 6),
  // Labels of points are integers of 64 bits: a few values for each click.
  'mask decoder planar': {
    processor: { GreaterOrEqual: 1, Add: 1, Concat: 5, Gather: 4, Cast: 2 },
    copies: 4,
  },
  'tagger planar': shapes(7, 2),
};

test('what runs on the processor, though the network runs on a GPU', { skip: skipWithoutGpu() }, async () => {
  const { stderr } = await onGpu('placements.ts');
  assert.deepEqual(placementsIn(stderr), EXPECTED);
});

test('an image and edits of it, with features that stay on the GPU', { skip: skipWithoutGpu() }, async () => {
  const errors = JSON.parse((await onGpu('gpu-edits.ts')).stdout) as number[][];
  const [rows, rectangles, [planar, dense, ...bytes]] = errors as [number[], number[], number[]];
  for (const error of [...rows, ...rectangles, planar, dense]) assert.ok(error! <= 2e-3, String(errors));
  // Rows of one byte have errors of 0.4 % of their largest value.
  for (const error of bytes) assert.ok(error <= 4e-2, String(errors));
  assert.deepEqual(
    [rows, rectangles, bytes].map(({ length }) => length),
    [4, 4, 2],
  );
});

test('edits by transformers with features that stay on the GPU, which are counted there', {
  skip: skipWithoutGpu(),
}, async () => {
  const found = JSON.parse((await onGpu('gpu-transformers.ts')).stdout) as {
    name: string;
    storage: string;
    errors: number[];
    share: number;
  }[];
  assert.deepEqual(
    found.map(({ name, errors, share }) => [name, errors.length, share]),
    ['SANA', 'FLUX.2', 'Nitro-E', 'SANA'].flatMap((name) => [
      [name, 5, 1],
      [name, 5, 1],
    ]),
  );
  for (const { errors, storage } of found)
    for (const error of errors)
      assert.ok(error <= (storage === 'nibbles' ? 1e-2 : 2e-3), JSON.stringify(found));
});

test('parts of an image that EfficientViT-SAM encodes, with a record that stays on the GPU', {
  skip: skipWithoutGpu(),
}, async () => {
  const found = JSON.parse((await onGpu('gpu-encoder.ts')).stdout) as {
    errors: number[];
    changes: number[];
    values: number;
    onDevice: number;
  };
  const { errors, changes, values, onDevice } = found;
  for (const error of errors) assert.ok(error <= 1e-3, JSON.stringify(found));
  for (const change of changes) assert.ok(change > 5e-3, JSON.stringify(found));
  // All but the embedding.
  assert.equal(onDevice, values - 1);
});

test('an image of Scenes is the one that the processor draws', { skip: skipWithoutGpu() }, async () => {
  const decibels = JSON.parse((await onGpu('gpu-scenes.ts')).stdout) as number;
  assert.ok(decibels >= 40, `${decibels} dB`);
});

test('AutoencoderDC and EfficientViT-SAM agree with their references', {
  skip: skipWithoutGpu(),
}, async () => {
  const errors = JSON.parse((await onGpu('gpu-verify.ts')).stdout) as Record<string, number>;
  assert.equal(Object.keys(errors).length, 2);
  for (const error of Object.values(errors)) assert.ok(error <= 2e-3, JSON.stringify(errors));
});

/**
 * Runs a script whose only GPU is the software one. Its stderr is a file: ONNX Runtime writes nothing more to a pipe
 * once that is full.
 */
async function onGpu(name: string): Promise<{ stdout: string; stderr: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchwork-gpu-'));
  const errors = path.join(folder, 'stderr');
  const written = await open(errors, 'w');
  try {
    const { script, execArgv } = scriptOf(path.join(import.meta.dirname, name));
    const env = { ...process.env, ...SOFTWARE_GPU };
    const stdio = ['ignore', 'pipe', written.fd] as const;
    const child = spawn(process.execPath, [...execArgv, script], { env, stdio: [...stdio] });
    let stdout = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const [code] = await once(child, 'close');
    const stderr = await readFile(errors, 'utf8');
    assert.equal(code, 0, stderr.slice(-2000));
    return { stdout, stderr };
  } finally {
    await written.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Reads ONNX Runtime's log: a line before each provider's nodes, then a line for each node. */
function placementsIn(said: string): Record<string, Placement> {
  const placements: Record<string, Placement> = {};
  let current: Placement | undefined;
  let provider = '';
  for (const line of said.split('\n')) {
    const name = /^### (.+)$/.exec(line)?.[1];
    if (name) {
      current = { processor: {}, copies: 0 };
      placements[name] = current;
      provider = '';
    }
    provider = /placed on \[(\w+)\]/.exec(line)?.[1] ?? provider;
    const operator = /VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \(/.exec(line)?.[1];
    if (!operator || !current) continue;
    if (operator.startsWith('Memcpy')) current.copies++;
    else if (provider === 'CPUExecutionProvider')
      current.processor[operator] = (current.processor[operator] ?? 0) + 1;
  }
  return placements;
}
