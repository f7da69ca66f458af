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
  #started = false;

  update(stage: string, value: number, total: number): void {
    if (!this.#started) this.#bar.start(total, value, { stage });
    else this.#bar.update(value, { stage });
    this.#started = true;
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
