import type { Network } from './network.ts';
import { inputsOf, type Operator } from './operators.ts';

/** The operators of a denoiser that read nothing but the text, so that they are computed once for an image. */
export function textOnly(network: Network): ReadonlySet<Operator> {
  const tokens = [...network.inputs.values()].filter(({ kind }) => kind === 'tokens');
  const known = new Set(tokens.map(({ id }) => id));
  const operators = new Set<Operator>();
  for (const operator of network.operators) {
    if (operator.output.kind !== 'tokens' || !inputsOf(operator).every(({ id }) => known.has(id))) continue;
    known.add(operator.output.id);
    operators.add(operator);
  }
  return operators;
}
