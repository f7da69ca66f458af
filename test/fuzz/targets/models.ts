/** What a model's folder or single file holds beside the configs of its denoiser. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { InputError } from '../../../engine/errors.ts';
import { OnnxBuilder } from '../../../engine/execution/lowering/onnx/onnx.ts';
import { readOnnxFile } from '../../../engine/execution/lowering/onnx/onnx-file.ts';
import { readBudgetPlans } from '../../../engine/models/budget-plans.ts';
import { DiffusionModel } from '../../../engine/models/diffusion-model.ts';
import {
  autoencoderTinyDecoder,
  parseAutoencoderTinyConfig,
} from '../../../engine/networks/autoencoder-tiny.ts';
import { clipText, parseClipTextConfig } from '../../../engine/networks/clip-text.ts';
import { clipVision, parseClipVisionConfig } from '../../../engine/networks/clip-vision.ts';
import { controlNet, hintEncoder, parseControlNetConfig } from '../../../engine/networks/controlnet.ts';
import { parseSegmenterConfig, parseTaggerConfig } from '../../../engine/networks/efficientvit-config.ts';
import { efficientVitClassifier, samEncoder } from '../../../engine/networks/efficientvit-heads.ts';
import { maskDecoder } from '../../../engine/networks/mask-decoder.ts';
import { parseT2IAdapterConfig, t2iAdapter } from '../../../engine/networks/t2i-adapter.ts';
import { loadTokenizer } from '../../../engine/text/tokenizer.ts';
import { openWeights } from '../../../engine/weights/folder.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { readStepPlan } from '../../../shared/stepPlan.ts';
import { TINY_AUTOENCODER } from '../../support/configs.ts';
import { fileSaying, readJsonFile, shapesIn } from '../examples.ts';
import {
  caseFolder,
  changed,
  damaged,
  oddText,
  type Target,
  target,
  valueOrSentence,
  withCaseFile,
} from '../target.ts';

const root = path.join(import.meta.dirname, '../../..');
const fixtures = path.join(root, 'test/fixtures');
const folder = caseFolder();

/** Configs by the fixture that has one, and what is built from them. */
const CONFIGS: readonly [name: string, file: string, build: (json: unknown, file: string) => unknown][] = [
  [
    'a text encoder',
    'parity/tiny-sd15/text_encoder',
    (json, file) => clipText(parseClipTextConfig(json, file)),
  ],
  [
    'an image encoder',
    'parity/tiny-ip-adapter/image_encoder',
    (json, file) => clipVision(parseClipVisionConfig(json, file)),
  ],
  [
    'a ControlNet',
    'parity/tiny-controlnet/controlnet',
    (json, file) => {
      const config = parseControlNetConfig(json, file);
      return [controlNet(config.unet), hintEncoder(config)];
    },
  ],
  [
    'a T2I-Adapter',
    'parity/tiny-controlnet/t2iadapter',
    (json, file) => t2iAdapter(parseT2IAdapterConfig(json, file)),
  ],
  [
    'a segmenter',
    '../../media/models/sight/segmenter',
    (json, file) => {
      const { encoder, decoder } = parseSegmenterConfig(json, file);
      return [samEncoder(encoder), maskDecoder(decoder, { refine: true })];
    },
  ],
  [
    'a tagger',
    '../../media/models/sight/tagger',
    (json, file) => efficientVitClassifier(parseTaggerConfig(json, file).classifier),
  ],
];
const tinyAutoencoder = { ...TINY_AUTOENCODER, latent_channels: 4 };

const TOKENIZER = ['vocab.json', 'special_tokens_map.json', 'tokenizer_config.json'];
const tokenizer = Object.fromEntries(
  TOKENIZER.map((name) => [name, readJsonFile(path.join(fixtures, 'tokenizer', name))]),
);
const merges = readFileSync(path.join(fixtures, 'tokenizer/merges.txt'));

const onnx = new OnnxBuilder();
const weight = {
  name: 'w',
  dtype: 'F32',
  shape: [4],
  file: '/m/weights.bin',
  offset: 0,
  length: 16,
} as const;
onnx.output(
  'y',
  onnx.node('Add', [onnx.input('x', 'float32', [1, 4]), onnx.weight(weight)]),
  'float32',
  [1, 4],
);
const onnxFile = Buffer.from(onnx.encode('m').bytes);

/** Whole checkpoints in one file: Stable Diffusion's and Nitro-E's transformer. */
const checkpoints = await Promise.all(
  ['single-file/sd15-ema-no-vae/checkpoint', 'parity/tiny-nitro-e/transformer/diffusion_pytorch_model'].map(
    (name) => shapesIn(path.join(fixtures, `${name}.safetensors`)),
  ),
);
const budgetPlans = {
  num_inference_steps: 20,
  budget_plans: [
    { step_plan: 'PPP 999 600 200 @budget/few.safetensors', guidance: 5, scheduler: 'dpmpp-2m' },
    { step_plan: 'FP-P', guidance: 7.5 },
  ],
};
const sampler = { _class_name: 'DPMSolverMultistepScheduler', num_train_timesteps: 1000 };
const shards = ['a.safetensors', 'b.safetensors'];
const index = { metadata: { total_size: 9 }, weight_map: { x: shards[0], y: shards[1] } };
const INDEX = 'model.safetensors.index.json';

let cases = 0;

/** Runs `use` with a folder of its own. */
async function withFiles(
  files: Record<string, Uint8Array | string>,
  use: (folder: string) => Promise<unknown>,
) {
  const own = path.join(folder, `folder-${++cases}`);
  await mkdir(own);
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(own, name), content);
  await valueOrSentence(() => use(own));
}

const json = (value: unknown) => JSON.stringify(value) ?? '';

export const targets: readonly Target[] = [
  ...CONFIGS.map(([name, place, build]) =>
    target(
      `the config of ${name}`,
      changed(readJsonFile(path.join(fixtures, place, 'config.json'))),
      async (config) => {
        await valueOrSentence(() => build(config, 'config.json'));
      },
    ),
  ),
  target('the config of a tiny autoencoder', changed(tinyAutoencoder), async (config) => {
    await valueOrSentence(() => autoencoderTinyDecoder(parseAutoencoderTinyConfig(config, 'config.json')));
  }),
  {
    ...target('a single checkpoint', fc.oneof(...checkpoints.map(changed)), (tensors) =>
      withCaseFile(folder, fileSaying(tensors), async (file) => {
        await valueOrSentence(async () => {
          const model = await DiffusionModel.open(file);
          model.network('denoiser');
          await model.weights('denoiser');
        });
      }),
    ),
    runs: 60,
  },
  target('an ONNX file', damaged(onnxFile), (bytes) =>
    withCaseFile(folder, bytes, async (file) => {
      try {
        const { model } = await readOnnxFile(file);
        assert.equal(model.files.length, 0, 'there is no file of weights');
      } catch (error) {
        assert.ok(error instanceof InputError, String(error));
      }
    }),
  ),
  target('CLIP’s tokenizer', fc.tuple(changed(tokenizer), damaged(merges)), async ([files, merged]) => {
    const written: Record<string, Uint8Array | string> = { 'merges.txt': merged };
    for (const name of TOKENIZER) {
      const file = (files as Record<string, unknown> | null)?.[name];
      if (file !== undefined) written[name] = json(file);
    }
    await withFiles(written, async (own) => {
      for (const id of (await loadTokenizer(own)).tokens('a red house <|endoftext|>'))
        assert.ok(Number.isInteger(id));
    });
  }),
  target(
    'the budget plans of a model, and paths of their adapters',
    fc.oneof(
      changed(budgetPlans),
      fc
        .array(oddText, { maxLength: 3 })
        .map((words) => ({ budget_plans: [{ step_plan: ['PP', ...words].join(' '), guidance: 5 }] })),
      oddText.map((name) => ({ budget_plans: [{ step_plan: `P @${name}.safetensors`, guidance: 5 }] })),
    ),
    async (config) => {
      const plans = await valueOrSentence(() => readBudgetPlans(config, sampler, 'generation_config.json'));
      for (const { stepPlan } of plans ?? []) {
        const { kinds, adapter = 'a' } = readStepPlan(stepPlan)!;
        assert.ok(kinds.length >= 1 && kinds.length <= LIMITS.steps.max);
        for (const system of [path.posix, path.win32])
          assert.ok(system.resolve('/m', adapter).startsWith(system.resolve('/m') + system.sep), adapter);
      }
    },
  ),
  target('an index of weights in several files', changed(index), (value) =>
    withFiles({ [INDEX]: json(value) }, (own) => openWeights(own, 'model')),
  ),
];
