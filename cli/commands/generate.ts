import { Command, Option } from 'commander';
import { type GenerateRequest, PRECISIONS, SCHEDULERS } from '../../engine/api.ts';
import { checkWritable, writePicture } from '../../engine/pictures/write.ts';
import { LIMITS } from '../../engine/pipelines/request.ts';
import { openEngine } from '../engine.ts';
import { type CommonOptions, decimal, type Size, size, wholeNumber, withCommonOptions } from '../options.ts';
import { formatMacs, formatSeconds, note, print } from '../output.ts';
import { interruptible, Progress } from '../progress.ts';

type Options = CommonOptions &
  Pick<GenerateRequest, 'model' | 'seed' | 'steps' | 'guidance' | 'scheduler' | 'precision'> & {
    output: string;
    negative?: string;
    size?: Size;
  };

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Make a picture from a prompt.')
    .argument('<prompt>', 'what to draw')
    .requiredOption('-o, --output <file>', 'the PNG file to write')
    .option('--model <folder>', 'a model folder in the diffusers layout (default: the embedded model)')
    .option('--negative <text>', 'what to avoid')
    .addOption(
      new Option('--seed <n>', 'same seed, same picture (default: random)').argParser(
        wholeNumber(LIMITS.seed.min, LIMITS.seed.max),
      ),
    )
    .addOption(
      new Option('--steps <n>', 'denoising steps').argParser(wholeNumber(LIMITS.steps.min, LIMITS.steps.max)),
    )
    .addOption(
      new Option('--guidance <g>', 'guidance scale, 1 for none').argParser(
        decimal(LIMITS.guidance.min, LIMITS.guidance.max),
      ),
    )
    .addOption(new Option('--size <WxH>', 'size in pixels').argParser(size()))
    .addOption(new Option('--scheduler <name>', 'sampler').choices(SCHEDULERS))
    .addOption(new Option('--precision <name>', 'arithmetic').choices(PRECISIONS));
  return withCommonOptions(command).action(run);
}

async function run(prompt: string, options: Options): Promise<void> {
  await checkWritable(options.output);
  const engine = openEngine();
  const progress = new Progress();
  const { output, negative, size: pixels, json: _, ...rest } = options;
  const request = {
    ...rest,
    ...pixels,
    prompt,
    previews: false,
    ...(negative && { negativePrompt: negative }),
  };
  try {
    const result = await engine.generate(request, {
      signal: interruptible(),
      onProgress: ({ stage, step, steps }) => progress.update(stage, step, steps),
    });
    progress.stop();
    await writePicture(output, result.picture.png);
    for (const warning of result.warnings) note(warning);
    const { recipe, macs, seconds, loadSeconds, stepSeconds } = result;
    print(options, { file: output, ...recipe, macs, seconds, loadSeconds, stepSeconds }, () => {
      const { seed, width, height, steps } = recipe;
      const cost = `${formatMacs(macs)} in ${formatSeconds(seconds)}`;
      return `${output}: ${width}×${height}, seed ${seed}, ${steps} steps, ${cost}`;
    });
  } finally {
    progress.stop();
    await engine.dispose();
  }
}
