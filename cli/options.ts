import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { DEVICE_CHOICES, type DeviceChoice } from '../shared/devices.ts';
import { LIMITS } from '../shared/limits.ts';
import { isSide, parseSize, type SizeLimits, sizesInWords } from '../shared/sizes.ts';

/** Options that every command takes. */
export interface CommonOptions {
  json?: boolean;
  threads?: number;
  device?: DeviceChoice;
}

/** @param computes `none`: the command runs no network, and takes `--threads` without offering it */
export function withCommonOptions(command: Command, computes: 'networks' | 'none' = 'networks'): Command {
  return withNetworkOptions(command, computes).option(
    '--json',
    'print one JSON object on stdout, progress on stderr',
  );
}

/** The same for a command that prints no result. */
export function withNetworkOptions(command: Command, computes: 'networks' | 'none' = 'networks'): Command {
  return command
    .addOption(
      new Option('--threads <n>', 'threads for one network run (default: all)')
        .argParser(wholeNumber(1, LIMITS.threads.max))
        .hideHelp(computes === 'none'),
    )
    .addOption(
      new Option('--device <name>', 'where networks run (default: auto, the fastest that computes correctly)')
        .choices(DEVICE_CHOICES)
        .hideHelp(computes === 'none'),
    );
}

/** Ends the command's help with lines to copy, each without the `patchwork` before it. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  return command.addHelpText(
    'after',
    ['', 'Examples:', ...examples.map((line) => `  patchwork ${line}`)].join('\n'),
  );
}

/** The argument `prompt`, which must not be blank. */
export function promptArgument(description: string): Argument {
  return new Argument('<prompt>', description).argParser((text) => {
    if (!text.trim()) throw new InvalidArgumentError('Enter a prompt.');
    return text.trim();
  });
}

/** As Stable Diffusion tools write it. */
export const RANDOM_SEED = -1;

/** Parser of a seed, which may be `RANDOM_SEED`. */
export function seed(text: string): number {
  return text === String(RANDOM_SEED) ? RANDOM_SEED : wholeNumber(LIMITS.seed.min, LIMITS.seed.max)(text);
}

/** Parser of a whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };
}

/** Parser of a number within bounds. */
export function decimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
    return value;
  };
}

export interface Size {
  width: number;
  height: number;
}

/** Parser of `WxH` in pixels. */
export function size(limits: SizeLimits = LIMITS.size) {
  return (text: string): Size => {
    const read = parseSize(text);
    if (!read || !isSide(read.width, limits) || !isSide(read.height, limits))
      throw new InvalidArgumentError(`It must be WIDTHxHEIGHT, ${sizesInWords(limits)}.`);
    return read;
  };
}
