import { type Network, NetworkBuilder } from '../../graph/network.ts';
import { float32, type Tensor } from '../../graph/tensor.ts';
import type { QuantizedPrecision } from '../../graph/weight-form.ts';
import { gaussianNoise } from '../../noise.ts';

/** A network whose results on a device are compared with the processor's. */
export interface Subject {
  /** In the plural, for sentences. */
  name: string;
  network: Network;
  inputs: Readonly<Record<string, Tensor>>;
  /** The precision of its weights, if not float32. */
  precision?: QuantizedPrecision;
  /** Operators that can be composed of others if their results are wrong. */
  replaceable: readonly string[];
}

const CHANNELS = 64;
const SIDE = 16;

/** The operations that networks spend their time in or whose kernels were found wrong on some device. */
export function subjects(): Subject[] {
  return [attentions(), causalAttentions(), convolutions(), inpainting(), products(), norms(), activations()];
}

/** Products of weights in blocks of 8 and of 4 bits, which save memory. A device can do without them. */
export function blockSubjects(): Subject[] {
  return (['int8', 'int4'] as const).map((precision) => ({ ...products(), precision }));
}

/** Many queries and small heads, for which devices have fused kernels. */
function attentions(): Subject {
  const builder = new NetworkBuilder();
  const x = builder.inputMap('x', CHANNELS, 0);
  const [query, key, value] = ['q', 'k', 'v'].map((name) => builder.linear(name, x, CHANNELS));
  builder.output('y', builder.attention('attention', query!, key!, value!, 2));
  return subject('attentions', builder, [1, CHANNELS, SIDE, SIDE], ['MultiHeadAttention']);
}

/** As in text encoders. */
function causalAttentions(): Subject {
  const builder = new NetworkBuilder();
  const x = builder.inputTokens('x', CHANNELS);
  const [query, key, value] = ['q', 'k', 'v'].map((name) => builder.linear(name, x, CHANNELS));
  builder.output('y', builder.attention('attention', query!, key!, value!, 4, true));
  return subject('attentions of texts', builder, [1, 77, CHANNELS], ['MultiHeadAttention']);
}

function convolutions(): Subject {
  const builder = new NetworkBuilder();
  const x = builder.inputMap('x', CHANNELS, 0);
  const same = builder.convolution('same', x, 2 * CHANNELS);
  const down = builder.convolution('down', same, 2 * CHANNELS, { stride: 2 });
  const up = builder.convolution('up', down, CHANNELS, { upsample: true });
  const deep = builder.convolution('deep', up, CHANNELS, { groups: CHANNELS });
  builder.output('y', builder.convolution('one', deep, CHANNELS, { kernel: 1 }));
  return subject('convolutions', builder, [1, CHANNELS, SIDE, SIDE], []);
}

/** The first convolution of a U-Net that also reads a mask and a masked image. */
function inpainting(): Subject {
  const builder = new NetworkBuilder();
  const x = builder.inputMap('x', 9, 0);
  builder.output('y', builder.convolution('in', x, CHANNELS));
  return subject('convolutions of nine channels', builder, [1, 9, SIDE, SIDE], []);
}

function products(): Subject {
  const builder = new NetworkBuilder();
  const x = builder.inputTokens('x', CHANNELS);
  const gated = builder.geglu('geglu', builder.linear('in', x, 2 * CHANNELS), 4 * CHANNELS);
  builder.output('y', builder.linear('out', gated, CHANNELS, { bias: false }));
  return subject('products', builder, [2, 77, CHANNELS], ['FusedMatMul', 'Gelu']);
}

/** Values far from zero, where sums of squares are inexact. */
function norms(): Subject {
  const builder = new NetworkBuilder();
  const x = builder.affine(builder.inputMap('x', CHANNELS, 0), 1, 8);
  const group = builder.groupNorm('group', x, { groups: 8, epsilon: 1e-5, activation: 'silu' });
  builder.output('y', builder.layerNorm('layer', builder.linear('in', group, CHANNELS)));
  return subject('norms', builder, [1, CHANNELS, SIDE, SIDE], ['QuickGelu']);
}

function activations(): Subject {
  const builder = new NetworkBuilder();
  const x = builder.inputMap('x', CHANNELS, 0);
  const names = ['silu', 'gelu', 'gelu_tanh', 'quick_gelu', 'hard_swish', 'relu'] as const;
  const [first, ...rest] = names.map((name) => builder.activation(x, name));
  builder.output('y', builder.concat([first!, ...rest]));
  return subject('activations', builder, [1, CHANNELS, SIDE, SIDE], ['QuickGelu', 'Gelu', 'FastGelu']);
}

function subject(
  name: string,
  builder: NetworkBuilder,
  dims: readonly number[],
  replaceable: readonly string[],
): Subject {
  const length = dims.reduce((a, b) => a * b, 1);
  const x = float32(gaussianNoise(7, 0, length), dims);
  return { name, network: builder.build(name.replaceAll(' ', '-')), inputs: { x }, replaceable };
}
