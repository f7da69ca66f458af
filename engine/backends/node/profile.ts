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

/** Ends the name of a node's event. */
const KERNEL = '_kernel_time';

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

/** The operators of a run, and the names of its nodes in the order in which they were computed. */
interface ProfiledRun {
  operators: Map<string, OperatorTime>;
  nodes: string[];
}

/**
 * Reads a profile in Chrome's trace format as ONNX Runtime writes it: one event a line, the kernels of a run before
 * its `model_run`. Times in it are microseconds.
 */
async function readProfile(file: string, onDevice: boolean): Promise<OperatorTime[][]> {
  const runs: ProfiledRun[] = [];
  const programs: DeviceProgram[] = [];
  let current: ProfiledRun = { operators: new Map(), nodes: [] };
  const input = createReadStream(file, { end: MAX_BYTES });
  for await (const line of readline.createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const event = parseEvent(line);
    const program = event && deviceProgram(event);
    if (program) programs.push(program);
    if (event?.name === 'model_run') {
      runs.push(current);
      current = { operators: new Map(), nodes: [] };
    }
    const operator = event?.args?.op_name;
    if (!operator || !event.name?.endsWith(KERNEL) || CONTROL_FLOW.includes(operator)) continue;
    current.nodes.push(event.name.slice(0, -KERNEL.length));
    addKernel(current.operators, operator, event, onDevice && event.args?.provider === PROCESSOR);
  }
  if (programs.length > 0) takeDeviceTimes(runs, programs);
  return runs.map(({ operators }) => [...operators.values()]);
}

function addKernel(
  operators: Map<string, OperatorTime>,
  operator: string,
  { dur = 0, args }: ProfileEvent,
  onProcessor: boolean,
): void {
  const key = keyOf(operator, onProcessor);
  const { calls = 0, seconds = 0, copiedBytes = 0 }: Partial<OperatorTime> = operators.get(key) ?? {};
  const copied = copiedBytes + (COPIES.test(operator) ? Number(args?.output_size) || 0 : 0);
  operators.set(key, {
    operator,
    calls: calls + 1,
    seconds: seconds + dur / 1e6,
    ...(onProcessor && { onProcessor }),
    ...(copied > 0 && { copiedBytes: copied }),
  });
}

function keyOf(operator: string, onProcessor: boolean): string {
  return `${operator} ${onProcessor}`;
}

/**
 * Replaces the times in which the processor handed work to a device by those in which the device did it. A node runs
 * any number of programs there. They have a clock of their own, so they are matched by the names and the order of nodes.
 */
function takeDeviceTimes(runs: readonly ProfiledRun[], programs: readonly DeviceProgram[]): void {
  for (const { operators } of runs)
    for (const [key, time] of operators)
      if (!time.onProcessor && !COPIES.test(time.operator)) operators.set(key, { ...time, seconds: 0 });
  const nodes = runs.flatMap((run) => run.nodes.map((name) => ({ name, run })));
  let at = 0;
  for (const { node, operator, seconds } of programs) {
    let next = at;
    while (next < nodes.length && nodes[next]!.name !== node) next++;
    if (next < nodes.length) at = next;
    const { operators } = nodes[at]?.run ?? { operators: new Map<string, OperatorTime>() };
    const time = operators.get(keyOf(operator, false));
    if (time) operators.set(keyOf(operator, false), { ...time, seconds: time.seconds + seconds });
  }
}

/** A program that a GPU ran for a node. */
interface DeviceProgram {
  node: string;
  operator: string;
  seconds: number;
}

/**
 * The program of an event that WebGPU's provider wrote after the last run: category `Api`, name `NODE&OPERATOR&PROGRAM`
 * (`PendingKernelInfo` in ONNX Runtime's webgpu_context.h). Only devices with timestamps have such events.
 */
function deviceProgram({ cat, name, dur = 0 }: ProfileEvent): DeviceProgram | undefined {
  const [, node, operator] = (cat === 'Api' && /^(.*)&([^&]*)&[^&]*$/.exec(name ?? '')) || [];
  return operator ? { node: node!, operator, seconds: dur / 1e6 } : undefined;
}

interface ProfileEvent {
  cat?: string;
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
