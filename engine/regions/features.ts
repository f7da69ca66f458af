import type { Network } from '../graph/network.ts';
import type { Attention, Convolution, GroupNorm } from '../graph/operators.ts';

/**
 * What a network in rows form reads of an earlier pass, and gives of its own: the inputs of 3×3 convolutions
 * (`window`), keys and values of self-attention, moments of group norm. `name` is the tensor's name on both sides.
 */
export type Feature =
  | { kind: 'window'; name: string; level: number; channels: number; reader: WindowReader }
  | { kind: 'attended'; name: string; level: number; channels: number }
  | { kind: 'moments'; name: string; level: number; groups: number };

/** The rows that read a window: at the same level, one level further down, or one further up. */
export type WindowReader = 'same' | 'down' | 'up';

/** Every feature of a network, in the order of computation. */
export function featuresOf(network: Network): Feature[] {
  const features: Feature[] = [];
  for (const operator of network.operators) {
    if (operator.type === 'convolution') features.push(windowOf(operator));
    else if (operator.type === 'group-norm') features.push(momentsOf(operator));
    else if (operator.type === 'attention' && isSelfAttention(operator))
      features.push(...attendedOf(operator));
  }
  return features;
}

export function windowOf({ weight, input, stride, upsample }: Convolution): Feature & { kind: 'window' } {
  const reader = upsample ? 'up' : stride === 2 ? 'down' : 'same';
  return {
    kind: 'window',
    name: `window.${weight.name}`,
    level: input.level,
    channels: input.channels,
    reader,
  };
}

export function momentsOf({ gain, input, groups }: GroupNorm): Feature & { kind: 'moments' } {
  return { kind: 'moments', name: `moments.${gain.name}`, level: input.level, groups };
}

/** Keys, then values. */
export function attendedOf({ path, key, value }: Attention): (Feature & { kind: 'attended' })[] {
  return [
    { kind: 'attended', name: `keys.${path}`, level: levelOf(key), channels: key.channels },
    { kind: 'attended', name: `values.${path}`, level: levelOf(value), channels: value.channels },
  ];
}

export function isSelfAttention({ key }: Attention): boolean {
  return key.kind === 'map';
}

function levelOf(value: Attention['key']): number {
  if (value.kind !== 'map') throw new Error('only maps have a level');
  return value.level;
}
