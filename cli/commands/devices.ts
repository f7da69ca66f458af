import { Command } from 'commander';
import { listDevices } from '../../processes/devices/devices.ts';
import { type DeviceInfo, describeCheck } from '../../shared/devices.ts';
import { formatLatency } from '../../shared/units.ts';
import { DEVICES } from '../engine.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { print } from '../output.ts';

type Options = CommonOptions & { again?: boolean };

export function devicesCommand(): Command {
  const command = new Command('devices')
    .description('List where networks can run here: the processor and GPUs, compared with it and timed.')
    .option('--again', 'try each again, whatever is remembered of it');
  return withExamples(withCommonOptions(command, 'none').action(run), 'devices', 'devices --again --json');
}

async function run({ again, ...options }: Options): Promise<void> {
  const devices = await listDevices({ ...DEVICES, again, signal: interruptible() });
  print(options, { devices }, () => devices.map(lineOf).join('\n'));
}

function lineOf(device: DeviceInfo): string {
  const { id, name, provider, available, software, reason, stepSeconds } = device;
  const state = available
    ? stepSeconds === null
      ? 'usable'
      : `a step ${formatLatency(stepSeconds)}`
    : 'not usable';
  const remarks = [
    software ? 'software: not chosen automatically' : undefined,
    reason,
    describeCheck(device),
    convolutionsOf(device),
  ].filter(Boolean);
  return [id.padEnd(8), provider.padEnd(10), state.padEnd(16), [name, ...remarks].join('; ')].join(' ');
}

/** How edits compute convolutions there, if it was measured. */
function convolutionsOf({ convolutions }: DeviceInfo): string | undefined {
  const each = convolutions?.map(
    ({ channels, form, rows, rectangle }) =>
      `${channels} channels as ${form === 'rows' ? 'rows' : 'rectangles'} (${(rows / rectangle).toFixed(1)}×)`,
  );
  return each && `convolutions of edits: ${each.join(', ')}`;
}
