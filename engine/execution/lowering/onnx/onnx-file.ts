import protobuf from 'protobufjs';
import { fs, path } from '#host';
import { messageOf } from '../../../../shared/errorMessage.ts';
import { isFileName } from '../../../../shared/fileNames.ts';
import { InputError, quoted } from '../../../errors.ts';
import { readBytes } from '../../../read-bytes.ts';
import type { OnnxModel } from './onnx.ts';

/**
 * The part of onnx.proto3 with the inputs and outputs of a model and the files that it reads. Everything else, above
 * all the weights, is skipped.
 */
const source = `
syntax = "proto3";
package onnx;
message StringStringEntryProto { string key = 1; string value = 2; }
message TensorProto { repeated StringStringEntryProto external_data = 13; int32 data_location = 14; }
message SparseTensorProto { TensorProto values = 1; TensorProto indices = 2; }
message AttributeProto {
  TensorProto t = 5; GraphProto g = 6; repeated TensorProto tensors = 10; repeated GraphProto graphs = 11;
  SparseTensorProto sparse_tensor = 22; repeated SparseTensorProto sparse_tensors = 23;
}
message NodeProto { repeated AttributeProto attribute = 5; }
message FunctionProto { repeated NodeProto node = 7; repeated AttributeProto attribute_proto = 11; }
message TrainingInfoProto { GraphProto initialization = 1; GraphProto algorithm = 2; }
message ModelProto { GraphProto graph = 7; repeated TrainingInfoProto training_info = 20; repeated FunctionProto functions = 25; }
message GraphProto {
  repeated NodeProto node = 1; repeated TensorProto initializer = 5; repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12; repeated SparseTensorProto sparse_initializer = 15;
}
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message TypeProto {
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
  message Shape { repeated Dimension dim = 1; }
  message Tensor { int32 elem_type = 1; Shape shape = 2; }
  oneof value { Tensor tensor_type = 1; }
}
`;
const ModelProto = protobuf.parse(source, { keepCase: true }).root.lookupType('onnx.ModelProto');

/** Most bytes of a protobuf message. */
const MAX_BYTES = 2 ** 31 - 1;
const FLOAT32 = 1;
const ABSOLUTE_ON_WINDOWS = /^([a-z]:)?[/\\]/i;

/** An input or output of a model. */
export interface Port {
  float32: boolean;
  /** Undefined if the file does not say. A variable dimension is its name, or empty. */
  dims?: (number | string)[];
}

export interface OnnxFile {
  model: OnnxModel;
  inputs: ReadonlyMap<string, Port>;
  outputs: ReadonlyMap<string, Port>;
}

interface ValueInfo {
  name?: string;
  type?: {
    tensor_type?: { elem_type?: number; shape?: { dim?: { dim_value?: unknown; dim_param?: string }[] } };
  };
}

/**
 * Reads the inputs and outputs of an untrusted ONNX file. Runs nothing.
 * @throws InputError if it cannot be read, is not an ONNX model, or reads weights from a file outside its folder
 */
export async function readOnnxFile(file: string): Promise<OnnxFile> {
  const bytes = await readBytes(file, MAX_BYTES);
  const folder = path.dirname(path.resolve(file));
  let message: { graph?: { input?: ValueInfo[]; output?: ValueInfo[] } };
  try {
    message = ModelProto.decode(bytes) as typeof message;
  } catch (error) {
    throw new InputError(`${file} is not an ONNX model, or is damaged (${messageOf(error)}).`);
  }
  if (!message.graph) throw new InputError(`${file} is not an ONNX model: it has no graph.`);
  const files = [...externalFiles(message)];
  const linked: string[] = [];
  for (const location of files) if (await leavesFolder(folder, location, file)) linked.push(location);
  return {
    // Always with its folder, so that missing files are not looked for in the working directory.
    model: { name: path.basename(file), bytes, folder, files, linked },
    inputs: portsOf(message.graph.input),
    outputs: portsOf(message.graph.output),
  };
}

/** Locations of all tensors of a message that are stored outside the file. */
function externalFiles(message: object): Set<string> {
  const found = new Set<string>();
  const waiting: unknown[] = [message];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
    if ('external_data' in value && Array.isArray(value.external_data))
      for (const entry of value.external_data as { key?: string; value?: string }[])
        if (entry.key === 'location') found.add(entry.value ?? '');
    // One by one: as arguments of a call, a list of a file could fill the stack.
    for (const part of Object.values(value)) waiting.push(part);
  }
  return found;
}

/**
 * Whether a file of weights is a link out of the model's folder to where it may lead: a blob of the hub's cache.
 * @throws InputError if the location leads elsewhere, or to nothing
 */
async function leavesFolder(folder: string, location: string, file: string): Promise<boolean> {
  const refusal = (why: string) =>
    new InputError(`${file} reads its weights from ${quoted(location)}, ${why}; it is not opened.`);
  const target = path.resolve(folder, location);
  const isAbsolute = path.isAbsolute(location) || ABSOLUTE_ON_WINDOWS.test(location);
  if (isAbsolute || !isBelow(folder, target)) throw refusal('which is outside the folder of the model');
  if (!location.split(/[/\\]/).every((part) => /^\.{0,2}$/.test(part) || isFileName(part)))
    throw refusal('which is no name of a file');
  const real = await fs.realpath(target).catch(() => undefined);
  if (!real || !(await fs.stat(real)).isFile())
    throw refusal('which does not exist: get the whole folder of the model');
  const realFolder = await fs.realpath(folder);
  if (isBelow(realFolder, real)) return false;
  if (isBlobBeside(realFolder, real)) return true;
  throw refusal('a link that leaves the folder of the model');
}

function isBelow(root: string, to: string): boolean {
  const relative = path.relative(root, to);
  return relative !== '' && relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative);
}

/** Whether a file is a blob of the Hugging Face cache in which the folder is a snapshot, whose files all link to blobs. */
function isBlobBeside(folder: string, file: string): boolean {
  const cache = /^(.+?)[/\\]models--[^/\\]+[/\\]snapshots[/\\][^/\\]/.exec(folder)?.[1];
  return cache !== undefined && /^models--[^/\\]+[/\\]blobs[/\\][^/\\]+$/.test(path.relative(cache, file));
}

function portsOf(values: readonly ValueInfo[] = []): Map<string, Port> {
  return new Map(
    values.map(({ name = '', type }) => {
      const tensor = type?.tensor_type;
      // A field that the file does not have reads as its type's zero.
      const dims = tensor?.shape?.dim?.map((dim) =>
        Object.hasOwn(dim, 'dim_value') ? Number(dim.dim_value) : (dim.dim_param ?? ''),
      );
      return [name, { float32: tensor?.elem_type === FLOAT32, ...(dims && { dims }) }];
    }),
  );
}
