import { InputError } from '../errors.ts';
import type { Weight } from '../graph/values.ts';
import { versionsOf } from '../weights/file-version.ts';
import { BLOCK, type Layout, type QuantizedMatrix, type QuantizedRows } from '../weights/quantized.ts';
import { type FileVersion, SEAL, type StoredTensor, type WeightSource } from '../weights/source.ts';
import type { Weights } from '../weights/weight-table.ts';
import { matrixName, matrixShape, tableName } from './layers.ts';

/** The weights in a file written by `writeQuantized`. */
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

  get files(): readonly FileVersion[] {
    const tensors = [...this.#source.names()].map((name) => this.#find(name));
    return versionsOf(tensors);
  }

  get bytes(): number {
    let total = 0;
    for (const name of this.#source.names()) if (name !== SEAL) total += this.#find(name).length;
    return total;
  }

  #find(name: string): StoredTensor {
    const tensor = this.#source.find(name);
    if (!tensor) throw new InputError(`${this.#source.origin}: tensor ${name} is missing.`);
    return tensor;
  }
}
