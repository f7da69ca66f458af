import { Presets, SingleBar } from 'cli-progress';
import { describeProgress } from '../engine/hub/describe.ts';
import type { FetchProgress } from '../engine/hub/fetch-model.ts';
import { plainText } from '../shared/plainText.ts';

/** Stages in other words than their names. */
const WORDS: Readonly<Record<string, string>> = {
  try: 'trying the GPU',
  turn: 'waiting: the GPU computes for another window or command',
};

/** The name of a stage for people. */
export function stageWords(stage: string): string {
  return WORDS[stage] ?? stage;
}

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

  update(about: string, value: number, total: number): void {
    const stage = plainText(about, 100);
    if (this.#total === undefined) this.#bar.start(total, value, { stage });
    if (this.#total !== total) this.#bar.setTotal(total);
    this.#total = total;
    this.#bar.update(value, { stage });
  }

  stop(): void {
    this.#bar.stop();
  }
}

/** A progress bar of bytes on stderr, with rate and time left. */
export class FetchBar {
  readonly #progress = new SingleBar(
    {
      format: '{bar} {percentage} % {done} {file}',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  #begun = false;

  update(progress: FetchProgress): void {
    const { file, bytes, totalBytes } = progress;
    const text = { done: describeProgress(progress), file: plainText(file, 100) };
    if (!this.#begun) this.#progress.start(totalBytes, bytes, text);
    this.#begun = true;
    this.#progress.update(bytes, text);
  }

  stop(): void {
    this.#progress.stop();
  }
}
