import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { kernelsOf } from '../../../backends/devices/kernels.ts';
import { NodeBackend } from '../../../backends/node/backend.ts';
import { verify } from '../../../verification/verify.ts';
import type { Backend, CompileOptions } from '../../backend.ts';
import { type HalfNode, withHalfProducts } from './half.ts';

const FOLDERS = path.join(import.meta.dirname, '../../../../test/fixtures/parity');
const [FLOAT, INT64, HALF] = [1, 7, 10];

const node = (
  op_type: string,
  input: string[],
  output: string[],
  label = op_type,
  attribute: object[] = [],
) => ({ op_type, name: `${label}#0`, input, output, attribute }) as HalfNode;

function typed(nodes: readonly HalfNode[]) {
  return nodes.map(({ op_type, input, output }) => `${op_type}(${input.join(' ')})=${output.join(' ')}`);
}

test('products are computed in float16, norms in float32, and casts are shared', () => {
  const nodes = withHalfProducts({
    inputs: new Map([['x', FLOAT]]),
    initializers: new Map([
      ['w', FLOAT],
      ['stored', HALF],
      ['shape', INT64],
    ]),
    outputs: new Set(['y', 'z']),
    node: [
      node('Cast', ['stored'], ['v'], 'Cast', [{ name: 'to', i: FLOAT, type: 2 }]),
      node('MatMul', ['x', 'w'], ['a']),
      node('MatMul', ['x', 'v'], ['b']),
      node('Add', ['a', 'b'], ['c']),
      node('Reshape', ['c', 'shape'], ['y']),
      node('LayerNormalization', ['c'], ['d']),
      node('Relu', ['d'], ['z']),
    ],
  });
  assert.deepEqual(typed(nodes), [
    'Cast(x)=x.half',
    'Cast(w)=w.half',
    'MatMul(x.half w.half)=a',
    'MatMul(x.half stored)=b',
    'Add(a b)=c',
    'Reshape(c shape)=y.half',
    'Cast(y.half)=y',
    'Cast(c)=c.full',
    'LayerNormalization(c.full)=d',
    'Relu(d)=z',
  ]);
});

/** The processor with the operators of a GPU; it casts what it has no kernel for. */
class HalfBackend extends NodeBackend {
  override readonly can = { ...new NodeBackend(1).can, ...kernelsOf('webgpu') };

  override compile(...[network, weights, form, options]: Parameters<Backend['compile']>) {
    const half: CompileOptions = { ...options, half: true };
    return super.compile(network, weights, form, half);
  }
}

for (const folder of ['tiny-sd15', 'tiny-sana-sprint', 'tiny-flux2-klein', 'tiny-sight/segmenter'])
  test(`${folder}: within the rounding of float16`, async () => {
    const { tensors } = await verify(path.join(FOLDERS, folder), new HalfBackend(1));
    const networks = tensors.filter(({ name }) => !/^(pipeline|inpaint)/.test(name));
    assert.ok(
      networks.some(({ relative }) => relative > 1e-4),
      'it is computed in float16',
    );
    assert.deepEqual(
      networks.filter(({ relative }) => !(relative <= 2e-2)),
      [],
    );
  });
