import { InputError } from '../errors.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import type { Weight } from '../graph/values.ts';
import { versionsOf } from './file-version.ts';
import { underNamesOf } from './names.ts';
import type { Layout, QuantizedMatrix, QuantizedRows } from './quantized.ts';
import type { FileVersion, StoredTensor, WeightSource } from './source.ts';
import { rowsOf } from './views.ts';

/** Weights of one network, as lowerings read them. */
export interface Weights {
  get(weight: Weight): StoredTensor;
  /** The quantized matrix of a weight; undefined if it is float32. */
  matrix?(weight: Weight, layout: Layout): QuantizedMatrix | undefined;
  /** The quantized table of an embedding; undefined if it is float32. */
  table?(weight: Weight): QuantizedRows | undefined;
  /** Total size of the weights in their files. */
  readonly bytes: number;
  /** Their files, as they were when they were opened. */
  readonly files: readonly FileVersion[];
}

/** The weights of one network in a checkpoint, checked against the shapes that the config implies. */
export class WeightTable implements Weights {
  readonly #tensors = new Map<string, StoredTensor>();

  /** Throws an `InputError` that names the file and the tensor when one is missing or has another shape. */
  constructor(network: Network, source: WeightSource) {
    const named = underNamesOf(network, source);
    for (const weight of weightsOf(network)) {
      const tensor = named.find(weight.name);
      if (!tensor)
        throw new InputError(`${source.origin}: tensor ${weight.name} is missing; the config asks for it.`);
      if (!sameShape(tensor.shape, weight.shape))
        throw new InputError(
          `${tensor.file}: tensor ${tensor.name} has shape [${tensor.shape}], but the config implies [${weight.shape}].`,
        );
      this.#tensors.set(weight.name, tensor);
    }
  }

  get(weight: Weight): StoredTensor {
    const tensor = this.#tensors.get(weight.name);
    if (!tensor) throw new Error(`${weight.name} is not a weight of this network`);
    return tensor;
  }

  /** The matrix of a weight that its file has in blocks. */
  matrix(weight: Weight, layout: Layout): QuantizedMatrix | undefined {
    const { blocks } = this.get(weight);
    if (!blocks) return undefined;
    const [all = 0, rows = 0] = weight.shape;
    const half = /^half\.(\d)$/.exec(layout)?.[1];
    const columns = half ? all / 2 : all;
    const part = (tensor: StoredTensor) => rowsOf(tensor, Number(half ?? 0) * columns, columns);
    const { bits, values, scale, minimum } = blocks;
    return {
      form: `blocks-${bits}`,
      rows,
      columns,
      values: part(values),
      scale: part(scale),
      ...(minimum && { minimum: part(minimum) }),
    };
  }

  get files(): readonly FileVersion[] {
    return versionsOf(this.#stored());
  }

  get bytes(): number {
    return this.#stored().reduce((total, { length }) => total + length, 0);
  }

  /** Bytes that matrices in blocks take less in memory than in float32. Scales are float32 there. */
  get savedByBlocks(): number {
    let saved = 0;
    for (const { shape, blocks } of this.#tensors.values()) {
      if (!blocks) continue;
      const { values, scale, minimum } = blocks;
      saved +=
        FLOAT_BYTES * (elements(shape) - elements(scale.shape)) - values.length - (minimum?.length ?? 0);
    }
    return saved;
  }

  /** Bytes of the weights that are in half precision, and not in blocks. */
  get halfBytes(): number {
    const isHalf = ({ dtype, blocks }: StoredTensor) => !blocks && (dtype === 'F16' || dtype === 'BF16');
    return [...this.#tensors.values()].filter(isHalf).reduce((total, { length }) => total + length, 0);
  }

  #stored(): StoredTensor[] {
    return [...this.#tensors.values()].flatMap((tensor) => {
      if (!tensor.blocks) return [tensor];
      const { values, scale, minimum } = tensor.blocks;
      return [values, scale, ...(minimum ? [minimum] : [])];
    });
  }
}

const FLOAT_BYTES = 4;

function elements(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Linear weights may be stored as 1×1 convolutions and vice versa, so trailing ones are ignored. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, i) => (a[i] ?? 1) === (b[i] ?? 1)).every(Boolean);
}
