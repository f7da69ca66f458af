import { cacheFolder, path } from '#host';
import { isFloat, type Precision } from '../../shared/api.ts';
import type { Model } from '../models/model.ts';
import type { Part } from '../models/parts.ts';
import type { QuantizedPrecision } from '../quantization/choice.ts';
import { type QuantizeRequest, quantize } from '../quantization/quantize.ts';
import type { FileVersion, WeightsOptions } from '../weights/source.ts';
import { type Weights, WeightTable } from '../weights/table.ts';
import { type Backend, hasByteProducts } from './backend.ts';

export type PrepareOptions = Pick<QuantizeRequest, 'onProgress' | 'signal'>;

/** What decides how weights are quantized. */
type Products = Pick<Backend, 'can' | 'largestInt8'>;

/** The weights of a model's networks, as stored and quantized. */
export class Precisions {
  readonly #model: Model;
  readonly #backend: Products;
  readonly #tables = new Map<Part, Promise<WeightTable>>();
  readonly #quantized = new Map<Part, Map<Precision, Weights>>();

  constructor(model: Model, backend: Products) {
    this.#model = model;
    this.#backend = backend;
  }

  /** A part's weights as they are stored. Their headers are read once; LoRA files are merged the first time. */
  stored(part: Part, options?: WeightsOptions): Promise<WeightTable> {
    let table = this.#tables.get(part);
    if (!table) {
      const network = this.#model.network(part);
      table = this.#model.weights(part, options).then((source) => new WeightTable(network, source));
      this.#tables.set(part, table);
      table.catch(() => this.#tables.delete(part));
    }
    return table;
  }

  /** A part's weights in a precision. Quantized ones need `quantize` first. */
  async get(part: Part, precision: Precision): Promise<Weights> {
    if (isFloat(precision)) return this.stored(part);
    const weights = this.#quantized.get(part)?.get(precision);
    if (!weights) throw new Error(`the ${part} was not prepared for ${precision}`);
    return weights;
  }

  /** Files of all weights that were opened. */
  async files(): Promise<FileVersion[]> {
    const opened = await Promise.allSettled(this.#tables.values());
    const stored = opened.flatMap((table) => (table.status === 'fulfilled' ? [table.value] : []));
    const quantized = [...this.#quantized.values()].flatMap((weights) => [...weights.values()]);
    return [...stored, ...quantized].flatMap(({ files }) => files);
  }

  has(part: Part, precision: Precision): boolean {
    return isFloat(precision) || this.#quantized.get(part)?.has(precision) === true;
  }

  /** Quantizes a part's weights, unless they are in the cache already. */
  async quantize(
    part: Part,
    precision: QuantizedPrecision,
    options: PrepareOptions & Pick<QuantizeRequest, 'calibrate'>,
  ): Promise<void> {
    if (this.has(part, precision)) return;
    const weights = await quantize({
      ...options,
      network: this.#model.network(part),
      weights: await this.stored(part),
      precision,
      most: await this.#backend.largestInt8(),
      bytes: hasByteProducts(this.#backend.can),
      folder: path.join(cacheFolder(), 'quantized'),
    });
    const others = this.#quantized.get(part) ?? new Map<Precision, Weights>();
    this.#quantized.set(part, others.set(precision, weights));
  }
}
