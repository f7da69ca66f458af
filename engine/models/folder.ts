import * as z from 'zod';
import { path } from '#host';
import { LIMITS } from '../../shared/limits.ts';
import { InputError } from '../errors.ts';
import { readJson, readOptionalJson } from '../json.ts';
import { parseConfig } from '../networks/config.ts';
import {
  INDEX_FILE,
  type NetworkFolder,
  RECOMMENDED_FILE,
  SCHEDULER_FILE,
  TOKENIZER_FOLDERS,
} from '../weights/diffusers.ts';
import { readBudgetPlans } from './budget-plans.ts';
import { type Layout, type PlacedNetwork, placedIn } from './layout.ts';
import type { GenerationDefaults } from './model.ts';
import { placeOf } from './networks.ts';
import { type PipelineKind, pipelineNamed } from './pipelines.ts';
import { forPlace, openTextEncoders, textEncoderInFolder, widthOf } from './single-file/placed.ts';

const indexSchema = z.object({
  _class_name: z.string(),
  is_distilled: z.boolean().nullable().default(false).transform(Boolean),
  force_zeros_for_empty_prompt: z.boolean().nullable().default(true).transform(Boolean),
});

const side = z.number().int().optional().catch(undefined);

/** `generation_config.json`, optional: what the model's makers recommend. Values out of bounds are ignored. */
const recommendedSchema = z.object({
  num_inference_steps: z
    .number()
    .int()
    .min(LIMITS.steps.min)
    .max(LIMITS.steps.max)
    .optional()
    .catch(undefined),
  guidance_scale: z.number().min(LIMITS.guidance.min).max(LIMITS.guidance.max).optional().catch(undefined),
  width: side,
  height: side,
  /** Ours: see `GenerationDefaults`. */
  removal_prompt: z.string().max(200).optional().catch(undefined),
  edit_budget: z.number().min(LIMITS.budget.min).max(LIMITS.budget.max).optional().catch(undefined),
  half_resolution: z
    .object({ share: z.number().min(0).max(1), above: z.number().min(1).max(1000) })
    .optional()
    .catch(undefined),
});

/** Information about a model that is not in its folder. */
export interface FolderOptions {
  /** Take the place of its text encoders: see `openTextEncoders`. */
  textEncoders?: readonly string[] | undefined;
  /** Display name; the folder's name if absent. */
  name?: string;
  /** Recommended settings, unless the folder has its own. */
  recommended?: Partial<GenerationDefaults>;
}

/**
 * Reads the configs of a checkpoint in the diffusers folder layout.
 * @throws InputError that says what is missing or not supported
 */
export async function readFolder(folder: string, options: FolderOptions = {}): Promise<Layout> {
  const absolute = path.resolve(folder);
  const file = path.join(absolute, INDEX_FILE);
  const index = parseConfig(
    indexSchema,
    await readJson(file, { hint: 'Is it a model folder in the diffusers layout?' }),
    file,
  );
  const kind = pipelineNamed(index._class_name, file);
  const networks = new Map<NetworkFolder, PlacedNetwork>();
  for (const role of ['denoiser', 'vae-decoder'] as const) {
    const { folder: name, stem } = placeOf(role, kind.denoiser);
    networks.set(name, await placedIn(path.join(absolute, name), stem));
  }
  for (const [name, placed] of await textsOf(absolute, kind, options.textEncoders))
    networks.set(name, placed);
  const generation = path.join(absolute, RECOMMENDED_FILE);
  const generationConfig = await readOptionalJson(generation);
  const own = recommendedOf(generationConfig, generation);
  const scheduler = await readJson(path.join(absolute, SCHEDULER_FILE));
  const budgetPlans =
    generationConfig === undefined ? [] : readBudgetPlans(generationConfig, scheduler, generation);
  return {
    id: [absolute, ...(options.textEncoders ?? [])].join(' + '),
    place: absolute,
    name: options.name ?? path.basename(absolute),
    kind,
    zerosForEmpty: index.force_zeros_for_empty_prompt,
    networks,
    scheduler,
    recommended: {
      ...kind.recommended,
      ...(index.is_distilled && kind.distilled),
      ...options.recommended,
      ...own,
      ...(budgetPlans.length > 0 && { budgetPlans }),
    },
    tokenizer: async (name) => ({
      folder: path.join(absolute, TOKENIZER_FOLDERS[name === 'text_encoder' ? 0 : 1]),
    }),
  };
}

/** The text encoders: the folder's own, or those that the user names in their place. */
async function textsOf(
  folder: string,
  { textRoles, denoiser }: PipelineKind,
  named: readonly string[] = [],
): Promise<[NetworkFolder, PlacedNetwork][]> {
  const folders = textRoles.map((role) => placeOf(role, denoiser).folder);
  const own = folders.map((name) => textEncoderInFolder(path.join(folder, name)));
  const inOrder = (placed: readonly PlacedNetwork[]) =>
    placed.map((one, i): [NetworkFolder, PlacedNetwork] => [folders[i]!, one]);
  if (named.length === 0) return inOrder(await Promise.all(own));
  // One that is missing or damaged may be what is replaced.
  const found = await Promise.allSettled(own);
  const kept = found.map((one) => (one.status === 'fulfilled' ? one.value : undefined));
  const texts = await openTextEncoders(named, kept[0]?.config);
  texts.sort((a, b) => a.width - b.width);
  if (texts.length === folders.length)
    return inOrder(texts.map((text, i) => forPlace(text, folders[i]!, kept[i]?.config)));
  const [text, ...others] = texts;
  const at = kept.findIndex((placed) => placed && widthOf(placed.config) === text?.width);
  if (others.length > 0 || at < 0)
    throw new InputError(
      `${named.join(' and ')}: ${texts.length} text encoder${texts.length === 1 ? '' : 's'} cannot take the place of the ${folders.length} of ${folder}, by their widths.`,
      { setting: 'textEncoder' },
    );
  return inOrder(
    await Promise.all(own.map((one, i) => (i === at ? forPlace(text!, folders[i]!, kept[i]?.config) : one))),
  );
}

function recommendedOf(config: unknown, origin: string): Partial<GenerationDefaults> {
  if (config === undefined) return {};
  const read = parseConfig(recommendedSchema, config, origin);
  const { num_inference_steps, guidance_scale, width, height, removal_prompt, edit_budget } = read;
  return {
    ...(num_inference_steps !== undefined && { steps: num_inference_steps }),
    ...(guidance_scale !== undefined && { guidance: guidance_scale }),
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(removal_prompt !== undefined && { removalPrompt: removal_prompt }),
    ...(edit_budget !== undefined && { editBudget: edit_budget }),
    ...(read.half_resolution && { halfResolution: read.half_resolution }),
  };
}
