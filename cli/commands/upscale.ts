import path from 'node:path';
import { Command, Option } from 'commander';
import { InputError } from '../../engine/errors.ts';
import { readRecipeOf } from '../../engine/pictures/read.ts';
import type { UpscaleRequest } from '../../shared/api.ts';
import { defined } from '../../shared/defined.ts';
import { LIMITS } from '../../shared/limits.ts';
import { derivedNames } from '../../shared/names.ts';
import { formatLatency, formatMacs } from '../../shared/units.ts';
import { openEngine } from '../engine.ts';
import { readImages } from '../images.ts';
import { interruptible } from '../interrupt.ts';
import {
  type CommonOptions,
  decimal,
  RANDOM_SEED,
  seed,
  wholeNumber,
  withCommonOptions,
  withExamples,
} from '../options.ts';
import { note, print } from '../output.ts';
import { Progress, stageWords } from '../progress.ts';
import { replacedRemark, requirePng, Target } from '../target.ts';

type Options = CommonOptions & {
  output?: string;
  model: string;
  scale?: number;
  repaint?: number;
  repaintModel?: string;
  prompt?: string;
  negative?: string;
  steps?: number;
  seed?: number;
};

export function upscaleCommand(): Command {
  const { min, max } = LIMITS.upscale;
  const command = new Command('upscale')
    .description('Make an image larger with a network of the ESRGAN family.')
    .argument('<image>', 'the image')
    .requiredOption(
      '--model <file>',
      'the upscaler: RRDBNet or SRVGGNetCompact, as .safetensors or .pth (required)',
    )
    .option('-o, --output <file>', 'the PNG file to write (default: beside the image, named after it)')
    .addOption(
      new Option('--scale <n>', `how many times larger, ${min}–${max} (default: the model's own)`).argParser(
        decimal(min, max),
      ),
    )
    .addOption(
      new Option(
        '--repaint <strength>',
        'then add detail: repaint the larger image in tiles that agree, 0.2 to 0.4 keep what is there',
      ).argParser(decimal(LIMITS.strength.min, LIMITS.strength.max)),
    )
    .option('--repaint-model <model>', 'what repaints (default: scenes)')
    .option('--prompt <text>', "what the image shows (default: as the image's recipe says)")
    .option('--negative <text>', 'what to avoid in the repaint')
    .addOption(
      new Option('--steps <n>', 'denoising steps of the whole process').argParser(
        wholeNumber(LIMITS.steps.min, LIMITS.steps.max),
      ),
    )
    .addOption(new Option('--seed <n>', 'of the repaint; -1 is random').argParser(seed));
  return withExamples(
    withCommonOptions(command).action(run),
    'upscale house.png --model RealESRGAN_x4plus.safetensors -o large.png',
    'upscale house.png --model RealESRGAN_x4plus.safetensors --scale 2',
    'upscale house.png --model RealESRGAN_x4plus.safetensors --repaint 0.3 --prompt "a red house"',
  );
}

async function run(image: string, options: Options): Promise<void> {
  const { output, model, scale, threads } = options;
  requirePng(output, 'larger images');
  const target = await Target.open(output, path.dirname(image));
  const { bytes } = await readImages({ bytes: image });
  const engine = await openEngine(options.device);
  const progress = new Progress();
  try {
    const result = await engine.upscale(
      { image: bytes, model, scale, threads, ...(await repaintOf(bytes, options)) },
      {
        signal: interruptible(model),
        onProgress: ({ stage, step, steps }) => progress.update(stageWords(stage), step, steps),
      },
    );
    progress.stop();
    const written = await target.writeFile(
      result.picture.png,
      derivedNames(path.parse(image).name, 'larger'),
    );
    const { width, height } = result.picture;
    const { macs, seconds } = result;
    for (const warning of new Set(result.repaint?.warnings)) note(warning);
    const { recipe, strength } = result.repaint ?? {};
    const repaint = recipe && { prompt: recipe.prompt, model: recipe.model, seed: recipe.seed, strength };
    const figures = {
      ...written,
      width,
      height,
      scale: result.scale,
      macs,
      seconds,
      ...(repaint && { repaint }),
    };
    print(options, figures, () => {
      const cost = `${formatMacs(macs)} in ${formatLatency(seconds)}`;
      return `${written.file}: ${width}×${height}, ${cost}${replacedRemark(written)}`;
    });
  } finally {
    progress.stop();
    await engine.dispose();
  }
}

/** The repaint that the options ask for. @throws InputError for its options without it */
async function repaintOf(bytes: Uint8Array, options: Options): Promise<Pick<UpscaleRequest, 'repaint'>> {
  const { repaint: strength, repaintModel: model, prompt, negative, steps, threads } = options;
  if (strength === undefined) {
    const idle = (['repaintModel', 'prompt', 'negative', 'steps', 'seed'] as const).find(
      (name) => options[name] !== undefined,
    );
    if (idle)
      throw new InputError(
        `--${idle === 'repaintModel' ? 'repaint-model' : idle} says how to repaint: give --repaint, a strength, too.`,
      );
    return {};
  }
  const known = prompt === undefined ? await readRecipeOf(bytes, 'The image') : undefined;
  const request = {
    strength,
    prompt: prompt ?? known?.prompt ?? '',
    negativePrompt: negative ?? known?.negativePrompt,
    model,
    steps,
    threads,
    seed: options.seed === RANDOM_SEED ? undefined : options.seed,
  };
  return { repaint: defined(request) };
}
