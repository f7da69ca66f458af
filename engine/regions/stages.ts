import type { Network } from '../graph/network.ts';
import { inputsOf } from '../graph/operators.ts';

/** Name of the map that the coarse stages of a decoder pass to the fine ones. */
const BETWEEN = 'between';

/**
 * A decoder whose coarse stages see the whole picture, through linear attention, in two networks: up to the last
 * attention, and from there on. Without such stages there is only the fine network, the decoder itself.
 */
export function stagesOf(network: Network): { coarse?: Network; fine: Network } {
  const last = network.operators.findLastIndex(({ type }) => type === 'linear-attention');
  if (last < 0) return { fine: network };
  const cut = network.operators.findIndex((_, i) => i >= last && isAllThatIsRead(network, i));
  const between = network.operators[cut]?.output;
  if (between?.kind !== 'map') throw new Error(`${network.name} cannot be cut into coarse and fine stages`);
  const [before, after] = [network.operators.slice(0, cut + 1), network.operators.slice(cut + 1)];
  return {
    coarse: {
      name: `${network.name}-coarse`,
      inputs: network.inputs,
      outputs: new Map([[BETWEEN, between]]),
      operators: before,
    },
    fine: {
      name: network.name,
      inputs: new Map([[BETWEEN, between]]),
      outputs: network.outputs,
      operators: after,
    },
  };
}

/** Whether the operators after operator `i` read nothing but its output and each other's. */
function isAllThatIsRead({ operators }: Network, i: number): boolean {
  const after = operators.slice(i + 1);
  const known = new Set([operators[i]!.output.id, ...after.map(({ output }) => output.id)]);
  return after.every((operator) => inputsOf(operator).every(({ id }) => known.has(id)));
}
