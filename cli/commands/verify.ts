import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { InputError } from '../../engine/errors.ts';
import { NodeBackend } from '../../engine/host/node/backend.ts';
import { verify } from '../../engine/verification/verify.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { print } from '../output.ts';

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Compare a model folder with the reference tensors beside it (expected.safetensors).')
    .argument('<folder>', 'the model folder');
  return withExamples(withCommonOptions(command).action(run), 'verify test/fixtures/parity/tiny-sd15');
}

async function run(folder: string, options: CommonOptions): Promise<void> {
  if (existsSync(folder) && !existsSync(path.join(folder, 'expected.safetensors')))
    throw new InputError(
      `${folder} has no reference tensors (expected.safetensors), so there is nothing to compare it with.`,
    );
  const result = await verify(folder, new NodeBackend(options.threads));
  if (!result.pass) process.exitCode = 1;
  print(options, result, () => {
    const lines = result.tensors.map(
      ({ name, relative, limit }) =>
        `${relative <= limit ? 'ok  ' : 'FAIL'} ${relative.toExponential(1)}  ${name}`,
    );
    const passed = result.tensors.filter(({ relative, limit }) => relative <= limit).length;
    return [...lines, `${passed} of ${result.tensors.length} tensors agree.`].join('\n');
  });
}
