import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { writeCheckpoint } from '../../test/support/checkpoints.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { InputError } from '../errors.ts';
import { weightsOf } from '../graph/network.ts';
import { ARCHITECTURES } from '../models/architectures.ts';
import { DiffusionModel } from '../models/diffusion-model.ts';
import { networkOf } from '../models/networks.ts';
import { gaussianNoise } from '../noise.ts';
import { openAdapter } from './lora.ts';
import { loraTarget } from './lora-names.ts';
import { readFloat32 } from './read.ts';
import { openSafetensors } from './safetensors.ts';
import { writeSafetensors } from './write.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-lora-'));
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
const base = path.join(folder, 'sd15');
await writeCheckpoint(base, 'sd15');
after(() => rm(folder, { recursive: true, force: true }));

const ATTENTION = 'down_blocks.0.attentions.0.transformer_blocks.0.attn1';
const QUERY = `${ATTENTION}.to_q`;
const OUT = `${ATTENTION}.to_out.0`;
const CONV = 'down_blocks.0.resnets.0.conv1';
const PROJECTION = 'down_blocks.0.attentions.0.proj_in';
const TEXT = 'text_model.encoder.layers.1.self_attn.v_proj';

/** [out, in] or [out, in, 3, 3] of the small checkpoint's weights. */
const SHAPES: Record<string, number[]> = {
  [QUERY]: [8, 8],
  [OUT]: [8, 8],
  [CONV]: [8, 8, 3, 3],
  [PROJECTION]: [8, 8, 1, 1],
  [TEXT]: [16, 16],
};

interface Module {
  path: string;
  /** Its key in the file. */
  key: string;
  rank: number;
  alpha?: number;
  /** As some extraction scripts write it. */
  wholeAlpha?: boolean;
}

let files = 0;
const values = (seed: number, count: number) => gaussianNoise(seed, 7, count);

/** A LoRA file of random halves; `names`: the endings of the halves' keys. */
async function loraFile(modules: readonly Module[], names: readonly [string, string]): Promise<string> {
  const file = path.join(folder, `lora-${files++}.safetensors`);
  const tensors = modules.flatMap(({ path, key, rank, alpha, wholeAlpha }, i) => {
    const [out, ...rest] = SHAPES[path]!;
    const tensor = (name: string, shape: number[], data: Float32Array) => ({
      name,
      dtype: 'F32' as const,
      shape,
      chunks: () => [new Uint8Array(data.buffer)],
    });
    const size = rest.reduce((a, b) => a * b, 1);
    const ones = rest.slice(1).map(() => 1);
    return [
      tensor(`${key}${names[0]}`, [rank, ...rest], values(files * 10 + i, rank * size)),
      tensor(`${key}${names[1]}`, [out!, rank, ...ones], values(files * 10 + i + 5, out! * rank)),
      ...(alpha === undefined ? [] : [alphaTensor(`${key}.alpha`, alpha, wholeAlpha)]),
    ];
  });
  await writeSafetensors(file, tensors);
  return file;
}

function alphaTensor(name: string, alpha: number, whole = false) {
  const data = whole ? BigInt64Array.of(BigInt(alpha)) : Float32Array.of(alpha);
  const dtype = whole ? ('I64' as const) : ('F32' as const);
  return { name, dtype, shape: whole ? [] : [1], chunks: () => [new Uint8Array(data.buffer)] };
}

const kohya = (path: string) => `lora_unet_${path.replaceAll('.', '_')}`;
const KOHYA = ['.lora_down.weight', '.lora_up.weight'] as const;
const PEFT = ['.lora_A.weight', '.lora_B.weight'] as const;

/** W + strength · alpha / rank · up · down, written as plainly as it can be. */
async function plainly(path: string, file: string, module: Module, strength: number, from: Float32Array) {
  const { modules } = await openAdapter(file, strength);
  const { tensors } = modules.find(({ key }) => key === module.key)!;
  const [a, b] = [await readFloat32(tensors.get('down')!), await readFloat32(tensors.get('up')!)];
  const [out, ...rest] = SHAPES[path]!;
  const width = rest.reduce((x, y) => x * y, 1);
  const { rank, alpha = rank } = module;
  return from.map((value, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    assert.ok(row < out!);
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += b[row * rank + r]! * a[r * width + column]!;
    return value + ((strength * alpha) / rank) * sum;
  });
}

async function weightOf(model: DiffusionModel, name: string): Promise<Float32Array> {
  const part = name.startsWith('text_model') ? 'text-encoder' : 'denoiser';
  return readFloat32((await model.weights(part)).find(`${name}.weight`)!);
}

function assertClose(actual: Float32Array, expected: Float32Array): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries())
    assert.ok(
      Math.abs(actual[i]! - value) < 1e-5 * (1 + Math.abs(value)),
      `${i}: ${actual[i]}, not ${value}`,
    );
}

for (const [style, names, modules] of [
  [
    'diffusers',
    PEFT,
    [
      { path: QUERY, key: `unet.${QUERY}`, rank: 3 },
      { path: PROJECTION, key: `unet.${PROJECTION}`, rank: 4 },
      { path: TEXT, key: `text_encoder.${TEXT}`, rank: 2 },
    ],
  ],
  [
    'kohya, with alphas and convolutions',
    KOHYA,
    [
      { path: QUERY, key: kohya(QUERY), rank: 5, alpha: 1 },
      { path: OUT, key: kohya(OUT), rank: 8, alpha: 4 },
      { path: CONV, key: kohya(CONV), rank: 6, alpha: 3 },
      { path: TEXT, key: `lora_te_${TEXT.replaceAll('.', '_')}`, rank: 1, alpha: 0.5 },
    ],
  ],
  [
    'diffusers before 0.22',
    ['.down.weight', '.up.weight'],
    [
      { path: QUERY, key: `unet.${ATTENTION}.processor.to_q_lora`, rank: 4 },
      { path: OUT, key: `unet.${ATTENTION}.processor.to_out_lora`, rank: 2 },
    ],
  ],
  [
    'alphas as integers, given for some modules only',
    KOHYA,
    [
      { path: QUERY, key: kohya(QUERY), rank: 4, alpha: 2, wholeAlpha: true },
      { path: OUT, key: kohya(OUT), rank: 4 },
      { path: CONV, key: kohya(CONV), rank: 2, alpha: 1 },
    ],
  ],
  [
    'diffusers’ first format, without a part',
    ['.down.weight', '.up.weight'],
    [{ path: QUERY, key: `${ATTENTION}.processor.to_q_lora`, rank: 4 }],
  ],
  [
    'adapters with names, inside and outside of PEFT',
    ['.lora_A.default_0.weight', '.lora_B.default_0.weight'],
    [
      { path: QUERY, key: `unet.base_model.model.${QUERY}`, rank: 4, alpha: 2 },
      { path: OUT, key: `base_model.model.${OUT}`, rank: 4 },
      { path: TEXT, key: `base_model.model.${TEXT}`, rank: 2 },
    ],
  ],
  [
    'adapters with names of several words, and keys without an end',
    ['.lora_A.my style', '.lora_B.my style'],
    [{ path: QUERY, key: `base_model.model.${QUERY}`, rank: 4, alpha: 2 }],
  ],
  [
    'text encoders without the outer name',
    PEFT,
    [
      { path: QUERY, key: `diffusion_model.${QUERY}`, rank: 4 },
      { path: TEXT, key: `text_encoder.${TEXT.replace('text_model.', '')}`, rank: 2 },
    ],
  ],
] as [string, [string, string], Module[]][])
  test(`${style}: merged weights are those of the plain arithmetic`, async () => {
    const file = await loraFile(modules, names);
    const model = await DiffusionModel.open(base);
    const merged = model.withAdapters([await openAdapter(file, 0.7)]);
    assert.deepEqual(merged.warnings, []);
    for (const module of modules) {
      const before = await weightOf(model, module.path);
      assertClose(
        await weightOf(merged.model, module.path),
        await plainly(module.path, file, module, 0.7, before),
      );
    }
    // Unchanged weights are read from their own file.
    const other = (await merged.model.weights('denoiser')).find('conv_in.weight')!;
    assert.ok(other.file.startsWith(base));
  });

test('a LoRA in bytes with a scale for each row is the one in numbers that it stands for', async () => {
  const numbers = await loraFile([{ path: QUERY, key: `unet.${QUERY}`, rank: 4 }], PEFT);
  const file = path.join(folder, 'bytes.safetensors');
  const { tensors } = (await openAdapter(numbers, 1)).modules[0]!;
  const stored = [...tensors.values()].map(async (tensor) => {
    const values = await readFloat32(tensor);
    const [rows] = tensor.shape as [number];
    const most = (row: number) => Math.max(...values.subarray(row * width, (row + 1) * width).map(Math.abs));
    const width = values.length / rows;
    const scales = Float32Array.from({ length: rows }, (_, row) => most(row) / 127);
    const bytes = Int8Array.from(values, (value, i) => Math.round(value / scales[Math.floor(i / width)]!));
    const written = (name: string, dtype: 'F32' | 'I8', shape: readonly number[], data: ArrayBufferView) => ({
      name,
      dtype,
      shape: [...shape],
      chunks: () => [new Uint8Array(data.buffer as ArrayBuffer)],
    });
    return [
      written(tensor.name, 'I8', tensor.shape, bytes),
      written(`${tensor.name}_scale`, 'F32', [rows, 1], scales),
    ];
  });
  await writeSafetensors(file, (await Promise.all(stored)).flat());
  const model = await DiffusionModel.open(base);
  const weight = async (lora: string) => {
    const { model: merged, warnings } = model.withAdapters([await openAdapter(lora, 1)]);
    assert.deepEqual(warnings, []);
    return weightOf(merged, QUERY);
  };
  const [exact, coarse, plain] = [await weight(numbers), await weight(file), await weightOf(model, QUERY)];
  const change = (from: Float32Array, to: Float32Array) =>
    Math.hypot(...from.map((value, i) => value - to[i]!));
  assert.ok(change(coarse, exact) < 0.02 * change(plain, exact), 'the change is the same but for rounding');
});

test('several files add up, each with its strength; the result is kept and found again', async () => {
  const one: Module = { path: QUERY, key: kohya(QUERY), rank: 4, alpha: 2 };
  const two: Module = { path: QUERY, key: `unet.${QUERY}`, rank: 2 };
  const [first, second] = [await loraFile([one], KOHYA), await loraFile([two], PEFT)];
  const model = await DiffusionModel.open(base);
  const adapters = [await openAdapter(first, 0.5), await openAdapter(second, -1.25)];
  const merged = model.withAdapters(adapters).model;
  const half = await plainly(QUERY, first, one, 0.5, await weightOf(model, QUERY));
  assertClose(await weightOf(merged, QUERY), await plainly(QUERY, second, two, -1.25, half));
  const cache = path.join(folder, 'cache', 'merged');
  const before = (await readdir(cache)).length;
  await weightOf(merged, QUERY);
  assert.equal((await readdir(cache)).length, before);
  assert.notEqual(merged.id, model.id);
});

test('a picture with a LoRA is another picture; with strength 0 it is the same', async () => {
  const modules = [QUERY, OUT, CONV].map((path) => ({ path, key: kohya(path), rank: 4 }));
  const lora = await loraFile(modules, KOHYA);
  const engine = createEngine(new NodeBackend(1));
  const draw = async (strength?: number) => {
    const loras = strength === undefined ? [] : [{ lora, strength }];
    const result = await engine.generate({ prompt: 'a house', model: base, seed: 1, steps: 2, loras });
    return result;
  };
  const plain = await draw();
  const changed = await draw(1);
  // The recipes differ; pictures are compared by their size without them.
  assert.notDeepEqual(pixelsOf(changed.picture.png), pixelsOf(plain.picture.png));
  assert.deepEqual(pixelsOf((await draw(0)).picture.png), pixelsOf(plain.picture.png));
  assert.deepEqual(changed.recipe.loras, [{ lora: path.basename(lora, '.safetensors'), strength: 1 }]);
  await engine.dispose();
});

test('merging says how far it is and can be cancelled; what it leaves is whole or nothing', async () => {
  const modules = [QUERY, OUT, CONV].map((path) => ({ path, key: kohya(path), rank: 3 }));
  const lora = await loraFile(modules, KOHYA);
  const merged = path.join(folder, 'cache', 'merged');
  const before = await readdir(merged);
  const engine = createEngine(new NodeBackend(1));
  const controller = new AbortController();
  const seen: string[] = [];
  const draw = (signal?: AbortSignal) =>
    engine.generate(
      { prompt: 'a house', model: base, seed: 1, steps: 1, loras: [{ lora, strength: 1 }] },
      {
        signal,
        onProgress: ({ stage, step, steps }) => {
          if (stage !== 'merge') return;
          seen.push(`${step} of ${steps}`);
          if (step === 1 && signal) controller.abort();
        },
      },
    );
  await assert.rejects(draw(controller.signal), { name: 'AbortError' });
  assert.deepEqual(seen.splice(0), ['0 of 3', '1 of 3']);
  assert.deepEqual(await readdir(merged), before);
  await draw();
  assert.deepEqual(seen.splice(0), ['0 of 3', '1 of 3', '2 of 3', '3 of 3']);
  await engine.dispose();
});

/** The compressed pixels of a PNG file: what follows the texts. */
function pixelsOf(png: Uint8Array): Buffer {
  const bytes = Buffer.from(png);
  return bytes.subarray(bytes.indexOf('IDAT'));
}

test('Stability’s names for SDXL’s modules lead to weights that exist', () => {
  const names = new Set(
    weightsOf(networkOf('denoiser', ARCHITECTURES.sdxl!.denoiser, 'sdxl')).map(({ name }) =>
      name.replaceAll('.', '_'),
    ),
  );
  for (const [key, path] of [
    [
      'input_blocks_4_1_transformer_blocks_0_attn1_to_q',
      'down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q',
    ],
    [
      'input_blocks_8_1_transformer_blocks_9_ff_net_0_proj',
      'down_blocks_2_attentions_1_transformer_blocks_9_ff_net_0_proj',
    ],
    ['input_blocks_3_0_op', 'down_blocks_0_downsamplers_0_conv'],
    ['input_blocks_7_0_skip_connection', 'down_blocks_2_resnets_0_conv_shortcut'],
    ['middle_block_1_proj_in', 'mid_block_attentions_0_proj_in'],
    ['middle_block_2_out_layers_3', 'mid_block_resnets_1_conv2'],
    [
      'output_blocks_5_1_transformer_blocks_1_attn2_to_out_0',
      'up_blocks_1_attentions_2_transformer_blocks_1_attn2_to_out_0',
    ],
    ['output_blocks_2_2_conv', 'up_blocks_0_upsamplers_0_conv'],
    ['output_blocks_8_0_emb_layers_1', 'up_blocks_2_resnets_2_time_emb_proj'],
    ['time_embed_0', 'time_embedding_linear_1'],
    ['label_emb_0_2', 'add_embedding_linear_2'],
  ] as const) {
    assert.deepEqual(loraTarget(`lora_unet_${key}`), { part: 'denoiser', path });
    assert.ok(names.has(`${path}_weight`), path);
  }
});

test('key styles of the common tools', () => {
  const block = 'down_blocks.0.attentions.0.proj_in';
  const unet = { part: 'denoiser', path: block.replaceAll('.', '_') };
  const query = 'transformer_blocks.0.attn1.to_q';
  const transformer = { part: 'denoiser', path: query.replaceAll('.', '_') };
  const single = { part: 'denoiser', path: 'single_transformer_blocks_3_attn_to_out' };
  const layer = 'encoder.layers.0.self_attn.q_proj';
  const text = { part: 'text-encoder', path: `text_model_${layer.replaceAll('.', '_')}` };
  const text2 = { ...text, part: 'text-encoder-2' };
  const flat = (path: string) => path.replaceAll('.', '_');
  for (const [key, target] of [
    [`unet.${block}`, unet],
    [block, unet],
    [`diffusion_model.${block}`, unet],
    [`model.diffusion_model.${block}`, unet],
    [`base_model.model.${block}`, unet],
    [`unet.base_model.model.${block}`, unet],
    [`lora_unet_${flat(block)}`, unet],
    [`lora_unet.${block}`, unet],
    [`lycoris_${flat(block)}`, unet],
    ['diffusion_model.input_blocks.1.1.proj_in', unet],
    [`transformer.${query}`, transformer],
    [query, transformer],
    [`text_encoder.text_model.${layer}`, text],
    [`text_encoder.${layer}`, text],
    [layer, text],
    [`text_model.${layer}`, text],
    [`base_model.model.text_model.${layer}`, text],
    [`text_encoder.base_model.model.${layer}`, text],
    [`lora_te_text_model_${flat(layer)}`, text],
    [`lora_te1_${flat(layer)}`, text],
    [`clip_l.transformer.text_model.${layer}`, text],
    [`text_encoders.clip_l.transformer.text_model.${layer}`, text],
    [`text_encoder_2.${layer}`, text2],
    [`lora_te2_text_model_${flat(layer)}`, text2],
    [`clip_g.transformer.text_model.${layer}`, text2],
    ['transformer.single_transformer_blocks.3.attn.to_out', single],
    ['diffusion_model.single_transformer_blocks.3.attn.to_out', single],
    ['diffusion_model.single_blocks.3.linear2', single],
    ['single_blocks.3.linear2', single],
    ['lora_unet_single_blocks_3_linear2', single],
    ['transformer.blocks.0', undefined],
    ['lora_te3_x', undefined],
  ] as const)
    assert.deepEqual(loraTarget(key), target, key);
});

test('the text encoder of a model saved without the outer name takes a LoRA, and draws the same', async () => {
  const flat = path.join(folder, 'flat');
  await cp(base, flat, { recursive: true });
  const file = path.join(flat, 'text_encoder', 'model.safetensors');
  const source = await openSafetensors(path.join(base, 'text_encoder', 'model.safetensors'));
  const tensors = [...source.names()].map((name) => source.find(name)!);
  const rename = (change: (name: string) => string) =>
    writeSafetensors(
      file,
      tensors.map((tensor) => ({
        name: change(tensor.name),
        dtype: 'F32',
        shape: tensor.shape,
        chunks: async function* () {
          yield new Uint8Array((await readFloat32(tensor)).buffer);
        },
      })),
    );
  const lora = await loraFile([{ path: TEXT, key: `lora_te_${TEXT.replaceAll('.', '_')}`, rank: 4 }], KOHYA);
  const engine = createEngine(new NodeBackend(1));
  const draw = async (model: string, strength?: number) => {
    const loras = strength === undefined ? [] : [{ lora, strength }];
    const { picture, warnings } = await engine.generate({
      prompt: 'a house',
      model,
      seed: 1,
      steps: 1,
      loras,
    });
    assert.deepEqual(warnings, []);
    return pixelsOf(picture.png);
  };
  const [plain, changed] = [await draw(base), await draw(base, 1)];
  assert.notDeepEqual(changed, plain);
  for (const change of [
    (name: string) => name.replace('text_model.', ''),
    (name: string) => `module.${name}`,
    (name: string) => `clip.${name.replace('text_model.', '')}`,
  ]) {
    await rename(change);
    assert.deepEqual(await draw(flat), plain);
    assert.deepEqual(await draw(flat, 1), changed);
    await engine.generate({ prompt: 'a house', model: base, seed: 1, steps: 1 });
  }
  await engine.dispose();
});

/** Shapes by name, the refusal, and the value of all elements. */
function refusedFiles(key: string): [Record<string, number[]>, RegExp, number?][] {
  return [
    [{ 'unet.conv_in.weight': [8, 4] }, /no part of a LoRA/],
    [{ [`${key}.oft_blocks`]: [8, 4] }, /is OFT/],
    [{ [`${key}.hada_w1_a`]: [8, 4] }, /to_q" is not whole: there is hada_w1_a without/],
    [{ [`${key}.dora_scale`]: [8] }, /to_q" is not whole: there is dora_scale without/],
    [{ [`${key}.lora_up.weight`]: [8, 4] }, /is not whole: there is lora_up without/],
    [
      { [`${key}.lora_up.weight`]: [8, 4], [`${key}.lora_down.weight`]: [3, 8] },
      /\(up \[8,4\], down \[3,8\]\) does not fit the weight/,
    ],
    [
      { [`${key}.lora_up.weight`]: [9, 4], [`${key}.lora_down.weight`]: [4, 8] },
      /does not fit the weight of shape \[8,8\].* made for another model/,
    ],
    [{ [`${key}.lokr_w1`]: [3, 4], [`${key}.lokr_w2`]: [2, 2] }, /does not fit the weight/],
    [{ [`${key}.diff`]: [8, 9] }, /does not fit the weight/],
    [
      {
        [`${key}.lora_up.weight`]: [8, 4],
        [`${key}.lora_down.weight`]: [4, 8],
        [`${key}.dora_scale`]: [7, 1],
      },
      /dora_scale \[7,1\]\) does not fit/,
    ],
    [{ 'lora_unet_x.lora_up.weight': [8, 4], 'lora_unet_x.lora_down.weight': [4, 8] }, /nothing of it fits/],
    [{ 'bert.q.lora_A.weight': [8, 4], 'bert.q.lora_B.weight': [4, 8] }, /a way that is not known/],
    [{ [`${key}.lora_up.weight`]: [8, 4], [`${key}.lora_down.weight`]: [4, 8] }, /not finite/, Number.NaN],
    [
      { [`${key}.lora_up.weight`]: [8, 4], [`${key}.lora_down.weight`]: [4, 8] },
      /to_q" at strength 1 the weight .*to_q\.weight is beyond what float32 holds/,
      1e30,
    ],
  ];
}

test('files that are no LoRA, of another model, half, or with odd numbers are refused by name', async () => {
  const model = await DiffusionModel.open(base);
  const raw = async (tensors: Record<string, number[]>, fill = 1) => {
    const file = path.join(folder, `lora-${files++}.safetensors`);
    await writeSafetensors(
      file,
      Object.entries(tensors).map(([name, shape]) => ({
        name,
        dtype: 'F32' as const,
        shape,
        chunks: () => [new Uint8Array(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill).buffer)],
      })),
    );
    return file;
  };
  const open = async (tensors: Record<string, number[]>, fill?: number) => {
    const { model: merged } = model.withAdapters([await openAdapter(await raw(tensors, fill), 1)]);
    await merged.weights('denoiser');
  };
  const key = kohya(QUERY);
  for (const [tensors, sentence, fill] of refusedFiles(key))
    await assert.rejects(open(tensors, fill), (error) => {
      assert.ok(error instanceof InputError, String(error));
      assert.match(error.message, sentence);
      return true;
    });
  const pickle = path.join(folder, 'lora.ckpt');
  await writeFile(pickle, 'PK');
  await assert.rejects(openAdapter(pickle, 1), InputError);
  const idle = 'lora_te2_text_model_x';
  const { warnings } = model.withAdapters([
    await openAdapter(
      await raw({
        [`${key}.lora_up.weight`]: [8, 4],
        [`${key}.lora_down.weight`]: [4, 8],
        [`${idle}.lora_up.weight`]: [8, 4],
        [`${idle}.lora_down.weight`]: [4, 8],
      }),
      1,
    ),
  ]);
  assert.match(warnings[0]!, /1 of 2 parts .* fit nothing in sd15/);
  const half = { [`${key}.lora_up.weight`]: [8, 4], [`${key}.lora_down.weight`]: [4, 8] };
  const more = { ...half, 'bundle_emb.word.string_to_param.*': [1, 16], 'bert.q.lora_A.weight': [8, 4] };
  const beside = await openAdapter(await raw({ ...more, 'bert.q.lora_B.weight': [4, 8] }), 1);
  assert.match(model.withAdapters([beside]).warnings[0]!, /2 tensors of .* were left out \(bundle_emb/);
});

test('Black Forest Labs’ names for FLUX.2’s modules lead to weights that exist', () => {
  const { denoiser: unet } = ARCHITECTURES['flux2-klein-4b']!;
  const weights = weightsOf(networkOf('denoiser', unet, 'flux2'));
  const shapes = new Map(weights.map(({ name, shape }) => [name.replaceAll('.', '_'), shape]));
  for (const [key, shape] of [
    ['double_blocks.0.img_attn.qkv', [3 * 3072, 3072]],
    ['double_blocks.4.txt_attn.qkv', [3 * 3072, 3072]],
    ['double_blocks.0.img_attn.proj', [3072, 3072]],
    ['double_blocks.0.txt_attn.proj', [3072, 3072]],
    ['double_blocks.0.img_mlp.0', [18432, 3072]],
    ['double_blocks.0.txt_mlp.2', [3072, 9216]],
    ['single_blocks.19.linear1', [27648, 3072]],
    ['single_blocks.19.linear2', [3072, 12288]],
    ['img_in', [3072, 128]],
    ['txt_in', [3072, 7680]],
    ['time_in.in_layer', [3072, 256]],
    ['double_stream_modulation_txt.lin', [18432, 3072]],
    ['single_stream_modulation.lin', [9216, 3072]],
    ['final_layer.linear', [128, 3072]],
  ] as const) {
    const { path: only, fused = [only] } = loraTarget(`diffusion_model.${key}`)!;
    const found = fused.map((one) => shapes.get(`${one}_weight`));
    assert.ok(found.every(Boolean), key);
    assert.deepEqual([found.reduce((rows, one) => rows + one![0]!, 0), found[0]![1]], shape, key);
  }
});

test('the names of Nitro-E’s modules lead to weights that exist, bare and with the prefixes of PEFT and of tools', () => {
  const { denoiser: unet } = ARCHITECTURES['nitro-e']!;
  const weights = weightsOf(networkOf('denoiser', unet, 'nitro-e'));
  const paths = new Set(weights.map(({ name }) => name.replaceAll('.', '_')));
  for (const module of [
    'block_groups.0.0.attn.to_q',
    'block_groups.1.15.attn.add_k_proj',
    'block_groups.2.3.ff.net.0.proj',
    'tokencompressor.0.0.body4x.1',
    'tokenreconstructor.0.0.mergers.0',
    'adaln_single.linear',
  ])
    for (const prefix of ['', 'base_model.model.', 'transformer.', 'diffusion_model.'])
      assert.ok(paths.has(`${loraTarget(prefix + module)?.path}_weight`), prefix + module);
});

test('a LoRA of queries, keys and values as one changes each as one of its own does', async () => {
  const model = path.join(folder, 'klein');
  await writeCheckpoint(model, 'flux2-klein');
  const engine = createEngine(new NodeBackend(1));
  const tensor = (name: string, shape: number[], data: Float32Array) => ({
    name,
    dtype: 'F32' as const,
    shape,
    chunks: () => [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  });
  const [down, up] = [gaussianNoise(7, 0, 64), gaussianNoise(7, 1, 192)];
  const both = (key: string, rows: Float32Array) => [
    tensor(`${key}.lora_A.weight`, [4, 16], down),
    tensor(`${key}.lora_B.weight`, [rows.length / 4, 4], rows),
  ];
  const fused = both('diffusion_model.double_blocks.0.img_attn.qkv', up);
  const apart = ['to_q', 'to_k', 'to_v'].flatMap((name, i) =>
    both(`transformer.transformer_blocks.0.attn.${name}`, up.slice(i * 64, (i + 1) * 64)),
  );
  const pictures: string[] = [];
  for (const [name, tensors] of [
    ['none', undefined],
    ['fused', fused],
    ['apart', apart],
  ] as const) {
    const lora = path.join(folder, `${name}.safetensors`);
    if (tensors) await writeSafetensors(lora, tensors);
    const { picture } = await engine.generate({
      prompt: 'a house',
      model,
      seed: 1,
      steps: 1,
      width: 64,
      height: 64,
      ...(tensors && { loras: [{ lora, strength: 1 }] }),
    });
    pictures.push(pixelsOf(picture.png).toString('hex'));
  }
  await engine.dispose();
  assert.equal(pictures[1], pictures[2]);
  assert.notEqual(pictures[0], pictures[1]);
});
