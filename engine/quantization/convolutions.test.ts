import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { NetworkBuilder } from '../graph/network.ts';
import { float32 } from '../graph/tensor.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { WeightTable } from '../weights/weight-table.ts';
import { writeSafetensors } from '../weights/write.ts';
import { quantizeConvolutions, rangeNames } from './convolutions.ts';

const folder = await temporaryFolder();

test('the bias of a channel without weights to speak of stays what it is', async () => {
  const builder = new NetworkBuilder();
  builder.output('y', builder.convolution('conv', builder.inputMap('x', 1, 0), 2));
  const network = builder.build('one');
  const file = path.join(folder, 'one.safetensors');
  const bytes = (values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
  const weights = [...new Array<number>(9).fill(1), ...new Array<number>(9).fill(1e-20)];
  await writeSafetensors(file, [
    { name: 'conv.weight', dtype: 'F32', shape: [2, 1, 3, 3], chunks: () => [bytes(weights)] },
    { name: 'conv.bias', dtype: 'F32', shape: [2], chunks: () => [bytes([0.5, 0.75])] },
  ]);
  const { read, given } = rangeNames('conv.weight');
  const seen = {
    [read]: float32(Float32Array.of(-1, 1), [2]),
    [given]: float32(Float32Array.of(-1, 1), [2]),
  };
  const table = new WeightTable(network, await openSafetensors(file));
  const quantized = (await quantizeConvolutions(network, table, [seen], 127)).get('conv.weight')!;
  for (const [o, bias] of [0.5, 0.75].entries()) {
    const got = quantized.bias[o]! * quantized.scales[o]! * quantized.read.scale;
    assert.ok(Math.abs(got - bias) < 1e-4, `${got}, not ${bias}`);
  }
});
