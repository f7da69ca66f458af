import path from 'node:path';
import { Command, Option } from 'commander';
import { BatchFolder, MAX_ITEMS } from '../../engine/batch/folder.ts';
import { InputError } from '../../engine/errors.ts';
import { readOptionalText } from '../../engine/json.ts';
import type { BatchOutcome, SavedItem } from '../../processes/bus/batch/coordinate.ts';
import type { BusOptions } from '../../shared/api.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { onceEach } from '../../shared/onceEach.ts';
import { openEngine } from '../engine.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, type Size, size, wholeNumber, withExamples } from '../options.ts';
import { note, print } from '../output.ts';
import { Progress } from '../progress.ts';
import { type BusCommandOptions, busOptions, withBusOptions } from '../workers.ts';
import { type DrawingOptions, drawingRequest, withDrawingOptions } from './drawing.ts';

type Options = DrawingOptions &
  BusCommandOptions & {
    size?: Size;
    prompts?: string;
    output: string;
    count: number;
    detach?: boolean;
  };

/** A prompts file's most bytes. */
const MAX_PROMPTS_BYTES = 16 << 20;

export function batchCommand(): Command {
  const command = new Command('batch')
    .description('Generate many images into a folder; with --bus, spread over workers. Re-run to resume.')
    .argument('[prompt]', 'what the images show')
    .requiredOption('-o, --output <folder>', 'the folder to write to (required)')
    .option('--prompts <file>', 'a text file with a prompt on each line')
    .addOption(
      new Option('--count <n>', 'images of each prompt, with one seed after another')
        .argParser(wholeNumber(1, MAX_ITEMS))
        .default(1),
    )
    .addOption(new Option('--size <WxH>', 'size in pixels').argParser(size()))
    .option('--detach', 'with a bus: leave once everything is queued; the same command later collects');
  return withExamples(
    withBusOptions(withDrawingOptions(command)).action(run),
    'batch "a red house by a lake" --count 20 -o houses',
    'batch --prompts prompts.txt -o images --size 512x512',
  );
}

async function run(prompt: string | undefined, options: Options): Promise<void> {
  const prompts = await promptsOf(prompt, options.prompts);
  const bus = busOptions(options);
  if (options.detach && !bus) throw new InputError('--detach needs a bus: give --bus.');
  const { lora, embedding, vae, textEncoder } = options;
  const files = { '--lora': lora, '--embedding': embedding, '--vae': vae, '--text-encoder': textEncoder };
  const [named] = Object.entries(files).find(([, value]) => value !== undefined) ?? [];
  if (bus && named)
    throw new InputError(
      `Workers use their own files for batches: leave out the bus, or ${named}, which names one of this machine.`,
    );
  const { threads: _, seed, previews: __, ...settings } = drawingRequest(options);
  const plan = { prompts, count: options.count, seed, settings: { ...settings, ...options.size } };
  const folder = await BatchFolder.open(options.output, plan);
  const signal = interruptible(options.model);
  const outcome = bus ? await overBus(folder, bus, options, signal) : await here(folder, options, signal);
  report(folder, options, outcome);
}

async function promptsOf(prompt: string | undefined, file: string | undefined): Promise<string[]> {
  if (prompt !== undefined && file !== undefined)
    throw new InputError('Give a prompt or a file of them with --prompts, not both.');
  if (file === undefined) {
    if (!prompt?.trim()) throw new InputError('Give a prompt, or a file of them with --prompts.');
    return [prompt.trim()];
  }
  const text = await readOptionalText(file, MAX_PROMPTS_BYTES);
  const prompts = (text ?? '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  if (prompts.length === 0)
    throw new InputError(`${file} ${text === undefined ? 'is missing' : 'has no prompt in it'}.`);
  return prompts;
}

/** One picture after another, by this process. */
async function here(
  folder: BatchFolder,
  { threads, device }: CommonOptions,
  signal: AbortSignal,
): Promise<BatchOutcome> {
  const engine = await openEngine(device);
  const missing = await folder.missing();
  const bar = new BatchBar(folder, missing);
  const outcome: BatchOutcome = { saved: [], failed: [], waiting: 0 };
  const warn = onceEach(note);
  try {
    for (const item of missing) {
      try {
        const { picture, seconds, warnings } = await engine.generate(
          { ...folder.request(item), threads, previews: false },
          { signal, onProgress: ({ step, steps }) => bar.update(item, step, steps) },
        );
        const saved = { item, file: await folder.save(item, picture.png), worker: 'this machine', seconds };
        outcome.saved.push(saved);
        bar.saved(saved);
        for (const warning of warnings) warn(warning);
      } catch (error) {
        signal.throwIfAborted();
        outcome.failed.push({ item, error: messageOf(error) });
      }
    }
    return outcome;
  } finally {
    bar.stop();
    await engine.dispose();
  }
}

async function overBus(
  folder: BatchFolder,
  bus: BusOptions,
  { detach }: Options,
  signal: AbortSignal,
): Promise<BatchOutcome> {
  const { coordinate } = await import('../../processes/bus/batch/coordinate.ts');
  const bar = new BatchBar(folder, await folder.missing());
  try {
    return await coordinate(folder, bus, {
      signal,
      detach,
      onSaved: (saved) => bar.saved(saved),
      onProgress: ({ item, step, steps }) => bar.update(item, step, steps),
      onNote: note,
    });
  } finally {
    bar.stop();
  }
}

/** Pictures done, and steps of those under way. */
class BatchBar {
  readonly #progress = new Progress();
  readonly #under = new Map<number, number>();
  readonly #total: number;
  #saved: number;

  constructor({ items }: BatchFolder, missing: readonly number[]) {
    this.#total = items.length;
    this.#saved = items.length - missing.length;
  }

  update(item: number, step: number, steps: number): void {
    this.#under.set(item, steps > 0 ? step / steps : 0);
    this.#show();
  }

  saved({ item }: SavedItem): void {
    this.#under.delete(item);
    this.#saved++;
    this.#show();
  }

  stop(): void {
    this.#progress.stop();
  }

  #show(): void {
    const shares = [...this.#under.values()].map((share) => `${Math.round(100 * share)} %`);
    this.#progress.update(['images', ...shares].join(', '), this.#saved, this.#total);
  }
}

function report(folder: BatchFolder, options: Options, { saved, failed, waiting }: BatchOutcome): void {
  const described = ({ item }: { item: number }) => folder.items[item]!;
  const pictures = saved.map((one) => ({
    ...described(one),
    file: one.file,
    worker: one.worker,
    seconds: one.seconds,
  }));
  const errors = failed.map((one) => ({
    ...described(one),
    file: path.join(folder.folder, described(one).file),
    error: one.error,
  }));
  for (const { file, error } of errors) note(`${file} was not generated: ${error}`);
  if (errors.length > 0) process.exitCode = 1;
  const all = folder.items.length;
  const before = all - saved.length - failed.length - waiting;
  const figures = { folder: folder.folder, batch: folder.id, pictures, failed: errors, before, waiting };
  print(options, figures, () =>
    [
      `${options.output}: ${before + saved.length} of ${all} images`,
      ...(waiting > 0 ? [`${waiting} wait in the queue`] : []),
      ...(errors.length > 0 ? [`${errors.length} failed; run the same command again to try them again`] : []),
    ].join('; '),
  );
}
