import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { batchCommand } from './commands/batch.ts';
import { benchCommand } from './commands/bench.ts';
import { editCommand } from './commands/edit.ts';
import { generateCommand } from './commands/generate.ts';
import { macsCommand } from './commands/macs.ts';
import { modelsCommand } from './commands/models.ts';
import { segmentCommand } from './commands/segment.ts';
import { verifyCommand } from './commands/verify.ts';
import { workerCommand } from './commands/worker.ts';

/** The `patchwork` command. Parsing errors are thrown as `CommanderError`. */
export function createProgram(): Command {
  const program = new Command('patchwork')
    .description(packageJson.description)
    .version(packageJson.version)
    .exitOverride()
    .showHelpAfterError('(--help lists the options)')
    .configureHelp({ sortSubcommands: true });
  for (const command of [
    generateCommand(),
    batchCommand(),
    editCommand(),
    segmentCommand(),
    macsCommand(),
    benchCommand(),
    verifyCommand(),
    workerCommand(),
    modelsCommand(),
  ]) {
    command.copyInheritedSettings(program);
    program.addCommand(command);
  }
  return program;
}
