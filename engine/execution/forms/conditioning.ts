import type { Network } from '../../graph/network.ts';
import { type Convolution, type Linear, inputsOf as readBy } from '../../graph/operators.ts';
import type { Value, Weight } from '../../graph/values.ts';

/**
 * What a U-Net computes from its text and vectors alone. It is the same for every row, and for the text also at every
 * step. A network in rows form takes the results as inputs, so that a pass over few rows does not compute them.
 */

/** The linear maps of the text and of pictures: from token inputs to `text.<weight>` [B, L, C]. None without attention. */
export function textNetwork(network: Network): Network {
  const projections = textProjections(network);
  return {
    name: `${network.name}-text`,
    inputs: inputsOf(network, 'tokens'),
    operators: [...projections.keys()],
    outputs: new Map([...projections].map(([{ output }, name]) => [name, output])),
  };
}

/** The residual blocks' shifts: from timestep and other vectors to `shift.<weight>` [B or 1, C]. */
export function shiftNetwork(network: Network): Network {
  const shifted = network.operators.filter(
    (operator): operator is Convolution => operator.type === 'convolution' && operator.shift !== undefined,
  );
  const operators = network.operators.filter(({ output }) => output.kind === 'vector');
  const read = new Set(operators.flatMap((operator) => readBy(operator)));
  return {
    name: `${network.name}-shift`,
    inputs: new Map([...inputsOf(network, 'vector')].filter(([, value]) => read.has(value))),
    operators,
    outputs: new Map(shifted.map(({ weight, shift }) => [shiftName(weight), shift!])),
  };
}

/** The linear maps of tokens, by the names of their results. Several sequences may be mapped by one weight. */
export function textProjections(network: Network): Map<Linear, string> {
  const tokens = new Set<Value>(inputsOf(network, 'tokens').values());
  const names = new Map<Linear, string>();
  const used = new Map<string, number>();
  for (const operator of network.operators) {
    if (operator.type !== 'linear' || !tokens.has(operator.input)) continue;
    const name = `text.${operator.weight.name}`;
    const times = used.get(name) ?? 0;
    used.set(name, times + 1);
    names.set(operator, times === 0 ? name : `${name}.${times}`);
  }
  return names;
}

/** `weight`: of the convolution to whose result the shift is added. */
export function shiftName(weight: Weight): string {
  return `shift.${weight.name}`;
}

function inputsOf(network: Network, kind: Value['kind']): Map<string, Value> {
  return new Map([...network.inputs].filter(([, value]) => value.kind === kind));
}
