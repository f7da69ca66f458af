import { Command } from 'commander';
import { openEngine } from '../engine.ts';
import { readImages } from '../images.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { note, print } from '../output.ts';

export function describeCommand(): Command {
  const command = new Command('describe')
    .description('Put an image into words from which one like it could be generated.')
    .argument('<image>', 'the image');
  return withExamples(
    withCommonOptions(command).action(run),
    'describe lake.png',
    'describe lake.png --json',
  );
}

async function run(image: string, options: CommonOptions): Promise<void> {
  const { bytes } = await readImages({ bytes: image });
  const engine = await openEngine(options.device);
  try {
    const { threads } = options;
    const { prompt, sure, labels, macs, seconds, device, warnings } = await engine.describe(
      { image: bytes, threads },
      { signal: interruptible() },
    );
    for (const warning of warnings) note(warning);
    print(
      options,
      { file: image, prompt, sure, labels, macs, seconds, device },
      () => prompt || 'Nothing was recognized.',
    );
  } finally {
    await engine.dispose();
  }
}
