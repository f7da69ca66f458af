import * as z from 'zod';
import { path } from '#host';
import { readOptionalJson } from '../json.ts';
import { NETWORK_FOLDERS } from './diffusers.ts';

/** The alpha of a module by its key, where it is not in the file beside its tensors. */
export type AlphaRules = (key: string) => { value: number; root: boolean } | undefined;

/** PEFT's names for the file of an adapter and for its config. */
const PEFT_FILE = 'adapter_model.safetensors';
const PEFT_CONFIG = 'adapter_config.json';

/** Bounds on an untrusted config. */
const MAX_CONFIG_BYTES = 4 << 20;
const number = z.number().min(-1e6).max(1e6);

const configSchema = z.object({
  lora_alpha: number.optional(),
  /** What LoHa and LoKr call it. */
  alpha: number.optional(),
  alpha_pattern: z.record(z.string().max(1000), number).nullish(),
  use_rslora: z.boolean().nullish(),
});
type Config = z.output<typeof configSchema>;

/** What diffusers writes before the fields of its metadata: the folder of the network that they belong to. */
const METADATA_PARTS = Object.keys(NETWORK_FOLDERS);

/**
 * Alphas that a tool wrote elsewhere than into tensors: PEFT's config beside its file, or what diffusers since 0.34
 * puts into the file's metadata (`lora_adapter_metadata`). What cannot be read is ignored.
 */
export function alphasOf(metadata: Readonly<Record<string, string>>, beside: unknown): AlphaRules {
  const config = configSchema.safeParse(beside).data;
  if (config) return (key) => alphaIn(config, key);
  const configs = metadataConfigs(metadata.lora_adapter_metadata);
  return (key) => {
    const part = METADATA_PARTS.find((name) => key.startsWith(`${name}.`));
    if (part === undefined) return undefined;
    const found = configs.get(part);
    return found && alphaIn(found, key.slice(part.length + 1));
  };
}

/** The config beside a file of PEFT's own name. */
export async function configBeside(file: string): Promise<unknown> {
  if (path.basename(file) !== PEFT_FILE) return undefined;
  return readOptionalJson(path.join(path.dirname(file), PEFT_CONFIG), { most: MAX_CONFIG_BYTES });
}

function metadataConfigs(text: string | undefined): Map<string, Config> {
  const configs = new Map<string, Config>();
  if (text === undefined || text.length > MAX_CONFIG_BYTES) return configs;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return configs;
  }
  if (typeof json !== 'object' || json === null) return configs;
  for (const part of METADATA_PARTS) {
    const fields = Object.entries(json).filter(([name]) => name.startsWith(`${part}.`));
    const own = fields.map(([name, value]) => [name.slice(part.length + 1), value]);
    const config = configSchema.safeParse(Object.fromEntries(own)).data;
    if (config) configs.set(part, config);
  }
  return configs;
}

/** A pattern names a module by its path, or by the end of it. */
function alphaIn({ lora_alpha, alpha = lora_alpha, alpha_pattern, use_rslora }: Config, key: string) {
  const named = Object.entries(alpha_pattern ?? {}).find(([end]) => key === end || key.endsWith(`.${end}`));
  const value = named?.[1] ?? alpha;
  return value === undefined ? undefined : { value, root: use_rslora ?? false };
}
