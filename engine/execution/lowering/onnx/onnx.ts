import { path, sha256 } from '#host';
import { InputError } from '../../../errors.ts';
import { BYTES_PER_ELEMENT, isDtype } from '../../../weights/dtypes.ts';
import type { Dtype, StoredTensor } from '../../../weights/source.ts';
import type { PublishedModel } from '../../backend.ts';
import { type HalfNode, withHalfProducts } from './half.ts';
import { ModelProto } from './onnx-schema.ts';

/** An ONNX model in memory. Large weights stay in their files. */
export type OnnxModel = PublishedModel;

/** A tensor inside the model, by name. */
export type Ref = string;

const DATA_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, bfloat16: 16 };
export type ElementType = keyof typeof DATA_TYPES;

const STORED_TYPES: Partial<Record<Dtype, ElementType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I8: 'int8',
  U8: 'uint8',
};
/** Element types that are read unchanged; others become float32. */
const AS_STORED: readonly ElementType[] = ['float32', 'int8', 'uint8'];

/** Domain of ONNX Runtime's own operators. */
export const MICROSOFT = 'com.microsoft';

/** Part of a tensor's first axis. */
export interface Part {
  from: number;
  count: number;
}

/** A subgraph of a node. */
interface Subgraph {
  name: string;
  node: Node[];
  output: object[];
}

interface AttributeProto {
  name: string;
  type: number;
  g?: Subgraph;
  [value: string]: unknown;
}

interface Node {
  op_type: string;
  name: string;
  domain?: string;
  input: readonly Ref[];
  output: readonly Ref[];
  attribute?: AttributeProto[];
}

type Attribute = number | string | readonly number[] | { float: number } | { graph: Subgraph };
interface NodeOptions {
  domain?: string;
  /** Whole numbers become ints; floats are given as `{ float }`. */
  attributes?: Record<string, Attribute>;
}

/**
 * Which operators the reader of a graph supports; `opset`: the newest set; `half`: whether it computes products in
 * float16.
 */
interface Reader {
  operator(name: string, domain?: string): boolean;
  readonly opset: number;
  readonly half?: boolean;
  /** See `Capabilities`. */
  readonly readsHalf?: boolean;
}

/** The first with TensorScatter. */
const OPSET = 24;

/** Builds an ONNX graph node by node and encodes it. Creates the names. */
export class OnnxBuilder {
  readonly #reader: Reader;
  #nodes: Node[] = [];
  readonly #initializers: object[] = [];
  readonly #inputs: object[] = [];
  readonly #outputs: object[] = [];
  readonly #shapes: object[] = [];
  readonly #known = new Map<string, Ref>();
  /** Values that are outputs, with the outputs' names. */
  readonly #renamed = new Map<Ref, string>();
  /** Weights in files, and the fields for their files' locations. */
  readonly #external: { file: string; location: { key: 'location'; value: string } }[] = [];
  #names = 0;

  constructor(reader: Reader = { operator: () => true, opset: OPSET }) {
    this.#reader = reader;
  }

  /** Whether the graph's reader supports an operator. */
  has(operator: string, domain?: string): boolean {
    return this.#reader.operator(operator, domain);
  }

  /** See `Capabilities.readsHalf`. */
  get readsHalf(): boolean {
    return this.#reader.readsHalf ?? true;
  }

  #fresh(prefix: string): Ref {
    return `${prefix}_${this.#names++}`;
  }

  /** Adds a node with one output. `label` names it in profiles. */
  node(type: string, inputs: readonly Ref[], options: NodeOptions = {}, label = type): Ref {
    return this.nodes(type, inputs, 1, options, label)[0]!;
  }

  /** Adds a node with several outputs. An empty input name stands for an absent optional input. */
  nodes(
    type: string,
    inputs: readonly Ref[],
    outputs: number,
    options: NodeOptions = {},
    label = type,
  ): Ref[] {
    if (!this.has(type, options.domain)) throw new Error(`this device has no operator ${type}`);
    const output = Array.from({ length: outputs }, () => this.#fresh(type));
    this.#nodes.push({
      op_type: type,
      domain: options.domain ?? '',
      name: `${label}#${this.#nodes.length}`,
      input: inputs,
      output,
      attribute: Object.entries(options.attributes ?? {}).map(([name, value]) => attribute(name, value)),
    });
    return output;
  }

  floats(values: readonly number[] | Float32Array, dims: readonly number[] = [values.length]): Ref {
    return this.#constant('float32', Float32Array.from(values), dims);
  }

  ints(values: readonly number[], dims: readonly number[] = [values.length]): Ref {
    return this.#constant('int64', BigInt64Array.from(values, BigInt), dims);
  }

  bytes(values: Int8Array | Uint8Array, dims: readonly number[]): Ref {
    return this.#constant(values instanceof Int8Array ? 'int8' : 'uint8', values, dims);
  }

  int32s(values: Int32Array, dims: readonly number[] = [values.length]): Ref {
    return this.#constant('int32', values, dims);
  }

  #constant(
    type: ElementType,
    data: Float32Array | BigInt64Array | Int32Array | Int8Array | Uint8Array,
    dims: readonly number[],
  ): Ref {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return this.#once(`${type} ${dims} ${sha256().update(raw).hex()}`, () => {
      const name = this.#fresh('constant');
      this.#initializers.push({ name, dims: [...dims], data_type: DATA_TYPES[type], raw_data: raw });
      return name;
    });
  }

  /**
   * A weight, read from its file when the model is loaded; half precision and bytes with scales become float32. `rows`
   * takes part of the first axis.
   * `dims` replaces the shape by another of the same size.
   */
  weight(tensor: StoredTensor, dims = tensor.shape, rows?: Part): Ref {
    if (tensor.scale) return this.#scaled(tensor, tensor.scale, dims, rows);
    const stored = this.stored(tensor, dims, rows);
    if (AS_STORED.includes(STORED_TYPES[tensor.dtype as Dtype]!)) return stored;
    return this.#once(`float32 ${stored}`, () => this.cast(stored, 'float32'));
  }

  /** As `weight`, in the file's own type: for tables from which few rows are read. */
  stored(tensor: StoredTensor, dims = tensor.shape, rows?: Part): Ref {
    if (tensor.axes) return this.#inOrder(tensor, dims, rows, (plain) => this.stored(plain));
    const { dtype } = tensor;
    const type = isDtype(dtype) ? STORED_TYPES[dtype] : undefined;
    if (!type || !isDtype(dtype))
      throw new InputError(
        `${tensor.file}: tensor ${tensor.name} has type ${dtype}; weights must be F32, F16 or BF16, or quantized here.`,
      );
    const shape = rows ? [rows.count, ...dims.slice(1)] : [...dims];
    const size = shape.reduce((a, b) => a * b, BYTES_PER_ELEMENT[dtype]);
    const offset = tensor.offset + (rows ? (rows.from / rows.count) * size : 0);
    return this.#once(`${tensor.file} ${offset} ${shape}`, () => {
      const name = rows ? `${tensor.name}[${rows.from}]` : tensor.name;
      const unique = this.#initializers.some((other) => (other as { name: string }).name === name)
        ? this.#fresh(name)
        : name;
      const location = { key: 'location' as const, value: '' };
      this.#external.push({ file: tensor.file, location });
      this.#initializers.push({
        name: unique,
        dims: shape,
        data_type: DATA_TYPES[type],
        data_location: 1,
        external_data: [
          location,
          { key: 'offset', value: String(offset) },
          { key: 'length', value: String(size) },
        ],
      });
      return unique;
    });
  }

  /** Bytes times the scales of their rows. ONNX Runtime computes it once, as it does casts of weights. */
  #scaled(tensor: StoredTensor, scale: StoredTensor, dims: readonly number[], rows?: Part): Ref {
    return this.#once(
      `scaled ${tensor.file} ${tensor.offset} ${tensor.axes} ${dims} ${rows?.from} ${rows?.count}`,
      () =>
        this.#inOrder(tensor, dims, rows, ({ scale: _, ...plain }) => {
          const each = [plain.shape[0]!, ...plain.shape.slice(1).map(() => 1)];
          const bytes = this.cast(this.stored(plain), 'float32');
          return this.node('Mul', [bytes, this.weight(scale, each)], {}, 'weight');
        }),
    );
  }

  /** A weight, or some of its rows, with its axes in order; `read` reads it as it is in its file. */
  #inOrder(
    tensor: StoredTensor,
    dims: readonly number[],
    rows: Part | undefined,
    read: (plain: StoredTensor) => Ref,
  ): Ref {
    const { axes = tensor.shape.map((_, axis) => axis) } = tensor;
    const perm = axes.map((_, axis) => axes.indexOf(axis));
    const shape = axes.map((axis) => tensor.shape[axis]!);
    let ref = read({ ...tensor, shape, axes: undefined });
    if (tensor.axes) ref = this.node('Transpose', [ref], { attributes: { perm } });
    if (rows)
      ref = this.node('Slice', [ref, ...[rows.from, rows.from + rows.count, 0].map((n) => this.ints([n]))]);
    const wanted = rows ? [rows.count, ...dims.slice(1)] : dims;
    return String(wanted) === String(tensor.shape) ? ref : this.node('Reshape', [ref, this.ints(wanted)]);
  }

  cast(ref: Ref, type: ElementType): Ref {
    return this.node('Cast', [ref], { attributes: { to: DATA_TYPES[type] } });
  }

  input(name: string, type: ElementType, dims: readonly (number | string)[]): Ref {
    this.#inputs.push(valueInfo(name, type, dims));
    return name;
  }

  /**
   * Float32 values of one of two parts of the graph, which see everything outside them; `dims`: of the results.
   * Only the part that the condition (a bool without dimensions) chooses is computed.
   */
  branch(
    condition: Ref,
    dims: readonly (readonly (number | string)[])[],
    whenTrue: () => readonly Ref[],
    whenFalse: () => readonly Ref[],
  ): Ref[] {
    const outer = this.#nodes;
    const graph = (name: string, make: () => readonly Ref[]) => {
      this.#nodes = [];
      const results = make();
      const output = results.map((ref, i) => valueInfo(ref, 'float32', dims[i]!));
      const made = { name, node: this.#nodes, output };
      this.#nodes = outer;
      return { graph: made };
    };
    const attributes = { then_branch: graph('then', whenTrue), else_branch: graph('else', whenFalse) };
    return this.nodes('If', [condition], dims.length, { attributes });
  }

  /** Says the dimensions of a float32 value inside the graph: those of one name are equal, which is not found out otherwise. */
  shaped(ref: Ref, dims: readonly (number | string)[]): Ref {
    this.#shapes.push(valueInfo(ref, 'float32', dims));
    return ref;
  }

  /** Makes a value an output of the graph. A value has one name, so it is renamed if possible. */
  output(name: string, ref: Ref, type: ElementType, dims: readonly (number | string)[]): void {
    this.#outputs.push(valueInfo(name, type, dims));
    const made = this.#nodes.some(({ output }) => output.includes(ref));
    if (made && !this.#renamed.has(ref)) this.#renamed.set(ref, name);
    else this.#nodes.push({ op_type: 'Identity', name: `output#${name}`, input: [ref], output: [name] });
  }

  encode(name: string): OnnxModel {
    const folder = commonFolder(this.#external.map(({ file }) => file));
    for (const { file, location } of this.#external)
      location.value = path.relative(folder!, file).replaceAll(path.sep, '/');
    const message = {
      ir_version: 10,
      producer_name: 'patchwork',
      opset_import: [
        { domain: '', version: Math.min(OPSET, this.#reader.opset) },
        { domain: MICROSOFT, version: 1 },
      ],
      graph: {
        name,
        node: this.#halved(this.#nodes.map((node) => this.#withOutputNames(node))),
        initializer: this.#initializers,
        input: this.#inputs,
        output: this.#outputs,
        // For the processor's convolutions, which are never half; the values may be.
        value_info: this.#reader.half ? [] : this.#shapes,
      },
    };
    const bytes = ModelProto.encode(ModelProto.create(message)).finish();
    const files = [...new Set(this.#external.map(({ location }) => location.value))];
    const outputs = this.#outputs.map((output) => (output as { name: string }).name);
    return { name, bytes, folder, files, outputs };
  }

  #halved(node: Node[]): readonly HalfNode[] {
    if (!this.#reader.half) return node;
    type Named = { name: string; data_type?: number; type?: { tensor_type: { elem_type: number } } };
    const typesOf = (named: readonly object[]) =>
      new Map(
        (named as Named[]).map(({ name, data_type, type }) => [
          name,
          data_type ?? type!.tensor_type.elem_type,
        ]),
      );
    const initializers = typesOf(this.#initializers);
    const inputs = typesOf(this.#inputs);
    const outputs = new Set(typesOf(this.#outputs).keys());
    return withHalfProducts({ node, initializers, inputs, outputs });
  }

  #withOutputNames(node: Node): Node {
    const rename = (refs: readonly Ref[]) => refs.map((ref) => this.#renamed.get(ref) ?? ref);
    const attribute = node.attribute?.map((one) =>
      one.g
        ? { ...one, g: { ...one.g, node: one.g.node.map((inner) => this.#withOutputNames(inner)) } }
        : one,
    );
    return {
      ...node,
      input: rename(node.input),
      output: rename(node.output),
      ...(attribute && { attribute }),
    };
  }

  #once(key: string, make: () => Ref): Ref {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#known.set(key, made);
    return made;
  }
}

/** The innermost folder that contains all files; undefined for no files. */
function commonFolder(files: readonly string[]): string | undefined {
  const folders = [...new Set(files.map((file) => path.dirname(file)))];
  if (folders.length === 0) return undefined;
  let common = folders[0]!;
  const contains = (folder: string) => {
    const relative = path.relative(common, folder);
    return !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..';
  };
  while (!folders.every(contains)) {
    const parent = path.dirname(common);
    if (parent === common)
      throw new InputError(
        `The weights of one network lie on several drives: ${folders.join(', ')}; set PATCHWORK_CACHE to a folder on the drive of the model.`,
      );
    common = parent;
  }
  return common;
}

function valueInfo(name: string, type: ElementType, dims: readonly (number | string)[]): object {
  const dim = dims.map((d) => (typeof d === 'number' ? { dim_value: d } : { dim_param: d }));
  return { name, type: { tensor_type: { elem_type: DATA_TYPES[type], shape: { dim } } } };
}

function attribute(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number') return { name, i: value, type: 2 };
  if (typeof value === 'string') return { name, s: new TextEncoder().encode(value), type: 3 };
  if ('float' in value) return { name, f: value.float, type: 1 };
  if ('graph' in value) return { name, g: value.graph, type: 5 };
  return { name, ints: [...value], type: 7 };
}
