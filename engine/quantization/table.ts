import { InputError } from '../errors.ts';
import type { Weight } from '../graph/values.ts';
import type { StoredTensor, WeightSource } from '../weights/source.ts';
import type { Weights } from '../weights/table.ts';
import { BLOCK } from './arithmetic.ts';
import { type Layout, matrixName, matrixShape } from './layers.ts';

/** A matrix [K, N] as fewer bits: int8 [K, N] with scales [N], or int4 as `MatMulNBits` reads it. */
export interface QuantizedMatrix {
  readonly kind: 'int8' | 'int4';
  readonly rows: number;
  readonly columns: number;
  readonly values: StoredTensor;
  readonly scale: StoredTensor;
}

/** The weights of a file that `writeQuantized` has written. */
export class QuantizedTable implements Weights {
  readonly #source: WeightSource;

  constructor(source: WeightSource) {
    this.#source = source;
  }

  get(weight: Weight): StoredTensor {
    return this.#find(weight.name);
  }

  matrix(weight: Weight, layout: Layout): QuantizedMatrix | undefined {
    const name = matrixName(weight, layout);
    const values = this.#source.find(name);
    if (!values) return undefined;
    const [rows, columns] = matrixShape(weight, layout);
    const scale = this.#find(`${name}:scale`);
    const kind = values.dtype === 'I8' ? 'int8' : 'int4';
    const blocks = Math.ceil(rows / BLOCK);
    const bytes = kind === 'int8' ? rows * columns : (columns * blocks * BLOCK) / 2;
    if (values.length !== bytes) throw new InputError(`${values.file}: tensor ${name} has another size.`);
    return { kind, rows, columns, values, scale };
  }

  get bytes(): number {
    let total = 0;
    for (const name of this.#source.names()) total += this.#find(name).length;
    return total;
  }

  #find(name: string): StoredTensor {
    const tensor = this.#source.find(name);
    if (!tensor) throw new InputError(`${this.#source.origin}: tensor ${name} is missing.`);
    return tensor;
  }
}
