import { writeFile } from 'node:fs/promises';
import { zipSync } from 'fflate';
import { readFloat32 } from '../../engine/weights/read.ts';
import { openTensors } from '../../engine/weights/tensor-file.ts';

interface Values {
  shape: readonly number[];
  values: Float32Array;
}

/** What a dictionary of PyTorch holds: tensors, and further dictionaries. */
interface Dictionary {
  [key: string]: Values | Dictionary;
}

/** Writes a dictionary as `torch.save` does: a pickle and the tensors' storages in an archive. */
export async function writePytorch(file: string, dictionary: Dictionary): Promise<void> {
  const storages: Record<string, Uint8Array> = {};
  const pickle = Buffer.concat([Buffer.from([0x80, 2]), pickled(dictionary, storages), Buffer.from('.')]);
  const parts = { 'archive/data.pkl': pickle, ...storages, 'archive/version': Buffer.from('3\n') };
  await writeFile(file, zipSync(parts, { level: 0 }));
}

/** Writes the tensors of a safetensors file so, under their names. */
export async function asPytorch(source: string, file: string): Promise<void> {
  const from = await openTensors(source);
  const tensors: Dictionary = {};
  for (const name of from.names()) {
    const tensor = from.find(name)!;
    tensors[name] = { shape: tensor.shape, values: await readFloat32(tensor) };
  }
  await writePytorch(file, tensors);
}

function pickled(value: Values | Dictionary, storages: Record<string, Uint8Array>): Buffer {
  if (value.values instanceof Float32Array) return tensor(value as Values, storages);
  const items = Object.entries(value as Dictionary).flatMap(([key, inner]) => [
    text(key),
    pickled(inner, storages),
  ]);
  // EMPTY_DICT, MARK, SETITEMS.
  return Buffer.concat([Buffer.from('}('), ...items, Buffer.from('u')]);
}

/** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
function tensor({ shape, values }: Values, storages: Record<string, Uint8Array>): Buffer {
  const key = String(Object.keys(storages).length);
  storages[`archive/data/${key}`] = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const storage = [text('storage'), global('torch', 'FloatStorage'), text(key), text('cpu')];
  return Buffer.concat([
    global('torch._utils', '_rebuild_tensor_v2'),
    tuple(
      tuple(...storage, whole(values.length)),
      Buffer.from('Q'),
      whole(0),
      tuple(...shape.map(whole)),
      tuple(...strides.map(whole)),
      Buffer.from([0x89]),
      global('collections', 'OrderedDict'),
      Buffer.from(')R'),
    ),
    Buffer.from('R'),
  ]);
}

const tuple = (...items: Buffer[]) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]);
const global = (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`);

/** BINUNICODE. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.from('X\0\0\0\0');
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** BININT. */
function whole(value: number): Buffer {
  const bytes = Buffer.from('J\0\0\0\0');
  bytes.writeInt32LE(value, 1);
  return bytes;
}
