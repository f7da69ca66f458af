import type { Network } from '../../graph/network.ts';
import { inputsOf, type Operator } from '../../graph/operators.ts';
import type { Value } from '../../graph/values.ts';
import { textValueName } from '../forms/tokens.ts';

/**
 * A transformer in two networks: what depends on the text alone, which is computed once for an image, and the rest, which
 * takes the results under the names of `textValueName`.
 */
export function splitText(network: Network): { text: Network; rest: Network } {
  const known = new Set(
    [...network.inputs.values()].filter(({ kind }) => kind === 'tokens').map(({ id }) => id),
  );
  const ofText: Operator[] = [];
  const others: Operator[] = [];
  for (const operator of network.operators) {
    const isText = operator.output.kind === 'tokens' && inputsOf(operator).every(({ id }) => known.has(id));
    if (isText) known.add(operator.output.id);
    (isText ? ofText : others).push(operator);
  }
  const results = new Map<string, Value>();
  for (const operator of others)
    for (const value of inputsOf(operator))
      if (known.has(value.id)) results.set(textValueName(value.id), value);
  const inputs = [...network.inputs];
  const tokens = inputs.filter(([, { kind }]) => kind === 'tokens');
  return {
    text: { name: `${network.name}-text`, inputs: new Map(tokens), outputs: results, operators: ofText },
    rest: {
      name: network.name,
      inputs: new Map([...inputs.filter(([, { kind }]) => kind !== 'tokens'), ...results]),
      outputs: network.outputs,
      operators: others,
    },
  };
}
