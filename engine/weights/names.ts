import { type Network, weightsOf } from '../graph/network.ts';
import type { WeightSource } from './source.ts';

/** Other names of a weight in checkpoints: a pattern for the network's name, and its replacement. */
const ALIASES: readonly (readonly [RegExp, string])[] = [
  // Autoencoders written before diffusers 0.12.
  [/\.attentions\.(\d+)\.to_q\./, '.attentions.$1.query.'],
  [/\.attentions\.(\d+)\.to_k\./, '.attentions.$1.key.'],
  [/\.attentions\.(\d+)\.to_v\./, '.attentions.$1.value.'],
  [/\.attentions\.(\d+)\.to_out\.0\./, '.attentions.$1.proj_attn.'],
  // Text encoders saved by transformers 5.6 and later, or by tools that save the inner model alone.
  [/^text_model\./, ''],
];

/**
 * A checkpoint under the network's own names. Older and newer names are tried, and a prefix that all names share
 * (`module.`, `unet.`, …) is removed.
 */
export function underNamesOf(network: Network, source: WeightSource): WeightSource {
  const first = weightsOf(network)[0]?.name;
  const prefix = first === undefined || anyOf(source, namesOf(first)) ? '' : prefixOf(source, first);
  return {
    origin: source.origin,
    names: () => source.names(),
    find: (name) => {
      const names = namesOf(name);
      return anyOf(source, prefix ? names.map((known) => prefix + known) : names);
    },
  };
}

function anyOf(source: WeightSource, names: readonly string[]) {
  for (const name of names) {
    const tensor = source.find(name);
    if (tensor) return tensor;
  }
  return undefined;
}

/** A weight's own name, then its others. */
function namesOf(name: string): string[] {
  const others = ALIASES.filter(([pattern]) => pattern.test(name));
  return [name, ...others.map(([pattern, replacement]) => name.replace(pattern, replacement))];
}

/** The shortest prefix of a weight's name in a checkpoint, or an empty string. */
function prefixOf(source: WeightSource, name: string): string {
  let shortest: string | undefined;
  for (const known of namesOf(name))
    for (const tensor of source.names())
      if (
        tensor.endsWith(`.${known}`) &&
        (shortest === undefined || tensor.length - known.length < shortest.length)
      )
        shortest = tensor.slice(0, -known.length);
  return shortest ?? '';
}
