/** What every study shares: typed arguments with --help, the machine it ran on, Markdown tables, an engine. */
import path from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { openEngine } from '../cli/engine.ts';
import { decimal, type Size, size, wholeNumber } from '../cli/options.ts';
import { report } from '../cli/report.ts';
import { describeMachine } from '../engine/backends/node/machine.ts';
import type { Engine } from '../shared/api.ts';

/** An argument or an option of a study. */
interface Parameter<T> {
  help: string;
  /** @throws InvalidArgumentError with a sentence that says what the text must be */
  parse: (text: string) => T;
  /** An argument without one must be given. */
  default?: T;
  /** Stays undefined if it is not given. */
  optional?: boolean;
  /** `list` takes the rest of the arguments, `flag` has no value. */
  kind?: 'list' | 'flag';
}

type Parameters = Record<string, Parameter<unknown>>;
type Given<P extends Parameters> = { [K in keyof P]: P[K] extends Parameter<infer T> ? T : never };

interface StudyOptions<A extends Parameters, O extends Parameters> {
  /** What it measures or draws, in a sentence or two. */
  about: string;
  /** By position, in this order. */
  arguments?: A;
  /** `--name VALUE`, or `--name` and `--no-name` for flags. */
  options?: O;
}

/** Runs a study with the arguments of this process. Sets the exit code: 1 for a failure, 2 for bad usage or input. */
export async function study<A extends Parameters, O extends Parameters>(
  options: StudyOptions<A, O>,
  run: (given: Given<A> & Given<O>) => Promise<void>,
): Promise<void> {
  const command = new Command(path.basename(process.argv[1]!)).description(options.about).exitOverride();
  const names = Object.keys(options.arguments ?? {});
  for (const [name, parameter] of Object.entries(options.arguments ?? {}))
    command.addArgument(argument(name, parameter));
  for (const [name, parameter] of Object.entries(options.options ?? {}))
    command.addOption(option(name, parameter));
  command.action(async () => {
    const positional = Object.fromEntries(names.map((name, i) => [name, command.processedArgs[i]]));
    console.log(`${machineLine()}\n`);
    await run({ ...positional, ...command.opts() } as Given<A> & Given<O>);
  });
  try {
    await command.parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

function argument(name: string, { help, parse, kind, optional, ...rest }: Parameter<unknown>): Argument {
  const isOptional = optional || 'default' in rest;
  const label = `${name}${kind === 'list' ? '...' : ''}`;
  const made = new Argument(isOptional ? `[${label}]` : `<${label}>`, help);
  if (kind !== 'list') made.argParser(parse);
  if ('default' in rest) made.default(rest.default, written(rest.default));
  return made;
}

function option(name: string, { help, parse, kind, ...rest }: Parameter<unknown>): Option {
  const long = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  if (kind === 'flag') return new Option(rest.default ? `--no-${long}` : `--${long}`, help);
  const made = new Option(`--${long} <value>`, help).argParser(parse);
  if ('default' in rest) made.default(rest.default, written(rest.default));
  return made;
}

/** A default as one would type it. */
function written(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'object') return String(value);
  const { width, height } = value as Size;
  return `${width}x${height}`;
}

export function text(help: string): Parameter<string> {
  return { help, parse: (given) => given };
}

/** The rest of the arguments, at least one. */
export function texts(help: string): Parameter<string[]> {
  return { help, parse: (given) => [given], kind: 'list' };
}

export function whole(help: string, min = 0, max = 1e6): Parameter<number> {
  return { help, parse: wholeNumber(min, max) };
}

/** Whole numbers with commas between them. */
export function wholes(help: string): Parameter<number[]> {
  const parse = wholeNumber(0, 1e6);
  return { help, parse: (given) => given.split(',').map(parse) };
}

export function fraction(help: string, min: number, max: number): Parameter<number> {
  return { help, parse: decimal(min, max) };
}

export function pixels(help: string): Parameter<Size> {
  return { help: `${help}, WIDTHxHEIGHT in pixels`, parse: size() };
}

/** One of some words. */
export function choice<T extends string>(help: string, words: readonly T[]): Parameter<T> {
  return { help: `${help}: ${words.join(', ')}`, parse: (given) => wordOf(given, words) };
}

/** Some of some words, with commas between them. */
export function choices<T extends string>(help: string, words: readonly T[]): Parameter<T[]> {
  return {
    help: `${help}: some of ${words.join(', ')}`,
    parse: (given) => given.split(',').map((word) => wordOf(word, words)),
  };
}

function wordOf<T extends string>(given: string, words: readonly T[]): T {
  const found = words.find((word) => word === given);
  if (found === undefined) throw new InvalidArgumentError(`It must be one of ${words.join(', ')}.`);
  return found;
}

/** `--name` if it is false by default, `--no-name` if true. */
export function flag(help: string, byDefault = false): Parameter<boolean> {
  return { help, parse: Boolean, kind: 'flag', default: byDefault };
}

export function byDefault<T>(parameter: Parameter<T>, value: T): Parameter<T> {
  return { ...parameter, default: value };
}

export function optional<T>(parameter: Parameter<T>): Parameter<T | undefined> {
  return { ...parameter, optional: true };
}

/** The processor, cores, memory, platform and versions that figures depend on. */
function machineLine(): string {
  const { processor, cores, memoryBytes, platform, versions } = describeMachine();
  const memory = `${Math.round(memoryBytes / 2 ** 30)} GiB`;
  return `${processor}, ${cores} cores, ${memory}, ${platform}, Node ${versions.node}, onnxruntime-node ${versions.onnxruntime}`;
}

/** Prints the head of a Markdown table. @returns a function that prints a row */
export function table(...columns: string[]): (...cells: (string | number)[]) => void {
  const row = (...cells: (string | number)[]) => {
    if (cells.length !== columns.length)
      throw new RangeError(`${cells.length} cells for ${columns.length} columns.`);
    console.log(`| ${cells.join(' | ')} |`);
  };
  row(...columns);
  row(...columns.map(() => '---'));
  return row;
}

/** Runs work with an engine in this process, the one that the command uses, and closes it afterwards. */
export async function withEngine<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await openEngine('cpu');
  try {
    return await work(engine);
  } finally {
    await engine.dispose();
  }
}
