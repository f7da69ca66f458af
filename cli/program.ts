import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { batchCommand } from './commands/batch.ts';
import { benchCommand } from './commands/bench.ts';
import { cropCommand } from './commands/crop.ts';
import { cutOutCommand } from './commands/cutout.ts';
import { describeCommand } from './commands/describe.ts';
import { devicesCommand } from './commands/devices.ts';
import { editCommand } from './commands/edit.ts';
import { generateCommand } from './commands/generate.ts';
import { macsCommand } from './commands/macs.ts';
import { mcpCommand } from './commands/mcp.ts';
import { modelsCommand } from './commands/models.ts';
import { objectsCommand } from './commands/objects.ts';
import { segmentCommand } from './commands/segment.ts';
import { upscaleCommand } from './commands/upscale.ts';
import { verifyCommand } from './commands/verify.ts';
import { workerCommand } from './commands/worker.ts';
import { writeLines } from './output.ts';

/** All commands, those that one needs first at the top. */
const COMMANDS: readonly (readonly [heading: string, commands: readonly (() => Command)[]])[] = [
  ['Make images:', [generateCommand, editCommand, batchCommand, upscaleCommand, cropCommand]],
  ['Look at images:', [describeCommand, objectsCommand, segmentCommand, cutOutCommand]],
  ['Set up:', [modelsCommand, devicesCommand, workerCommand, mcpCommand]],
  ['Measure:', [benchCommand, macsCommand, verifyCommand]],
];

/** The `patchwork` command. Parsing errors are thrown as `CommanderError`. */
export function createProgram(): Command {
  const program = new Command('patchwork')
    .description(packageJson.description)
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => writeLines('stdout', text),
      writeErr: (text) => writeLines('stderr', text),
    })
    .addHelpText(
      'after',
      '\nExamples:\n  patchwork generate "a red house by a lake"\n  patchwork generate --help',
    )
    .showHelpAfterError('(--help lists the options)')
    .commandsGroup('More:');
  for (const [heading, commands] of COMMANDS)
    for (const make of commands) {
      const command = make().helpGroup(heading);
      inherit(program, command);
      program.addCommand(command);
    }
  return program;
}

/** Applies to subcommands too. Otherwise wrong usage of one would end the process with code 1. */
function inherit(parent: Command, command: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(command, child);
}
