import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../../engine/errors.ts';
import type { Engine, PixelBox, PromptPoint, ThingMask } from '../../shared/api.ts';
import { derivedNames } from '../../shared/names.ts';
import { formatLatency, formatMacs } from '../../shared/units.ts';
import { openEngine } from '../engine.ts';
import { readImages } from '../images.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { note, print } from '../output.ts';
import { Progress } from '../progress.ts';
import { replacedRemark, requirePng, Target, type WrittenFile } from '../target.ts';
import { maskOfObject } from './objects.ts';

type Options = CommonOptions & {
  output?: string;
  object?: string;
  point: PromptPoint[];
  box?: PixelBox;
  model?: string;
};

export function segmentCommand(): Command {
  const command = new Command('segment')
    .description('Make a mask of an object in an image.')
    .argument('<image>', 'the image')
    .option(
      '-o, --output <file>',
      'the PNG file to write, white = the object (default: beside the image, named after it and the object)',
    )
    .option('--object <name>', 'the object, by a name or number that `patchwork objects` lists')
    .addOption(
      new Option(
        '--point <x,y[,0]>',
        'a point on the object, in pixels from the upper left corner, or with ,0 one that is not on it; may be repeated',
      )
        .argParser(addPoint)
        .default([], 'none'),
    )
    .addOption(new Option('--box <x0,y0,x1,y1>', 'a rectangle around the object').argParser(box))
    .option(
      '--model <folder>',
      "a segmenter's folder, or EfficientViT-SAM's two ONNX files (default: the built-in one)",
    );
  return withExamples(
    withCommonOptions(command).action(run),
    'segment lake.png --object "red house"',
    'segment photo.jpg --point 120,80 --point 200,90,0 -o cup.png',
  );
}

function addPoint(text: string, points: readonly PromptPoint[]): PromptPoint[] {
  const [x, y, label = 1, ...more] = numbersOf(text);
  if (x === undefined || y === undefined || more.length > 0 || (label !== 0 && label !== 1))
    throw new InvalidArgumentError('It must be X,Y, or X,Y,0 for what is not part of the object.');
  return [...points, { x, y, include: label === 1 }];
}

function box(text: string): PixelBox {
  const [x0, y0, x1, y1, ...more] = numbersOf(text);
  if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined || more.length > 0)
    throw new InvalidArgumentError('It must be X0,Y0,X1,Y1.');
  return { x0, y0, x1, y1 };
}

/** Empty where any of them is not a number. */
function numbersOf(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts.every((part) => /^-?\d+(\.\d+)?$/.test(part)) ? parts.map(Number) : [];
}

async function run(image: string, options: Options): Promise<void> {
  const { output, object, point: points, box } = options;
  const placed = points.length > 0 || box !== undefined;
  if (!placed && object === undefined)
    throw new InputError('Say which object: --object NAME, --point X,Y or --box X0,Y0,X1,Y1.');
  if (placed && object !== undefined)
    throw new InputError('Give --object, or a place with --point and --box, not both.');
  requirePng(output);
  const target = await Target.open(output, path.dirname(image));
  const { bytes } = await readImages({ bytes: image });
  const engine = openEngine();
  try {
    if (object === undefined) await atPlace(engine, bytes, target, image, options);
    else await byName(engine, bytes, target, image, object, options);
  } finally {
    await engine.dispose();
  }
}

async function atPlace(
  engine: Engine,
  bytes: Uint8Array,
  target: Target,
  image: string,
  options: Options,
): Promise<void> {
  const { point: points, box, model, threads } = options;
  const request = { image: bytes, points, box, model, threads, png: true };
  const { masks, seconds, encodeSeconds, macs, width, height, warnings } = await engine.segment(request, {
    signal: interruptible(),
  });
  const [best] = masks;
  if (!best?.png) throw new Error('the segmenter gave no mask');
  const written = await target.writeMask(best.png, derivedNames(path.parse(image).name, 'mask'));
  for (const warning of warnings) note(warning);
  const candidates = masks.map(({ score, area, box }: ThingMask) => ({ score, area, box }));
  const figures = { ...maskFigures(best), width, height, candidates, macs, seconds, encodeSeconds };
  print(options, { ...written, ...figures }, () => {
    const cost = macs > 0 ? `, ${formatMacs(macs)}` : '';
    return `${maskSummary(written, best, width * height)}${cost} in ${formatLatency(seconds)}`;
  });
}

async function byName(
  engine: Engine,
  bytes: Uint8Array,
  target: Target,
  image: string,
  name: string,
  options: Options,
): Promise<void> {
  const start = performance.now();
  const { threads, model: segmenter } = options;
  const about = { image, threads, segmenter, signal: interruptible(), progress: new Progress() };
  const object = await maskOfObject(engine, bytes, name, about);
  const written = await target.writeMask(object.png!, derivedNames(path.parse(image).name, object.name));
  const { width, height } = object;
  const seconds = (performance.now() - start) / 1000;
  const figures = { name: object.name, ...maskFigures(object), width, height, seconds };
  print(
    options,
    { ...written, ...figures },
    () => `${maskSummary(written, object, width * height)}, ${object.name}`,
  );
}

function maskFigures({ score, area, box }: ThingMask) {
  return { score, area, box };
}

function maskSummary(written: WrittenFile, { score, area }: ThingMask, pixels: number): string {
  const share = `${((100 * area) / pixels).toFixed(1)} % of the image`;
  return `${written.file}: ${area} pixels, ${share}, score ${score.toFixed(2)}${replacedRemark(written)}`;
}
