import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { OnnxBuilder, type Ref } from '../../execution/lowering/onnx/onnx.ts';

/** Radii, in the frame's pixels, of the discs that the exported decoder below outputs. */
export const DISC_RADII = [300, 60, 120, 240];
/** The scores it gives them. */
export const DISC_SCORES = [0.9, 0.5, 0.8, 0.7];

export interface ExportOptions {
  size?: number;
  inputName?: string;
  embeddingChannels?: number;
  labels?: 'float32' | 'int64';
  maskSide?: number;
}

/**
 * Writes two ONNX files with the signature of EfficientViT-SAM's published exports. The decoder outputs discs of
 * `DISC_RADII` around the first point, so a test knows where the masks must be.
 */
export async function writeExport(folder: string, options: ExportOptions = {}): Promise<void> {
  await writeFile(path.join(folder, 'tiny_encoder.onnx'), exportedEncoder(options));
  await writeFile(path.join(folder, 'tiny_decoder.onnx'), exportedDecoder(options));
}

/** The picture's mean in every cell of the embedding. */
function exportedEncoder({
  size = 512,
  inputName = 'input_image',
  embeddingChannels = 256,
}: ExportOptions): Uint8Array {
  const onnx = new OnnxBuilder();
  const image = onnx.input(inputName, 'float32', ['batch_size', 3, size, size]);
  const cell = size / 64;
  const attributes = { kernel_shape: [cell, cell], strides: [cell, cell] };
  const pooled = onnx.node('AveragePool', [image], { attributes });
  const mean = onnx.node('ReduceMean', [pooled, onnx.ints([1])]);
  const wide = onnx.node('Expand', [mean, onnx.ints([1, embeddingChannels, 64, 64])]);
  onnx.output('image_embeddings', wide, 'float32', ['batch_size', embeddingChannels, 64, 64]);
  return onnx.encode('encoder').bytes;
}

function exportedDecoder({ labels = 'float32', maskSide = 256 }: ExportOptions): Uint8Array {
  const onnx = new OnnxBuilder();
  const embedding = onnx.input('image_embeddings', 'float32', [1, 256, 64, 64]);
  const points = onnx.input('point_coords', 'float32', ['batch_size', 'num_points', 2]);
  onnx.input('point_labels', labels, ['batch_size', 'num_points']);
  // As the published graph does, half a pixel is added to the points.
  const point = onnx.node('Slice', [points, onnx.ints([0]), onnx.ints([1]), onnx.ints([1])]);
  const centre = onnx.node('Add', [point, onnx.floats([0.5], [])]);
  const part = (i: number): Ref =>
    onnx.node('Slice', [centre, onnx.ints([i]), onnx.ints([i + 1]), onnx.ints([2])]);
  const places = Float32Array.from({ length: maskSide }, (_, i) => ((i + 0.5) * 1024) / maskSide);
  const along = (axis: Ref, dims: number[]): Ref => {
    const away = onnx.node('Sub', [
      onnx.floats(places, dims),
      onnx.node('Reshape', [axis, onnx.ints([-1, 1, 1, 1])]),
    ]);
    return onnx.node('Mul', [away, away]);
  };
  const squares = onnx.node('Add', [
    along(part(0), [1, 1, 1, maskSide]),
    along(part(1), [1, 1, maskSide, 1]),
  ]);
  const discs = onnx.node('Sub', [onnx.floats(DISC_RADII, [1, 4, 1, 1]), onnx.node('Sqrt', [squares])]);
  // So that the embedding takes part.
  const nothing = onnx.node('Mul', [
    onnx.node('ReduceMean', [embedding, onnx.ints([1, 2, 3])]),
    onnx.floats([0], []),
  ]);
  onnx.output('masks', onnx.node('Add', [discs, nothing]), 'float32', ['batch_size', 4, maskSide, maskSide]);
  onnx.output('iou_predictions', onnx.node('Identity', [onnx.floats(DISC_SCORES, [1, 4])]), 'float32', [
    'batch_size',
    4,
  ]);
  return onnx.encode('decoder').bytes;
}
