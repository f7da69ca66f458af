import path from 'node:path';
import { Command, Option } from 'commander';
import { InputError } from '../../engine/errors.ts';
import type { CutOutRequest, Engine } from '../../shared/api.ts';
import { LIMITS } from '../../shared/limits.ts';
import { derivedNames } from '../../shared/names.ts';
import { formatLatency } from '../../shared/units.ts';
import { openEngine } from '../engine.ts';
import { readImages } from '../images.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, wholeNumber, withCommonOptions, withExamples } from '../options.ts';
import { note, print } from '../output.ts';
import { isPlaced, type PlaceOptions, withPlaceOptions } from '../place.ts';
import { Progress } from '../progress.ts';
import { replacedRemark, requirePng, Target } from '../target.ts';
import { maskOfObject } from './objects.ts';

type Options = CommonOptions &
  PlaceOptions & { output?: string; mask?: string; feather?: number; trim?: boolean };

export function cutOutCommand(): Command {
  const { min, max } = LIMITS.feather;
  const command = new Command('cutout')
    .description('Cut an object out of an image: everything else becomes transparent.')
    .argument('<image>', 'the image')
    .option(
      '-o, --output <file>',
      'the PNG file to write (default: beside the image, named after it and the object)',
    )
    .option('--mask <file>', 'an image, white = what stays');
  withPlaceOptions(command)
    .addOption(
      new Option(
        '--feather <n>',
        'pixels over which the edge becomes opaque, 0 for a hard edge (default: 2)',
      ).argParser(wholeNumber(min, max)),
    )
    .option('--trim', 'write the bounds of what stays only, not the whole canvas');
  return withExamples(
    withCommonOptions(command).action(run),
    'cutout lake.png --object "red house" --trim',
    'cutout photo.jpg --point 120,80 -o cup.png',
    'cutout photo.jpg --mask mask.png',
  );
}

async function run(image: string, options: Options): Promise<void> {
  const { output, mask, object, feather, trim } = options;
  if ([mask !== undefined, object !== undefined, isPlaced(options)].filter(Boolean).length !== 1)
    throw new InputError(
      'Say once what to cut out: --object NAME, --mask FILE, or a place with --point X,Y and --box X0,Y0,X1,Y1.',
    );
  requirePng(output, 'images with transparency');
  const target = await Target.open(output, path.dirname(image));
  const files = await readImages({ image, mask });
  const engine = await openEngine(options.device);
  try {
    const { name, ...part } = await partOf(engine, files, image, options);
    const request = { image: files.image, ...part, feather, trim };
    const result = await engine.cutOut(request, { signal: interruptible(options.model) });
    const { picture, left, top, area, sure, macs, seconds, warnings } = result;
    const written = await target.writeFile(picture.png, derivedNames(path.parse(image).name, name));
    for (const warning of warnings) note(warning);
    const { width, height } = picture;
    const figures = { width, height, left, top, area, sure, macs, seconds };
    print(
      options,
      { ...written, ...figures },
      () =>
        `${written.file}: ${width}×${height}, ${area} pixels in ${formatLatency(seconds)}${replacedRemark(written)}`,
    );
  } finally {
    await engine.dispose();
  }
}

/** The requested object, and its name. */
async function partOf(
  engine: Engine,
  files: { image: Uint8Array; mask?: Uint8Array },
  image: string,
  { object, point: points, box, model, threads }: Options,
): Promise<Pick<CutOutRequest, 'mask' | 'points' | 'box' | 'model' | 'threads'> & { name: string }> {
  if (files.mask) return { mask: files.mask, name: 'cutout' };
  if (object === undefined) return { points, box, model, threads, name: 'cutout' };
  const about = { image, threads, segmenter: model, signal: interruptible(model), progress: new Progress() };
  const found = await maskOfObject(engine, files.image, object, about);
  return { mask: found.png!, name: found.name };
}
