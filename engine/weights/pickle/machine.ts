import { InputError, quoted } from '../../errors.ts';
import { DICTIONARIES, isKnownName } from './names.ts';
import { Call, Dictionary, Name, Persistent, type Value } from './values.ts';

/** Bounds, far above any checkpoint. */
const MAX_STACK = 1_000_000;
const MAX_MEMO = 2_000_000;
/** Protocols of Python's pickle that PyTorch has written. */
const MAX_PROTOCOL = 5;

/** What is pushed on the stack: values, and marks. */
const MARK = Symbol('mark');
type Entry = Value | typeof MARK;

/** A value of a pickle, and where the pickle ends. */
interface Unpickled {
  value: Value;
  end: number;
}

/**
 * Reads one value of a pickle (Python's `pickletools` has the opcodes) without running anything: only the opcodes and names
 * that a checkpoint of PyTorch needs are known.
 * @param file names the file in errors
 * @throws InputError that names the first opcode or name that is not known, or what is damaged
 */
export function unpickle(bytes: Uint8Array, file: string, begin = 0): Unpickled {
  return new Machine(bytes, file, begin).run();
}

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string;
  #at: number;
  #stack: Entry[] = [];
  readonly #memo = new Map<number, Value>();

  constructor(bytes: Uint8Array, file: string, begin: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
    this.#at = begin;
  }

  run(): Unpickled {
    for (;;) {
      const at = this.#at;
      const code = this.uint(1);
      if (code === STOP) return { value: this.pop(), end: this.#at };
      const operation = OPERATIONS.get(code);
      if (!operation)
        throw this.fault(
          `opcode 0x${code.toString(16)} at byte ${at}, which no checkpoint needs, is refused`,
        );
      operation(this);
    }
  }

  fault(what: string): InputError {
    return new InputError(
      `${this.#file}: ${what}; the file is damaged, or it is a pickle that holds more than tensors.`,
    );
  }

  /** An unsigned number of some bytes, little-endian. */
  uint(length: 1 | 2 | 4 | 8): number {
    const at = this.#take(length);
    if (length === 1) return this.#view.getUint8(at);
    if (length === 2) return this.#view.getUint16(at, true);
    if (length === 4) return this.#view.getUint32(at, true);
    const value = this.#view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.fault('a length is too large');
    return Number(value);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(length: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes(length));
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw this.fault('a text is not valid UTF-8');
    }
  }

  /** A text of Python 2, one byte a sign. */
  signs(length: number): string {
    return new TextDecoder('latin1').decode(this.bytes(length));
  }

  protocol(version: number): void {
    if (version > MAX_PROTOCOL) throw this.fault(`protocol ${version} is not known`);
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0 || end - this.#at > 1000) throw this.fault('a line does not end');
    const line = this.text(end - this.#at);
    this.#at = end + 1;
    return line;
  }

  /** A whole number in two's complement, little-endian. */
  long(length: number): number | bigint {
    let value = 0n;
    const bytes = this.bytes(length);
    if (length > 64) throw this.fault('a number is too large');
    for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    const signed = BigInt.asIntN(8 * length, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw this.fault('the pickle ends early');
    this.#at += length;
    return at;
  }

  push(value: Value): void {
    if (this.#stack.length >= MAX_STACK) throw this.fault('the pickle has too many parts');
    this.#stack.push(value);
  }

  mark(): void {
    if (this.#stack.length >= MAX_STACK) throw this.fault('the pickle has too many parts');
    this.#stack.push(MARK);
  }

  pop(): Value {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw this.fault('a value is missing');
    return value;
  }

  top(): Value {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw this.fault('a value is missing');
    return value;
  }

  /** What is on the stack above the last mark, which is taken away. */
  popToMark(): Value[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at < 0) throw this.fault('a mark is missing');
    return this.#stack.splice(at).slice(1) as Value[];
  }

  popMany(count: number): Value[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  remember(index = this.#memo.size): void {
    if (this.#memo.size >= MAX_MEMO) throw this.fault('the pickle has too many parts');
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.fault('a remembered value is missing');
    this.push(value);
  }

  /** A name of Python. */
  name(module: string, name: string): void {
    const path = `${module}.${name}`;
    if (!isKnownName(path))
      throw new InputError(
        `${this.#file} is a pickle that names ${quoted(path)}, which no checkpoint needs: it is refused, and nothing of it was run. Get the model as safetensors.`,
      );
    this.push(new Name(path));
  }

  /** What `callable(*args)` would make. */
  call(): void {
    const args = this.pop();
    const name = nameOf(this.pop());
    if (!(name instanceof Name) || !Array.isArray(args))
      throw this.fault('a call is not one of a known name');
    if (!DICTIONARIES.includes(name.path)) {
      this.push(new Call(name, args));
      return;
    }
    const dictionary = new Dictionary();
    const [pairs] = args;
    if (Array.isArray(pairs))
      for (const pair of pairs) if (Array.isArray(pair)) set(dictionary, pair[0], pair[1]);
    this.push(dictionary);
  }

  items(pairs: readonly Value[]): void {
    const dictionary = this.top();
    if (!(dictionary instanceof Dictionary) || pairs.length % 2) throw this.fault('a dictionary is damaged');
    for (let i = 0; i < pairs.length; i += 2) set(dictionary, pairs[i], pairs[i + 1]);
  }

  append(values: readonly Value[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.fault('a list is damaged');
    for (const value of values) list.push(value);
  }

  build(): void {
    const state = this.pop();
    const value = this.top();
    if (!(value instanceof Dictionary || value instanceof Call))
      throw this.fault('a state belongs to nothing');
    value.state = state;
  }
}

/** A class; files before PyTorch 1.6 refer to that of a module together with its source. */
function nameOf(value: Value): Value {
  const id = value instanceof Persistent && Array.isArray(value.id) ? value.id : [];
  return id[0] === 'module' && id[1] instanceof Name ? id[1] : value;
}

function set(dictionary: Dictionary, key: Value | undefined, value: Value | undefined): void {
  if (value === undefined) return;
  if (typeof key === 'string' || typeof key === 'number') dictionary.set(String(key), value);
}

const STOP = 0x2e;

/** By their codes; the names are those of `pickletools`. */
const OPERATIONS: ReadonlyMap<number, (machine: Machine) => void> = new Map<
  number,
  (machine: Machine) => void
>([
  // PROTO, FRAME
  [0x80, (m) => m.protocol(m.uint(1))],
  [0x95, (m) => void m.uint(8)],
  // NONE, NEWTRUE, NEWFALSE
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  // BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT
  [0x4a, (m) => m.push(m.int32())],
  [0x4b, (m) => m.push(m.uint(1))],
  [0x4d, (m) => m.push(m.uint(2))],
  [0x8a, (m) => m.push(m.long(m.uint(1)))],
  [0x8b, (m) => m.push(m.long(m.uint(4)))],
  [0x47, (m) => m.push(m.double())],
  // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8; SHORT_BINSTRING, BINSTRING of Python 2
  [0x58, (m) => m.push(m.text(m.uint(4)))],
  [0x8c, (m) => m.push(m.text(m.uint(1)))],
  [0x8d, (m) => m.push(m.text(m.uint(8)))],
  [0x55, (m) => m.push(m.signs(m.uint(1)))],
  [0x54, (m) => m.push(m.signs(m.uint(4)))],
  // SHORT_BINBYTES, BINBYTES
  [0x43, (m) => m.push(m.bytes(m.uint(1)))],
  [0x42, (m) => m.push(m.bytes(m.uint(4)))],
  // MARK, POP, POP_MARK, DUP
  [0x28, (m) => m.mark()],
  [0x30, (m) => void m.pop()],
  [0x31, (m) => void m.popToMark()],
  [0x32, (m) => m.push(m.top())],
  // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
  [0x29, (m) => m.push([])],
  [0x85, (m) => m.push(m.popMany(1))],
  [0x86, (m) => m.push(m.popMany(2))],
  [0x87, (m) => m.push(m.popMany(3))],
  [0x74, (m) => m.push(m.popToMark())],
  // EMPTY_LIST, APPEND, APPENDS, LIST
  [0x5d, (m) => m.push([])],
  [0x61, (m) => m.append([m.pop()])],
  [0x65, (m) => m.append(m.popToMark())],
  [0x6c, (m) => m.push(m.popToMark())],
  // EMPTY_DICT, SETITEM, SETITEMS, EMPTY_SET, ADDITEMS
  [0x7d, (m) => m.push(new Dictionary())],
  [0x73, (m) => m.items(m.popMany(2))],
  [0x75, (m) => m.items(m.popToMark())],
  [0x8f, (m) => m.push([])],
  [0x90, (m) => m.append(m.popToMark())],
  // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
  [0x71, (m) => m.remember(m.uint(1))],
  [0x72, (m) => m.remember(m.uint(4))],
  [0x94, (m) => m.remember()],
  [0x68, (m) => m.recall(m.uint(1))],
  [0x6a, (m) => m.recall(m.uint(4))],
  // GLOBAL, STACK_GLOBAL
  [0x63, (m) => m.name(m.line(), m.line())],
  [
    0x93,
    (m) => {
      const [module, name] = m.popMany(2);
      if (typeof module !== 'string' || typeof name !== 'string') throw m.fault('a name is no text');
      m.name(module, name);
    },
  ],
  // REDUCE, NEWOBJ, BUILD, BINPERSID
  [0x52, (m) => m.call()],
  [0x81, (m) => m.call()],
  [0x62, (m) => m.build()],
  [0x51, (m) => m.push(new Persistent(m.pop()))],
]);
