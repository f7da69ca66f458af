import { type Network, NetworkBuilder } from '../../graph/network.ts';
import { float32 } from '../../graph/tensor.ts';
import { gaussianNoise } from '../../noise.ts';
import type { Weights } from '../../weights/weight-table.ts';
import type { Backend } from '../backend.ts';
import { rowsSeconds } from './rows.ts';
import type { Subject } from './subjects.ts';

const CHANNELS = 320;
const SIDE = 16;
const HEADS = 8;

/**
 * What is timed on every device: one block of a U-Net like Stable Diffusion's, a residual convolution and a transformer,
 * over 16×16 positions of 320 channels; 0.6 GMACs. It decides between devices, and predicts nothing else.
 */
export function timedStep(): Subject {
  const builder = new NetworkBuilder();
  const x = builder.inputMap('x', CHANNELS, 0);
  const normed = builder.groupNorm('norm', x, { groups: 32, epsilon: 1e-5, activation: 'silu' });
  const residual = builder.sum(builder.convolution('conv', normed, CHANNELS), x);
  const rows = builder.layerNorm('layer', builder.linear('in', residual, CHANNELS));
  const [query, key, value] = ['q', 'k', 'v'].map((name) => builder.linear(name, rows, CHANNELS));
  const seen = builder.sum(builder.attention('attention', query!, key!, value!, HEADS), rows);
  const fed = builder.linear('out', builder.geglu('geglu', seen, 4 * CHANNELS), CHANNELS);
  builder.output('y', builder.sum(fed, residual));
  const dims = [1, CHANNELS, SIDE, SIDE];
  const noise = gaussianNoise(7, 0, CHANNELS * SIDE * SIDE);
  return {
    name: 'steps',
    network: builder.build('step'),
    inputs: { x: float32(noise, dims) },
    replaceable: [],
  };
}

/**
 * Seconds of the same with weights in blocks of 8 bits, in rows form, in which networks with such weights run. @param
 * weights of the step's network
 */
export function blockStepSeconds(device: Backend, network: Network, weights: Weights): Promise<number> {
  return rowsSeconds(device, { network, weights, channels: CHANNELS, side: SIDE }, false);
}
