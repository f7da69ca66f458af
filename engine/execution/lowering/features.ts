import type { Network } from '../../graph/network.ts';
import { TRANSFORMER } from '../../networks/transformer.ts';
import { type DeviceStorage, featuresOf, type RowFeature, scaleName } from '../../regions/features.ts';
import { rowsFeaturesOf, tokenFeaturesOf } from '../../regions/token-features.ts';
import { placeName, putName, takenName, wantedName } from '../forms/kept.ts';
import { tokenPlaceName } from '../forms/tokens.ts';
import { OnnxBuilder, type OnnxModel, type Ref } from './onnx/onnx.ts';
import { elementOf, type RecordedRows, restoredRows } from './recorded-rows.ts';
import type { Target } from './target.ts';

/**
 * Takes of a network's recorded rows, whole levels under their features' names [B, N, C], those that a pass over a part
 * reads, as float32: for windows the halo and a row of zeros, for attention the rows that are not active. Indexes int32
 * [n].
 */
export function lowerTaking(network: Network, storage: DeviceStorage, target: Target): OnnxModel {
  const graph = new RowsGraph(storage, target);
  const { onnx } = graph;
  for (const feature of rowFeatures(network)) {
    const recorded = graph.gathered(graph.recorded(feature, feature.name), graph.index(wantedName(feature)));
    let taken = restoredRows(onnx, recorded, storage);
    if (feature.kind === 'window') taken = onnx.node('Pad', [taken, onnx.ints([0, 0, 0, 0, 1, 0])]);
    onnx.output(takenName(feature.name), taken, 'float32', dimsOf(feature.name, feature.channels));
  }
  return onnx.encode('taking');
}

/** Puts a pass's fresh rows `new.*` [B, n, C] in place of recorded ones. `place.*`: int32 [N], into [recorded; fresh]. */
export function lowerPutting(network: Network, storage: DeviceStorage, target: Target): OnnxModel {
  const graph = new RowsGraph(storage, target);
  for (const { rows, place } of placedRows(network)) {
    const both = [graph.recorded(rows, rows.name), graph.recorded(rows, `new.${rows.name}`)];
    graph.put(rows, graph.gathered(graph.joined(both), graph.index(place)));
  }
  return graph.onnx.encode('putting');
}

function rowFeatures(network: Network): RowFeature[] {
  return featuresOf(network).filter((feature) => feature.kind !== 'moments');
}

/** All recorded rows of a network, with the name of the input that tells where fresh ones go. */
function placedRows(network: Network): { rows: NamedRows; place: string }[] {
  if (network.name !== TRANSFORMER)
    return rowFeatures(network).map((rows) => ({ rows, place: placeName(rows) }));
  return rowsFeaturesOf(tokenFeaturesOf(network)).map((rows) => ({ rows, place: tokenPlaceName(rows) }));
}

interface NamedRows {
  name: string;
  channels: number;
}

class RowsGraph {
  readonly onnx: OnnxBuilder;
  readonly #storage: DeviceStorage;
  readonly #indexes = new Map<string, Ref>();

  constructor(storage: DeviceStorage, target: Target) {
    // Without products there is nothing to compute in half precision.
    this.onnx = new OnnxBuilder({ ...target, half: false });
    this.#storage = storage;
  }

  /** Inputs. */
  recorded({ channels }: NamedRows, name: string): RecordedRows {
    const rows = this.onnx.input(name, elementOf(this.#storage), this.#dimsOf(name, channels));
    if (elementOf(this.#storage) !== 'uint8') return { rows };
    return { rows, scale: this.onnx.input(scaleName(name), 'float32', dimsOf(name, 1)) };
  }

  /** An input that several features share. */
  index(name: string): Ref {
    const known = this.#indexes.get(name) ?? this.onnx.input(name, 'int32', [name]);
    this.#indexes.set(name, known);
    return known;
  }

  gathered({ rows, scale }: RecordedRows, index: Ref): RecordedRows {
    const gather = (from: Ref) => this.onnx.node('Gather', [from, index], { attributes: { axis: 1 } });
    return { rows: gather(rows), ...(scale && { scale: gather(scale) }) };
  }

  /** One after the other. Devices cannot join bytes, so they are floats meanwhile. */
  joined(parts: readonly RecordedRows[]): RecordedRows {
    const join = (refs: readonly Ref[]) => this.onnx.node('Concat', refs, { attributes: { axis: 1 } });
    const all = (name: keyof RecordedRows) => parts.map((part) => part[name]!);
    if (elementOf(this.#storage) !== 'uint8') return { rows: join(all('rows')) };
    const rows = join(all('rows').map((ref) => this.onnx.cast(ref, 'float32')));
    return { rows, scale: join(all('scale')) };
  }

  /** Outputs. */
  put({ name, channels }: NamedRows, { rows, scale }: RecordedRows): void {
    const element = elementOf(this.#storage);
    const put = element === 'uint8' ? this.onnx.cast(rows, 'uint8') : rows;
    this.onnx.output(putName(name), put, element, this.#dimsOf(name, channels));
    if (scale) this.onnx.output(putName(scaleName(name)), scale, 'float32', dimsOf(name, 1));
  }

  /** Both halves of guidance may be in one byte. */
  #dimsOf(name: string, channels: number): (number | string)[] {
    const [batch, ...dims] = dimsOf(name, channels);
    return [this.#storage === 'nibbles' ? 1 : batch!, ...dims];
  }
}

function dimsOf(name: string, channels: number): (number | string)[] {
  return ['batch', `rows.${name}`, channels];
}
