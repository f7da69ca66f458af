import type { Network } from '../../graph/network.ts';
import type { Convolution, Linear } from '../../graph/operators.ts';
import type { Value, Weight } from '../../graph/values.ts';

/**
 * What a U-Net computes from its text and vectors alone. It is the same for every row, and for the text also at every
 * step. A network in rows form takes the results as inputs, so that a pass over few rows does not compute them.
 */

/** The linear maps of the text: from the token input to `text.<weight>` [B, L, C]. None without attention. */
export function textNetwork(network: Network): Network {
  const projections = textProjections(network);
  return {
    name: `${network.name}-text`,
    inputs: inputsOf(network, 'tokens'),
    operators: projections,
    outputs: new Map(projections.map(({ weight, output }) => [textName(weight), output])),
  };
}

/** The residual blocks' shifts: from timestep and other vectors to `shift.<weight>` [B or 1, C]. */
export function shiftNetwork(network: Network): Network {
  const shifted = network.operators.filter(
    (operator): operator is Convolution => operator.type === 'convolution' && operator.shift !== undefined,
  );
  return {
    name: `${network.name}-shift`,
    inputs: inputsOf(network, 'vector'),
    operators: network.operators.filter(({ output }) => output.kind === 'vector'),
    outputs: new Map(shifted.map(({ weight, shift }) => [shiftName(weight), shift!])),
  };
}

export function textProjections(network: Network): Linear[] {
  const tokens = new Set<Value>(inputsOf(network, 'tokens').values());
  return network.operators.filter(
    (operator): operator is Linear => operator.type === 'linear' && tokens.has(operator.input),
  );
}

export function textName(weight: Weight): string {
  return `text.${weight.name}`;
}

/** `weight`: of the convolution to whose result the shift is added. */
export function shiftName(weight: Weight): string {
  return `shift.${weight.name}`;
}

function inputsOf(network: Network, kind: Value['kind']): Map<string, Value> {
  return new Map([...network.inputs].filter(([, value]) => value.kind === kind));
}
