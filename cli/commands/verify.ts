import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { openBackend } from '../../engine/backends/node/devices/open.ts';
import { InputError } from '../../engine/errors.ts';
import { verify } from '../../engine/verification/verify.ts';
import { chooseDevice } from '../../processes/devices/devices.ts';
import { placeOf, Turn } from '../../processes/devices/turn.ts';
import { type CheckpointOptions, checkpointRequest, withCheckpointOptions } from '../checkpoint-options.ts';
import { DEVICES } from '../engine.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { note, print } from '../output.ts';

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Compare a model with the reference tensors beside it (expected.safetensors).')
    .argument('<model>', 'a model folder, or a single file');
  return withExamples(
    withCommonOptions(withCheckpointOptions(command)).action(run),
    'verify test/fixtures/parity/tiny-sd15',
    'verify test/fixtures/parity/tiny-sd15 --device webgpu',
    'verify test/fixtures/single-file/sd15-ema-no-vae/checkpoint.safetensors --vae vae-only.safetensors',
  );
}

async function run(model: string, options: CommonOptions & CheckpointOptions): Promise<void> {
  const folder = existsSync(model) && statSync(model).isFile() ? path.dirname(model) : model;
  if (existsSync(folder) && !existsSync(path.join(folder, 'expected.safetensors')))
    throw new InputError(
      `${model} has no reference tensors ${folder === model ? 'in it' : 'beside it'} (expected.safetensors), so there is nothing to compare it with.`,
    );
  const { threads, device = 'cpu' } = options;
  const chosen = await chooseDevice(device, DEVICES);
  const compare = async () => {
    const backend = openBackend(chosen, threads);
    return { device: backend.device, ...(await verify(model, backend, checkpointRequest(options))) };
  };
  const result =
    chosen.id === 'cpu'
      ? await compare()
      : await new Turn(note).during(placeOf(chosen.findings), undefined, compare);
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
