import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { CODINGS } from '../../shared/codings.ts';
import type { StepKind } from '../../shared/stepPlan.ts';
import { assertClose } from '../../test/support/close.ts';
import { CROSS, smallUNet, tinyUNets, withTinyModel } from '../../test/support/tiny-model.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { InputError, isAbort } from '../errors.ts';
import { type Mailbox, memoryMailboxes } from '../execution/bands/mailbox.ts';
import { Components } from '../execution/components.ts';
import { batchOf, type Condition } from '../execution/condition.ts';
import { predictor } from '../execution/denoise.ts';
import { Steps, stepsMacs } from '../execution/steps.ts';
import { sizeAt } from '../graph/macs.ts';
import { float32 } from '../graph/tensor.ts';
import { denoiserVersion } from '../models/content-hash.ts';
import type { Model } from '../models/model.ts';
import type { Steering } from '../networks/unet.ts';
import { parseUNetConfig } from '../networks/unet-config.ts';
import { gaussianNoise, gaussianTensor } from '../noise.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { DividedImage } from './division.ts';
import { CrewLostError, type Member, MemberLostError } from './job.ts';
import { partCosts } from './simulate.ts';
import { TeamRun } from './team.ts';
import { TEAM_DEFAULTS, type TeamOptions } from './team-options.ts';
import { PatchWorker } from './worker.ts';

const UNET = smallUNet();
const [height, width] = [16, 12];
const TIMESTEPS = [900, 700, 500, 300, 100, 50];
const PLAIN: Condition = {
  text: float32(gaussianNoise(1, 9, 2 * 5 * CROSS), [2, 5, CROSS]),
  guidance: 3,
};

/** Workers in this process, with a hook into every step. */
class TestCrew {
  readonly dismissed: string[] = [];
  readonly ended = new Set<string>();
  readonly kinds: string[][];
  /** Bytes that each member received in its steps. */
  readonly received: number[][];
  readonly members: Member[];
  readonly workers: PatchWorker[];
  onStep: (member: number, step: number) => Promise<void> | void = () => {};

  constructor(model: Model, count: number, alter: (mailbox: Mailbox) => Mailbox = (mailbox) => mailbox) {
    const mail = new Map<string, Mailbox[]>();
    this.kinds = Array.from({ length: count }, () => []);
    this.received = Array.from({ length: count }, () => []);
    this.workers = Array.from(
      { length: count },
      () => new PatchWorker(new NodeBackend(1), 1, async () => model),
    );
    this.members = this.workers.map((worker, i) => ({
      name: `Worker ${i + 1}`,
      begin: async (job) => {
        if (!mail.has(job.id)) mail.set(job.id, memoryMailboxes(count));
        return worker.begin(job, alter(mail.get(job.id)![job.index]!));
      },
      step: async (call) => {
        this.kinds[i]!.push(call.shallow ? `${call.kind}, shallow` : call.kind);
        await this.onStep(i, call.step);
        const answer = await worker.step(call);
        this.received[i]!.push(answer.receivedBytes);
        return answer;
      },
      keep: async (job, picture) => worker.keep(job, picture),
      end: async (job) => {
        this.ended.add(job);
      },
      dismiss: async () => {
        this.dismissed.push(`Worker ${i + 1}`);
      },
    }));
  }
}

interface Setting {
  model: Model;
  run: (crew: TestCrew, options?: Partial<TeamOptions>, signal?: AbortSignal) => Promise<TeamRun>;
  /** A process of a few steps; returns every step's output. */
  denoise: (predict: TeamRun['predict']) => Promise<Float32Array[]>;
  alone: () => Promise<Float32Array[]>;
  /** The same with some steps that reuse deep features. */
  reusing: {
    run: (crew: TestCrew, options?: Partial<TeamOptions>) => Promise<TeamRun>;
    alone: () => Promise<{ outputs: Float32Array[]; macs: number }>;
  };
}

const KINDS = [...'FdFddF'] as StepKind[];

/** What is generated instead of the plain picture. */
interface Settings {
  unet?: object;
  steering?: Steering;
  condition?: Condition;
}

const withSetting = (
  use: (setting: Setting) => Promise<void>,
  { unet = UNET, steering, condition = PLAIN }: Settings = {},
) =>
  withTinyModel(
    unet,
    async (model) => {
      const components = new Components(model, new NodeBackend(1), 1);
      const picture = {
        model: model.id,
        version: await denoiserVersion(model),
        precision: 'fp32' as const,
        network: components.network('denoiser'),
        channels: 4,
        height,
        width,
        condition,
        timesteps: TIMESTEPS,
      };
      const denoise: Setting['denoise'] = async (predict) => {
        let sample = gaussianNoise(1, 0, 4 * height * width);
        const outputs: Float32Array[] = [];
        for (const index of TIMESTEPS.keys()) {
          const output = await predict(sample, index);
          outputs.push(output);
          sample = sample.map((value, i) => value - 0.1 * output[i]!);
        }
        return outputs;
      };
      const denoiser = components.denoiser({ precision: 'fp32' });
      const begun = async (
        crew: TestCrew,
        what: DividedImage,
        options?: Partial<TeamOptions>,
        signal?: AbortSignal,
      ) => {
        const run = new TeamRun(crew.members, what, { ...TEAM_DEFAULTS, ...options }, signal);
        await run.begin();
        return run;
      };
      await use({
        model,
        denoise,
        run: (crew, options, signal) => begun(crew, picture, options, signal),
        reusing: {
          run: (crew, options) =>
            begun(crew, { ...picture, kinds: KINDS, shallow: denoiser.shallow }, options),
          async alone() {
            const scheduler = { timesteps: TIMESTEPS } as unknown as Scheduler;
            const steps = await Steps.open(
              denoiser,
              { of: 'whole', height, width },
              scheduler,
              condition,
              KINDS,
            );
            const outputs = await denoise(
              async (sample, index) => (await steps.predict(sample, index)).output,
            );
            return { outputs, macs: stepsMacs(denoiser, KINDS, { height, width }, condition) };
          },
        },
        alone: async () => {
          const whole = await denoiser.plan({ of: 'whole', height, width }, batchOf(condition));
          return denoise(predictor(denoiser, whole, { timesteps: TIMESTEPS }, condition));
        },
      });
      await components.release();
    },
    steering,
  );

test('one worker is no worker, bit for bit; two with a branch each give the same result', () =>
  withSetting(async ({ model, run, denoise, alone }) => {
    const expected = await alone();
    assert.deepEqual(await denoise((await run(new TestCrew(model, 1))).predict), expected);
    const two = await denoise((await run(new TestCrew(model, 2))).predict);
    for (const [i, output] of two.entries()) assertClose(output, expected[i]!, 1e-5);
  }));

test('all steps dense: one worker’s picture; displaced and naive bands differ from it, naive ones more', () =>
  withSetting(async ({ model, run, denoise, alone }) => {
    const expected = await alone();
    const errors: number[] = [];
    for (const [mode, warmUp] of [
      ['synchronous', 0],
      ['displaced', TIMESTEPS.length],
      ['displaced', 1],
      ['naive', 0],
    ] as const) {
      const team = await run(new TestCrew(model, 3), { mode, warmUp, split: 'bands' });
      const outputs = await denoise(team.predict);
      const last = expected.at(-1)!;
      const scale = Math.max(...last.map(Math.abs));
      errors.push(Math.max(...outputs.at(-1)!.map((value, i) => Math.abs(value - last[i]!))) / scale);
      assert.equal(team.report().length, 3);
    }
    assert.ok(errors[0]! < 1e-4 && errors[1]! < 1e-4, `${errors}`);
    assert.ok(errors[2]! > 1e-4 && errors[3]! > errors[2]!, `${errors}`);
  }));

test('steps that reuse deep features do so on every worker, which send the finest ones only', () =>
  withSetting(async ({ model, denoise, reusing }) => {
    const { outputs: expected, macs } = await reusing.alone();
    // A branch each, then bands of every step densely: the same image for the same operations in all.
    for (const [crew, options] of [
      [new TestCrew(model, 2), {}],
      [new TestCrew(model, 2), { split: 'bands', mode: 'synchronous' }],
    ] as const) {
      const team = await reusing.run(crew, options);
      const outputs = await denoise(team.predict);
      for (const [i, output] of outputs.entries()) assertClose(output, expected[i]!, 1e-4);
      const each = team.report().map((report) => report.macs);
      assert.ok(each.every((own) => Math.abs(own / macs - (options.split ? 1 : 0.5)) < 0.02));
    }
    const crew = new TestCrew(model, 2);
    const team = await reusing.run(crew, { warmUp: 1, split: 'bands' });
    const outputs = await denoise(team.predict);
    for (const [i, output] of outputs.entries()) assertClose(output, expected[i]!, 0.5);
    assert.deepEqual(crew.kinds[1], [
      ...['dense', 'band, shallow', 'band'],
      ...['band, shallow', 'band, shallow', 'band'],
    ]);
    // Each step receives what the one before has posted, which is less after a shallow one.
    const [dense, first, afterShallow, afterFull, ...others] = crew.received[0]!;
    assert.deepEqual([dense, first], [0, 0], 'a dense step posts nothing');
    assert.ok(afterShallow! > 0 && afterShallow! < afterFull! / 2, `${afterShallow} of ${afterFull}`);
    assert.deepEqual(others, [afterShallow, afterShallow]);
  }));

test('workers that begin in the middle of a process compute its next step in full', () =>
  withSetting(async ({ model, denoise, reusing }) => {
    const crew = new TestCrew(model, 3);
    crew.onStep = (member, step) => {
      if (member === 1 && step === 3) throw new MemberLostError('gone');
    };
    const team = await reusing.run(crew, { warmUp: 1, split: 'bands' });
    const outputs = await denoise(team.predict);
    assert.deepEqual(crew.kinds[0]!.slice(3, 6), ['band, shallow', 'dense', 'band, shallow']);
    const { outputs: expected } = await reusing.alone();
    for (const [i, output] of outputs.entries()) assertClose(output, expected[i]!, 0.5);
  }));

/** A U-Net that is steered by one of each kind, some of which may be off, with pictures of random numbers. */
const steered = fc.record({
  config: tinyUNets,
  guess: fc.boolean(),
  late: fc.boolean(),
  kinds: fc.subarray(['hints', 'features', 'references', 'masked'] as const, { minLength: 1 }),
});

test('steered by ControlNets, adapters and references: one worker is no worker, and branches and bands give the same result', () =>
  fc.assert(
    fc.asyncProperty(steered, async ({ config, guess, late, kinds }) => {
      const base = parseUNetConfig(config, 'tiny');
      const { block_out_channels: channels } = config;
      const random = (stream: number, dims: readonly number[]) => gaussianTensor(7, stream, dims);
      const map = (stream: number, level: number, of = channels[level]!) =>
        random(stream, [1, of, ...sizeAt({ height, width }, level)]);
      const acting = late ? { from: 500, to: 0 } : { from: 1000, to: 0 };
      const has = (kind: (typeof kinds)[number]) => kinds.includes(kind);
      const masks = Object.fromEntries(channels.map((_, level) => [level, map(20 + level, level, 1)]));
      const groups = [...(has('references') ? [false] : []), ...(has('masked') ? [true] : [])];
      const condition: Condition = {
        ...PLAIN,
        controls: {
          hints: has('hints') ? [{ maps: [map(1, 0)], strength: 0.6, ...acting, guess }] : [],
          features: has('features')
            ? [{ maps: channels.map((_, level) => map(2 + level, level)), strength: 0.5, ...acting }]
            : [],
        },
        references: groups.map((masked, i) => ({
          keys: random(10 + i, [2, 3, CROSS]),
          values: random(12 + i, [2, 3, CROSS]),
          ...(masked && { masks }),
        })),
      };
      const steering = {
        controls: has('hints') ? [base] : [],
        features: has('features') ? channels.length : 0,
        references: groups.map((masked) => ({ masked })),
      };
      await withSetting(
        async ({ model, run, denoise, alone }) => {
          const expected = await alone();
          assert.deepEqual(await denoise((await run(new TestCrew(model, 1))).predict), expected);
          for (const [count, options] of [
            [2, {}],
            [3, { split: 'bands', mode: 'synchronous' }],
          ] as const) {
            const outputs = await denoise((await run(new TestCrew(model, count), options)).predict);
            const last = expected.at(-1)!;
            const scale = Math.max(...last.map(Math.abs));
            const error = Math.max(...outputs.at(-1)!.map((value, i) => Math.abs(value - last[i]!)));
            assert.ok(error < 1e-4 * scale, `${count} workers: ${error / scale}`);
          }
        },
        { unet: config, steering, condition },
      );
    }),
    { seed: 21, numRuns: 6 },
  ));

test('the reports tell bands, operations and bytes', () =>
  withSetting(async ({ model, run, denoise }) => {
    const team = await run(new TestCrew(model, 4), { warmUp: 1 });
    await denoise(team.predict);
    const report = team.report();
    assert.deepEqual(
      report.map(({ branch, from, to }) => [branch, from, to]),
      [
        [0, 0, 8],
        [0, 8, 16],
        [1, 0, 8],
        [1, 8, 16],
      ],
    );
    for (const { sentBytes, receivedBytes, stepMacs, macs } of report) {
      assert.ok(sentBytes > 0 && receivedBytes > 0 && stepMacs > 0);
      assert.ok(macs > TIMESTEPS.length * stepMacs);
    }
  }));

for (const coding of CODINGS)
  test(`the bytes worked out are those that travel, coded as ${coding}`, () =>
    withSetting(async ({ model, run, denoise }) => {
      const network = model.network('denoiser');
      const extent = { height, width, batch: 2, tokens: 5 };
      for (const [count, split] of [
        [2, 'bands'],
        [3, 'bands'],
        [4, 'auto'],
      ] as const) {
        const team = await run(new TestCrew(model, count), { warmUp: 1, split, coding });
        await denoise(team.predict);
        assert.deepEqual(
          team.report().map(({ receivedBytes }) => receivedBytes),
          partCosts(network, extent, count, coding, split).map(({ receivedBytes }) => receivedBytes),
        );
      }
    }));

test('a worker that is lost mid-picture: the others continue from that step, with a dense one', () =>
  withSetting(async ({ model, run, denoise, alone }) => {
    const crew = new TestCrew(model, 3);
    crew.onStep = (member, step) => {
      if (member === 1 && step === 3) throw new MemberLostError('gone');
    };
    const team = await run(crew, { warmUp: 1, split: 'bands' });
    const outputs = await denoise(team.predict);
    assert.deepEqual(crew.dismissed, ['Worker 2']);
    assert.deepEqual(team.notices, ['Worker 2 was lost; Worker 1, Worker 3 did the rest.']);
    assert.deepEqual(crew.kinds[0], ['dense', 'band', 'band', 'band', 'dense', 'band', 'band']);
    const expected = await alone();
    for (const [i, output] of outputs.entries()) assertClose(output, expected[i]!, 0.5);
    assert.equal(team.report().length, 2);
  }));

test('a worker that stalls is dismissed when patience ends', (context) =>
  withSetting(async ({ model, run, denoise }) => {
    const crew = new TestCrew(model, 2);
    crew.onStep = (member, step) => (member === 0 && step === 2 ? new Promise(() => {}) : undefined);
    const other = crew.members[1]!;
    const { step } = other;
    other.step = (call) => (call.step === 2 ? endingPatience(context, crew, step(call)) : step(call));
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const team = await run(crew, { warmUp: 1, split: 'bands' });
    await denoise(team.predict);
    assert.deepEqual(crew.dismissed, ['Worker 1']);
    assert.match(team.notices.join(), /Worker 1 was lost; Worker 2 did the rest\./);
  }));

/** Lets the patience with the others end once this worker has answered, unless one is dismissed already. */
async function endingPatience<Answer>(
  { mock }: TestContext,
  { dismissed }: TestCrew,
  answering: Promise<Answer>,
): Promise<Answer> {
  const answer = await answering;
  if (dismissed.length === 0) setImmediate(() => mock.timers.tick(1000 * TEAM_DEFAULTS.beginPatience));
  return answer;
}

test('features that do not come make the next step dense, never wrong', () =>
  withSetting(async ({ model, run, denoise, alone }) => {
    let lost = 0;
    const crew = new TestCrew(model, 2, (mailbox) => ({
      ...mailbox,
      post: async (step, to, parts) => {
        if (step === 3 && lost++ === 0) return;
        await mailbox.post(step, to, parts);
      },
    }));
    const team = await run(crew, { warmUp: 1, split: 'bands' });
    const outputs = await denoise(team.predict);
    assert.match(team.notices.join(), /Step 5 was computed again/);
    assertClose(outputs[4]!, (await alone())[4]!, 0.5);
    assert.deepEqual(crew.kinds[0], ['dense', 'band', 'band', 'band', 'band', 'dense', 'band']);
  }));

test('when all workers are lost the picture fails with one sentence', () =>
  withSetting(async ({ model, run, denoise }) => {
    const crew = new TestCrew(model, 2);
    crew.onStep = (_, step) => {
      if (step === 2) throw new MemberLostError('gone');
    };
    await assert.rejects(denoise((await run(crew)).predict), /All workers were lost/);
  }));

test('cancelling waits for no worker', () =>
  withSetting(async ({ model, run, denoise }) => {
    const crew = new TestCrew(model, 2);
    const controller = new AbortController();
    crew.onStep = (_, step) => {
      if (step !== 2) return;
      controller.abort();
      return new Promise(() => {});
    };
    const team = await run(crew, {}, controller.signal);
    await assert.rejects(denoise(team.predict), isAbort);
    team.end();
    assert.ok(crew.ended.size > 0);
  }));

test('bands follow measured speeds where workers are not equally fast', () =>
  withSetting(async ({ model, run, denoise }) => {
    const crew = new TestCrew(model, 2);
    const slow = crew.members[1]!;
    const step = slow.step.bind(slow);
    const fast = crew.members[0]!;
    const other = fast.step.bind(fast);
    fast.step = async (call) => ({ ...(await other(call)), runSeconds: 0.01 });
    slow.step = async (call) => ({ ...(await step(call)), runSeconds: 0.03 });
    const team = await run(crew, { split: 'bands', equallyFast: false });
    await denoise(team.predict);
    assert.deepEqual(
      team.report().map(({ from, to }) => to - from),
      [12, 4],
    );
  }));

const WRONG: Record<string, (output: Float32Array) => Float32Array> = {
  'no output': () => new Float32Array(),
  'one number': () => new Float32Array(1),
  'too short an output': (output) => output.slice(4),
  'too long an output': (output) => Float32Array.of(...output, 0),
  'a number that is none': (output) => output.map((value, i) => (i === 7 ? Number.NaN : value)),
  'an infinite number': (output) => output.map((value, i) => (i === 7 ? Number.NEGATIVE_INFINITY : value)),
};
for (const [what, spoil] of Object.entries(WRONG))
  test(`a worker that answers ${what} is given up by name; the others draw the same image`, () =>
    withSetting(async ({ model, run, denoise, alone }) => {
      for (const split of ['auto', 'bands'] as const) {
        const crew = new TestCrew(model, 2);
        const liar = crew.members[1]!;
        const step = liar.step.bind(liar);
        liar.step = async (call) => {
          const answer = await step(call);
          return call.step === 2 ? { ...answer, output: spoil(answer.output) } : answer;
        };
        const team = await run(crew, { split, warmUp: TIMESTEPS.length });
        const outputs = await denoise(team.predict);
        assert.deepEqual(crew.dismissed, ['Worker 2']);
        assert.match(
          team.notices.join(),
          /^Worker 2 was given up, since it gave .*; Worker 1 did the rest\.$/,
        );
        for (const [i, expected] of (await alone()).entries()) assertClose(outputs[i]!, expected, 1e-4);
      }
    }));

test('times that cannot be are not believed', () =>
  withSetting(async ({ model, run, denoise }) => {
    const crew = new TestCrew(model, 2);
    const liar = crew.members[1]!;
    const step = liar.step.bind(liar);
    liar.step = async (call) => ({ ...(await step(call)), runSeconds: 0 });
    const team = await run(crew, { split: 'bands', equallyFast: false });
    await denoise(team.predict);
    assert.ok(team.report().every(({ from, to }) => to > from));
  }));

test('a worker that refuses a job, or fails in a step of its own, is given up with its words', () =>
  withSetting(async ({ model, run, denoise }) => {
    const crew = new TestCrew(model, 2);
    crew.members[0]!.begin = async () => {
      throw new Error('no\u001b[2J');
    };
    const refused = await run(crew);
    assert.deepEqual(refused.notices, ['Worker 1 was given up, since no\ufffd[2J; Worker 2 did the rest.']);
    await denoise(refused.predict);
    const other = new TestCrew(model, 2);
    other.onStep = (member, step) => {
      if (member === 0 && step === 1) throw new Error('out of memory');
    };
    const team = await run(other, { mode: 'synchronous', split: 'bands' });
    await denoise(team.predict);
    assert.match(team.notices.join(), /Worker 1 was given up, since out of memory; Worker 2 did the rest/);
  }));

test('when all refuse, the error names the first and says what it said', () =>
  withSetting(async ({ model, run }) => {
    const crew = new TestCrew(model, 2);
    for (const member of crew.members)
      member.begin = async () => {
        throw new InputError('the model is damaged');
      };
    await assert.rejects(
      run(crew),
      (error) => error instanceof InputError && error.message === 'Worker 1: the model is damaged',
    );
  }));

test('a worker that never begins is given up; what reaches all of them fails at once', (context) =>
  withSetting(async ({ model, run, denoise }) => {
    const crew = new TestCrew(model, 2);
    crew.members[0]!.begin = () => new Promise(() => {});
    const other = crew.members[1]!;
    const { begin } = other;
    other.begin = (job) => endingPatience(context, crew, begin(job));
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const team = await run(crew);
    assert.match(team.notices.join(), /Worker 1 was lost; Worker 2 did the rest/);
    await denoise(team.predict);
    const cut = new TestCrew(model, 2);
    cut.onStep = (_, step) => {
      if (step === 1) throw new CrewLostError('The bus is gone.');
    };
    await assert.rejects(denoise((await run(cut)).predict), /^CrewLostError: The bus is gone\.$/);
  }));
