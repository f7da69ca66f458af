import { Command, Option } from 'commander';
import type { GenerateResult } from '../../shared/api.ts';
import { pictureNames } from '../../shared/names.ts';
import { seedsFrom } from '../../shared/seed.ts';
import { type ControlOptions, steeringRequest, withControlOptions } from '../control.ts';
import { openEngine } from '../engine.ts';
import { interruptible } from '../interrupt.ts';
import { promptArgument, type Size, size, wholeNumber, withExamples } from '../options.ts';
import { note, print } from '../output.ts';
import { Progress, stageWords } from '../progress.ts';
import { Target, type WrittenFile } from '../target.ts';
import { type WorkerOptions, withWorkerOptions, workerRequest } from '../workers.ts';
import {
  type DrawingOptions,
  drawingRequest,
  figuresOf,
  noteWarnings,
  summaryOf,
  withDrawingOptions,
} from './drawing.ts';

type Options = DrawingOptions &
  ControlOptions &
  WorkerOptions & { output?: string; size?: Size; count: number };

/** Images of one call; `batch` makes more, and continues where it stopped. */
const MOST = 100;

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Generate an image from a prompt.')
    .addArgument(promptArgument('what the image shows'))
    .option(
      '-o, --output <file>',
      'where to write it: .png, .jpg or .webp (default: named after the prompt and seed)',
    )
    .addOption(
      new Option('--count <n>', 'how many images, with one seed after another')
        .argParser(wholeNumber(1, MOST))
        .default(1),
    )
    .addOption(new Option('--size <WxH>', 'size in pixels').argParser(size()));
  return withExamples(
    withWorkerOptions(withControlOptions(withDrawingOptions(command))).action(run),
    'generate "a red house by a lake at sunset"',
    'generate "two blue boats on the sea" -o boats.jpg --count 4 --seed 7',
    'generate "a meadow at noon" --region "a red house in a meadow at noon@left.png"',
    'generate "a stone house" --model MODEL --control canny=photo.jpg:0.8 --control-model CONTROLNET',
  );
}

async function run(prompt: string, options: Options): Promise<void> {
  const { output, count } = options;
  const request = { ...drawingRequest(options), ...(await steeringRequest(options)) };
  const target = await Target.open(output, '.', count);
  const signal = interruptible(options.model);
  const engine = await openEngine(options.device);
  const progress = new Progress();
  const done: { written: WrittenFile; result: GenerateResult }[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const of = count > 1 ? `image ${index + 1} of ${count}, ` : '';
      const first = done[0]?.result.recipe.seed ?? request.seed;
      const result = await engine.generate(
        {
          ...request,
          ...options.size,
          ...workerRequest(options),
          prompt,
          seed: first === undefined ? undefined : seedsFrom(first, index + 1).at(-1),
        },
        {
          signal,
          onProgress: ({ stage, step, steps }) => progress.update(of + stageWords(stage), step, steps),
        },
      );
      const names = pictureNames(prompt, result.recipe.seed);
      const written = await target.write(result.picture.png, result.recipe, names, index);
      done.push({ written, result });
    }
  } catch (error) {
    if (done.length > 0) note(`${done.length} of ${count} images were written.`);
    throw error;
  } finally {
    progress.stop();
    await engine.dispose();
  }
  noteWarnings(done.map(({ result }) => result));
  const images = done.map(({ written, result }) => figuresOf(written, result));
  print(options, { ...images[0], ...(count > 1 && { images }) }, () =>
    done.map(({ written, result }) => summaryOf(written, result)).join('\n'),
  );
}
