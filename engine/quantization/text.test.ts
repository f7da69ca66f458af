import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeBackend } from '../backends/node/backend.ts';
import { PLANAR } from '../execution/forms/form.ts';
import { weightsOf } from '../graph/network.ts';
import { floats, int64 } from '../graph/tensor.ts';
import { clipText, parseClipTextConfig, textInputs } from '../networks/clip-text.ts';
import { readFloat32, readInt64 } from '../weights/read.ts';
import { syntheticWeights } from '../weights/synthetic.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { type Weights, WeightTable } from '../weights/weight-table.ts';
import { toInt8Rows } from './arithmetic.ts';
import { quantize } from './quantize.ts';

const [TOKENS, VOCABULARY] = [7, 50];
const config = {
  architectures: ['CLIPTextModelWithProjection'],
  hidden_size: 64,
  intermediate_size: 96,
  num_attention_heads: 2,
  num_hidden_layers: 2,
  projection_dim: 32,
  vocab_size: VOCABULARY,
};
const network = clipText(parseClipTextConfig(config, 'config'));
const weights = weightsOf(network);

/** All outputs for seeded ids. */
async function outputsOf(table: Weights) {
  const program = await new NodeBackend(1).compile(network, table, PLANAR, { threads: 1 });
  const ids = BigInt64Array.from({ length: 2 * TOKENS }, (_, i) => BigInt((i * 17) % VOCABULARY));
  const outputs = await program.run(textInputs(network, int64(ids, [2, TOKENS])));
  await program.release();
  return outputs;
}

function relativeError(actual: Float32Array, expected: Float32Array): number {
  const squares = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(squares(actual.map((value, i) => value - expected[i]!)) / squares(expected));
}

test('a text encoder of weights in blocks is near the one in float32, and smaller', async () => {
  const folder = await temporaryFolder();
  const float = new WeightTable(network, await syntheticWeights(weights, { seed: 3, folder }));
  const expected = await outputsOf(float);
  for (const precision of ['int8', 'int4'] as const) {
    const table = await quantize({ network, weights: float, precision, most: 127, folder });
    assert.ok(table.bytes < 0.35 * float.bytes, `${precision}: ${table.bytes} of ${float.bytes} bytes`);
    const actual = await outputsOf(table);
    for (const name of ['last_hidden_state', 'penultimate', 'projected']) {
      const error = relativeError(floats(actual, name), floats(expected, name));
      assert.ok(error > 1e-5 && error < 0.02, `${precision} ${name}: ${error}`);
    }
  }
});

test('a table of embeddings keeps each row to half a step of its own', async () => {
  const folder = await temporaryFolder();
  const float = new WeightTable(network, await syntheticWeights(weights, { seed: 3, folder }));
  const quantized = await quantize({ network, weights: float, precision: 'int4', most: 127, folder });
  const embedding = network.operators.find((operator) => operator.type === 'embedding')!;
  const { values, scale } = quantized.table(embedding.table)!;
  const [exact, bytes, scales] = [
    await readFloat32(float.get(embedding.table)),
    await readInt64(values),
    await readFloat32(scale),
  ];
  for (const [i, value] of exact.entries()) {
    const step = scales[Math.floor(i / config.hidden_size)]!;
    assert.ok(Math.abs(Number(bytes[i]) * step - value) <= 0.5001 * step);
  }
  const zeros = toInt8Rows(new Float32Array(8), 4);
  assert.ok(zeros.values.every((value) => value === 0) && zeros.scale.every((step) => step > 0));
});
