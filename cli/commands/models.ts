import { Command } from 'commander';
import { ARCHITECTURES } from '../../engine/models/architectures.ts';
import { VISION_ARCHITECTURES } from '../../engine/models/efficientvit.ts';
import { embeddedModels } from '../../engine/models/embedded.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { formatBytes, print } from '../output.ts';

export function modelsCommand(): Command {
  const list = new Command('list').description('What is installed.');
  const command = new Command('models').description('Models on this machine.');
  return command.addCommand(withCommonOptions(list).action(run), { isDefault: true });
}

async function run(options: CommonOptions): Promise<void> {
  const models = await embeddedModels();
  const architectures = [...Object.keys(ARCHITECTURES), ...Object.keys(VISION_ARCHITECTURES)];
  print(options, { models, architectures }, () =>
    [
      ...models.map(({ id, bytes, folder }) => `${id}  ${formatBytes(bytes)}  ${folder}`),
      `Architectures for macs and bench: ${architectures.join(', ')}`,
    ].join('\n'),
  );
}
