import path from 'node:path';
import { Command } from 'commander';
import { InputError } from '../../engine/errors.ts';
import type { Engine, ObjectMask } from '../../shared/api.ts';
import { derivedNames } from '../../shared/names.ts';
import { formatLatency, formatMacs } from '../../shared/units.ts';
import { openEngine } from '../engine.ts';
import { readImages } from '../images.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { note, print } from '../output.ts';
import { isPlaced, type PlaceOptions, withPlaceOptions } from '../place.ts';
import { Progress } from '../progress.ts';
import { replacedRemark, requirePng, Target, type WrittenFile } from '../target.ts';
import { maskOfObject } from './objects.ts';

type Options = CommonOptions & PlaceOptions & { output?: string };

export function segmentCommand(): Command {
  const command = new Command('segment')
    .description('Make a mask of an object in an image.')
    .argument('<image>', 'the image')
    .option(
      '-o, --output <file>',
      'the PNG file to write, white = the object (default: beside the image, named after it and the object)',
    );
  return withExamples(
    withCommonOptions(withPlaceOptions(command)).action(run),
    'segment lake.png --object "red house"',
    'segment photo.jpg --point 120,80 --point 200,90,0 -o cup.png',
  );
}

async function run(image: string, options: Options): Promise<void> {
  const { output, object } = options;
  if (!isPlaced(options) && object === undefined)
    throw new InputError('Say which object: --object NAME, --point X,Y or --box X0,Y0,X1,Y1.');
  if (isPlaced(options) && object !== undefined)
    throw new InputError('Give --object, or a place with --point and --box, not both.');
  requirePng(output, 'masks');
  const target = await Target.open(output, path.dirname(image));
  const { bytes } = await readImages({ bytes: image });
  const engine = await openEngine(options.device);
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
  const { masks, seconds, encodeSeconds, macs, width, height, device, warnings } = await engine.segment(
    request,
    {
      signal: interruptible(model),
    },
  );
  const [best] = masks;
  if (!best?.png) throw new Error('the segmenter gave no mask');
  const written = await target.writeFile(best.png, derivedNames(path.parse(image).name, 'mask'));
  for (const warning of warnings) note(warning);
  const candidates = masks.map(({ score, area, box }: ObjectMask) => ({ score, area, box }));
  const figures = { ...maskFigures(best), width, height, candidates, macs, seconds, encodeSeconds, device };
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
  const about = { image, threads, segmenter, signal: interruptible(segmenter), progress: new Progress() };
  const object = await maskOfObject(engine, bytes, name, about);
  const written = await target.writeFile(object.png!, derivedNames(path.parse(image).name, object.name));
  const { width, height } = object;
  const seconds = (performance.now() - start) / 1000;
  const figures = { name: object.name, ...maskFigures(object), width, height, seconds };
  print(
    options,
    { ...written, ...figures },
    () => `${maskSummary(written, object, width * height)}, ${object.name}`,
  );
}

function maskFigures({ score, area, box }: ObjectMask) {
  return { score, area, box };
}

function maskSummary(written: WrittenFile, { score, area }: ObjectMask, pixels: number): string {
  const share = `${((100 * area) / pixels).toFixed(1)} % of the image`;
  return `${written.file}: ${area} pixels, ${share}, score ${score.toFixed(2)}${replacedRemark(written)}`;
}
