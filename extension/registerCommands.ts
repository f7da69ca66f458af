import { commands, type Disposable } from 'vscode';
import type { CommandName } from './commands.ts';

/** The argument depends on the menu. */
type Handler = (asked?: never) => unknown;

/** Registers commands by their names in `COMMANDS`. */
export function registerCommands(handlers: Partial<Record<CommandName, Handler>>): Disposable[] {
  return Object.entries(handlers).map(([name, handler]) =>
    commands.registerCommand(`patchwork.${name}`, handler as (asked?: unknown) => unknown),
  );
}
