import { cacheFolder, path } from '#host';
import { isFloat, type Precision } from '../../shared/api.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import type { Operator } from '../graph/operators.ts';
import type { QuantizedPrecision } from '../graph/weight-form.ts';
import type { Model } from '../models/model.ts';
import type { NetworkRole } from '../models/networks.ts';
import { type QuantizeRequest, quantize } from '../quantization/quantize.ts';
import { remembered } from '../remembered.ts';
import { spareNotices } from '../weights/made-file.ts';
import type { FileVersion, WeightsOptions } from '../weights/source.ts';
import { type Weights, WeightTable } from '../weights/weight-table.ts';
import { type Backend, hasByteProducts } from './backend.ts';

export type PrepareOptions = Pick<QuantizeRequest, 'onProgress' | 'signal'>;

/** What decides how weights are quantized. */
type Products = Pick<Backend, 'can' | 'largestInt8'>;

/** The weights of a model's networks, as stored and quantized. */
export class Precisions {
  readonly #model: Model;
  readonly #backend: Products;
  readonly #tables = new Map<NetworkRole, Promise<WeightTable>>();
  readonly #quantized = new Map<NetworkRole, Map<Precision, Weights>>();

  constructor(model: Model, backend: Products) {
    this.#model = model;
    this.#backend = backend;
  }

  /** A network's weights as they are stored. Their headers are read once; LoRA files are merged the first time. */
  stored(role: NetworkRole, options?: WeightsOptions): Promise<WeightTable> {
    return remembered(this.#tables, role, async () => {
      const network = this.#model.network(role);
      const blocks = this.#keepsBlocks ? multipliedOnly(network) : undefined;
      const more = blocks && { blocks: (name: string) => blocks.has(name) };
      return new WeightTable(network, await this.#model.weights(role, { ...options, ...more }));
    });
  }

  /** Weights that a file has in blocks are multiplied as they are, except where products are computed in float16. */
  get #keepsBlocks(): boolean {
    const { operator, precisions } = this.#backend.can;
    return operator('MatMulNBits', 'com.microsoft') && !precisions.includes('fp16');
  }

  /** A network's weights in a precision. Quantized ones need `quantize` first. */
  async get(role: NetworkRole, precision: Precision): Promise<Weights> {
    if (isFloat(precision)) return this.stored(role);
    const weights = this.#quantized.get(role)?.get(precision);
    if (!weights) throw new Error(`the ${role} was not prepared for ${precision}`);
    return weights;
  }

  /** Files of all weights that were opened, and those that were merged into them. */
  async files(): Promise<FileVersion[]> {
    const opened = await Promise.allSettled(this.#tables.values());
    const stored = opened.flatMap((table) => (table.status === 'fulfilled' ? [table.value] : []));
    const quantized = [...this.#quantized.values()].flatMap((weights) => [...weights.values()]);
    return [...(this.#model.merged ?? []), ...[...stored, ...quantized].flatMap(({ files }) => files)];
  }

  /** What the user should know about how they are stored. */
  async notices(): Promise<string[]> {
    return spareNotices(await this.files());
  }

  has(role: NetworkRole, precision: Precision): boolean {
    return isFloat(precision) || this.#quantized.get(role)?.has(precision) === true;
  }

  /** Quantizes a network's weights, unless they are in the cache already. */
  async quantize(
    role: NetworkRole,
    precision: QuantizedPrecision,
    options: PrepareOptions & Pick<QuantizeRequest, 'calibrate'>,
  ): Promise<void> {
    if (this.has(role, precision)) return;
    const weights = await quantize({
      ...options,
      network: this.#model.network(role),
      weights: await this.stored(role),
      precision,
      most: await this.#backend.largestInt8(),
      bytes: hasByteProducts(this.#backend.can),
      folder: path.join(cacheFolder(), 'quantized'),
    });
    const others = this.#quantized.get(role) ?? new Map<Precision, Weights>();
    this.#quantized.set(role, others.set(precision, weights));
  }
}

/** Names of the weights that are only multiplied with rows. */
function multipliedOnly(network: Network): ReadonlySet<string> {
  const isProduct = (operator: Operator) =>
    operator.type === 'geglu' || (operator.type === 'linear' && !operator.norm);
  const namesIn = (operators: readonly Operator[]) =>
    new Set(weightsOf({ ...network, operators }).map(({ name }) => name));
  const others = namesIn(network.operators.filter((operator) => !isProduct(operator)));
  const matrices = network.operators.flatMap((operator) =>
    operator.type === 'geglu' || operator.type === 'linear' ? [operator.weight.name] : [],
  );
  return new Set(matrices.filter((name) => !others.has(name)));
}
