import type { GenerateRequest, LoraChoice } from '../../shared/api.ts';
import { LIMITS } from '../../shared/limits.ts';
import { randomSeed } from '../../shared/seed.ts';
import { withStyle } from '../../shared/styles.ts';
import { readOptionalText } from '../json.ts';
import { namedFiles, rootsFor } from '../models/named-files.ts';
import { type Choose, chooserOf, makeChoices, type Wildcards } from '../text/choices.ts';
import { withoutTags } from '../text/prompt-tags.ts';
import { Embeddings } from './embeddings.ts';

/** Fields of a request that prompts change. */
type Prompted = Pick<
  GenerateRequest,
  'prompt' | 'negativePrompt' | 'regions' | 'style' | 'seed' | 'loras' | 'embeddings' | 'modelFolders'
>;

/** A request whose prompts have been read. */
export interface ReadPrompts<Request> {
  /** With the choices made, the networks that prompts name among the LoRA files, and a seed. */
  request: Request & { seed: number };
  embeddings: Embeddings;
  warnings: string[];
}

/** Bytes of a wildcard's file. */
const MAX_WILDCARD_BYTES = 4 << 20;

/**
 * Reads what prompts say beside words, before the model is loaded: choices (`{a|b}`, `__wildcard__`), LoRA files
 * (`<lora:name:1>`) and trained words. `model`: the folder or file beside which names are looked for.
 */
export async function readPrompts<Request extends Prompted>(
  asked: Request,
  model: string,
): Promise<ReadPrompts<Request>> {
  const seed = asked.seed ?? randomSeed();
  const roots = rootsFor(model, asked.modelFolders ?? []);
  const choose = chooserOf(seed);
  const styled = withStyle(asked);
  const prompt = await readPrompt(styled.prompt, choose, roots);
  const negative = await readPrompt(styled.negativePrompt ?? '', choose, roots);
  const regions = [];
  for (const region of asked.regions ?? [])
    regions.push({ ...region, read: await readPrompt(region.prompt, choose, roots) });
  const read = [prompt, negative, ...regions.map((region) => region.read)];
  const networks = read.flatMap((each) => each.networks);
  const { loras, warnings } = await withNetworks(asked.loras ?? [], networks, roots);
  const texts = read.map(({ text }) => text);
  const found = texts.some((text) => text !== '')
    ? await namedFiles('embedding', roots)
    : new Map<string, string>();
  return {
    request: {
      ...styled,
      seed,
      prompt: prompt.text,
      ...(styled.negativePrompt !== undefined && { negativePrompt: negative.text }),
      ...(regions.length > 0 && {
        regions: regions.map(({ read: { text }, ...region }) => ({ ...region, prompt: text })),
      }),
      ...(loras.length > 0 && { loras }),
    },
    embeddings: await Embeddings.open(texts, asked.embeddings ?? [], found),
    warnings: [...new Set([...read.flatMap((each) => each.warnings), ...warnings])],
  };
}

async function readPrompt(prompt: string, choose: Choose, roots: readonly string[]) {
  const chosen = await makeChoices(prompt, choose, wildcardsIn(roots));
  const { text, networks, warnings } = withoutTags(chosen.text);
  return {
    text: networks.length > 0 ? text.trim() : text,
    networks,
    warnings: [...chosen.warnings, ...warnings],
  };
}

function wildcardsIn(roots: readonly string[]): Wildcards {
  let files: Promise<Map<string, string>> | undefined;
  return async (name) => {
    files ??= namedFiles('wildcard', roots);
    const file = (await files).get(name.toLowerCase());
    if (file === undefined) return undefined;
    const text = (await readOptionalText(file, MAX_WILDCARD_BYTES)) ?? '';
    return text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trim().startsWith('#'));
  };
}

/** The chosen files with those that prompts name; a strength in a prompt counts before another. */
async function withNetworks(
  chosen: readonly LoraChoice[],
  networks: ReturnType<typeof withoutTags>['networks'],
  roots: readonly string[],
): Promise<{ loras: LoraChoice[]; warnings: string[] }> {
  const loras = [...chosen];
  const warnings: string[] = [];
  if (networks.length === 0) return { loras, warnings };
  const files = await namedFiles('lora', roots);
  for (const { tag, name, strength } of networks) {
    const key = name
      .toLowerCase()
      .replaceAll('\\', '/')
      .replace(/\.(?:safetensors|pt|ckpt|bin)$/, '');
    const known = loras.findIndex(({ lora }) => nameOf(lora) === key);
    const lora = loras[known]?.lora ?? files.get(key);
    if (lora === undefined) {
      warnings.push(
        `${tag} in the prompt was left out: there is no LoRA of that name in a folder "loras" beside the model, or in a folder of the setting patchwork.modelFolders.`,
      );
      continue;
    }
    if (known >= 0) loras[known] = { lora, strength };
    else if (loras.length < LIMITS.loras) loras.push({ lora, strength });
    else warnings.push(`${tag} in the prompt was left out: there can be ${LIMITS.loras} LoRA files at most.`);
  }
  return { loras, warnings };
}

/** A LoRA's name as prompts write it. */
function nameOf(lora: string): string {
  return lora
    .replaceAll('\\', '/')
    .split('/')
    .at(-1)!
    .replace(/\.(?:safetensors|pt|ckpt|bin)$/i, '')
    .toLowerCase();
}
