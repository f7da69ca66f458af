import { Command, Option } from 'commander';
import { readPictureFile } from '../../engine/pictures/read.ts';
import { checkWritable } from '../../engine/pictures/write.ts';
import { LIMITS } from '../../engine/pipelines/request.ts';
import { EDIT_MODES, type EditMode } from '../../shared/api.ts';
import { openEngine } from '../engine.ts';
import { decimal, wholeNumber } from '../options.ts';
import { formatMacs } from '../output.ts';
import { interruptible, Progress } from '../progress.ts';
import { type WorkerOptions, withWorkerOptions, workerRequest } from '../workers.ts';
import { type DrawingOptions, drawingRequest, finishDrawing, withDrawingOptions } from './drawing.ts';

type Options = DrawingOptions &
  WorkerOptions & { mask: string; strength?: number; mode: EditMode; dilation?: number };

export function editCommand(): Command {
  const { min, max } = LIMITS.strength;
  const command = new Command('edit')
    .description('Paint the masked part of a picture anew; the rest keeps its pixels.')
    .argument('<image>', 'the picture to edit')
    .argument('<prompt>', 'what should be there')
    .requiredOption('--mask <file>', 'a picture, white where the image is to be painted anew')
    .addOption(
      new Option('--strength <s>', 'how much of the old is forgotten under the mask').argParser(
        decimal(min, max),
      ),
    )
    .addOption(
      new Option('--mode <mode>', 'compute the masked part, or everything')
        .choices(EDIT_MODES)
        .default('sparse'),
    )
    .addOption(
      new Option('--dilation <n>', 'latent positions around the mask that are computed with it').argParser(
        wholeNumber(LIMITS.dilation.min, LIMITS.dilation.max),
      ),
    );
  return withWorkerOptions(withDrawingOptions(command)).action(run);
}

async function run(image: string, prompt: string, options: Options): Promise<void> {
  await checkWritable(options.output);
  const { strength, mode, dilation } = options;
  const files = { image: await readPictureFile(image), mask: await readPictureFile(options.mask) };
  const engine = openEngine();
  const progress = new Progress();
  try {
    const result = await engine.edit(
      { ...drawingRequest(options), ...files, ...workerRequest(options), prompt, strength, mode, dilation },
      {
        signal: interruptible(),
        onProgress: ({ stage, step, steps }) => progress.update(stage, step, steps),
      },
    );
    progress.stop();
    const { activeFraction, denseMacs, recordedSteps, workers } = result;
    const remark = ` (${formatMacs(denseMacs)} when everything is computed)`;
    await finishDrawing(
      options,
      result,
      { activeFraction, denseMacs, recordedSteps, ...(workers && { workers }) },
      remark,
    );
  } finally {
    progress.stop();
    await engine.dispose();
  }
}
