import { type Command, Option } from 'commander';
import { writePicture } from '../../engine/pictures/write.ts';
import { LIMITS } from '../../engine/pipelines/request.ts';
import {
  ATTENTIONS,
  DECODERS,
  type GenerateRequest,
  type GenerateResult,
  type LoraChoice,
  PRECISIONS,
  type Recipe,
  SCHEDULERS,
} from '../../shared/api.ts';
import { type CommonOptions, decimal, wholeNumber, withCommonOptions } from '../options.ts';
import { formatMacs, formatSeconds, note, print } from '../output.ts';

/** Options of every command that draws. */
export type DrawingOptions = CommonOptions &
  Pick<
    GenerateRequest,
    'model' | 'seed' | 'steps' | 'guidance' | 'scheduler' | 'precision' | 'attention' | 'decoder'
  > & {
    output: string;
    negative?: string;
    lora?: LoraChoice[];
  };

export function withDrawingOptions(
  command: Command,
  output: readonly [flags: string, description: string] = ['-o, --output <file>', 'the PNG file to write'],
): Command {
  command
    .requiredOption(...output)
    .option(
      '--model <folder>',
      'a model folder in the diffusers layout, or a model got from the hub (default: the embedded model)',
    )
    .option(
      '--lora <file[:strength]>',
      'merge a LoRA file or one got from the hub; may be given several times',
      addLora,
    )
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
    .addOption(new Option('--scheduler <name>', 'sampler').choices(SCHEDULERS))
    .addOption(new Option('--decoder <name>', 'fast: draw with TAESD').choices(DECODERS))
    .addOption(
      new Option('--precision <name>', 'arithmetic (default: chosen for this machine)').choices(PRECISIONS),
    )
    .addOption(new Option('--attention <name>', 'sampled: cheaper, on large maps').choices(ATTENTIONS));
  return withCommonOptions(command);
}

/** The part of a request that these options make. */
export function drawingRequest(options: DrawingOptions) {
  const { model, seed, steps, guidance, scheduler, precision, attention, decoder, threads } = options;
  const { negative, lora } = options;
  const request = { model, seed, steps, guidance, scheduler, precision, attention, decoder, threads };
  return { ...request, negativePrompt: negative, loras: lora, previews: false };
}

/** Adds a LoRA file, with a strength after a colon or 1. */
function addLora(text: string, before: LoraChoice[] = []): LoraChoice[] {
  const [, lora = '', strength] = /^(.+?)(?::(-?\d+(?:\.\d+)?))?$/.exec(text) ?? [];
  return [...before, { lora, strength: strength === undefined ? 1 : Number(strength) }];
}

/** Writes the picture and prints what it cost; `more` is added to the JSON, `remark` to the line for people. */
export async function finishDrawing(
  options: DrawingOptions,
  result: GenerateResult,
  more: object = {},
  remark = '',
): Promise<void> {
  const { picture, recipe, macs, seconds, loadSeconds, stepSeconds, warnings } = result;
  await writePicture(options.output, picture.png);
  for (const warning of warnings) note(warning);
  const figures = { file: options.output, ...recipe, macs, seconds, loadSeconds, stepSeconds, ...more };
  print(options, figures, () => `${options.output}: ${summary(recipe, macs, seconds)}${remark}`);
}

function summary({ width, height, seed, steps }: Recipe, macs: number, seconds: number): string {
  return `${width}×${height}, seed ${seed}, ${steps} steps, ${formatMacs(macs)} in ${formatSeconds(seconds)}`;
}
