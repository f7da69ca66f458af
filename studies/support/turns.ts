/** A part of some work, and how long each run of it took. */
export interface Timed {
  run: () => Promise<unknown>;
  /** Seconds of each run. */
  wall: number[];
  /** Seconds of the processor in all threads, likewise. */
  processor: number[];
}

export function timed(run: Timed['run']): Timed {
  return { run, wall: [], processor: [] };
}

/** Runs parts in turns: once to warm up, then `repeat` times. */
export async function timeInTurns(parts: readonly Timed[], repeat: number): Promise<void> {
  for (let round = 0; round <= repeat; round++)
    for (const part of parts) {
      const [began, used] = [performance.now(), process.cpuUsage()];
      await part.run();
      const { user, system } = process.cpuUsage(used);
      if (round === 0) continue;
      part.wall.push((performance.now() - began) / 1000);
      part.processor.push((user + system) / 1e6);
    }
}
