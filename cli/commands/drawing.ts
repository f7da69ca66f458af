import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  ATTENTIONS,
  DECODERS,
  type GenerateRequest,
  type GenerateResult,
  type LoraChoice,
  PRECISIONS,
  SCHEDULERS,
  SIGMA_SPACINGS,
} from '../../shared/api.ts';
import { LIMITS } from '../../shared/limits.ts';
import { STYLES, type Style, styleNamed } from '../../shared/styles.ts';
import { formatLatency, formatMacs } from '../../shared/units.ts';
import {
  type CheckpointOptions,
  checkCheckpointOptions,
  checkpointRequest,
  withCheckpointOptions,
} from '../checkpoint-options.ts';
import {
  type CommonOptions,
  decimal,
  RANDOM_SEED,
  seed,
  wholeNumber,
  withCommonOptions,
} from '../options.ts';
import { note } from '../output.ts';
import { replacedRemark, type WrittenFile } from '../target.ts';

/** Options of every command that generates. */
export type DrawingOptions = CommonOptions &
  CheckpointOptions &
  Pick<
    GenerateRequest,
    | 'model'
    | 'seed'
    | 'steps'
    | 'guidance'
    | 'scheduler'
    | 'sigmas'
    | 'precision'
    | 'attention'
    | 'decoder'
    | 'clipSkip'
    | 'budget'
    | 'stepPlan'
  > & {
    negative?: string;
    style?: Style;
    lora?: LoraChoice[];
    embedding?: string[];
    modelFolder?: string[];
  };

export function withDrawingOptions(command: Command): Command {
  command
    .option(
      '--model <model>',
      'a model that `patchwork models` lists, a folder in the diffusers layout, or a single file (default: scenes)',
    )
    .option(
      '--lora <file[:strength]>',
      'merge a LoRA, a file or one from Hugging Face; may be given several times',
      addLora,
    )
    .option(
      '--embedding <file>',
      'a textual inversion, whose word the prompt may name; may be given several times',
      addText,
    )
    .option(
      '--model-folder <folder>',
      'where <lora:NAME:1>, embedding:NAME and __NAME__ of a prompt are looked for, beside the model; may be given several times',
      addText,
    )
    .addOption(
      new Option(
        '--clip-skip <n>',
        'read the prompt at the nth layer from the end of the text encoder; 1 is the last',
      ).argParser(wholeNumber(LIMITS.clipSkip.min, LIMITS.clipSkip.max)),
    )
    .option('--negative <text>', 'what to avoid')
    .addOption(
      new Option(
        '--style <name>',
        `add the words of a style: ${STYLES.map(({ name }) => name).join(', ')}; in quotes if it has a space`,
      ).argParser(style),
    );
  return withCommonOptions(withCheckpointOptions(withSamplingOptions(command)));
}

/** Options for the sampling process. */
function withSamplingOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--seed <n>', 'same seed, same image; -1 is random (default: random)').argParser(seed),
    )
    .addOption(
      new Option('--steps <n>', 'denoising steps').argParser(wholeNumber(LIMITS.steps.min, LIMITS.steps.max)),
    )
    .addOption(
      new Option(
        '--budget <share>',
        "share of the MACs that may be spent, 0.1 to 1; the best way to spend it is chosen (default: 1; an edit's model may recommend less)",
      ).argParser(decimal(LIMITS.budget.min, LIMITS.budget.max)),
    )
    .addOption(
      new Option('--step-plan <plan>', 'what each step computes, as a recipe says it').conflicts('budget'),
    )
    .addOption(
      new Option('--guidance <g>', 'guidance scale, 1 for none').argParser(
        decimal(LIMITS.guidance.min, LIMITS.guidance.max),
      ),
    )
    .addOption(new Option('--scheduler <name>', 'sampler').choices(SCHEDULERS))
    .addOption(
      new Option(
        '--sigmas <name>',
        'how the noise levels of the steps are spaced; ays: Align Your Steps',
      ).choices(SIGMA_SPACINGS),
    )
    .addOption(new Option('--decoder <name>', 'fast: decode with TAESD or taesana').choices(DECODERS))
    .addOption(
      new Option('--precision <name>', 'numeric precision of the U-Net (default: automatic)').choices(
        PRECISIONS,
      ),
    )
    .addOption(
      new Option('--attention <name>', 'sampled: cheaper on large images, approximate').choices(ATTENTIONS),
    );
}

/** The part of a request that these options make. @throws InputError for those that do not go together */
export function drawingRequest(options: DrawingOptions) {
  checkCheckpointOptions(options);
  const { model, steps, guidance, scheduler, sigmas, precision, attention, decoder, threads } = options;
  const { negative, lora, embedding, modelFolder, clipSkip, budget, stepPlan } = options;
  const seed = options.seed === RANDOM_SEED ? undefined : options.seed;
  const request = { model, seed, steps, guidance, scheduler, sigmas, precision, attention, decoder, threads };
  return {
    ...request,
    ...checkpointRequest(options),
    negativePrompt: negative,
    style: options.style,
    loras: lora,
    embeddings: embedding,
    modelFolders: modelFolder,
    clipSkip,
    budget,
    stepPlan,
    previews: false,
  };
}

/** @throws InvalidArgumentError with the names that there are */
function style(name: string): Style {
  const found = styleNamed(name);
  if (!found)
    throw new InvalidArgumentError(`It must be one of ${STYLES.map(({ name }) => name).join(', ')}.`);
  return found;
}

function addText(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/** Adds a LoRA file, with a strength after a colon or 1. */
function addLora(text: string, before: LoraChoice[] = []): LoraChoice[] {
  const [, lora = '', strength] = /^(.+?)(?::(-?\d+(?:\.\d+)?))?$/.exec(text) ?? [];
  return [...before, { lora, strength: strength === undefined ? 1 : Number(strength) }];
}

/** The figures of an image that was generated and written, as JSON has them. */
export function figuresOf(written: WrittenFile, result: GenerateResult, more: object = {}): object {
  const { recipe, macs, seconds, loadSeconds, stepSeconds, device, workers, budget } = result;
  return {
    ...written,
    ...recipe,
    macs,
    seconds,
    loadSeconds,
    stepSeconds,
    device,
    ...(workers && { workers }),
    ...(budget && { budget }),
    ...more,
  };
}

/** The same in a line for people. */
export function summaryOf(written: WrittenFile, { recipe, macs, seconds, budget }: GenerateResult): string {
  const { width, height, seed, steps } = recipe;
  const share = budget ? ` (${budget.spent.toFixed(2)} of the full process: ${budget.plan})` : '';
  const cost = `${formatMacs(macs)}${share} in ${formatLatency(seconds)}`;
  return `${written.file}: ${width}×${height}, seed ${seed}, ${steps} steps, ${cost}${replacedRemark(written)}`;
}

/** Warnings on stderr, each once. */
export function noteWarnings(results: readonly Pick<GenerateResult, 'warnings'>[]): void {
  for (const warning of new Set(results.flatMap(({ warnings }) => warnings))) note(warning);
}
