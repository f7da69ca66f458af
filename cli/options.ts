import { type Command, InvalidArgumentError, Option } from 'commander';
import { LIMITS } from '../engine/pipelines/request.ts';

/** Options that every command takes. */
export interface CommonOptions {
  json?: boolean;
  threads?: number;
}

export function withCommonOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--threads <n>', 'threads for one network run (default: all)').argParser(
        wholeNumber(1, LIMITS.threads.max),
      ),
    )
    .option('--json', 'print one JSON object on stdout, progress on stderr');
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
export function size(limits: { min: number; max: number; multipleOf: number } = LIMITS.size) {
  return (text: string): Size => {
    const match = /^(\d+)[xX×](\d+)$/.exec(text);
    const [width, height] = [Number(match?.[1]), Number(match?.[2])];
    const fits = (side: number) => side >= limits.min && side <= limits.max && side % limits.multipleOf === 0;
    if (!match || !fits(width) || !fits(height))
      throw new InvalidArgumentError(
        `It must be WIDTHxHEIGHT, both multiples of ${limits.multipleOf} from ${limits.min} to ${limits.max}.`,
      );
    return { width, height };
  };
}
