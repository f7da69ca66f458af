import assert from 'node:assert/strict';
import test from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../cli/program.ts';
import { patchwork, patchworkHere } from './patchwork.ts';

/** All commands with what they are called by, `models get` among them. */
function commandsOf(command: Command, names: string[] = []): string[][] {
  return [names, ...command.commands.flatMap((child) => commandsOf(child, [...names, child.name()]))];
}

/** Words of a line as a shell reads them. */
function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain!);
}

function withoutActions(command: Command): Command {
  command.action(() => {});
  for (const child of command.commands) withoutActions(child);
  return command;
}

test('every command has examples in its help, and each of them is understood', async () => {
  const commands = commandsOf(createProgram());
  assert.ok(commands.length > 12);
  for (const names of commands) {
    const { code, stdout } = await patchworkHere([...names, '--help']);
    assert.equal(code, 0);
    const [, examples = ''] = stdout.split('\nExamples:\n');
    const lines = examples.trim().split('\n');
    assert.ok(examples, `${names.join(' ')} has no examples`);
    for (const line of lines) {
      const [program, ...args] = wordsOf(line);
      assert.equal(program, 'patchwork');
      if (args.includes('--help')) continue;
      const parsed = withoutActions(createProgram());
      await parsed.parseAsync(args, { from: 'user' });
    }
  }
});

test('commands that compute nothing take --threads without offering it', async () => {
  const { stdout } = await patchwork(['models', 'list', '--help']);
  assert.doesNotMatch(stdout, /--threads/);
  assert.equal((await patchwork(['models', 'list', '--threads', '1', '--json'])).code, 0);
});

test('help lists the commands by what they are for, the usual ones first', async () => {
  const { stdout } = await patchwork(['--help']);
  const order = [
    'Make images:',
    '  generate [',
    '  edit [',
    'Look at images:',
    '  objects [',
    'Set up:',
    'Measure:',
  ];
  const places = order.map((text) => stdout.indexOf(text));
  assert.ok(!places.includes(-1), stdout);
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
});

test('what prints no result takes no --json: stdout of the MCP server is its protocol', async () => {
  const { code, stderr } = await patchwork(['mcp', '--json']);
  assert.equal(code, 2);
  assert.match(stderr, /unknown option '--json'/);
});

test('a file that is no model is named by verify as it was given', async () => {
  const { code, stderr } = await patchwork(['verify', 'package.json']);
  assert.equal(code, 2);
  assert.match(stderr, /^package\.json has no reference tensors beside it/);
});
