/**
 * Loads every network in every form on the software GPU. ONNX Runtime says on stderr where it places their nodes; a line
 * before each network names it.
 */
import path from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { DeviceBackend } from '../../engine/backends/node/devices/backend.ts';
import type { CompileOptions } from '../../engine/execution/backend.ts';
import { shiftNetwork, textNetwork } from '../../engine/execution/forms/conditioning.ts';
import { type Form, PLANAR, type RowsOptions } from '../../engine/execution/forms/form.ts';
import type { OnnxModel } from '../../engine/execution/lowering/onnx/onnx.ts';
import { splitText } from '../../engine/execution/transformer/split.ts';
import type { Network } from '../../engine/graph/network.ts';
import { readJson } from '../../engine/json.ts';
import { type NetworkRole, networkOf, placeOf } from '../../engine/models/networks.ts';
import { openVisionFolder } from '../../engine/models/vision-folder.ts';
import { efficientVitClassifier, samEncoder } from '../../engine/networks/efficientvit-heads.ts';
import { maskDecoder } from '../../engine/networks/mask-decoder.ts';
import { anchorsOf } from '../../engine/regions/anchors.ts';
import type { DenoiserFolder } from '../../engine/weights/diffusers.ts';
import { openWeights } from '../../engine/weights/folder.ts';
import type { WeightSource } from '../../engine/weights/source.ts';
import { WeightTable } from '../../engine/weights/weight-table.ts';

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

async function place(name: string, network: Network, source: WeightSource, form: Form): Promise<void> {
  process.stderr.write(`### ${name}\n`);
  const program = await backend.compile(network, new WeightTable(network, source), form);
  await program.release();
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
  await place('denoiser text', textNetwork(network), source, PLANAR);
  await place('denoiser shift', shiftNetwork(network), source, PLANAR);
}

/** A transformer in its two forms, and what of it depends on the text only. */
async function placeTransformer(folder: string, called: string): Promise<void> {
  const { network, source } = await opened(folder, 'denoiser', 'transformer');
  const { text, rest } = splitText(network);
  await place(`${called} whole`, rest, source, { kind: 'tokens', part: false });
  await place(`${called} part`, rest, source, { kind: 'tokens', part: true });
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

const rows = (statistics: RowsOptions['statistics'], rectangles: readonly number[] = []): Form => ({
  kind: 'rows',
  options: { foldUpsampling: true, storage: 'float32', statistics, attention: 'full', rectangles },
});
const crops = { planar: PLANAR, crops: { kind: 'crops' } } as const;

await placePart('tiny-sd15', 'denoiser', {
  planar: PLANAR,
  fresh: rows('fresh'),
  any: rows('any'),
  recorded: rows('recorded'),
  rectangles: rows('any', [0, 1, 2, 3]),
  bands: rows('bands'),
  taking: { kind: 'taking' },
  putting: { kind: 'putting' },
});
await placePart('tiny-sd15', 'text-encoder', { planar: PLANAR });
await placePart('tiny-sd15', 'vae-decoder', crops);
await placePart('tiny-sd15', 'vae-encoder', crops);

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
await place('mask decoder planar', maskDecoder(segmenter.config.decoder, { refine: true }), source, PLANAR);
const tagger = await openVisionFolder(path.join(FOLDERS, 'tiny-sight/tagger'));
if (tagger.kind !== 'tagger') throw new Error('no tagger');
await place(
  'tagger planar',
  efficientVitClassifier(tagger.config.classifier),
  await tagger.weights(),
  PLANAR,
);
