import { InputError, quoted } from '../errors.ts';
import { type AlphaRules, alphasOf, configBeside } from './lora-alphas.ts';
import { LORA_KINDS, type LoraKind } from './lora-kinds/index.ts';
import { loraTarget } from './lora-names.ts';
import type { StoredTensor } from './source.ts';
import { openTensors } from './tensor-file.ts';

/** A LoRA file, of whichever kind: for each of some weights W a change of few numbers that is added to it. */
export interface Adapter {
  file: string;
  /** What the changes are multiplied by. */
  strength: number;
  modules: readonly LoraModule[];
  /** Names of tensors that do not belong to a LoRA. */
  leftOut: readonly string[];
}

/** The change of one weight. */
export interface LoraModule {
  /** As the file names it; see `loraTarget`. */
  key: string;
  kind: LoraKind;
  /** By part. */
  tensors: ReadonlyMap<string, StoredTensor>;
  /** The change is multiplied by alpha / rank, or by 1 if absent. A PEFT config may ask for alpha / √rank instead. */
  alpha?: StoredTensor | { value: number; root: boolean };
  /** For a DoRA; see `withMagnitude`. */
  magnitude?: { tensor: StoredTensor; isPeft: boolean };
}

/** Parts by the end of their keys; PEFT may put an adapter's name into it. */
const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/\.lora_A(?:\.(?!weight$)(?<adapter>[^.]+))?(?:\.weight)?$/, 'down'],
  [/\.lora_B(?:\.(?!weight$)(?<adapter>[^.]+))?(?:\.weight)?$/, 'up'],
  [/(?:\.lora_linear_layer|\.lora|)\.down\.weight$/, 'down'],
  [/(?:\.lora_linear_layer|\.lora|)\.up\.weight$/, 'up'],
  [/\.lora_down\.weight$/, 'down'],
  [/\.lora_up\.weight$/, 'up'],
  [/\.lora_mid\.weight$/, 'mid'],
  [/\.(?<part>hada_(?:w[12]_[ab]|t[12]))(?:\.(?<adapter>[^.]+))?$/, ''],
  [/\.(?<part>lokr_(?:w[12](?:_[ab])?|t2))(?:\.(?<adapter>[^.]+))?$/, ''],
  [/\.(?<part>[ab][12])\.weight$/, ''],
  [/\.(?<part>diff|diff_b|w_norm|b_norm|on_input)$/, ''],
  [/\.ia3_l(?:\.(?<adapter>[^.]+))?$/, 'ia3_l'],
  [/\.dora_scale$/, 'dora_scale'],
  [/\.lora_magnitude_vector(?:\.(?!weight$)(?<adapter>[^.]+))?(?:\.weight)?$/, 'lora_magnitude_vector'],
  [/(?:\.lora_linear_layer|\.lora|)\.alpha$/, 'alpha'],
];

/** Names of the parts in messages, if they differ from those in files. */
const SHOWN: Readonly<Record<string, string>> = { up: 'lora_up', down: 'lora_down', mid: 'lora_mid' };

/** Relatives with other arithmetic, by a part of their keys. */
const RELATIVES: readonly (readonly [RegExp, string])[] = [
  [/\.b?oft_|\.oft_/, 'OFT'],
  [/\.vera_lambda/, 'VeRA'],
  [/\.set_weight$/, 'a file of whole weights'],
];

interface Found {
  key: string;
  adapter: string;
  parts: Map<string, StoredTensor>;
}

/**
 * Reads the headers of a LoRA file of any kind in the key style of any of the common tools. Tensors that are not part
 * of a LoRA, such as trained words beside it, are left out and listed.
 * @throws InputError for another kind of file, and for modules that are not whole
 */
export async function openAdapter(file: string, strength: number): Promise<Adapter> {
  const source = await openTensors(file);
  const tensors = [...source.names()].map((name) => source.find(name)!);
  const scales = new Set(tensors.flatMap(({ scale }) => scale?.name ?? []));
  const { found, alphas, leftOut } = sorted(
    file,
    tensors.filter(({ name }) => !scales.has(name)),
  );
  const rules = alphasOf(source.metadata, await configBeside(source.origin));
  const known: LoraModule[] = [];
  for (const module of found) {
    if (loraTarget(module.key)) known.push(...changesOf(file, module, alphas.get(module.key), rules));
    else leftOut.push(module.key);
  }
  if (known.length === 0) {
    const why = found.length > 0 ? 'is named in a way that is not known' : 'is no part of a LoRA';
    throw new InputError(`${file} holds ${quoted(leftOut[0] ?? '')}, which ${why}; is it a LoRA file?`);
  }
  return { file: source.file, strength, modules: known, leftOut };
}

/** The tensors of a file by module and part. */
function sorted(file: string, tensors: readonly StoredTensor[]) {
  const modules = new Map<string, Found>();
  const alphas = new Map<string, StoredTensor>();
  const leftOut: string[] = [];
  // A factor on the input or the output is named `weight`, as the weights of other files are.
  const scaled = new Set(tensors.flatMap(({ name }) => /^(.*)\.on_input$/.exec(name)?.[1] ?? []));
  for (const tensor of tensors) {
    const relative = RELATIVES.find(([pattern]) => pattern.test(tensor.name));
    if (relative)
      throw new InputError(
        `${file} is ${relative[1]} (${quoted(tensor.name)}), which is not supported; LoRA and its other relatives are.`,
      );
    const { key, part, adapter } = placeOf(tensor.name, scaled) ?? {};
    if (key === undefined || part === undefined) leftOut.push(tensor.name);
    else if (part === 'alpha') alphas.set(key, tensor);
    else {
      // Two adapters in one file may change the same weight.
      const id = JSON.stringify([key, adapter]);
      const module = modules.get(id) ?? { key, adapter: adapter!, parts: new Map() };
      module.parts.set(part, tensor);
      modules.set(id, module);
    }
  }
  return { found: [...modules.values()], alphas, leftOut };
}

function placeOf(name: string, scaled: ReadonlySet<string>) {
  const factor = /^(.*)\.weight$/.exec(name)?.[1];
  if (factor !== undefined && scaled.has(factor)) return { key: factor, part: 'weight', adapter: '' };
  for (const [ending, part] of ENDINGS) {
    const found = ending.exec(name);
    if (!found) continue;
    const { adapter = '', part: named = part } = found.groups ?? {};
    return { key: name.slice(0, found.index), part: named, adapter };
  }
  return undefined;
}

/** What a module changes: a weight, a bias, or both. */
function changesOf(
  file: string,
  { key, parts }: Found,
  stored: StoredTensor | undefined,
  rules: AlphaRules,
): LoraModule[] {
  const rest = new Map(parts);
  const isPeft = rest.has('lora_magnitude_vector');
  const scales = rest.get('lora_magnitude_vector') ?? rest.get('dora_scale');
  for (const name of ['lora_magnitude_vector', 'dora_scale']) rest.delete(name);
  if (stored?.shape.some((n) => n !== 1))
    throw new InputError(`${file}: the alpha of ${quoted(key)} is not one number.`);
  const alpha = stored ?? rules(key);
  const changes: LoraModule[] = [];
  for (const kind of LORA_KINDS) {
    const names = [...kind.parts, ...(kind.optional ?? [])];
    const tensors = new Map(names.flatMap((name) => (rest.has(name) ? [[name, rest.get(name)!]] : [])));
    if (tensors.size === 0 || !kind.parts.every((name) => tensors.has(name))) continue;
    for (const name of tensors.keys()) rest.delete(name);
    const magnitude = kind.changes === 'weight' && scales ? { tensor: scales, isPeft } : undefined;
    changes.push({ key, kind, tensors, ...(alpha && { alpha }), ...(magnitude && { magnitude }) });
  }
  if (rest.size > 0 || changes.length === 0) {
    const there = [...(rest.size > 0 ? rest : parts).keys()].map((name) => SHOWN[name] ?? name);
    throw new InputError(
      `${file}: ${quoted(key)} is not whole: there is ${there.join(', ')} without what belongs to it; get the file again.`,
    );
  }
  return changes;
}
