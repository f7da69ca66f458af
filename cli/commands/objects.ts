import { Command } from 'commander';
import { findNamedObjects, type NamedObject, objectNamed } from '../../engine/pipelines/segment/objects.ts';
import type { Engine } from '../../shared/api.ts';
import { openEngine } from '../engine.ts';
import { readImages } from '../images.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { note, print } from '../output.ts';
import { Progress } from '../progress.ts';

type Options = CommonOptions & { model?: string };

export function objectsCommand(): Command {
  const command = new Command('objects')
    .description('List the objects in an image, from left to right.')
    .argument('<image>', 'the image')
    .option('--model <folder>', "a segmenter's folder (default: the built-in one)");
  return withExamples(withCommonOptions(command).action(run), 'objects lake.png', 'objects lake.png --json');
}

async function run(image: string, options: Options): Promise<void> {
  const { bytes } = await readImages({ bytes: image });
  const signal = interruptible(options.model);
  const engine = await openEngine(options.device);
  const progress = new Progress();
  try {
    const { model, threads } = options;
    const { objects, width, height, warnings } = await findNamedObjects(
      engine,
      { image: bytes, model, threads },
      { signal, onProgress: ({ tried, points }) => progress.update('points tried', tried, points) },
    );
    progress.stop();
    for (const warning of warnings) note(warning);
    const listed = objects.map(({ name, box, area, score }, i) => ({
      number: i + 1,
      name,
      box,
      area,
      score,
    }));
    print(options, { file: image, width, height, objects: listed }, () =>
      objects.length === 0 ? 'No objects were found.' : objects.map(lineOf(width * height)).join('\n'),
    );
  } finally {
    progress.stop();
    await engine.dispose();
  }
}

function lineOf(pixels: number) {
  return ({ name, box, area, score }: NamedObject, i: number) => {
    const place = box ? `${box.x0},${box.y0},${box.x1},${box.y1}` : '';
    const share = `${((100 * area) / pixels).toFixed(1)} %`;
    return `${String(i + 1).padStart(3)}  ${name.padEnd(20)} ${share.padStart(7)}  box ${place}, score ${score.toFixed(2)}`;
  };
}

/** The object that a user names, with its number from the left and its mask as a PNG file. @throws InputError with a list of the objects, if none fits */
export async function maskOfObject(
  engine: Engine,
  bytes: Uint8Array,
  name: string,
  about: { image: string; threads?: number; segmenter?: string; signal: AbortSignal; progress: Progress },
): Promise<NamedObject & { number: number }> {
  const { image, threads, segmenter: model, signal, progress } = about;
  const { objects } = await findNamedObjects(
    engine,
    { image: bytes, model, threads, png: true },
    { signal, onProgress: ({ tried, points }) => progress.update('looking for objects', tried, points) },
  );
  progress.stop();
  const object = objectNamed(objects, name, image);
  return { ...object, number: objects.indexOf(object) + 1 };
}
