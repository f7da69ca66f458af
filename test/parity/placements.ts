/**
 * Loads every network in every form on the software GPU. ONNX Runtime says on stderr where it places their nodes; a line
 * before each network names it.
 */
import path from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { fs } from '#host';
import { DeviceBackend } from '../../engine/backends/node/devices/backend.ts';
import type { CompileOptions } from '../../engine/execution/backend.ts';
import { shiftNetwork, textNetwork } from '../../engine/execution/forms/conditioning.ts';
import { type Form, PLANAR, type RowsOptions } from '../../engine/execution/forms/form.ts';
import type { OnnxModel } from '../../engine/execution/lowering/onnx/onnx.ts';
import { splitText } from '../../engine/execution/transformer/split.ts';
import { shallowNetwork, withDeep } from '../../engine/execution/unet/shallow.ts';
import type { Network } from '../../engine/graph/network.ts';

import { readJson } from '../../engine/json.ts';
import { openControlModel, steeringBy, withControlWeights } from '../../engine/models/control-model.ts';
import { type NetworkRole, networkOf, placeOf } from '../../engine/models/networks.ts';
import { openReferenceModel, withReferenceWeights } from '../../engine/models/reference-model.ts';
import { openVisionFolder } from '../../engine/models/vision-folder.ts';
import { efficientVitClassifier, samEncoder } from '../../engine/networks/efficientvit-heads.ts';
import { maskDecoder } from '../../engine/networks/mask-decoder.ts';
import type { Steering } from '../../engine/networks/unet.ts';
import { parseUNetConfig, type UNetConfig } from '../../engine/networks/unet-config.ts';
import { INT8_MOST } from '../../engine/quantization/arithmetic.ts';
import { quantize } from '../../engine/quantization/quantize.ts';
import { anchorsOf } from '../../engine/regions/anchors.ts';
import type { DeviceStorage } from '../../engine/regions/features.ts';
import type { DenoiserFolder } from '../../engine/weights/diffusers.ts';
import { openWeights } from '../../engine/weights/folder.ts';
import { openAdapter } from '../../engine/weights/lora.ts';
import { mergeAdapters } from '../../engine/weights/lora-merge.ts';
import type { WeightSource } from '../../engine/weights/source.ts';
import { type Weights, WeightTable } from '../../engine/weights/weight-table.ts';

const FOLDERS = path.join(import.meta.dirname, '..', 'fixtures', 'parity');

class TellingBackend extends DeviceBackend {
  protected override sessionOptions(
    model: OnnxModel,
    options: CompileOptions,
  ): InferenceSession.SessionOptions {
    return { ...super.sessionOptions(model, options), logSeverityLevel: 0, logVerbosityLevel: 1 };
  }
}

// As on real GPUs: what the software one computes wrong does not matter here.
const backend = new TellingBackend('webgpu', { name: 'software', wrong: [] });

interface Placing {
  /** Weights that are not stored as they are. */
  weights?: Weights;
  /** In float16, with which loading ends where the device has none: nodes are placed before. */
  half?: boolean;
}

async function place(
  name: string,
  network: Network,
  source: WeightSource,
  form: Form,
  { weights = new WeightTable(network, source), half = false }: Placing = {},
): Promise<void> {
  process.stderr.write(`### ${name}\n`);
  const loading = backend.compile(network, weights, form, { half });
  const program = half ? await loading.catch(() => undefined) : await loading;
  await program?.release();
}

interface Part {
  /** Before the names of what is placed, where several folders have the role. */
  called?: string;
  /** Of a text encoder: see `NetworkOptions`. */
  layers?: readonly number[];
}

async function placePart(
  folder: string,
  role: NetworkRole,
  forms: Record<string, Form>,
  { called = role, layers }: Part = {},
) {
  const { network, source } = await opened(folder, role, 'unet', layers);
  for (const [name, form] of Object.entries(forms)) await place(`${called} ${name}`, network, source, form);
  if (role !== 'denoiser') return;
  await place(`${called} text`, textNetwork(network), source, PLANAR);
  await place(`${called} shift`, shiftNetwork(network), source, PLANAR);
}

/** A transformer in its forms, and what of it depends on the text only. */
async function placeTransformer(folder: string, called: string): Promise<void> {
  const { network, source } = await opened(folder, 'denoiser', 'transformer');
  const { text, rest } = splitText(network);
  await place(`${called} whole`, rest, source, { kind: 'tokens', part: false });
  await place(`${called} part`, rest, source, { kind: 'tokens', part: true });
  const storages = called === 'SANA' ? ([...STORAGES, 'nibbles'] as const) : STORAGES;
  for (const storage of storages) {
    await place(`${called} kept ${storage}`, rest, source, { kind: 'tokens', part: true, storage });
    await place(`${called} putting ${storage}`, rest, source, { kind: 'putting', storage });
  }
  await place(`${called} text`, text, source, PLANAR);
}

async function opened(
  folder: string,
  role: NetworkRole,
  denoiser: DenoiserFolder,
  layers?: readonly number[],
) {
  const { folder: inside, stem } = placeOf(role, denoiser);
  const root = path.join(FOLDERS, folder, inside);
  const network = networkOf(role, await readJson(path.join(root, 'config.json')), folder, { layers });
  return { network, source: await openWeights(root, stem) };
}

const rows = (
  statistics: RowsOptions['statistics'],
  rectangles: readonly number[] = [],
  foldUpsampling = true,
  storage: DeviceStorage = 'float32',
): Form => ({
  kind: 'rows',
  options: { foldUpsampling, storage, statistics, attention: 'full', rectangles },
});
const STORAGES: readonly DeviceStorage[] = ['float32', 'float16', 'uint8'];
const crops = { planar: PLANAR, crops: { kind: 'crops' } } as const;

await placePart('tiny-sd15', 'denoiser', {
  planar: PLANAR,
  fresh: rows('fresh'),
  any: rows('any'),
  recorded: rows('recorded'),
  rectangles: rows('any', [0, 1, 2, 3]),
  bands: rows('bands'),
  ...Object.fromEntries(
    STORAGES.flatMap((storage) => [
      [`recording ${storage}`, rows('any', [], true, storage)],
      [`taking ${storage}`, { kind: 'taking', storage }],
      [`putting ${storage}`, { kind: 'putting', storage }],
    ]),
  ),
});
await placePart('tiny-sd15', 'text-encoder', { planar: PLANAR });
await placePart('tiny-sd15', 'vae-decoder', crops);
await placePart('tiny-sd15', 'vae-encoder', crops);

const [PLANES, ROWS] = [PLANAR, rows('any')];
const denoisers = { planar: PLANES, any: ROWS };

/** A U-Net that something beside its text steers. */
async function placeSteered(
  called: string,
  folder: string,
  steering: (config: UNetConfig) => Steering,
  change: (source: WeightSource) => WeightSource | Promise<WeightSource> = (source) => source,
): Promise<void> {
  const root = path.join(FOLDERS, folder, 'unet');
  const json = await readJson(path.join(root, 'config.json'));
  const network = networkOf('denoiser', json, folder, { steering: steering(parseUNetConfig(json, folder)) });
  const source = await change(await openWeights(root, placeOf('denoiser').stem));
  for (const [name, form] of Object.entries({ ...denoisers, bands: rows('bands') }))
    await place(`${called} ${name}`, network, source, form);
}

for (const [kind, called] of [
  ['controlnet', 'ControlNet'],
  ['t2iadapter', 'T2I-Adapter'],
] as const) {
  const model = await openControlModel(path.join(FOLDERS, 'tiny-controlnet', kind));
  await place(`${called} encoder`, model.encoder, await model.weights(), PLANAR);
  await placeSteered(
    `U-Net with ${called}`,
    'tiny-controlnet',
    (base) => steeringBy([model], base),
    (source) => withControlWeights(source, [model]),
  );
}
for (const kind of ['ip-adapter', 'ip-adapter-plus']) {
  const model = await openReferenceModel(path.join(FOLDERS, 'tiny-ip-adapter', `${kind}_tiny.safetensors`));
  const { encoder, projection, weights } = model;
  await place(`${kind} encoder`, encoder.network, await encoder.weights(), PLANAR);
  await place(`${kind} projection`, projection, weights, PLANAR);
  const references = [{ masked: false }, { masked: true }];
  await placeSteered(
    `U-Net with ${kind}`,
    'tiny-ip-adapter',
    () => ({ references }),
    (source) => withReferenceWeights(source, model),
  );
}
await placeSteered('U-Net with regions', 'tiny-sd15', () => ({ regions: 2 }));
await placePart('tiny-sd21-v-fp16', 'denoiser', denoisers, { called: 'SD 2.1' });
await placePart('tiny-sdxl', 'denoiser', denoisers, { called: 'SDXL' });
await placePart('embeddings', 'text-encoder-2', { planar: PLANAR });
await placePart('tiny-inpaint', 'denoiser', denoisers, { called: 'inpainting' });

const { network: whole, source: stored } = await opened('tiny-sd15', 'denoiser', 'unet');
for (const [called, part] of [
  ['deep', withDeep(whole)],
  ['shallow', shallowNetwork(whole)],
] as const)
  for (const [name, form] of Object.entries(denoisers)) await place(`${called} ${name}`, part, stored, form);
const halves = { ...denoisers, recording: rows('any', [], true, 'float16') };
for (const [name, form] of Object.entries(halves))
  await place(`denoiser fp16 ${name}`, whole, stored, form, { half: true });
await fs.withTemporaryFolder(async (folder) => {
  // Weights that LoRA files change are merged into a file of the cache.
  process.env.PATCHWORK_CACHE = folder;
  const adapter = await openAdapter(path.join(FOLDERS, 'lora-kinds', 'mixed.safetensors'), 0.8);
  const merged = await mergeAdapters(stored, 'denoiser', whole, [adapter]);
  if (merged === stored) throw new Error('the LoRA changes nothing');
  for (const [name, form] of Object.entries(denoisers))
    await place(`U-Net with LoRA ${name}`, whole, merged, form);
  await place('U-Net with LoRA fp16', whole, merged, ROWS, { half: true });
  for (const precision of ['int8', 'int4'] as const) {
    const quantized = async (network: Network, source: WeightSource) =>
      quantize({
        network,
        weights: new WeightTable(network, source),
        precision,
        most: INT8_MOST,
        bytes: false,
        folder,
      });
    const weights = await quantized(whole, stored);
    for (const statistics of ['fresh', 'any', 'recorded', 'bands'] as const)
      await place(`denoiser ${precision} ${statistics}`, whole, stored, rows(statistics, [], false), {
        weights,
      });
    const { network, source } = await opened('tiny-flux2-klein', 'denoiser', 'transformer');
    const { rest } = splitText(network);
    const form = { kind: 'tokens', part: true } as const;
    await place(`FLUX.2 ${precision} part`, rest, source, form, {
      weights: await quantized(network, source),
    });
  }
  const text = await opened('tiny-sd15', 'text-encoder', 'unet');
  const weights = await quantize({
    network: text.network,
    weights: new WeightTable(text.network, text.source),
    precision: 'int8',
    most: INT8_MOST,
    bytes: false,
    folder,
  });
  await place('text-encoder int8', text.network, text.source, PLANAR, { weights });
});
for (const role of ['vae-decoder', 'vae-encoder'] as const) {
  const root = path.join(FOLDERS, 'tiny-sd15', 'vae_tiny');
  const network = networkOf(role, await readJson(path.join(root, 'config.json')), root);
  const source = await openWeights(root, placeOf(role).stem);
  for (const [name, form] of Object.entries(crops))
    await place(`AutoencoderTiny ${role} ${name}`, network, source, form);
}

for (const [folder, called] of [
  ['tiny-sana-sprint', 'SANA'],
  ['tiny-flux2-klein', 'FLUX.2'],
  ['tiny-nitro-e', 'Nitro-E'],
] as const)
  await placeTransformer(folder, called);
await placePart('tiny-sana-sprint', 'text-encoder', { planar: PLANAR }, { called: 'Gemma 2' });
await placePart('tiny-nitro-e', 'text-encoder', { planar: PLANAR }, { called: 'Llama' });
await placePart(
  'tiny-flux2-klein',
  'text-encoder',
  { planar: PLANAR },
  { called: 'Qwen 3', layers: [9, 18, 27] },
);
for (const [folder, called] of [
  ['tiny-sana-sprint', 'AutoencoderDC'],
  ['tiny-flux2-klein', 'AutoencoderKLFlux2'],
] as const)
  for (const role of ['vae-decoder', 'vae-encoder'] as const)
    await placePart(folder, role, crops, { called: `${called} ${role.slice('vae-'.length)}` });

const segmenter = await openVisionFolder(path.join(FOLDERS, 'tiny-sight/segmenter'));
if (segmenter.kind !== 'segmenter') throw new Error('no segmenter');
const encoder = samEncoder(segmenter.config.encoder);
const anchors = anchorsOf(encoder);
const source = await segmenter.weights();
await place('image encoder planar', encoder, source, PLANAR);
await place('image encoder recording', encoder, source, { kind: 'recording', anchors });
await place('image encoder parts', encoder, source, { kind: 'parts', anchors });
await place('image encoder updates', encoder, source, { kind: 'parts', anchors, updates: true });
await place('mask decoder planar', maskDecoder(segmenter.config.decoder, { refine: true }), source, PLANAR);
const tagger = await openVisionFolder(path.join(FOLDERS, 'tiny-sight/tagger'));
if (tagger.kind !== 'tagger') throw new Error('no tagger');
await place(
  'tagger planar',
  efficientVitClassifier(tagger.config.classifier),
  await tagger.weights(),
  PLANAR,
);
