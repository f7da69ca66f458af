import type { Network } from '../../graph/network.ts';
import { inputsOf } from '../../graph/operators.ts';
import { textOnly } from '../../graph/text-only.ts';
import type { Value } from '../../graph/values.ts';
import { textValueName } from '../forms/tokens.ts';

/**
 * A transformer in two networks: what depends on the text alone, which is computed once for an image, and the rest, which
 * takes the results under the names of `textValueName`.
 */
export function splitText(network: Network): { text: Network; rest: Network } {
  const alone = textOnly(network);
  const ofText = network.operators.filter((operator) => alone.has(operator));
  const others = network.operators.filter((operator) => !alone.has(operator));
  const known = new Set(ofText.map(({ output }) => output.id));
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
