import { type Command, InvalidArgumentError, Option } from 'commander';
import type { PixelBox, PromptPoint } from '../shared/api.ts';

/** Which object of an image is meant: by its name, or by where it is. */
export interface PlaceOptions {
  object?: string;
  point: PromptPoint[];
  box?: PixelBox;
  /** The segmenter. */
  model?: string;
}

export function withPlaceOptions(command: Command): Command {
  return command
    .option('--object <name>', 'the object, by a name or number that `patchwork objects` lists')
    .addOption(
      new Option(
        '--point <x,y[,0]>',
        'a point on the object, in pixels from the upper left corner, or with ,0 one that is not on it; may be repeated',
      )
        .argParser(addPoint)
        .default([], 'none'),
    )
    .addOption(new Option('--box <x0,y0,x1,y1>', 'a rectangle around the object').argParser(pixelBox))
    .option(
      '--model <folder>',
      "a segmenter's folder, or EfficientViT-SAM's two ONNX files (default: the built-in one)",
    );
}

/** Whether the object is given by a place. */
export function isPlaced({ point, box }: PlaceOptions): boolean {
  return point.length > 0 || box !== undefined;
}

function addPoint(text: string, points: readonly PromptPoint[]): PromptPoint[] {
  const [x, y, label = 1, ...more] = numbersOf(text);
  if (x === undefined || y === undefined || more.length > 0 || (label !== 0 && label !== 1))
    throw new InvalidArgumentError('It must be X,Y, or X,Y,0 for what is not part of the object.');
  return [...points, { x, y, include: label === 1 }];
}

/** A rectangle as `X0,Y0,X1,Y1`. */
export function pixelBox(text: string): PixelBox {
  const [x0, y0, x1, y1, ...more] = numbersOf(text);
  if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined || more.length > 0)
    throw new InvalidArgumentError('It must be X0,Y0,X1,Y1.');
  return { x0, y0, x1, y1 };
}

/** Empty if any of them is not a number. */
function numbersOf(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts.every((part) => /^-?\d+(\.\d+)?$/.test(part)) ? parts.map(Number) : [];
}
