import { Command, Option } from 'commander';
import { checkWritable } from '../../engine/pictures/write.ts';
import { openEngine } from '../engine.ts';
import { type Size, size } from '../options.ts';
import { interruptible, Progress } from '../progress.ts';
import { type WorkerOptions, withWorkerOptions, workerRequest } from '../workers.ts';
import { type DrawingOptions, drawingRequest, finishDrawing, withDrawingOptions } from './drawing.ts';

type Options = DrawingOptions & WorkerOptions & { size?: Size };

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Make a picture from a prompt.')
    .argument('<prompt>', 'what to draw')
    .addOption(new Option('--size <WxH>', 'size in pixels').argParser(size()));
  return withWorkerOptions(withDrawingOptions(command)).action(run);
}

async function run(prompt: string, options: Options): Promise<void> {
  await checkWritable(options.output);
  const engine = openEngine();
  const progress = new Progress();
  try {
    const result = await engine.generate(
      { ...drawingRequest(options), ...options.size, ...workerRequest(options), prompt },
      {
        signal: interruptible(),
        onProgress: ({ stage, step, steps }) => progress.update(stage, step, steps),
      },
    );
    progress.stop();
    await finishDrawing(options, result, result.workers && { workers: result.workers });
  } finally {
    progress.stop();
    await engine.dispose();
  }
}
