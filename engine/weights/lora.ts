import { InputError, quoted } from '../errors.ts';
import { type LoraTarget, loraTarget } from './lora-names.ts';
import { openSafetensors } from './safetensors.ts';
import type { StoredTensor } from './source.ts';

/** A LoRA file (Hu et al. 2021): for each of some weights W a product up · down of low rank that is added to it. */
export interface Adapter {
  file: string;
  /** What the products are multiplied by. */
  strength: number;
  modules: readonly LoraModule[];
  /** Names of tensors that are no part of a LoRA. */
  leftOut: readonly string[];
}

export interface LoraModule extends LoraTarget {
  /** As the file names it. */
  key: string;
  /** [rank, in] or [rank, in, k, k]. */
  down: StoredTensor;
  /** [out, rank] or [out, rank, 1, 1]. */
  up: StoredTensor;
  /** One number; the product is divided by rank / alpha. The rank if absent. */
  alpha?: StoredTensor;
}

/** Halves by the end of their keys; PEFT may put an adapter's name into it. */
const ENDINGS: readonly (readonly [RegExp, 'down' | 'up' | 'alpha'])[] = [
  [/\.lora_A(?:\.([\w-]+))?\.weight$/, 'down'],
  [/\.lora_B(?:\.([\w-]+))?\.weight$/, 'up'],
  [/(?:\.lora_linear_layer|\.lora|)\.down\.weight$/, 'down'],
  [/(?:\.lora_linear_layer|\.lora|)\.up\.weight$/, 'up'],
  [/\.lora_down\.weight$/, 'down'],
  [/\.lora_up\.weight$/, 'up'],
  [/\.alpha$/, 'alpha'],
];

/** Relatives of LoRA with other arithmetic, by a part of their keys. */
const RELATIVES: readonly (readonly [RegExp, string])[] = [
  [/\.hada_/, 'LoHa'],
  [/\.lokr_/, 'LoKr'],
  [/\.dora_scale$|\.lora_magnitude_vector/, 'DoRA'],
  [/\.oft_/, 'OFT'],
  [/\.lora_mid\./, 'a LoRA with a Tucker core'],
  [/\.diff(_b)?$/, 'a LoRA with full differences'],
];

/**
 * Reads the headers of a LoRA file in the key style of any of the common tools. Tensors that are no part of a LoRA, as
 * trained words that lie beside it, are left out and listed.
 * @throws InputError for another kind of file, and for halves without their others
 */
export async function openAdapter(file: string, strength: number): Promise<Adapter> {
  const source = await openSafetensors(file);
  const modules = new Map<string, Partial<LoraModule> & { key: string }>();
  const alphas = new Map<string, StoredTensor>();
  const leftOut: string[] = [];
  for (const name of source.names()) {
    const relative = RELATIVES.find(([pattern]) => pattern.test(name));
    if (relative)
      throw new InputError(`${file} is ${relative[1]} (${quoted(name)}), which is not supported; LoRA is.`);
    const found = halfOf(name);
    if (!found) {
      leftOut.push(name);
      continue;
    }
    if (found.half === 'alpha') {
      alphas.set(found.key, source.find(name)!);
      continue;
    }
    // Two adapters in one file may change the same weight.
    const id = JSON.stringify([found.key, found.adapter]);
    modules.set(id, { ...modules.get(id), key: found.key, [found.half]: source.find(name)! });
  }
  const known: LoraModule[] = [];
  for (const module of modules.values()) {
    const target = loraTarget(module.key);
    const alpha = alphas.get(module.key);
    if (target) known.push(complete(file, { ...module, ...target, ...(alpha && { alpha }) }));
    else leftOut.push(module.key);
  }
  if (known.length === 0) {
    const why = modules.size > 0 ? 'is named in a way that is not known' : 'is no part of a LoRA';
    throw new InputError(`${file} holds ${quoted(leftOut[0] ?? '')}, which ${why}; is it a LoRA file?`);
  }
  return { file: source.file, strength, modules: known, leftOut };
}

function halfOf(name: string): { key: string; half: 'down' | 'up' | 'alpha'; adapter: string } | undefined {
  for (const [ending, half] of ENDINGS) {
    const found = ending.exec(name);
    if (found) return { key: name.slice(0, found.index), half, adapter: found[1] ?? '' };
  }
  return undefined;
}

function complete(file: string, module: Partial<LoraModule> & LoraTarget & { key: string }): LoraModule {
  const { key, down, up, alpha } = module;
  const named = quoted(key);
  if (!down || !up) throw new InputError(`${file}: ${named} has only one half; get the file again.`);
  const rank = down.shape[0] ?? 0;
  const [out = 0, between, ...rest] = up.shape;
  if (down.shape.length < 2 || rank === 0 || out === 0 || between !== rank || rest.some((n) => n !== 1))
    throw new InputError(
      `${file}: the halves of ${named}, [${down.shape}] and [${up.shape}], do not fit each other.`,
    );
  if (alpha?.shape.some((n) => n !== 1))
    throw new InputError(`${file}: the alpha of ${named} is not one number.`);
  return { ...module, down, up };
}
