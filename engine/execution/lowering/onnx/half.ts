type Ref = string;

/** The numbers of ONNX's element types that matter here. */
const FLOAT = 1;
const INT64 = 7;
const BOOL = 9;
const HALF = 10;

/** A node as ONNX stores it. */
export interface HalfNode {
  op_type: string;
  name: string;
  domain?: string;
  input: readonly Ref[];
  output: readonly Ref[];
  attribute?: { name: string; type: number; i?: unknown }[];
}

interface Graph {
  node: readonly HalfNode[];
  /** Element types of initializers and of the graph's inputs, by name. */
  initializers: ReadonlyMap<Ref, number>;
  inputs: ReadonlyMap<Ref, number>;
  /** Names of the graph's outputs. */
  outputs: ReadonlySet<Ref>;
}

/** Products, which take the time and are added up in float32 inside their kernels. */
const PRODUCTS = [
  'MatMul',
  'FusedMatMul',
  'Gemm',
  'MatMulNBits',
  'Conv',
  'ConvTranspose',
  'MultiHeadAttention',
];
/** Rows that products read, by the label of their nodes. */
const READ_BY_PRODUCTS = ['window', 'keys'];
/** Sums over many values, and what is computed from them. */
const EXACT = [
  'InstanceNormalization',
  'LayerNormalization',
  'Softmax',
  'ReduceSum',
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
  'GlobalAveragePool',
  'CumSum',
  'Sqrt',
  'Sin',
  'Cos',
];
const EXACT_LABELS = ['moments', 'group-norm', 'rms-norm', 'linear-attention', 'angles', 'bytes'];

/**
 * A graph's nodes with products in float16. Norms, moments and softmax stay float32, and so does everything that is
 * computed from float32 values alone; other nodes follow their inputs. Inputs and outputs of the graph stay as they
 * are.
 */
export function withHalfProducts(graph: Graph): HalfNode[] {
  return new HalfPass(graph).run(graph.node);
}

type Kind = 'full' | 'half';

/**
 * A float value, and its names in both types: it is computed in the type of its home and cast to the other on demand.
 */
interface Value {
  home: Kind;
  full?: Ref;
  half?: Ref;
  /** Known when the model is loaded, so that it takes the type of what it is used with. */
  constant: boolean;
}

class HalfPass {
  readonly #nodes: HalfNode[] = [];
  readonly #floats = new Map<Ref, Value>();
  /** Element types of other values. */
  readonly #others = new Map<Ref, number>();
  readonly #outputs: ReadonlySet<Ref>;

  constructor({ initializers, inputs, outputs }: Graph) {
    this.#outputs = outputs;
    for (const [ref, type] of initializers) this.#note(ref, type, 'full', true);
    for (const [ref, type] of inputs) this.#note(ref, type, 'full', false);
  }

  run(nodes: readonly HalfNode[]): HalfNode[] {
    for (const node of nodes)
      if (node.op_type === 'Cast') this.#addCast(node);
      else this.#add(node);
    return this.#nodes;
  }

  #add(node: HalfNode): void {
    const values = node.input.map((ref, i) => (isParameter(node, i) ? undefined : this.#floats.get(ref)));
    const floats = values.filter((value) => value !== undefined);
    const kind = floats.length > 0 && this.#isHalf(node, floats) ? 'half' : 'full';
    const constant = floats.length > 0 && floats.every((value) => value.constant);
    const type = this.#resultOf(node);
    const input = node.input.map((ref, i) => (values[i] ? this.#as(kind, ref) : ref));
    const isRenamed = (ref: Ref) => kind === 'half' && type === FLOAT && this.#outputs.has(ref);
    const output = node.output.map((ref) => (isRenamed(ref) ? `${ref}.half` : ref));
    this.#nodes.push({ ...node, input, output });
    for (const [i, ref] of node.output.entries()) {
      this.#note(ref, type, kind, constant, output[i]);
      if (isRenamed(ref)) this.#as('full', ref);
    }
  }

  /** A weight that is stored in float16 is used as it is. */
  #addCast(node: HalfNode): void {
    const [from, to] = [node.input[0]!, node.output[0]!];
    const type = Number(node.attribute?.find(({ name }) => name === 'to')?.i);
    if (type === FLOAT && this.#others.get(from) === HALF && !this.#outputs.has(to)) {
      this.#floats.set(to, { home: 'half', half: from, constant: true });
      return;
    }
    const half = type === HALF && this.#floats.get(from)?.half;
    const input = half || (this.#floats.has(from) ? this.#as('full', from) : from);
    this.#nodes.push({ ...node, input: [input] });
    this.#note(to, type, 'full', false);
  }

  #isHalf(node: HalfNode, floats: readonly Value[]): boolean {
    const label = node.name.split('#')[0]!;
    if (EXACT.includes(node.op_type) || EXACT_LABELS.includes(label)) return false;
    if (PRODUCTS.includes(node.op_type) || READ_BY_PRODUCTS.includes(label)) return true;
    return floats.some(({ home, constant }) => home === 'half' && !constant);
  }

  /** Element type of a node's results in the graph as it was. */
  #resultOf({ op_type, input }: HalfNode): number | undefined {
    if (op_type === 'Shape') return INT64;
    if (['Greater', 'GreaterOrEqual', 'Less'].includes(op_type)) return BOOL;
    const first = input[op_type === 'Where' ? 1 : 0]!;
    return this.#floats.has(first) ? FLOAT : this.#others.get(first);
  }

  #note(ref: Ref, type: number | undefined, home: Kind, constant: boolean, name: Ref = ref): void {
    if (type === FLOAT) this.#floats.set(ref, { home, [home]: name, constant });
    else if (type !== undefined) this.#others.set(ref, type);
  }

  /** The name of a float value in one of the types. */
  #as(kind: Kind, ref: Ref): Ref {
    const value = this.#floats.get(ref)!;
    const known = value[kind];
    if (known !== undefined) return known;
    const isOutput = kind === 'full' && this.#outputs.has(ref);
    const name = isOutput ? ref : `${ref}.${kind}`;
    this.#nodes.push({
      op_type: 'Cast',
      name: `cast#${name}`,
      input: [value[value.home]!],
      output: [name],
      attribute: [{ name: 'to', i: kind === 'half' ? HALF : FLOAT, type: 2 }],
    });
    value[kind] = name;
    return name;
  }
}

/** Inputs that are not of the type of the values: scales of Resize. */
function isParameter({ op_type }: HalfNode, index: number): boolean {
  return op_type === 'Resize' && index > 0;
}
