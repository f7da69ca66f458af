import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { SMALL_FLUX2, SMALL_SANA } from '../../../test/support/transformers.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { InputError } from '../../errors.ts';
import { type Network, weightsOf } from '../../graph/network.ts';
import { float32, floats, int64 } from '../../graph/tensor.ts';
import { flux2 } from '../../networks/flux2.ts';
import { parseFlux2Config } from '../../networks/flux2-config.ts';
import { sana } from '../../networks/sana.ts';
import { parseSanaConfig } from '../../networks/sana-config.ts';
import { gaussianNoise } from '../../noise.ts';
import { Buffers } from '../../regions/buffers.ts';
import { fullMask, type Mask } from '../../regions/mask.ts';
import { planLevels } from '../../regions/plan.ts';
import type { Recorded } from '../../regions/recorded.ts';
import { toRows } from '../../regions/rows.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import { bandMasks } from '../bands/bands.ts';
import { memoryMailboxes } from '../bands/mailbox.ts';
import type { Condition } from '../condition.ts';
import { conditionOf } from '../denoiser-inputs.ts';
import { PLANAR } from '../forms/form.ts';
import { takePositions } from '../latents.ts';
import { readSums } from './kept-rows.ts';
import { splitText } from './split.ts';
import { planTokens, type TokenPlan, wholeTokens } from './token-plan.ts';
import { TokensNetwork } from './tokens-network.ts';
import { openTokenBand } from './transformer-bands.ts';
import { TransformerDenoiser } from './transformer-denoiser.ts';
import type { TransformerForms } from './transformer-forms.ts';

const config = parseSanaConfig(
  {
    ...SMALL_SANA,
    qk_norm: 'rms_norm_across_heads',
    guidance_embeds: true,
  },
  'test',
);
const flux2Config = parseFlux2Config(
  {
    ...SMALL_FLUX2,
    in_channels: 3,
    num_single_layers: 2,
    timestep_guidance_channels: 8,
  },
  'test',
);
const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
after(() => rm(folder, { recursive: true, force: true }));
const backend = new NodeBackend(1);

const BATCH = 2;
const conditionsOf = (seed: number, isSana: boolean) => ({
  timestep: float32(Float32Array.of(300), [1, 1]),
  encoder_hidden_states: float32(gaussianNoise(seed, 5, BATCH * 5 * 6), [BATCH, 5, 6]),
  ...(isSana && {
    guidance: float32(Float32Array.of(4.5), [1, 1]),
    encoder_attention_mask: int64(BigInt64Array.from([1, 1, 1, 1, 1, 1, 1, 1, 0, 0], BigInt), [BATCH, 5]),
  }),
});

/** A transformer in every form. */
async function subjectOf(network: Network, isSana: boolean) {
  const source = await syntheticWeights(weightsOf(network), { seed: 1, folder });
  const weights = new WeightTable(network, source);
  async function tokens(part: boolean, storage: 'float32' | 'int8' = 'float32') {
    const { text, rest } = splitText(network);
    const programs = {
      rows: await backend.compile(rest, weights, { kind: 'tokens', part }),
      text: await backend.compile(text, weights, PLANAR),
    };
    return new TokensNetwork(programs, network, { part, storage });
  }
  return {
    whole: await tokens(false),
    partial: await tokens(true),
    bytes: await tokens(true, 'int8'),
    planar: await backend.compile(network, weights, PLANAR),
    conditions: (seed: number) => conditionsOf(seed, isSana),
  };
}
const subjects = {
  SANA: await subjectOf(sana(config), true),
  'FLUX.2': await subjectOf(flux2(flux2Config), false),
};
const { partial: linear } = subjects.SANA;

const planesOf = (seed: number, size: number) => gaussianNoise(seed, 0, BATCH * 3 * size);

function run(
  net: TokensNetwork,
  plan: TokenPlan,
  planes: Float32Array,
  seed: number,
  options: Parameters<TokensNetwork['pass']>[3] = {},
) {
  const { active } = plan;
  const { conditions } = Object.values(subjects).find((subject) => Object.values(subject).includes(net))!;
  const sample = float32(toRows(planes, BATCH, 3, active), [BATCH, active.length, 3]);
  return net.pass(plan, BATCH, { ...conditions(seed), sample }, options);
}

const masks = fc
  .record({
    height: fc.integer({ min: 1, max: 5 }),
    width: fc.integer({ min: 1, max: 6 }),
    bits: fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
  })
  .map(({ height, width, bits }): Mask => {
    const data = Uint8Array.from({ length: height * width }, (_, i) => Number(bits[i]));
    return { height, width, data };
  });

function assertClose(actual: Float32Array, expected: Float32Array, limit = 1e-4): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i]! - value) < limit, `${i}: ${actual[i]} instead of ${value}`);
}

for (const [name, { whole, partial, bytes, planar, conditions }] of Object.entries(subjects)) {
  test(`${name}: all positions active: the same numbers in every form`, async () => {
    await fc.assert(
      fc.asyncProperty(masks, async ({ height, width }) => {
        const planes = planesOf(1, height * width);
        const sample = float32(planes, [BATCH, 3, height, width]);
        const expected = floats(await planar.run({ ...conditions(1), sample }), 'out');
        const plan = wholeTokens(height, width);
        const rows = toRows(expected, BATCH, 3, plan.active);
        assertClose((await run(whole, plan, planes, 1)).output, rows);
        assertClose((await run(partial, planTokens(fullMask(height, width)), planes, 1)).output, rows);
      }),
      { numRuns: 15 },
    );
  });

  test(`${name}: nothing changed: a part gives what was recorded, and leaves the record as it was`, async () => {
    await fc.assert(
      fc.asyncProperty(masks, async (mask) => {
        const planes = planesOf(2, mask.data.length);
        const dense = await run(partial, wholeTokens(mask.height, mask.width), planes, 2, { features: true });
        const recorded = partial.recorded(BATCH, dense.features);
        const plan = planTokens(mask);
        const part = await run(partial, plan, planes, 2, { recorded, features: true });
        const positions = mask.data.length;
        const channels = dense.output.length / (BATCH * positions);
        const expected = Float32Array.from({ length: part.output.length }, (_, i) => {
          const [b, row, c] = [
            Math.floor(i / (plan.active.length * channels)),
            Math.floor(i / channels) % plan.active.length,
            i % channels,
          ];
          return dense.output[(b * positions + plan.active[row]!) * channels + c]!;
        });
        assertClose(part.output, expected);
        const updated = partial.updated(recorded, plan, BATCH, part.features);
        const everything = planTokens(fullMask(mask.height, mask.width));
        const again = await run(partial, everything, planes, 2, { recorded: updated });
        assertClose(again.output, dense.output);
        for (const [name, sums] of recorded)
          if (name.startsWith('sums.'))
            assertClose(updated.get(name) as Float32Array, sums as Float32Array, 1e-3);
      }),
      { numRuns: 15 },
    );
  });

  test(`${name}: features as bytes change a part little`, async () => {
    const mask = {
      height: 5,
      width: 6,
      data: Uint8Array.from({ length: 30 }, (_, i) => Number(i % 7 === 3)),
    };
    const passes = [partial, bytes].map(async (net) => {
      const dense = await run(net, wholeTokens(5, 6), planesOf(6, 30), 6, { features: true });
      const recorded = net.recorded(BATCH, dense.features);
      return (await run(net, planTokens(mask), planesOf(7, 30), 6, { recorded })).output;
    });
    const [exact, rounded] = await Promise.all(passes);
    assertClose(rounded!, exact!, 0.05);
  });

  test(`${name}: workers: one computes what there is without workers, several the rows of a region plan`, async () => {
    const [height, width] = [5, 4];
    const planes = gaussianNoise(9, 0, 3 * height * width);
    const condition = conditionOf(conditions(8), 4.5);
    const sample = float32(Float32Array.of(...planes, ...planes), [BATCH, 3, height, width]);
    const expected = floats(await planar.run({ ...conditions(8), sample }), 'out');
    for (const edges of [
      [0, 5],
      [0, 2, 5],
    ]) {
      const bands = { height, width, axis: 'y', edges: [edges] } as const;
      const mailboxes = memoryMailboxes(edges.length - 1);
      for (const [index, mailbox] of mailboxes.entries()) {
        const what = { bands, index, mode: 'displaced', coding: 'float32' } as const;
        const band = openTokenBand(partial, what, BATCH);
        const at = planLevels([bandMasks(bands, index)[0]!]).levels[0]!.active;
        const call = { sample: planes, timestep: 300, condition };
        const first = await band.step({ ...call, kind: 'dense', step: 0 }, mailbox);
        assertClose(first.output, toRows(expected, BATCH, 3, at));
        // Nothing has changed since, so the others are as they were.
        const second = await band.step({ ...call, kind: 'band', step: 1 }, mailbox);
        assertClose(second.output, toRows(expected, BATCH, 3, at));
      }
    }
  });

  test(`${name}: bands cannot begin without a step over all of them, which is said to the user`, async () => {
    const bands = { height: 5, width: 4, axis: 'y', edges: [[0, 2, 5]] } as const;
    const [mailbox] = memoryMailboxes(2);
    const band = openTokenBand(partial, { bands, index: 0, mode: 'naive', coding: 'float32' }, BATCH);
    const sample = gaussianNoise(9, 0, 3 * 5 * 4);
    const condition = conditionOf(conditions(8), 4.5);
    await assert.rejects(
      band.step({ sample, timestep: 300, condition, kind: 'band', step: 0 }, mailbox!),
      (error) => error instanceof InputError && /warm-up/.test(error.message),
    );
  });

  test(`${name}: workers read the text of the step`, async () => {
    const [height, width] = [5, 4];
    const planes = gaussianNoise(9, 0, 3 * height * width);
    const [first, then] = [conditionOf(conditions(7), 4.5), conditionOf(conditions(8), 4.5)];
    const condition = { ...first, later: [{ from: 300, ...then }] };
    const bands = { height, width, axis: 'y', edges: [[0, 5]] } as const;
    const band = openTokenBand(partial, { bands, index: 0, mode: 'displaced', coding: 'float32' }, BATCH);
    const [mailbox] = memoryMailboxes(1);
    const at = async (timestep: number, of: Condition) => {
      const call = { sample: planes, timestep, condition: of, kind: 'dense', step: 0 } as const;
      return (await band.step(call, mailbox!)).output;
    };
    assertClose(await at(301, condition), await at(301, first));
    assertClose(await at(300, condition), await at(300, then));
  });

  test(`${name}: bands exchange what they read, and reach the dense result when nothing changes any more`, async () => {
    const [height, width] = [5, 4];
    const [before, planes] = [3, 4].map((seed) => gaussianNoise(seed, 0, 3 * height * width));
    const condition = conditionOf(conditions(8), 4.5);
    const sample = float32(Float32Array.of(...planes!, ...planes!), [BATCH, 3, height, width]);
    const expected = floats(await planar.run({ ...conditions(8), sample }), 'out');
    const bands = { height, width, axis: 'y', edges: [[0, 2, 5]] } as const;
    const mailboxes = memoryMailboxes(2);
    const units = mailboxes.map((_, index) =>
      openTokenBand(partial, { bands, index, mode: 'displaced', coding: 'float32' }, BATCH),
    );
    // One step for each block: what a block reads of the others is a step old.
    for (let step = 0; step < 6; step++)
      for (const [index, unit] of units.entries()) {
        const kind = step === 0 ? 'dense' : 'band';
        const call = {
          sample: step === 0 ? before! : planes!,
          timestep: 300,
          condition,
          kind,
          step,
        } as const;
        const { output } = await unit.step(call, mailboxes[index]!);
        const at = planLevels([bandMasks(bands, index)[0]!]).levels[0]!.active;
        const isSame = toRows(expected, BATCH, 3, at).every(
          (value, i) => Math.abs(output[i]! - value) < 1e-3,
        );
        if (step < 2) assert.equal(isSame, false, `step ${step}`);
        if (step === 5) assert.equal(isSame, true);
      }
  });
}

test('edits follow one another: sums are those of all rows that were computed', async () => {
  const [height, width] = [4, 5];
  const first = { height, width, data: Uint8Array.from({ length: 20 }, (_, i) => Number(i < 6)) };
  const second = { height, width, data: Uint8Array.from({ length: 20 }, (_, i) => Number(i > 3 && i < 12)) };
  const dense = await run(linear, wholeTokens(height, width), planesOf(3, 20), 3, { features: true });
  let recorded = linear.recorded(BATCH, dense.features);
  for (const [mask, seed] of [
    [first, 4],
    [second, 5],
    [first, 3],
    [second, 3],
  ] as const) {
    const plan = planTokens(mask);
    const pass = await run(linear, plan, planesOf(seed, 20), 3, { recorded, features: true });
    recorded = linear.updated(recorded, plan, BATCH, pass.features);
  }
  const all = planTokens(fullMask(height, width));
  const part = planTokens({
    height,
    width,
    data: Uint8Array.from({ length: 20 }, (_, i) => Number(i === 7)),
  });
  const fromEdits = await run(linear, part, planesOf(3, 20), 3, { recorded });
  assert.ok(fromEdits.output.every(Number.isFinite));
  // The first block's rows depend on their own position alone, so its sums are the dense ones again.
  const name = 'sums.transformer_blocks.0.attn1';
  const fresh = linear.recorded(
    BATCH,
    (await run(linear, all, planesOf(3, 20), 3, { features: true })).features,
  );
  assertClose(recorded.get(name) as Float32Array, fresh.get(name) as Float32Array, 1e-3);
});

test('a part costs fewer operations, and the rows that are computed again count', () => {
  const mask = { height: 8, width: 8, data: Uint8Array.from({ length: 64 }, (_, i) => Number(i === 27)) };
  const one = linear.macs(planTokens(mask), 1, 5);
  const all = linear.macs(wholeTokens(8, 8), 1, 5);
  assert.ok(one < all / 3);
  assert.ok(linear.macs(wholeTokens(8, 8), 1, 5, 2) < 2 * all, 'the text counts once');
});

for (const [name, { bytes, conditions }] of Object.entries(subjects))
  test(`${name}: where a mask covers everything, an update is a record of its own`, async () => {
    const [height, width] = [4, 5];
    const condition = conditionOf(conditions(3), 4.5);
    const forms = { network: bytes.network, editing: async () => bytes } as unknown as TransformerForms;
    const denoiser = new TransformerDenoiser(forms, { precision: 'fp32' });
    const whole = await denoiser.plan({ of: 'whole', height, width, records: true }, BATCH);
    const mask = fullMask(height, width);
    const region = await denoiser.plan({ of: 'region', mask, ring: 0 }, BATCH);
    const recorded = async (seed: number) => {
      const sample = gaussianNoise(seed, 0, 3 * height * width);
      return (await denoiser.predict(whole, sample, 300, condition, { record: true })).features as Recorded;
    };
    const [seen, own] = [await recorded(1), await recorded(2)];
    seen.edits = 8;
    const part = gaussianNoise(2, 0, 3 * height * width);
    const fresh = await denoiser.predict(region, part, 300, condition, { seen, record: true });
    assert.deepEqual(await denoiser.updated(seen, region, fresh.features!), own);
  });

test('SANA: the error of sums grows slowly with edits of one place, and a record takes up eight', async () => {
  const [height, width] = [5, 6];
  const { bytes, partial, conditions } = subjects.SANA;
  const condition = conditionOf(conditions(3), 4.5);
  const mask = {
    height,
    width,
    data: Uint8Array.from({ length: 30 }, (_, i) => Number(i % 6 > 1 && i > 11)),
  };
  const after = async (net: TokensNetwork) => {
    const forms = { network: net.network, editing: async () => net } as unknown as TransformerForms;
    const denoiser = new TransformerDenoiser(forms, { precision: 'fp32' });
    const planes = (seed: number) => gaussianNoise(seed, 0, 3 * 30);
    const whole = await denoiser.plan({ of: 'whole', height, width, records: true }, BATCH);
    const region = await denoiser.plan({ of: 'region', mask, ring: 0 }, BATCH);
    let { features } = await denoiser.predict(whole, planes(1), 300, condition, { record: true });
    const records: Recorded[] = [];
    for (let seed = 2; features; seed++) {
      const part = takePositions(planes(seed), 30, region.positions!);
      const options = { seen: features, record: true };
      const fresh = await denoiser.predict(region, part, 300, condition, options);
      features = await denoiser.updated(features, region, fresh.features!);
      if (features) records.push(features as Recorded);
    }
    return records;
  };
  const [rounded, exact] = [await after(bytes), await after(partial)];
  assert.equal(rounded.length, 8);
  const error = (edits: number) => {
    const [a, b] = [rounded[edits - 1]!, exact[edits - 1]!];
    return bytes.features.attentions.reduce((sum, feature) => {
      const one = readSums(a, feature, { storage: 'int8', buffers: new Buffers() });
      const other = readSums(b, feature, { storage: 'float32', buffers: new Buffers() });
      return sum + one.reduce((squares, value, i) => squares + (value - other[i]!) ** 2, 0);
    }, 0);
  };
  assert.ok(error(1) > 0);
  for (const edits of [2, 4, 8])
    assert.ok(
      error(edits) < edits ** 2 * error(1),
      `${Math.sqrt(error(edits) / error(1))} times, after ${edits} edits`,
    );
});
