import { fs, path } from '#host';
import { messageOf } from '../../../shared/errorMessage.ts';
import { InputError, isAbort } from '../../errors.ts';
import type { Backend, Program } from '../../execution/backend.ts';
import { type OnnxFile, type Port, readOnnxFile } from '../../execution/lowering/onnx/onnx-file.ts';
import { float32, floats } from '../../graph/tensor.ts';
import type { PictureInput } from '../../networks/efficientvit-config.ts';
import { decodedFrom, type ImageEmbedding, type Prompt, type Segmenter } from './segmenter.ts';

/** Side of Segment Anything's frame, in which prompts are given whatever the encoder's size. */
const FRAME = 1024;
const CHANNELS = 256;
const EMBEDDING_SIDE = 64;
const MASK_SIDE = 256;
const MEAN = [123.675, 116.28, 103.53] as const;
const DEVIATION = [58.395, 57.12, 57.375] as const;

/** The two ONNX files of an exported EfficientViT-SAM. */
interface ExportedFiles {
  encoder: string;
  decoder: string;
}

/**
 * Finds an export: a folder with one `…encoder….onnx` and one `…decoder….onnx`, or the encoder's file, whose decoder
 * has the same name with `decoder`. Undefined if `place` is neither.
 * @throws InputError if one of the two is missing, or if there are several.
 */
export async function findExport(place: string): Promise<ExportedFiles | undefined> {
  const found = await fs.stat(place).catch(() => undefined);
  if (found?.isFile() && /encoder[^/\\]*\.onnx$/i.test(place)) {
    const decoder = path.join(path.dirname(place), path.basename(place).replace(/encoder/i, 'decoder'));
    return { encoder: place, decoder };
  }
  if (!found?.isDirectory()) return undefined;
  const names = (await fs.readdir(place)).filter((name) => /\.onnx$/i.test(name));
  if (names.length === 0) return undefined;
  const one = (role: string): string => {
    const matching = names.filter((name) => name.toLowerCase().includes(role));
    if (matching.length === 1) return path.join(place, matching[0]!);
    throw new InputError(
      `${place} must have one ONNX file with "${role}" in its name; it has ${matching.length === 0 ? 'none' : `${matching.join(', ')}: give the encoder's file instead of the folder`}.`,
    );
  };
  return { encoder: one('encoder'), decoder: one('decoder') };
}

/** EfficientViT-SAM as its authors export it to ONNX, used as it is. */
export class PublishedSegmenter implements Segmenter {
  readonly id: string;
  readonly name: string;
  readonly input: PictureInput;
  readonly frame = FRAME;
  readonly refines = false;
  readonly #encoder: Program;
  readonly #decoder: Program;

  private constructor(files: ExportedFiles, size: number, encoder: Program, decoder: Program) {
    this.id = path.resolve(files.encoder);
    this.name = path.basename(files.encoder);
    this.input = { size, mean: MEAN, deviation: DEVIATION };
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  /** @throws InputError if the files are not such a model, saying what was expected. */
  static async open(files: ExportedFiles, backend: Backend, threads: number): Promise<PublishedSegmenter> {
    const encoder = await readOnnxFile(files.encoder);
    const size = encoderSize(encoder, files.encoder);
    const decoder = await readOnnxFile(files.decoder);
    checkDecoder(decoder, files.decoder);
    const load = async ({ model }: OnnxFile, file: string) =>
      backend.open(model, { threads }).catch((error: unknown) => {
        if (isAbort(error)) throw error;
        throw new InputError(`${file} cannot be loaded: ${messageOf(error)}`);
      });
    const loaded = await load(encoder, files.encoder);
    try {
      return new PublishedSegmenter(files, size, loaded, await load(decoder, files.decoder));
    } catch (error) {
      await loaded.release();
      throw error;
    }
  }

  async encode(planes: Float32Array): Promise<ImageEmbedding> {
    const { size } = this.input;
    const outputs = await this.#encoder.run({ input_image: float32(planes, [1, 3, size, size]) });
    const data = floats(outputs, 'image_embeddings');
    this.#check('image_embeddings', data.length, CHANNELS * EMBEDDING_SIDE ** 2);
    // The operations of an exported graph are not counted.
    return { data, macs: 0 };
  }

  async decode(embedding: ImageEmbedding, { coordinates, labels, earlier }: Prompt) {
    if (earlier) throw new InputError(`${this.name} takes no earlier mask.`);
    const count = labels.length;
    const outputs = await this.#decoder.run({
      image_embeddings: float32(embedding.data, [1, CHANNELS, EMBEDDING_SIDE, EMBEDDING_SIDE]),
      point_coords: float32(Float32Array.from(coordinates), [1, count, 2]),
      point_labels: float32(Float32Array.from(labels), [1, count]),
    });
    const scores = floats(outputs, 'iou_predictions');
    const masks = floats(outputs, 'masks');
    if (scores.length === 0 || scores.length > 16)
      throw new InputError(`The decoder of ${this.name} gave ${scores.length} scores.`);
    this.#check('masks', masks.length, scores.length * MASK_SIDE ** 2);
    return decodedFrom(masks, scores, 0);
  }

  async release(): Promise<void> {
    await this.#encoder.release();
    await this.#decoder.release();
  }

  #check(what: string, length: number, expected: number): void {
    if (length !== expected)
      throw new InputError(`${this.name} gave ${length} values as ${what}; ${expected} were expected.`);
  }
}

/** Dimensions that a port must have; a name stands for any length. */
type Shape = readonly (number | string)[];

function checkPort(ports: ReadonlyMap<string, Port>, name: string, shape: Shape, file: string): Port {
  const wanted = `float32 ${name} [${shape.join(', ')}]`;
  const port = ports.get(name);
  const known = [...ports.keys()].slice(0, 8).join(', ') || 'nothing';
  if (!port)
    throw new InputError(`${file} is not of EfficientViT-SAM: ${wanted} was expected, it has ${known}.`);
  const { dims } = port;
  const fits =
    !dims ||
    (dims.length === shape.length &&
      shape.every((side, i) => typeof side === 'string' || typeof dims[i] === 'string' || dims[i] === side));
  if (!port.float32 || !fits)
    throw new InputError(
      `${file} is not of EfficientViT-SAM: ${wanted} was expected, its ${name} is ${port.float32 ? `[${dims?.map((dim) => dim || '?').join(', ')}]` : 'of another type'}.`,
    );
  return port;
}

/** Side of the square that an encoder sees. */
function encoderSize({ inputs, outputs }: OnnxFile, file: string): number {
  const { dims } = checkPort(inputs, 'input_image', ['N', 3, 'S', 'S'], file);
  const [height, width] = dims?.slice(2) ?? [];
  if (typeof width !== 'number' || width !== height || (width !== 512 && width !== 1024))
    throw new InputError(
      `${file} is not of EfficientViT-SAM: its input_image must be 512×512 or 1024×1024, it is ${width || '?'}×${height || '?'}.`,
    );
  checkPort(outputs, 'image_embeddings', ['N', CHANNELS, EMBEDDING_SIDE, EMBEDDING_SIDE], file);
  return width;
}

function checkDecoder({ inputs, outputs }: OnnxFile, file: string): void {
  checkPort(inputs, 'image_embeddings', ['N', CHANNELS, EMBEDDING_SIDE, EMBEDDING_SIDE], file);
  checkPort(inputs, 'point_coords', ['B', 'N', 2], file);
  checkPort(inputs, 'point_labels', ['B', 'N'], file);
  checkPort(outputs, 'masks', ['B', 'M', MASK_SIDE, MASK_SIDE], file);
  checkPort(outputs, 'iou_predictions', ['B', 'M'], file);
}
