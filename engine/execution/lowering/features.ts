import type { Network } from '../../graph/network.ts';
import { featuresOf, type RowFeature } from '../../regions/features.ts';
import { placeName, putName, takenName, wantedName } from '../forms/kept.ts';
import { OnnxBuilder, type OnnxModel, type Ref } from './onnx/onnx.ts';
import type { Target } from './target.ts';

/**
 * Takes of a network's recorded rows, whole levels under their features' names [B, N, C], those that a pass over a part
 * reads: for windows the halo and a row of zeros, for attention the rows that are not active. Indexes int32 [n].
 */
export function lowerTaking(network: Network, target: Target): OnnxModel {
  const graph = new RowsGraph(target);
  const { onnx } = graph;
  for (const feature of rowFeatures(network)) {
    const index = graph.index(wantedName(feature));
    let taken = onnx.node('Gather', [graph.rows(feature, feature.name), index], { attributes: { axis: 1 } });
    if (feature.kind === 'window') taken = onnx.node('Pad', [taken, onnx.ints([0, 0, 0, 0, 1, 0])]);
    graph.output(takenName(feature), taken, feature);
  }
  return onnx.encode('taking');
}

/** Puts a pass's fresh rows `new.*` [B, n, C] in place of recorded ones. `place.*`: int32 [N], into [recorded; fresh]. */
export function lowerPutting(network: Network, target: Target): OnnxModel {
  const graph = new RowsGraph(target);
  const { onnx } = graph;
  for (const feature of rowFeatures(network)) {
    const both = [graph.rows(feature, feature.name), graph.rows(feature, `new.${feature.name}`)];
    const all = onnx.node('Concat', both, { attributes: { axis: 1 } });
    const index = graph.index(placeName(feature));
    graph.output(putName(feature), onnx.node('Gather', [all, index], { attributes: { axis: 1 } }), feature);
  }
  return onnx.encode('putting');
}

function rowFeatures(network: Network): RowFeature[] {
  return featuresOf(network).filter((feature) => feature.kind !== 'moments');
}

class RowsGraph {
  readonly onnx: OnnxBuilder;
  readonly #indexes = new Map<string, Ref>();

  constructor(target: Target) {
    this.onnx = new OnnxBuilder(target);
  }

  rows({ channels }: RowFeature, name: string): Ref {
    return this.onnx.input(name, 'float32', ['batch', `rows.${name}`, channels]);
  }

  /** An input that several features share. */
  index(name: string): Ref {
    const known = this.#indexes.get(name) ?? this.onnx.input(name, 'int32', [name]);
    this.#indexes.set(name, known);
    return known;
  }

  output(name: string, ref: Ref, { channels }: RowFeature): void {
    this.onnx.output(name, ref, 'float32', ['batch', `rows.${name}`, channels]);
  }
}
