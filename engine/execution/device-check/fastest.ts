/** Number of timed runs; fewer if they are slow. */
const RUNS = 5;
const ENOUGH_SECONDS = 1;

/** Seconds of the fastest run, of a program that has run before. */
export async function fastest(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let total = 0; times.length < RUNS && total < ENOUGH_SECONDS; total += times.at(-1)!) {
    const begin = performance.now();
    await run();
    times.push((performance.now() - begin) / 1000);
  }
  return Math.min(...times);
}
