import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import type { OperatorTime } from '../../../shared/benchmark/report.ts';

/** Bytes of a profile that are read; a U-Net run writes about a megabyte. */
const MAX_BYTES = 1 << 30;

const PROCESSOR = 'CPUExecutionProvider';

/** Between the processor and a GPU. */
const COPIES = /^Memcpy(?:From|To)Host$/;

/** Their time is that of the operators inside them, which have events of their own. */
const CONTROL_FLOW = ['If', 'Loop', 'Scan'];

/** A folder for one program's profile, gone when it has been read. */
export class ProfileFolder {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<ProfileFolder> {
    return new ProfileFolder(await mkdtemp(path.join(os.tmpdir(), 'patchwork-profile-')));
  }

  /** What ONNX Runtime's file names begin with. */
  get prefix(): string {
    return path.join(this.#folder, 'profile');
  }

  /**
   * The operators of each run, in order, from the file that the ended profile left.
   * @param onDevice the device's run: operators that still ran on the processor are marked
   */
  async read({ onDevice = false } = {}): Promise<OperatorTime[][]> {
    try {
      const [name] = await readdir(this.#folder);
      return name ? await readProfile(path.join(this.#folder, name), onDevice) : [];
    } finally {
      await this.remove();
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/**
 * Reads a profile in Chrome's trace format as ONNX Runtime writes it: one event a line, the kernels of a run before
 * its `model_run`. Times in it are microseconds.
 */
async function readProfile(file: string, onDevice: boolean): Promise<OperatorTime[][]> {
  const runs: OperatorTime[][] = [];
  let current = new Map<string, OperatorTime>();
  const input = createReadStream(file, { end: MAX_BYTES });
  for await (const line of readline.createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const event = parseEvent(line);
    if (event?.name === 'model_run') {
      runs.push([...current.values()]);
      current = new Map();
    }
    const operator = event?.args?.op_name;
    if (!operator || !event.name?.endsWith('_kernel_time') || CONTROL_FLOW.includes(operator)) continue;
    const onProcessor = onDevice && event.args?.provider === PROCESSOR;
    const key = `${operator} ${onProcessor}`;
    const { calls = 0, seconds = 0, copiedBytes = 0 }: Partial<OperatorTime> = current.get(key) ?? {};
    const copied = copiedBytes + (COPIES.test(operator) ? Number(event.args?.output_size) || 0 : 0);
    current.set(key, {
      operator,
      calls: calls + 1,
      seconds: seconds + (event.dur ?? 0) / 1e6,
      ...(onProcessor && { onProcessor }),
      ...(copied > 0 && { copiedBytes: copied }),
    });
  }
  return runs;
}

interface ProfileEvent {
  name?: string;
  dur?: number;
  args?: { op_name?: string; provider?: string; output_size?: string };
}

/** Brackets stand on lines of their own, and a cut file ends in half a line. */
function parseEvent(line: string): ProfileEvent | undefined {
  try {
    return JSON.parse(line.replace(/,\s*$/, '')) as ProfileEvent;
  } catch {
    return undefined;
  }
}
