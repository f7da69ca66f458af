import { Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../../engine/errors.ts';
import { readPictureFile } from '../../engine/pictures/read.ts';
import { checkWritable, writePicture } from '../../engine/pictures/write.ts';
import type { PixelBox, PromptPoint, ThingMask } from '../../shared/api.ts';
import { openEngine } from '../engine.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { formatMacs, formatSeconds, note, print } from '../output.ts';
import { interruptible } from '../progress.ts';

type Options = CommonOptions & {
  output: string;
  point: PromptPoint[];
  box?: PixelBox;
  model?: string;
};

export function segmentCommand(): Command {
  const command = new Command('segment')
    .description('Make a mask of the thing at a point of a picture.')
    .argument('<image>', 'the picture')
    .requiredOption('-o, --output <file>', 'the PNG file to write, white where the thing is')
    .addOption(
      new Option(
        '--point <x,y[,0]>',
        'a point on the thing, in pixels from the upper left corner, or with ,0 one that is not on it; may be repeated',
      )
        .argParser(addPoint)
        .default([], 'none'),
    )
    .addOption(new Option('--box <x0,y0,x1,y1>', 'a rectangle around the thing').argParser(box))
    .option(
      '--model <folder>',
      "a segmenter's folder, or EfficientViT-SAM's two ONNX files (default: the embedded one)",
    );
  return withCommonOptions(command).action(run);
}

function addPoint(text: string, points: readonly PromptPoint[]): PromptPoint[] {
  const [x, y, label = 1, ...more] = numbersOf(text);
  if (x === undefined || y === undefined || more.length > 0 || (label !== 0 && label !== 1))
    throw new InvalidArgumentError('It must be X,Y, or X,Y,0 for what is not part of the thing.');
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
  const { output, point: points, box, model, threads } = options;
  if (points.length === 0 && !box)
    throw new InputError('Say where the thing is: --point X,Y or --box X0,Y0,X1,Y1.');
  await checkWritable(output);
  const bytes = await readPictureFile(image);
  const engine = openEngine();
  try {
    const request = { image: bytes, points, box, model, threads, png: true };
    const { masks, seconds, encodeSeconds, macs, width, height, warnings } = await engine.segment(request, {
      signal: interruptible(),
    });
    const [best] = masks;
    if (!best?.png) throw new Error('the segmenter gave no mask');
    await writePicture(output, best.png);
    for (const warning of warnings) note(warning);
    const { score, area, box: bounds } = best;
    const candidates = masks.map(({ score, area, box }: ThingMask) => ({ score, area, box }));
    const figures = { score, area, box: bounds, width, height, candidates, macs, seconds, encodeSeconds };
    print(options, { file: output, ...figures }, () => {
      const share = `${((100 * area) / (width * height)).toFixed(1)} % of the picture`;
      const cost = macs > 0 ? `, ${formatMacs(macs)}` : '';
      return `${output}: ${area} pixels, ${share}, score ${score.toFixed(2)}${cost} in ${formatSeconds(seconds)}`;
    });
  } finally {
    await engine.dispose();
  }
}
