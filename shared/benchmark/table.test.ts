import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf, figuresOf, lineOf } from './table.ts';
import { part, row, run, SPARSE } from './testing.ts';

function tableOf(...runs: Parameters<typeof figuresOf>[0]) {
  const figures = figuresOf(runs);
  const columns = columnsOf(figures);
  return {
    head: columns.map(({ title }) => title),
    rows: figures.map((figure) => columns.map(({ value }) => value(figure))),
  };
}

test('a run beside the published figures, which are found by model, size and mask', () => {
  const { head, rows } = tableOf(run());
  const sparse = Object.fromEntries(head.map((title, i) => [title, rows[1]![i]]));
  assert.deepEqual(sparse, {
    Mode: 'Sparse · inpaint.active-64x128',
    MACs: '100.0 GMACs',
    'Fewer MACs': '10.0×',
    'Published MACs': '3.61×',
    Median: '500 ms',
    Spread: '2.00–4.00 s',
    'Warm-up': '3.00 s',
    'Speed-up': '6.00×',
    'Published speed-up': '3.88×',
    'Peak memory (all modes together)': '4.00 GB',
    'PSNR under the mask': '28.0 dB',
    'PSNR whole': '32.0 dB',
    Load: '12.0 s',
    Store: '241.0 MB',
  });
  assert.equal(rows[0]![head.indexOf('Published MACs')], '–');
  assert.equal(rows[0]![head.indexOf('Store')], '–');
});

test('structural similarity and bytes on disk where they were measured', () => {
  const { head, rows } = tableOf(run({}, [row({ diskBytes: 12.5e6 }), { ...SPARSE, ssim: 0.9874 }]));
  const columns = ['SSIM', 'Denoiser on disk'].map((title) => head.indexOf(title));
  assert.deepEqual(
    rows.map((cells) => columns.map((column) => cells[column])),
    [
      ['–', '12.5 MB'],
      ['0.987', '–'],
    ],
  );
});

test('the command line has a line for each row, without what was not measured', () => {
  const [dense, sparse] = figuresOf([run()]).map(lineOf);
  assert.equal(
    dense,
    'dense                     fp32         1.0 TMACs  median 3.00 s (2.00 s to 4.00 s)  ×1.00  peak 4.00 GB for all  load 12.0 s',
  );
  assert.match(
    sparse!,
    /^sparse inpaint\.active-64x128 {2}fp32 .* {2}28\.0 dB {2}\(32\.0 dB in all\) {2}load 12\.0 s {2}store 241\.0 MB$/,
  );
});

test('factors below 1 are called slower, and more', () => {
  const slower = { ...SPARSE, speedup: 0.69, macs: 2000e9 };
  const { head, rows } = tableOf(run({}, [row(), slower]));
  assert.equal(rows[1]![head.indexOf('Speed-up')], '1.45× slower');
  assert.equal(rows[1]![head.indexOf('Fewer MACs')], '2.00× more');
  assert.equal(rows[0]![head.indexOf('Speed-up')], '1.00×');
});

test('columns that nothing fills are left out', () => {
  const { head } = tableOf(run({ model: 'scenes' }, [row({ loadSeconds: 0 })]));
  for (const title of ['Published MACs', 'PSNR whole', 'SSIM', 'Denoiser on disk', 'Load', 'Store'])
    assert.ok(!head.includes(title), title);
});

test('of several runs, titles tell the run, and factors stay relative to its own first row', () => {
  const faster = run({ isolated: true }, [row({ macs: 500e9 }), { ...SPARSE, macs: 50e9 }]);
  const { head, rows } = tableOf(run(), faster);
  assert.deepEqual(
    rows.map(([title]) => title),
    ['A · Dense', 'A · Sparse · inpaint.active-64x128', 'B · Dense', 'B · Sparse · inpaint.active-64x128'],
  );
  assert.equal(rows[3]![head.indexOf('Fewer MACs')], '10.0×');
  assert.ok(head.includes('Peak memory'), 'peaks that were measured differently share no name');
});

test('precisions and workers are named where they differ', () => {
  const figures = figuresOf([run({}, [row(), row({ workers: 2 })])]);
  assert.deepEqual(
    figures.map(({ title }) => title),
    ['Dense', 'Dense · 2 workers'],
  );
});

test('devices are named where a run has several, with their memory and what was copied', () => {
  const gpu = row({ device: 'webgpu', deviceBytes: 2e9, copiedBytes: 3e6 });
  const { head, rows } = tableOf(run({}, [row({ device: 'cpu' }), gpu]));
  const cells = Object.fromEntries(head.map((title, i) => [title, rows[1]![i]]));
  assert.deepEqual(
    [rows[0]![0], cells.Mode, cells['Device memory (planned)'], cells.Copied],
    ['Dense · processor', 'Dense · WebGPU', '2.00 GB', '3.0 MB'],
  );
  assert.ok(!tableOf(run()).head.includes('Copied'));
});

test('of workers the one with most MACs counts, and is shown beside what DistriFusion published', () => {
  const parts = [part(), part({ name: 'Worker 2', stepMacs: 200e9 })];
  const shared = row({ case: 'patch', workers: 4, parts, speedup: 2.5, psnr: 26 });
  const { head, rows } = tableOf(run({ model: 'scenes' }, [row(), shared]));
  const cells = Object.fromEntries(head.map((title, i) => [title, rows[1]![i]]));
  assert.equal(cells['MACs of one worker'], '250.0 GMACs');
  assert.equal(cells['Fewer MACs'], '4.00×');
  assert.equal(cells['Published MACs'], '4.00×');
  assert.equal(cells['Published speed-up'], '2.96×');
  assert.equal(cells['Published PSNR'], '23.0 dB');
  assert.equal(cells['Exchanged a step'], '4.0 MB');
  assert.equal(rows[0]![head.indexOf('Exchanged a step')], '–');
});

test('of whole pictures all steps of a worker count, and what the others wait for', () => {
  const kinds = { convolution: 11e12, 'other networks': 1e12 };
  const whole = row({ case: 'patch', workers: 2, macs: 12e12, macsByKind: kinds, parts: [part(), part()] });
  const { head, rows } = tableOf(run({ steps: 20 }, [row({ macs: 14e12 }), whole]));
  assert.equal(rows[1]![head.indexOf('MACs of one worker')], '7000.0 GMACs');
  assert.equal(rows[1]![head.indexOf('Fewer MACs')], '2.00×');
  assert.equal(rows[1]![head.indexOf('Published MACs')], '–');
});
