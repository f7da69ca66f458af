import { Presets, SingleBar } from 'cli-progress';

/** A progress bar on stderr; silent where stderr is not a terminal. */
export class Progress {
  readonly #bar = new SingleBar(
    {
      format: '{bar} {value}/{total} {stage}',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  #total: number | undefined;

  update(stage: string, value: number, total: number): void {
    if (this.#total === undefined) this.#bar.start(total, value, { stage });
    if (this.#total !== total) this.#bar.setTotal(total);
    this.#total = total;
    this.#bar.update(value, { stage });
  }

  stop(): void {
    this.#bar.stop();
  }
}

/** Aborts at the first Ctrl-C; a second one ends the process at once. */
export function interruptible(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}
