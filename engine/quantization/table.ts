import { InputError } from '../errors.ts';
import type { Weight } from '../graph/values.ts';
import type { StoredTensor, WeightSource } from '../weights/source.ts';
import type { Weights } from '../weights/table.ts';
import { BLOCK } from './arithmetic.ts';
import type { Form } from './choice.ts';
import { type Layout, matrixName, matrixShape, tableName } from './layers.ts';

/** A matrix [K, N] as fewer bits: int8 [K, N] with scales [N], or blocks as `MatMulNBits` reads them. */
export interface QuantizedMatrix {
  readonly form: Exclude<Form, 'float'>;
  readonly rows: number;
  readonly columns: number;
  readonly values: StoredTensor;
  readonly scale: StoredTensor;
}

/** A table of embeddings: int8 [size, C] with the scale of each row [size, 1]. */
export interface QuantizedRows {
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
    const blocks = Math.ceil(rows / BLOCK);
    const sizes = {
      int8: rows * columns,
      'blocks-8': columns * blocks * BLOCK,
      'blocks-4': (columns * blocks * BLOCK) / 2,
    };
    const forms = values.dtype === 'I8' ? (['int8'] as const) : (['blocks-8', 'blocks-4'] as const);
    const form = forms.find((known) => sizes[known] === values.length);
    if (!form) throw new InputError(`${values.file}: tensor ${name} has another size.`);
    return { form, rows, columns, values, scale };
  }

  table(weight: Weight): QuantizedRows | undefined {
    const name = tableName(weight);
    const values = this.#source.find(name);
    return values && { values, scale: this.#find(`${name}:scale`) };
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
