import { statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { InputError } from '../engine/errors.ts';
import { isEmbedded } from '../engine/models/embedded.ts';
import { PREDICTIONS, type PredictionType } from '../shared/requestFields.ts';

/** Options about the parts of a checkpoint in one file. */
export interface CheckpointOptions {
  vae?: string;
  textEncoder?: string[];
  prediction?: PredictionType;
}

export function withCheckpointOptions(command: Command): Command {
  return command
    .option('--vae <place>', 'the autoencoder: a file, a folder or an installed model')
    .option(
      '--text-encoder <place>',
      "in place of the model's own: a file, a folder or an installed model; may be given twice",
      (place: string, before: string[] = []) => [...before, place],
    )
    .addOption(
      new Option(
        '--prediction <kind>',
        'what the U-Net of a single file predicts, if the file does not say',
      ).choices(PREDICTIONS),
    );
}

/** The part of a request that these options make. */
export function checkpointRequest({ vae, textEncoder, prediction }: CheckpointOptions) {
  return { vae, textEncoders: textEncoder, prediction };
}

/** @throws InputError for options that do not fit the model */
export function checkCheckpointOptions({
  model,
  textEncoder,
  prediction,
}: CheckpointOptions & { model?: string }): void {
  if (textEncoder && isEmbedded(model))
    throw new InputError('--text-encoder is for other models. The built-in model has that part itself.');
  const isFile = model !== undefined && statSync(model, { throwIfNoEntry: false })?.isFile();
  if (prediction && !isFile)
    throw new InputError(
      `--prediction is for a checkpoint in one file. ${model ?? 'The built-in model'} says it itself.`,
    );
}
