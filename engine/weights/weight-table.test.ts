import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkBuilder, weightsOf } from '../graph/network.ts';
import { WeightTable } from './weight-table.ts';

test('weights in half precision are counted, others not', () => {
  const net = new NetworkBuilder();
  const x = net.convolution('first', net.inputMap('x', 4, 0), 8);
  net.output('y', net.convolution('last', x, 6, { kernel: 1 }));
  const network = net.build('small');
  const dtypes: Record<string, string> = { 'first.weight': 'F16', 'last.weight': 'BF16' };
  const tensors = weightsOf(network).map(({ name, shape }) => {
    const dtype = dtypes[name] ?? 'F32';
    const length = shape.reduce((a, b) => a * b, 1) * (dtype === 'F32' ? 4 : 2);
    return { name, dtype, shape, file: '/small.safetensors', offset: 0, length };
  });
  const table = new WeightTable(network, {
    origin: '/small.safetensors',
    names: () => tensors.map(({ name }) => name),
    find: (asked) => tensors.find(({ name }) => name === asked),
  });
  assert.equal(table.halfBytes, 2 * (8 * 4 * 9 + 6 * 8));
  assert.equal(table.bytes, table.halfBytes + 4 * (8 + 6));
});
