import assert from 'node:assert/strict';
import test from 'node:test';
import { countParameters, NetworkBuilder } from './network.ts';
import { peakValueBytes } from './peak-bytes.ts';

test('values live from their maker to their last reader, inputs and outputs to the end', () => {
  const net = new NetworkBuilder();
  const x = net.inputMap('x', 4, 0);
  const a = net.convolution('a', x, 8);
  const b = net.convolution('b', a, 8);
  const c = net.convolution('c', b, 2);
  net.output('y', net.concat([c, a]));
  const network = net.build('test');
  // 64 positions: x 4, a 8, b 8, c 2, y 10 channels. The most is x, a, b, c at the third convolution or x, a, c, y.
  const extent = { height: 8, width: 8, batch: 1, tokens: 77 };
  assert.equal(peakValueBytes(network, extent), 4 * 64 * (4 + 8 + 2 + 10));
  assert.equal(peakValueBytes(network, { ...extent, batch: 2 }), 2 * peakValueBytes(network, extent));
  assert.equal(countParameters(network), 9 * (4 * 8 + 8 * 8 + 8 * 2) + 8 + 8 + 2);
});

test('levels are smaller, each by half and rounded up', () => {
  const net = new NetworkBuilder();
  const x = net.inputMap('x', 1, 0);
  net.output('y', net.convolution('a', x, 1, { stride: 2 }));
  const network = net.build('test');
  assert.equal(peakValueBytes(network, { height: 5, width: 5, batch: 1, tokens: 0 }), 4 * (25 + 9));
});
