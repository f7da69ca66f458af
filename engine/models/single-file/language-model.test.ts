import assert from 'node:assert/strict';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test, { after } from 'node:test';
import { type Family, writeCheckpoint } from '../../../test/support/checkpoints.ts';
import { type GgufType, ggufBytes } from '../../../test/support/gguf.ts';
import { llamaCppBytes, llamaCppOf, type Weight } from '../../../test/support/llama-cpp.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { createEngine } from '../../engine.ts';
import { weightsOf } from '../../graph/network.ts';
import { floats, int64 } from '../../graph/tensor.ts';
import { gaussianNoise } from '../../noise.ts';
import { decodePicture } from '../../pictures/read.ts';
import { readFloat32 } from '../../weights/read.ts';
import { openTensors } from '../../weights/tensor-file.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import { writeSafetensors } from '../../weights/write.ts';
import type { PlacedNetwork } from '../layout.ts';
import { networkOf } from '../networks.ts';
import { openTextEncoders, textEncoderInFolder } from './placed.ts';

const folder = await temporaryFolder();
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());

/** Language models whose matrices fit ggml's blocks of 256. */
const shared = {
  head_dim: 64,
  hidden_size: 256,
  intermediate_size: 256,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  num_key_value_heads: 2,
  rms_norm_eps: 2 ** -18,
  vocab_size: 96,
};
const MODELS = {
  gemma2: {
    ...shared,
    architectures: ['Gemma2Model'],
    query_pre_attn_scalar: 64,
    attn_logit_softcapping: 2,
    sliding_window: 4,
  },
  qwen3: { ...shared, architectures: ['Qwen3ForCausalLM'], rope_theta: 1e6 },
  llama: {
    ...shared,
    architectures: ['LlamaForCausalLM'],
    rope_scaling: {
      rope_type: 'llama3',
      factor: 32,
      high_freq_factor: 4,
      low_freq_factor: 1,
      original_max_position_embeddings: 64,
    },
  },
} as const;
type Kind = keyof typeof MODELS;

/** Random weights by the names of transformers. */
function weightsFor(kind: Kind): Weight[] {
  return weightsOf(networkOf('text-encoder', MODELS[kind], kind)).map(({ name, shape }, i) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const center = shape.length === 1 && kind !== 'gemma2' ? 1 : 0;
    return { name, shape, values: gaussianNoise(7, i, size).map((value) => center + value / 12) };
  });
}

async function writeFloats(place: string, config: object, weights: readonly Weight[]): Promise<void> {
  await mkdir(place, { recursive: true });
  await writeFile(path.join(place, 'config.json'), JSON.stringify(config));
  await writeSafetensors(
    path.join(place, 'model.safetensors'),
    weights.map(({ name, shape, values }) => ({
      name,
      shape,
      dtype: 'F32' as const,
      chunks: () => [new Uint8Array(values.buffer as ArrayBuffer)],
    })),
  );
}

/** The weights as a type of GGUF rounds them: blocks are within a row, so the order of rows makes no difference. */
async function rounded(weights: readonly Weight[], type: GgufType): Promise<Weight[]> {
  const file = path.join(folder, `rounded-${type}.gguf`);
  await writeFile(file, ggufBytes(weights, type));
  const source = await openTensors(file);
  return Promise.all(
    weights.map(async (weight) => ({ ...weight, values: await readFloat32(source.find(weight.name)!) })),
  );
}

const TOKENS = [3, 17, 4, 4, 90, 55, 2, 31, 8, 60];

/** What a text encoder gives for some tokens, without the last two, which are padding. */
async function statesOf({ config, origin, weights }: PlacedNetwork): Promise<Float32Array> {
  const network = networkOf('text-encoder', config, origin);
  const source = await weights({ blocks: (name) => name.endsWith('_proj.weight') });
  const table = new WeightTable(network, source);
  const program = await new NodeBackend(1).compile(network, table, { kind: 'planar' });
  const ids = (values: readonly number[]) => int64(BigInt64Array.from(values, BigInt), [1, values.length]);
  const outputs = await program.run({
    input_ids: ids(TOKENS),
    attention_mask: ids(TOKENS.map((_, i) => Number(i < TOKENS.length - 2))),
  });
  await program.release();
  return floats(outputs, 'last_hidden_state').subarray(0, (TOKENS.length - 2) * 256);
}

function difference(a: Float32Array, b: Float32Array): number {
  const most = b.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0) / most;
}

for (const kind of Object.keys(MODELS) as Kind[])
  test(`${kind} in llama.cpp's form computes what the same weights compute in transformers' form`, async () => {
    const weights = weightsFor(kind);
    const plain = path.join(folder, kind);
    await writeFloats(plain, MODELS[kind], weights);
    const expected = await statesOf(await textEncoderInFolder(plain));
    // Largest differences to the original weights, by the rounding.
    for (const [type, most] of [
      ['F32', 1e-5],
      ['F16', 5e-3],
      ['Q8_0', 0.05],
      ['Q6_K', 0.2],
      ['Q4_K', 0.7],
      ['Q4_0', 0.7],
    ] as const) {
      const place = path.join(folder, `${kind}-${type}`);
      await mkdir(place);
      await writeFile(path.join(place, 'model.gguf'), llamaCppBytes(MODELS[kind], weights, type));
      const states = await statesOf(await textEncoderInFolder(place));
      await writeFloats(`${place}-rounded`, MODELS[kind], await rounded(weights, type));
      const same = await statesOf(await textEncoderInFolder(`${place}-rounded`));
      // Tables of tokens and Q4_K, Q6_K are kept in half precision.
      const kept = ['F32', 'F16'].includes(type) ? 1e-5 : 3e-3;
      const [error, rounding] = [difference(states, same), difference(states, expected)];
      assert.ok(error < kept, `${type}: ${error} from the same values`);
      assert.ok(rounding < most, `${type}: ${rounding} from the original ones`);
    }
  });

const FAMILIES: readonly Family[] = ['sana', 'nitro-e', 'flux2-klein'];
for (const family of FAMILIES)
  test(`${family} draws the same with its text encoder in a GGUF file, named or in its folder`, async () => {
    const place = path.join(folder, family);
    await writeCheckpoint(place, family);
    const own = path.join(place, 'text_encoder');
    const gguf = path.join(folder, `${family}.gguf`);
    await writeFile(gguf, await llamaCppOf(own, 'F16'));
    const side = family === 'nitro-e' ? {} : { width: 64, height: 64 };
    const draw = async (prompt: string, textEncoders?: string[]) => {
      const given = {
        prompt,
        model: place,
        seed: 1,
        steps: 1,
        ...side,
        ...(textEncoders && { textEncoders }),
      };
      return (await decodePicture((await engine.generate(given)).picture.png, 'x')).pixels;
    };
    const whole = await draw('a red house');
    const isClose = (pixels: Uint8Array) => pixels.every((value, i) => Math.abs(value - whole[i]!) <= 2);
    assert.ok(isClose(await draw('a red house', [gguf])));
    // The encoder is read: other words give another image.
    assert.ok(!isClose(await draw('fog', [gguf])));
    await rename(own, path.join(folder, `${family}-own`));
    await assert.rejects(draw('a red house'), /text_encoder\/config\.json/);
    assert.ok(isClose(await draw('a red house', [gguf])));
    await mkdir(own);
    await cp(gguf, path.join(own, 'model-f16.gguf'));
    assert.ok(isClose(await draw('a red house')));
    await cp(gguf, path.join(own, 'model-q8.gguf'));
    await assert.rejects(
      draw('a red house'),
      /several GGUF files: model-f16\.gguf, model-q8\.gguf; leave one/,
    );
    await rm(place, { recursive: true });
  });

test('weights alone take the config of the encoder whose place they take', async () => {
  const place = path.join(folder, 'alone');
  await writeFloats(place, MODELS.qwen3, weightsFor('qwen3'));
  const expected = await statesOf(await textEncoderInFolder(place));
  const file = path.join(folder, 'qwen_3.safetensors');
  await rename(path.join(place, 'model.safetensors'), file);
  const [found] = await openTextEncoders([file], MODELS.qwen3);
  assert.deepEqual(await statesOf(found!.placed), expected);
  await assert.rejects(
    openTextEncoders([file]),
    /qwen_3\.safetensors holds a language model without its config/,
  );
});

test('what a file says wrong, or of another model, is refused with its name and key', async () => {
  const file = path.join(folder, 'odd.gguf');
  const tensors = [
    { name: 'token_embd.weight', shape: [96, 256], values: new Float32Array(96 * 256) },
    { name: 'blk.0.attn_q.weight', shape: [256, 256], values: new Float32Array(256 * 256) },
  ];
  const open = async (metadata: Record<string, string | number>) => {
    await writeFile(file, ggufBytes(tensors, 'Q8_0', metadata));
    const [found] = await openTextEncoders([file]);
    networkOf('text-encoder', found!.placed.config, found!.placed.origin);
  };
  for (const [metadata, message] of [
    [
      { 'general.architecture': 't5encoder' },
      /odd\.gguf holds a text encoder of the architecture "t5encoder"/,
    ],
    [{}, /of the architecture "", which is not supported; supported: gemma2, qwen3, llama/],
    [{ 'general.architecture': 'qwen3' }, /odd\.gguf: its metadata lacks qwen3\.attention\.head_count/],
    [
      { 'general.architecture': 'llama', 'llama.attention.head_count': '8,8' },
      /says "8,8" for llama\.attention\.head_count/,
    ],
    [
      { 'general.architecture': 'llama', 'llama.attention.head_count': 0 },
      /odd\.gguf: head_dim|odd\.gguf: num_attention_heads/,
    ],
    [
      { 'general.architecture': 'qwen3', 'qwen3.attention.head_count': 4, 'qwen3.rope.scaling.type': 'yarn' },
      /positions are scaled as "yarn"/,
    ],
  ] as const)
    await assert.rejects(open(metadata), message);
});
