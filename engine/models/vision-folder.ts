import * as z from 'zod';
import { path } from '#host';
import { InputError } from '../errors.ts';
import { readJson } from '../json.ts';
import { parseConfig, supported } from '../networks/config.ts';
import {
  parseSegmenterConfig,
  parseTaggerConfig,
  type SegmenterConfig,
  type TaggerConfig,
} from '../networks/efficientvit-config.ts';
import { openWeights } from '../weights/folder.ts';
import type { WeightSource } from '../weights/source.ts';

const kindSchema = z.object({ model_type: supported(['efficientvit-sam', 'efficientvit-tagger']) });

/** Folder of a vision network: `config.json` and `model.safetensors`. */
export type VisionFolder = { folder: string; weights: () => Promise<WeightSource> } & (
  | { kind: 'segmenter'; config: SegmenterConfig }
  | { kind: 'tagger'; config: TaggerConfig }
);

/** Reads the config. @throws InputError that says what is missing or not supported. */
export async function openVisionFolder(folder: string): Promise<VisionFolder> {
  const root = path.resolve(folder);
  const file = path.join(root, 'config.json');
  const json = await readJson(file);
  const { model_type: type } = parseConfig(kindSchema, json, file);
  const common = { folder: root, weights: () => openWeights(root, 'model') };
  return type === 'efficientvit-sam'
    ? { ...common, kind: 'segmenter', config: parseSegmenterConfig(json, file) }
    : { ...common, kind: 'tagger', config: parseTaggerConfig(json, file) };
}

/** A segmenter's folder. @throws InputError if it is another network's. */
export async function openSegmenterFolder(folder: string): Promise<VisionFolder & { kind: 'segmenter' }> {
  const opened = await openVisionFolder(folder);
  if (opened.kind !== 'segmenter') throw new InputError(`${folder} holds a ${opened.kind}, not a segmenter.`);
  return opened;
}

/** A tagger's folder. @throws InputError if it is another network's. */
export async function openTaggerFolder(folder: string): Promise<VisionFolder & { kind: 'tagger' }> {
  const opened = await openVisionFolder(folder);
  if (opened.kind !== 'tagger') throw new InputError(`${folder} holds a ${opened.kind}, not a tagger.`);
  return opened;
}
