import path from 'node:path';
import { Command, Option } from 'commander';
import { InputError } from '../../engine/errors.ts';
import { cropPicture } from '../../engine/pictures/compose.ts';
import { formatOf } from '../../engine/pictures/convert.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import { rewritePicture } from '../../engine/pictures/rewrite.ts';
import type { PixelBox } from '../../shared/api.ts';
import { derivedNames } from '../../shared/names.ts';
import { readImages } from '../images.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { print } from '../output.ts';
import { pixelBox } from '../place.ts';
import { replacedRemark, Target } from '../target.ts';

type Options = CommonOptions & { output?: string; box: PixelBox };

export function cropCommand(): Command {
  const command = new Command('crop')
    .description('Cut off the edges of an image. The pixels that stay, metadata and the recipe are kept.')
    .argument('<image>', 'the image')
    .addOption(
      new Option('--box <x0,y0,x1,y1>', 'the rectangle that stays, in pixels, without column x1 and row y1')
        .argParser(pixelBox)
        .makeOptionMandatory(),
    )
    .option('-o, --output <file>', 'the file to write (default: a PNG file beside the image)');
  return withExamples(
    withCommonOptions(command, 'none').action(run),
    'crop lake.png --box 0,64,256,192',
    'crop photo.jpg --box 100,0,900,600 -o cropped.jpg',
  );
}

async function run(image: string, options: Options): Promise<void> {
  const { output, box } = options;
  const target = await Target.open(output, path.dirname(image));
  const { image: original } = await readImages({ image });
  const picture = await decodePicture(original, image);
  const x = spanOf(box.x0, box.x1, picture.width);
  const y = spanOf(box.y0, box.y1, picture.height);
  if (x.from >= x.to || y.from >= y.to)
    throw new InputError(
      `--box leaves nothing of ${path.basename(image)}, which is ${picture.width}×${picture.height} pixels.`,
    );
  const { pixels, width, height } = cropPicture(picture, { x, y });
  const format = output === undefined ? 'png' : formatOf(output);
  const frame = { left: x.from, top: y.from, width, height };
  const { bytes, exact } = await rewritePicture(original, pixels, format, { frame });
  const written = await target.writeFile(bytes, derivedNames(path.parse(image).name, 'cropped'));
  print(
    options,
    { ...written, width, height, left: x.from, top: y.from, exact },
    () => `${written.file}: ${width}×${height}${replacedRemark(written)}`,
  );
}

/** The part of a side between two of its pixels, in any order. */
function spanOf(a: number, b: number, side: number): { from: number; to: number } {
  const [from, to] = [Math.min(a, b), Math.max(a, b)].map((place) =>
    Math.min(side, Math.max(0, Math.round(place))),
  );
  return { from: from!, to: to! };
}
