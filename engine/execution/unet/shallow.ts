import type { Network } from '../../graph/network.ts';
import { inputsOf } from '../../graph/operators.ts';
import type { FeatureMap, Value } from '../../graph/values.ts';
import { OUTPUT } from '../denoiser-inputs.ts';

/** The map of a full run that a shallow one reads: input of `shallowNetwork`, output of `withDeep`. */
export const DEEP = 'deep';

/**
 * Where a U-Net is cut for runs that reuse its deep features (DeepCache, Ma et al., CVPR 2024, arXiv:2312.00858):
 * before the last residual block of the way up. What follows reads only the deep map and the first skip, so a shallow
 * run computes the first convolution, that block, and the output.
 * @throws Error for a network that joins no maps
 */
function deepMap(network: Network): FeatureMap {
  const joined = network.operators.findLast(
    (operator) => operator.type === 'concat' && operator.output.kind === 'map',
  );
  if (joined?.type !== 'concat') throw new Error(`${network.name} has no way up that joins maps`);
  return joined.inputs[0] as FeatureMap;
}

/** The network with its deep map as a further output. */
export function withDeep(network: Network): Network {
  return { ...network, outputs: new Map([...network.outputs, [DEEP, deepMap(network)]]) };
}

/** The part of the network that follows the deep map, which it takes as an input. */
export function shallowNetwork(network: Network): Network {
  const deep = deepMap(network);
  const needed = new Set<Value>([network.outputs.get(OUTPUT)!]);
  const operators = network.operators.toReversed().filter((operator) => {
    if (operator.output === deep || !needed.has(operator.output)) return false;
    for (const value of inputsOf(operator)) needed.add(value);
    return true;
  });
  const inputs = [...network.inputs].filter(([, value]) => needed.has(value));
  return {
    ...network,
    inputs: new Map<string, Value>([...inputs, [DEEP, deep]]),
    operators: operators.toReversed(),
  };
}
