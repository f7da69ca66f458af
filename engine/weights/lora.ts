import { InputError } from '../errors.ts';
import { type LoraTarget, loraTarget } from './lora-names.ts';
import { openSafetensors } from './safetensors.ts';
import type { StoredTensor } from './source.ts';

/** A LoRA file (Hu et al. 2021): for each of some weights W a product up · down of low rank that is added to it. */
export interface Adapter {
  file: string;
  /** What the products are multiplied by. */
  strength: number;
  modules: readonly LoraModule[];
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

const ENDINGS: readonly (readonly [string, 'down' | 'up' | 'alpha'])[] = [
  ['.lora_down.weight', 'down'],
  ['.lora_up.weight', 'up'],
  ['.lora_A.weight', 'down'],
  ['.lora_B.weight', 'up'],
  ['.lora_A.default.weight', 'down'],
  ['.lora_B.default.weight', 'up'],
  ['.lora_linear_layer.down.weight', 'down'],
  ['.lora_linear_layer.up.weight', 'up'],
  ['.lora.down.weight', 'down'],
  ['.lora.up.weight', 'up'],
  ['.down.weight', 'down'],
  ['.up.weight', 'up'],
  ['.alpha', 'alpha'],
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
 * Reads the headers of a LoRA file in diffusers' or kohya's key style.
 * @throws InputError for another kind of file, and for halves without their others
 */
export async function openAdapter(file: string, strength: number): Promise<Adapter> {
  const source = await openSafetensors(file);
  const modules = new Map<string, Partial<LoraModule>>();
  for (const name of source.names()) {
    const relative = RELATIVES.find(([pattern]) => pattern.test(name));
    if (relative)
      throw new InputError(`${file} is ${relative[1]} (${name}), which is not supported; LoRA is.`);
    const ending = ENDINGS.find(([text]) => name.endsWith(text));
    if (!ending)
      throw new InputError(`${file} holds ${name}, which is no part of a LoRA; is it a LoRA file?`);
    const key = name.slice(0, -ending[0].length);
    modules.set(key, { ...modules.get(key), [ending[1]]: source.find(name)! });
  }
  return {
    file: source.file,
    strength,
    modules: [...modules].map(([key, halves]) => complete(file, key, halves)),
  };
}

function complete(file: string, key: string, { down, up, alpha }: Partial<LoraModule>): LoraModule {
  const target = loraTarget(key);
  if (!target) throw new InputError(`${file}: ${key} is named in a way that is not known.`);
  if (!down || !up) throw new InputError(`${file}: ${key} has only one half; get the file again.`);
  const rank = down.shape[0] ?? 0;
  const [out = 0, between, ...rest] = up.shape;
  if (down.shape.length < 2 || rank === 0 || out === 0 || between !== rank || rest.some((n) => n !== 1))
    throw new InputError(
      `${file}: the halves of ${key}, [${down.shape}] and [${up.shape}], do not fit each other.`,
    );
  if (alpha?.shape.some((n) => n !== 1))
    throw new InputError(`${file}: the alpha of ${key} is not one number.`);
  return { ...target, key, down, up, ...(alpha && { alpha }) };
}
