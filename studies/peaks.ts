import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { NETWORK_ROLES } from '../engine/models/networks.ts';
import { openModel } from '../engine/models/open.ts';
import { PROCESSOR_PRECISIONS } from '../shared/api.ts';
import { byDefault, choices, flag, optional, pixels, study, table, text } from './frame.ts';
import { percent } from './support/figures.ts';
import type { Peak, PeakTask } from './support/peak.ts';

const NETWORKS = NETWORK_ROLES.filter((part) => part !== 'denoiser');
const UNETS = PROCESSOR_PRECISIONS.flatMap((precision) => [precision, `${precision}-records`]);

await study(
  {
    about:
      'Predicted and measured memory, and seconds. Each network runs alone in a process of its own, with synthetic weights, ' +
      'plainly rounded: once to warm up, then a few times; the fastest run counts.',
    arguments: { arch: text('a model folder, or an architecture with synthetic weights: sd15, …') },
    options: {
      size: byDefault(pixels('size of the image'), { width: 512, height: 512 }),
      guidance: flag('without guidance, as turbo and LCM models are used', true),
      only: optional(
        choices('the networks, or the U-Net in a precision, generating or recording', [
          ...NETWORKS,
          ...UNETS,
        ]),
      ),
    },
  },
  async ({ arch, size: { width, height }, guidance, only }) => {
    const model = await openModel(arch);
    const parts = NETWORKS.filter((part) => succeeds(() => model.network(part)));
    const row = table('', 'weights', 'values', 'predicted', 'measured', 'error', 'load', 'a run');
    for (const what of only ?? [...parts, ...UNETS]) {
      const task = { arch, width, height, guidance, what };
      // Writing the quantized weights takes more memory than running them.
      const precision = PROCESSOR_PRECISIONS.find((known) => known === what.split('-')[0]);
      if (precision && precision !== 'fp32') await inProcess({ ...task, prepare: true });
      const peak = (await inProcess(task))!;
      const { weights, values, total } = peak.needs;
      row(
        `${arch} ${what}, ${width}×${height}`,
        ...[weights, values, total, peak.measuredBytes].map((bytes) => `${Math.round(bytes / 1e6)} MB`),
        percent((total - peak.measuredBytes) / peak.measuredBytes, 0),
        ...[peak.loadSeconds, peak.runSeconds].map((seconds) => `${seconds.toPrecision(3)} s`),
      );
    }
  },
);

/** Runs a task in a process of its own. @returns undefined for one that only prepares */
async function inProcess(task: PeakTask): Promise<Peak | undefined> {
  const script = path.join(import.meta.dirname, 'support/peak.ts');
  const child = fork(script, { execArgv: ['--import', 'tsx'] });
  let answer: Peak | undefined;
  child.on('message', (message) => {
    answer = message as Peak;
  });
  child.send(task);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`Measuring ${task.what} failed.`);
  return answer;
}

function succeeds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
