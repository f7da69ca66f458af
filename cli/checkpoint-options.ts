import { type Command, Option } from 'commander';
import { type GenerateRequest, PREDICTIONS } from '../shared/api.ts';

/** Options about the parts of a checkpoint in one file. */
export interface CheckpointOptions {
  vae?: string;
  textEncoder?: string[];
  prediction?: GenerateRequest['prediction'];
}

export function withCheckpointOptions(command: Command): Command {
  return command
    .option('--vae <place>', 'the autoencoder: a file, a folder or an installed model')
    .option(
      '--text-encoder <place>',
      'for a single file without one: a file, a folder or an installed model; may be given twice',
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
