import path from 'node:path';
import { Command, Option } from 'commander';
import { LIMITS } from '../../shared/limits.ts';
import { derivedNames } from '../../shared/names.ts';
import { formatLatency, formatMacs } from '../../shared/units.ts';
import { openEngine } from '../engine.ts';
import { readImages } from '../images.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, decimal, withCommonOptions, withExamples } from '../options.ts';
import { print } from '../output.ts';
import { Progress } from '../progress.ts';
import { replacedRemark, requirePng, Target } from '../target.ts';

type Options = CommonOptions & { output?: string; model: string; scale?: number };

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
    );
  return withExamples(
    withCommonOptions(command).action(run),
    'upscale house.png --model RealESRGAN_x4plus.safetensors -o large.png',
    'upscale house.png --model RealESRGAN_x4plus.safetensors --scale 2',
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
      { image: bytes, model, scale, threads },
      {
        signal: interruptible(model),
        onProgress: ({ stage, step, steps }) => progress.update(stage, step, steps),
      },
    );
    progress.stop();
    const written = await target.writePng(result.picture.png, derivedNames(path.parse(image).name, 'larger'));
    const { width, height } = result.picture;
    const { macs, seconds } = result;
    const figures = { ...written, width, height, scale: result.scale, macs, seconds };
    print(options, figures, () => {
      const cost = `${formatMacs(macs)} in ${formatLatency(seconds)}`;
      return `${written.file}: ${width}×${height}, ${cost}${replacedRemark(written)}`;
    });
  } finally {
    progress.stop();
    await engine.dispose();
  }
}
