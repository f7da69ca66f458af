/**
 * Encodes an image and then two changed parts of it by EfficientViT-SAM, with a record that stays on the software GPU, and
 * on the processor; prints the errors of the embeddings, by how much each differs from the one before, and how much of the
 * record is on the GPU, as JSON.
 */

import path from 'node:path';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { DeviceBackend } from '../../engine/backends/node/devices/backend.ts';
import { relativeError } from '../../engine/execution/device-check/error.ts';
import { isRecord, PartNetwork } from '../../engine/execution/parts/part-network.ts';
import { openSegmenterFolder } from '../../engine/models/vision-folder.ts';
import { samEncoder } from '../../engine/networks/efficientvit-heads.ts';
import { gaussianNoise } from '../../engine/noise.ts';
import { anchorsOf } from '../../engine/regions/anchors.ts';
import { WeightTable } from '../../engine/weights/weight-table.ts';

const SIDE = 128;
const { config, weights } = await openSegmenterFolder(
  path.join(import.meta.dirname, '../fixtures/parity/tiny-sight/segmenter'),
);
const encoder = samEncoder(config.encoder);
const anchors = anchorsOf(encoder);
const table = new WeightTable(encoder, await weights());

async function embeddings(backend: NodeBackend, updates: boolean) {
  const keeps = updates ? { keeps: isRecord } : {};
  const whole = await backend.compile(encoder, table, { kind: 'recording', anchors }, keeps);
  const part = await backend.compile(encoder, table, { kind: 'parts', anchors, updates }, keeps);
  const network = new PartNetwork(encoder, { whole: async () => whole, part: async () => part }, updates);
  const picture = (seed: number) => gaussianNoise(seed, 0, 3 * SIDE * SIDE);
  const { record } = await network.whole(picture(1), SIDE);
  const outputs = [Float32Array.from(network.outputIn(record))];
  for (const top of [0, 60]) {
    const changed = { y: { from: top, to: top + 40 }, x: { from: 30, to: 70 } };
    await network.part(picture(2), network.plan(SIDE, changed, 1), record);
    outputs.push(Float32Array.from(network.outputIn(record)));
  }
  const values = [...record.values()];
  const onDevice = values.filter((value) => 'onDevice' in value && value.onDevice);
  const kept = { values: values.length, onDevice: onDevice.length };
  for (const program of [whole, part]) await program.release();
  return { outputs, kept };
}

const expected = await embeddings(new NodeBackend(1), false);
const gpu = new DeviceBackend('webgpu', { name: 'software', wrong: ['MultiHeadAttention'] });
const { outputs, kept } = await embeddings(gpu, true);
const errors = outputs.map((output, i) => relativeError(output, expected.outputs[i]!));
const changes = outputs.slice(1).map((output, i) => relativeError(output, outputs[i]!));
console.log(JSON.stringify({ errors, changes, ...kept }));
