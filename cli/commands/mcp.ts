import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { InputError } from '../../engine/errors.ts';
import { startEngine } from '../engine.ts';
import { type CommonOptions, withExamples, withNetworkOptions } from '../options.ts';

type Options = Omit<CommonOptions, 'json'> & { model?: string };

export function mcpCommand(): Command {
  const command = new Command('mcp')
    .description('Offer generating, editing, selecting and describing to agents: an MCP server on stdio.')
    .argument('[folder]', 'the only folder that agents can read and write', '.')
    .option(
      '--model <model>',
      'a model that `patchwork models` lists, or a folder in the diffusers layout (default: scenes)',
    );
  return withExamples(
    withNetworkOptions(command).action(run),
    'mcp',
    'mcp images --model stabilityai/sd-turbo',
  );
}

async function run(folder: string, { model, threads, device }: Options): Promise<void> {
  const root = path.resolve(folder);
  if (!(await stat(root).catch(() => undefined))?.isDirectory())
    throw new InputError(`There is no folder ${folder}.`);
  const [{ serveTools }, { BoundedFolders }] = await Promise.all([
    import('../../agents/mcp.ts'),
    import('../../agents/folders.ts'),
  ]);
  // In a process of its own, so that the server answers while the engine computes.
  const engine = startEngine(device);
  const fill = <Request extends object>(request: Request) => ({ model, threads, ...request });
  try {
    await serveTools({
      engine,
      folders: new BoundedFolders([root]),
      settings: { generate: fill, edit: fill },
    });
  } finally {
    await engine.dispose();
  }
}
