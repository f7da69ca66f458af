import { Command } from 'commander';
import { NodeRuntime } from '../../engine/host/node/runtime.ts';
import { verify } from '../../engine/verification/verify.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Compare a model folder with the reference tensors beside it (expected.safetensors).')
    .argument('<folder>', 'the model folder');
  return withCommonOptions(command).action(run);
}

async function run(folder: string, options: CommonOptions): Promise<void> {
  const result = await verify(folder, new NodeRuntime(options.threads));
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
