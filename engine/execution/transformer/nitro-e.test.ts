import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { NodeBackend } from '../../backends/node/backend.ts';
import { weightsOf } from '../../graph/network.ts';
import { float32, floats } from '../../graph/tensor.ts';
import { nitroE } from '../../networks/nitro-e.ts';
import { parseNitroEConfig } from '../../networks/nitro-e-config.ts';
import { gaussianNoise } from '../../noise.ts';
import type { Mask } from '../../regions/mask.ts';
import { planLevels } from '../../regions/plan.ts';
import { toRows } from '../../regions/rows.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import { bandMasks, wholeCutting } from '../bands/bands.ts';
import { memoryMailboxes } from '../bands/mailbox.ts';
import { conditionOf } from '../denoiser-inputs.ts';
import { PLANAR } from '../forms/form.ts';
import { splitText } from './split.ts';
import { planTokens, type TokenPlan, wholeTokens } from './token-plan.ts';
import { TokensNetwork } from './tokens-network.ts';
import { openTokenBand } from './transformer-bands.ts';

const BATCH = 2;
const CHANNELS = 3;
const TOKENS = 16;
const CELL = 4;
const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
after(() => rm(folder, { recursive: true, force: true }));
const backend = new NodeBackend(1);

/** The network of one size in every form. */
async function subjectOf(side: number, dealt: boolean) {
  const config = {
    attention_head_dim: 8,
    caption_channels: 6,
    caption_projection_dim: 16,
    in_channels: CHANNELS,
    num_attention_heads: 2,
    out_channels: CHANNELS,
    pos_embed_max_size: 24,
    sample_size: side,
    use_sub_attn: dealt,
  };
  const network = nitroE(parseNitroEConfig(config, 'test'));
  const source = await syntheticWeights(weightsOf(network), { seed: 1, folder });
  const weights = new WeightTable(network, source);
  const tokens = async (part: boolean) => {
    const { text, rest } = splitText(network);
    const programs = {
      rows: await backend.compile(rest, weights, { kind: 'tokens', part }),
      text: await backend.compile(text, weights, PLANAR),
    };
    return new TokensNetwork(programs, network, { part, storage: 'float32' });
  };
  const planar = await backend.compile(network, weights, PLANAR);
  return { side, planar, whole: await tokens(false), partial: await tokens(true) };
}
const subjects = {
  'subregion attention': await subjectOf(16, true),
  'attention over everything': await subjectOf(8, false),
};

const conditions = {
  timestep: float32(Float32Array.of(300), [1, 1]),
  encoder_hidden_states: float32(gaussianNoise(1, 5, BATCH * TOKENS * 6), [BATCH, TOKENS, 6]),
};

function run(
  net: TokensNetwork,
  plan: TokenPlan,
  planes: Float32Array,
  options: Parameters<TokensNetwork['pass']>[3] = {},
) {
  const { active } = plan;
  const sample = float32(toRows(planes, BATCH, CHANNELS, active), [BATCH, active.length, CHANNELS]);
  return net.pass(plan, BATCH, { ...conditions, sample }, options);
}

function assertClose(actual: Float32Array, expected: Float32Array): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i]! - value) < 1e-4, `${i}: ${actual[i]} instead of ${value}`);
}

for (const [name, { side, planar, whole, partial }] of Object.entries(subjects)) {
  const planesOf = (seed: number, batch = BATCH) => gaussianNoise(seed, 0, batch * CHANNELS * side * side);
  const masks = fc.array(fc.nat({ max: side * side - 1 }), { minLength: 1, maxLength: 3 }).map((at): Mask => {
    const data = new Uint8Array(side * side);
    for (const position of at) data[position] = 1;
    return { height: side, width: side, data };
  });

  test(`${name}: all positions active: the same numbers in every form`, async () => {
    const planes = planesOf(1);
    const sample = float32(planes, [BATCH, CHANNELS, side, side]);
    const plan = wholeTokens(side, side);
    const expected = floats(await planar.run({ ...conditions, sample }), 'out');
    const rows = toRows(expected, BATCH, CHANNELS, plan.active);
    assertClose((await run(whole, plan, planes)).output, rows);
    assertClose((await run(partial, plan, planes)).output, rows);
  });

  test(`${name}: a mask grows to cells; nothing changed: a part gives what was recorded`, async () => {
    const planes = planesOf(2);
    const everything = wholeTokens(side, side);
    const dense = await run(partial, everything, planes, { features: true });
    const recorded = partial.recorded(BATCH, dense.features);
    await fc.assert(
      fc.asyncProperty(masks, async (mask) => {
        const plan = planTokens(mask, [], CELL);
        const cells = new Set(
          [...mask.data.keys()]
            .filter((i) => mask.data[i])
            .map((i) => `${Math.floor(i / side / CELL)} ${Math.floor((i % side) / CELL)}`),
        );
        assert.equal(plan.active.length, CELL ** 2 * cells.size);
        const part = await run(partial, plan, planes, { recorded, features: true });
        const expected = [0, 1].flatMap((b) =>
          [...plan.active].flatMap((position) => {
            const from = (b * side * side + position) * CHANNELS;
            return [...dense.output.subarray(from, from + CHANNELS)];
          }),
        );
        assertClose(part.output, Float32Array.from(expected));
        const updated = partial.updated(recorded, plan, BATCH, part.features);
        const again = await run(partial, everything, planes, { recorded: updated });
        assertClose(again.output, dense.output);
      }),
      { numRuns: 6 },
    );
  });

  test(`${name}: what an edit changes, another part sees`, async () => {
    const [before, after] = [planesOf(3), planesOf(4)];
    const dense = await run(partial, wholeTokens(side, side), before, { features: true });
    const recorded = partial.recorded(BATCH, dense.features);
    const corner = (position: number) => {
      const data = new Uint8Array(side * side);
      data[position] = 1;
      return planTokens({ height: side, width: side, data }, [], CELL);
    };
    const [first, last] = [corner(0), corner(side * side - 1)];
    const edited = await run(partial, first, after, { recorded, features: true });
    const updated = partial.updated(recorded, first, BATCH, edited.features);
    const seenBy = async (seen: typeof recorded) =>
      (await run(partial, last, before, { recorded: seen })).output;
    const original = await seenBy(recorded);
    const output = await seenBy(updated);
    assert.ok(output.some((value, i) => Math.abs(value - original[i]!) > 1e-6));
  });

  test(`${name}: workers: bands of whole cells give the dense result when nothing changes`, async () => {
    const planes = planesOf(5, 1);
    const condition = conditionOf(conditions, 4.5);
    const sample = float32(Float32Array.of(...planes, ...planes), [BATCH, CHANNELS, side, side]);
    const expected = floats(await planar.run({ ...conditions, sample }), 'out');
    const cutting = wholeCutting({ height: side, width: side }, 3, CELL);
    assert.equal(cutting.most, side / CELL);
    for (const weights of [[1], [1, 2]]) {
      const bands = cutting.bands(weights);
      assert.ok(bands.edges[0]!.every((edge) => edge % CELL === 0));
      const mailboxes = memoryMailboxes(weights.length);
      const units = mailboxes.map((_, index) =>
        openTokenBand(partial, { bands, index, mode: 'displaced', coding: 'float32' }, BATCH),
      );
      for (const step of [0, 1, 2])
        for (const [index, mailbox] of mailboxes.entries()) {
          const kind = step === 0 ? 'dense' : 'band';
          const call = { sample: planes, timestep: 300, condition, kind, step } as const;
          const { output } = await units[index]!.step(call, mailbox);
          const at = planLevels([bandMasks(bands, index)[0]!]).levels[0]!.active;
          assertClose(output, toRows(expected, BATCH, CHANNELS, at));
        }
    }
  });

  test(`${name}: a part costs fewer operations`, () => {
    const data = new Uint8Array(side * side);
    data[0] = 1;
    const one = partial.macs(planTokens({ height: side, width: side, data }, [], CELL), 1, TOKENS);
    assert.ok(one < partial.macs(wholeTokens(side, side), 1, TOKENS));
  });
}

test('configs that are not computed are refused by name', () => {
  for (const [config, what] of [
    [{ sample_size: 20 }, /sample_size must be a multiple of 16 with use_sub_attn, not 20/],
    [{ sample_size: 18, use_sub_attn: false }, /sample_size must be a multiple of 4, not 18/],
    [{ num_layers: 12 }, /num_layers/],
    [{ patch_size: 2 }, /patch_size/],
    [{ qk_norm: 'layer_norm' }, /qk_norm/],
    [{ caption_projection_dim: 64 }, /caption_projection_dim must be 768/],
    [{ sample_size: 112, pos_embed_max_size: 96 }, /positions for 96/],
  ] as const)
    assert.throws(() => parseNitroEConfig(config, 'config.json'), what);
});
