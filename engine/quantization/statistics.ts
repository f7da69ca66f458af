/** Statistics of the inputs of product groups, by the name of the first product's weight, for each channel. */
export type Statistics = ReadonlyMap<string, ChannelStatistics>;

export interface ChannelStatistics {
  /** Largest absolute value. */
  readonly largest: Float32Array;
  readonly mean: Float32Array;
  /** Mean of squares. */
  readonly square: Float32Array;
}

/** Combines the statistics of several runs. */
export class StatisticsBuilder {
  readonly #seen = new Map<string, ChannelStatistics & { runs: number }>();

  add(name: string, { largest, mean, square }: ChannelStatistics): void {
    const known = this.#seen.get(name);
    if (!known) {
      this.#seen.set(name, { largest: largest.slice(), mean: mean.slice(), square: square.slice(), runs: 1 });
      return;
    }
    for (let c = 0; c < largest.length; c++) {
      known.largest[c] = Math.max(known.largest[c]!, largest[c]!);
      known.mean[c]! += mean[c]!;
      known.square[c]! += square[c]!;
    }
    known.runs++;
  }

  build(): Statistics {
    return new Map(
      [...this.#seen].map(([name, { largest, mean, square, runs }]) => {
        const meanOf = (sums: Float32Array) => sums.map((sum) => sum / runs);
        return [name, { largest, mean: meanOf(mean), square: meanOf(square) }];
      }),
    );
  }
}
