import { type Command, InvalidArgumentError, Option } from 'commander';
import type { GenerateRequest, GenerateResult, LoraChoice } from '../../shared/api.ts';
import {
  REQUEST_FIELDS,
  type RequestField,
  type RequestFields,
  requestFields,
} from '../../shared/requestFields.ts';
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
  RequestFields &
  Pick<GenerateRequest, 'model' | 'seed' | 'stepPlan'> & {
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
  command.addOption(
    new Option('--seed <n>', 'same seed, same image; -1 is random (default: random)').argParser(seed),
  );
  for (const field of Object.values<RequestField>(REQUEST_FIELDS)) {
    const option = optionOf(field);
    if (option) command.addOption(option);
  }
  return command.addOption(
    new Option('--step-plan <plan>', 'what each step computes, as a recipe says it').conflicts('budget'),
  );
}

/** The option of a field, if every command that generates has it. */
function optionOf(field: RequestField): Option | undefined {
  if (!field.option) return undefined;
  const option = new Option(field.option.flags, field.option.help);
  if ('names' in field) return option.choices(field.names);
  return option.argParser(
    'whole' in field
      ? wholeNumber(field.whole.min, field.whole.max)
      : decimal(field.number.min, field.number.max),
  );
}

/** The part of a request that these options make. @throws InputError for those that do not go together */
export function drawingRequest(options: DrawingOptions) {
  checkCheckpointOptions(options);
  const { model, threads, negative, style, lora, embedding, modelFolder, stepPlan } = options;
  return {
    ...requestFields(options),
    ...checkpointRequest(options),
    model,
    seed: options.seed === RANDOM_SEED ? undefined : options.seed,
    threads,
    negativePrompt: negative,
    style,
    loras: lora,
    embeddings: embedding,
    modelFolders: modelFolder,
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
