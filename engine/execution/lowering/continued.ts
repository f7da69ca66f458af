import type { Network } from '../../graph/network.ts';
import type { Attention } from '../../graph/operators.ts';
import type { Weights } from '../../weights/weight-table.ts';
import { keysName, PAST, valuesName } from '../forms/continued.ts';
import { continuedAttention } from './attention.ts';
import type { OnnxModel, Ref } from './onnx/onnx.ts';
import { PlanarLowering } from './planar.ts';
import type { Target } from './target.ts';

/**
 * A language model that continues from tokens whose keys and values it is given, if there are any.
 *
 * Inputs beside the network's own, whose mask is of all tokens: `past` int64 [1], how many are known; for each attention
 * `keys.<path>`, `values.<path>` [B, past, C]. Outputs beside the network's own: those of this run's tokens, with `new.`
 * before.
 */
export function lowerContinued(network: Network, weights: Weights, target: Target): OnnxModel {
  return new ContinuedLowering(weights, target).model(network);
}

class ContinuedLowering extends PlanarLowering {
  #past: Ref | undefined;

  protected override get past(): Ref {
    this.#past ??= this.emit.onnx.input(PAST, 'int64', [1]);
    return this.#past;
  }

  protected override attention(operator: Attention): void {
    const { query, key, value, path, mask, output } = operator;
    const all = (fresh: Ref, name: string, channels: number) => {
      const { onnx } = this.emit;
      onnx.output(`new.${name}`, fresh, 'float32', ['batch', 'length', channels]);
      return this.emit.concat([onnx.input(name, 'float32', ['batch', PAST, channels]), fresh], 1);
    };
    const keys = all(this.rows(key), keysName(path), key.channels);
    const values = all(this.rows(value), valuesName(path), value.channels);
    const seen = mask && this.rows(mask);
    const triple = [this.rows(query), keys, values] as const;
    this.setRows(output, continuedAttention(this.emit, triple, operator, this.past, seen));
  }
}
