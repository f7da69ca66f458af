/**
 * Compares one operation of a GPU with the processor's, leaves a result on the GPU for the next run, and records features
 * there.
 */

import { WebBackend, type WebOptions } from '../../engine/backends/web/backend.ts';
import { GpuBackend } from '../../engine/backends/web/gpu.ts';
import { checkSubject } from '../../engine/execution/device-check/check.ts';
import { rightStorages } from '../../engine/execution/device-check/storages.ts';
import { subjects } from '../../engine/execution/device-check/subjects.ts';
import { PLANAR } from '../../engine/execution/forms/form.ts';
import { NetworkBuilder } from '../../engine/graph/network.ts';
import { float32 } from '../../engine/graph/tensor.ts';
import { mount } from '../../engine/host/web/fs.ts';
import { MemoryStore } from '../../engine/host/web/memory-store.ts';
import { NO_WEIGHTS } from '../../engine/weights/source.ts';
import { WeightTable } from '../../engine/weights/weight-table.ts';
import { answering } from './answering.ts';

answering(async (data: WebOptions) => {
  mount('/data', new MemoryStore());
  const gpu = (wrong: readonly string[]) =>
    new GpuBackend(data, { findings: { name: '', wrong: [...wrong] } });
  const [attentions] = subjects();
  const found = await checkSubject(gpu, new WebBackend(data), attentions!);
  return {
    ...found,
    doubled: await doubledTwice(gpu([])),
    storages: await rightStorages(gpu(found.wrong), false),
  };
});

/** 3, doubled by a program, and its result, which stays on the GPU, by the same program again. */
async function doubledTwice(backend: GpuBackend): Promise<number[]> {
  const builder = new NetworkBuilder();
  builder.output('y', builder.affine(builder.inputMap('x', 1, 0), 2, 0));
  const network = builder.build('doubled');
  const program = await backend.compile(network, new WeightTable(network, NO_WEIGHTS), PLANAR, {
    keeps: () => true,
  });
  const { y } = await program.runKept({ x: float32(Float32Array.of(3, 4), [1, 1, 1, 2]) });
  const { y: twice } = await program.runKept({ x: y! });
  y!.release();
  const { data } = await twice!.read();
  twice!.release();
  await program.release();
  return [...(data as Float32Array)];
}
