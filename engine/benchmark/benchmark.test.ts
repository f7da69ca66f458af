import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { engineProcess } from '../../processes/engine/client.ts';
import { LocalCrew } from '../../processes/workers/crew.ts';
import type { BenchmarkProgress, BenchmarkRequest, BenchmarkRow, Engine } from '../../shared/api.ts';
import { scriptOf } from '../../test/support/script.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { InputError, isAbort } from '../errors.ts';
import { countMacs } from '../graph/macs.ts';
import { openModel } from '../models/open.ts';

const SIZE = { width: 128, height: 128 };
const HALF = { name: 'half', share: 0.5 };
const TENTH = { name: 'tenth', share: 0.1 };

let engine: Engine;
before(() => {
  const script = scriptOf(path.join(import.meta.dirname, '../../processes/engine/process.ts'));
  engine = createEngine(new NodeBackend(), {
    openCrew: () => new LocalCrew(),
    startEngine: () => engineProcess(script),
  });
});
after(() => engine.dispose());

const step = (more: Partial<BenchmarkRequest>): BenchmarkRequest => ({
  cases: ['dense', 'sparse'],
  ...SIZE,
  masks: [HALF, TENTH],
  repeat: 1,
  ...more,
});

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);

test('one row for each case and mask, with MACs that add up and PSNR against dense', async () => {
  const { report, pictures } = await engine.benchmark(step({}));
  assert.deepEqual(
    report.rows.map((row) => `${row.case} ${row.mask} ${row.mode} ${row.precision} ${row.workers}`),
    ['dense null dense fp32 1', 'sparse half sparse fp32 1', 'sparse tenth sparse fp32 1'],
  );
  const [dense, half, tenth] = report.rows;
  const model = await openModel();
  const counted = countMacs(model.network('denoiser'), { height: 16, width: 16, batch: 2, tokens: 77 });
  assert.deepEqual([dense!.macs, dense!.macsByKind], [counted.total, counted.byKind]);
  for (const { macs, macsByKind, macsByLevel } of report.rows)
    assert.deepEqual([sum(macsByKind), sum(macsByLevel)], [macs, macs]);
  assert.ok(tenth!.macs < half!.macs && half!.macs < dense!.macs);
  assert.equal(dense!.psnr, null);
  for (const { psnr, psnrWhole } of [half!, tenth!]) assert.ok(psnr! > 5 && psnrWhole! > 5);
  assert.ok(dense!.warmUpSeconds > 0 && dense!.seconds.length === 1);
  assert.ok(report.machine.cores > 0 && report.machine.versions.onnxruntime.startsWith('1.'));
  assert.deepEqual(pictures, {});
});

test('of several devices each runs in the precisions that it has, and rows name it', async () => {
  const { report } = await engine.benchmark(
    step({ cases: ['dense'], devices: ['cpu'], precisions: ['fp32', 'fp16'] }),
  );
  assert.deepEqual(
    report.rows.map(({ device, precision, copiedBytes }) => [device, precision, copiedBytes]),
    [['cpu', 'fp32', undefined]],
  );
  for (const [change, sentence] of [
    [{ precisions: ['fp16'] }, /does not compute in fp16/],
    [{ devices: ['cpu'], precisions: ['fp16'] }, /does not compute in fp16/],
    [{ devices: ['cpu', 'webgpu'] }, /computes on the device cpu only/],
  ] as const)
    await assert.rejects(engine.benchmark(step(change as never)), sentence);
});

test('a profile tells the operators of each case', async () => {
  const { report } = await engine.benchmark(step({ masks: [TENTH], profile: true }));
  const [dense, sparse] = report.rows.map(({ operators }) => operators);
  assert.ok(dense!.some(({ operator }) => operator === 'Conv'));
  assert.ok(!sparse!.some(({ operator }) => operator === 'Conv'));
  assert.ok(sparse!.some(({ operator }) => operator === 'Gather'));
  for (const { calls, seconds } of [...dense!, ...sparse!]) assert.ok(calls > 0 && seconds >= 0);
});

test('a profile of int8 leaves out the networks that were loaded and freed before the run', async () => {
  const { report } = await engine.benchmark(step({ cases: ['dense'], precisions: ['int8'], profile: true }));
  const [{ operators }] = report.rows as [BenchmarkRow];
  assert.ok(
    operators.some(({ operator }) => operator.startsWith('MatMulInteger')),
    JSON.stringify(operators),
  );
});

test('isolated, each case has a peak of memory of its own', async () => {
  const { report } = await engine.benchmark(step({ cases: ['rows', 'dense'], masks: [], isolate: true }));
  assert.equal(report.isolated, true);
  const [rows, dense] = report.rows.map(({ peakBytes }) => peakBytes);
  assert.ok(rows! > 50e6 && dense! > 50e6 && rows !== dense, `${rows} and ${dense}`);
});

test('without guidance a U-Net run takes half the operations', async () => {
  const { report } = await engine.benchmark(step({ cases: ['dense'], guidance: false }));
  const { report: guided } = await engine.benchmark(step({ cases: ['dense'] }));
  assert.deepEqual([report.guidance, guided.guidance], [false, true]);
  const [half, whole] = [report, guided].map(({ rows: [row] }) => row!.macs);
  assert.ok(half! > 0.45 * whole! && half! < 0.55 * whole!, `${half} of ${whole}`);
});

test('whole pictures: every case draws, sparse is compared with dense under the mask', async () => {
  const whole = { prompt: 'a red house by a lake', editPrompt: 'a blue boat', steps: 3, seed: 5 };
  const cases = ['generate', 'dense', 'sparse'];
  const { report, pictures } = await engine.benchmark({ cases, ...SIZE, masks: [TENTH], repeat: 1, whole });
  const [generate, dense, sparse] = report.rows;
  assert.deepEqual(Object.keys(pictures), ['original', 'generate', 'dense', 'sparse']);
  assert.deepEqual(
    report.rows.map(({ picture }) => picture),
    cases,
  );
  assert.deepEqual([generate!.psnr, dense!.psnr], [null, null]);
  assert.ok(Number.isFinite(sparse!.psnr) && sparse!.psnrWhole! > sparse!.psnr!);
  assert.equal(generate!.stepSeconds.length, 3);
  for (const { macs, macsByKind, macsByLevel } of report.rows)
    assert.deepEqual([sum(macsByKind), sum(macsByLevel)], [macs, macs]);
  assert.ok(sparse!.macsByKind.convolution! < dense!.macsByKind.convolution!);
  assert.ok(sparse!.macsByKind['other networks']! >= 0);
  const drawn = await engine.generate({ prompt: whole.prompt, ...SIZE, steps: 3, seed: 5, previews: false });
  assert.equal(generate!.macs, drawn.macs);
});

test('masks whose names give the same file name have files of their own', async () => {
  const whole = { prompt: 'a red house by a lake', editPrompt: 'a blue boat', steps: 2, seed: 5 };
  const masks = [
    { ...TENTH, name: 'a b' },
    { ...HALF, name: 'a-b' },
  ];
  const { report, pictures } = await engine.benchmark({ cases: ['dense'], ...SIZE, masks, repeat: 1, whole });
  assert.deepEqual(Object.keys(pictures), ['original', 'dense-a-b', 'dense-a-b-2']);
  assert.deepEqual(
    report.rows.map(({ picture }) => picture),
    ['dense-a-b', 'dense-a-b-2'],
  );
});

test('budgets are kept to, beside as many operations on plain steps, and compared with the full image', async () => {
  const whole = { prompt: 'a red house by a lake', editPrompt: 'a blue boat', steps: 20, seed: 5 };
  const cases = ['generate', 'budget-20', 'steps-20'];
  const { report } = await engine.benchmark({ cases, ...SIZE, repeat: 1, whole });
  const [full, budget, plain] = report.rows;
  for (const row of [budget!, plain!]) {
    assert.ok(row.macs <= 0.205 * full!.macs, `${row.macs} of ${full!.macs}`);
    assert.equal(typeof row.psnr, 'number');
    for (const count of Object.values(row.macsByKind)) assert.ok(count >= 0, JSON.stringify(row.macsByKind));
  }
  assert.ok(budget!.macs >= plain!.macs);
});

test('where workers are compared, every step of a large image has the whole resolution', async () => {
  const whole = { prompt: 'a red house by a lake', editPrompt: 'a blue boat', steps: 2, seed: 5 };
  const [width, height] = [512, 384];
  const macsOf = async (cases: string[]) => {
    const { report } = await engine.benchmark({ cases, width, height, workers: [2], repeat: 1, whole });
    return report.rows.map(({ macs }) => macs);
  };
  const [alone] = await macsOf(['generate']);
  const [single, divided] = await macsOf(['generate', 'branches']);
  assert.ok(alone! < 0.8 * single!, `${alone} of ${single}`);
  assert.ok(Math.abs(divided! / single! - 1) < 0.01, `${divided} of ${single}`);
});

test('whole pictures on several workers: who did what, and how far from one worker that is', async () => {
  const whole = { prompt: 'a red house by a lake', editPrompt: 'a blue boat', steps: 3, seed: 5 };
  const cases = ['generate', 'branches', 'naive'];
  const { report, pictures } = await engine.benchmark({ cases, ...SIZE, workers: [2], repeat: 1, whole });
  const [generate, branches, naive] = report.rows;
  assert.deepEqual(Object.keys(pictures), ['original', 'generate', 'branches-2', 'naive-2']);
  assert.equal(generate!.parts, undefined);
  assert.equal(branches!.psnr, null, 'a branch of guidance on each is exact');
  assert.ok(naive!.psnr! > 5 && naive!.ssim! < 1);
  for (const { parts, macs, macsByKind } of [branches!, naive!]) {
    assert.deepEqual(
      parts!.map(({ name }) => name),
      ['Worker 1', 'Worker 2'],
    );
    for (const { seconds, runSeconds } of parts!) assert.ok(seconds >= runSeconds && runSeconds > 0);
    const computed = parts!.reduce((total, part) => total + part.macs, 0);
    assert.equal(Math.round(macs - computed), Math.round(macsByKind['other networks']!));
  }
});

test('progress counts up in each stage; an abort ends the run', async () => {
  const controller = new AbortController();
  const seen: BenchmarkProgress[] = [];
  const run = engine.benchmark(step({ repeat: 500 }), {
    signal: controller.signal,
    onProgress: (progress) => {
      seen.push(progress);
      if (progress.stage === 'measure' && progress.done === 2) controller.abort();
    },
  });
  await assert.rejects(run, isAbort);
  assert.deepEqual(
    seen.filter(({ stage }) => stage === 'measure').map(({ done, total }) => `${done}/${total}`),
    ['0/500', '1/500', '2/500'],
  );
});

test('what follows the timed rounds is progress too', async () => {
  const stages = new Set<string>();
  await engine.benchmark(step({ repeat: 1, profile: true }), {
    onProgress: ({ stage }) => stages.add(stage),
  });
  assert.deepEqual([...stages].slice(-3), ['measure', 'compare', 'profile']);
});

test('what cannot be run is refused by name', async () => {
  const refused = (request: Partial<BenchmarkRequest>, says: RegExp) =>
    assert.rejects(
      engine.benchmark(step(request)),
      (error) => error instanceof InputError && says.test(error.message),
    );
  await refused({ cases: ['fast'] }, /fast.*dense, rows, sparse/);
  await refused({ cases: [] }, /at least one case/);
  await refused({ masks: [] }, /needs a mask/);
  await refused({ masks: [{ name: 'none', share: 2 }] }, /from 0.0001 to 1/);
  await refused({ repeat: 0 }, /from 1 to 1000/);
  await refused(
    { model: 'sd15', whole: { prompt: 'a', editPrompt: 'b' } },
    /not the name of an architecture/,
  );
  const layers = { cases: ['dense'], precisions: ['int8'], layers: 2 } as const;
  await refused({ ...layers, whole: { prompt: 'a', editPrompt: 'b' } } as never, /leave --whole away/);
  await refused({ ...layers, cases: ['encode'] } as never, /take a case of these, such as dense/);
  await refused({ ...layers, precisions: ['fp32'] } as never, /give --precision int8/);
  await refused({ ...layers, model: 'sana-600m' } as never, /of a U-Net.*not of a transformer/);
});

test("EfficientViT's rows are shown beside the U-Net's, each relative to the first of its own network", async () => {
  const cases = ['dense', 'encode', 'encode-part', 'segment'];
  const request = step({ cases, masks: [TENTH], precisions: ['fp32', 'int8'] });
  const { report } = await engine.benchmark(request);
  assert.deepEqual(
    report.rows.map((row) => `${row.case} ${row.mask} ${row.mode} ${row.precision} ${row.network}`),
    [
      'dense null dense fp32 undefined',
      'dense null dense int8 undefined',
      'encode null dense fp32 embedded segmenter',
      'encode null dense int8 embedded segmenter',
      'encode-part tenth sparse fp32 embedded segmenter',
      "segment null dense fp32 embedded segmenter's decoder",
    ],
  );
  const [, , encode, bytes, part, click] = report.rows;
  assert.deepEqual([encode!.speedup, click!.speedup], [1, 1]);
  assert.equal(encode!.macs, bytes!.macs);
  assert.ok(part!.macs < encode!.macs && part!.activeFraction[0]! < 0.15 && part!.storeBytes > 0);
  assert.deepEqual([encode!.psnr, click!.psnr], [null, null]);
  for (const { psnr, psnrWhole } of [bytes!, part!]) assert.ok(psnr! > 20 && psnrWhole! > 20);
  for (const { macs, macsByKind, macsByLevel } of report.rows)
    assert.deepEqual([sum(macsByKind), sum(macsByLevel)], [macs, macs]);
  assert.equal(report.guidance, true);
});

test('a segmenter alone has its own size, and its cases say in what they run', async () => {
  const model = path.join(import.meta.dirname, '../../test/fixtures/parity/tiny-sight/segmenter');
  const alone = { cases: ['encode', 'segment'], model, repeat: 1, isolate: true };
  const { report } = await engine.benchmark(alone);
  assert.deepEqual([report.model, report.guidance, report.steps], ['segmenter', null, null]);
  assert.ok(report.rows.every(({ peakBytes }) => peakBytes > 0));
  const refused = (request: Partial<BenchmarkRequest>, says: RegExp) =>
    assert.rejects(engine.benchmark({ ...alone, ...request }), says);
  await refused({ cases: ['encode-part'] }, /encode-part needs a mask/);
  await refused({ precisions: ['int4'] }, /encode runs in fp32 or int8 only/);
  await refused(
    { cases: ['dense'], model: 'efficientvit-sam-l0' },
    /has the cases encode, encode-part, segment/,
  );
  await refused({ model: 'nowhere' }, /nowhere/);
});
