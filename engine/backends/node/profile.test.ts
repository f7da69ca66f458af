import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ProfileFolder } from './profile.ts';

const kernel = (operator: string, dur: number) =>
  `{"cat" : "Node","dur" :${dur},"name" :"x_kernel_time","args" : {"op_name" : "${operator}"}},`;
const RUN = '{"cat" : "Program","dur" :99,"name" :"model_run","args" : {}},';

async function profileOf(lines: string[], how = {}) {
  const folder = await ProfileFolder.create();
  const place = path.dirname(folder.prefix);
  await writeFile(`${folder.prefix}_2026.json`, lines.join('\n'));
  const runs = await folder.read(how);
  await assert.rejects(readdir(place), { code: 'ENOENT' }, 'the folder is gone');
  return runs;
}

test('kernels are summed by operator, run by run', async () => {
  const runs = await profileOf([
    '[',
    '{"cat" : "Program","dur" :5,"name" :"session_initialization","args" : {}},',
    kernel('Conv', 1000),
    kernel('Conv', 500),
    kernel('Add', 20),
    RUN,
    kernel('Conv', 700),
    RUN,
    ']',
  ]);
  assert.deepEqual(runs, [
    [
      { operator: 'Conv', calls: 2, seconds: 0.0015 },
      { operator: 'Add', calls: 1, seconds: 0.00002 },
    ],
    [{ operator: 'Conv', calls: 1, seconds: 0.0007 }],
  ]);
});

test('what is copied between the processor and a GPU is counted in bytes', async () => {
  const copy = (bytes: number) =>
    `{"dur" :5,"name" :"x_kernel_time","args" : {"op_name" : "MemcpyToHost","output_size" : "${bytes}"}},`;
  const runs = await profileOf(['[', copy(400), copy(24), kernel('Conv', 10), RUN, ']']);
  assert.deepEqual(runs, [
    [
      { operator: 'MemcpyToHost', calls: 2, seconds: 0.00001, copiedBytes: 424 },
      { operator: 'Conv', calls: 1, seconds: 0.00001 },
    ],
  ]);
});

test('the branches of an If are counted once', async () => {
  const runs = await profileOf(['[', kernel('Identity', 30), kernel('If', 40), RUN, ']']);
  assert.deepEqual(runs, [[{ operator: 'Identity', calls: 1, seconds: 0.00003 }]]);
});

test('a file that is cut off or empty gives what is whole in it', async () => {
  assert.deepEqual(await profileOf(['[', kernel('Conv', 10), RUN, '{"cat" : "Node","dur" :7,"na']), [
    [{ operator: 'Conv', calls: 1, seconds: 0.00001 }],
  ]);
  assert.deepEqual(await profileOf([]), []);
});

test('a program that wrote nothing leaves nothing', async () => {
  assert.deepEqual(await (await ProfileFolder.create()).read(), []);
});

/** As ONNX Runtime 1.30 writes them on a GPU with timestamps: nodes run by run, then all programs of the device. */
const node = (name: string, operator: string, dur: number, provider = 'WebGpuExecutionProvider') =>
  `{"cat" : "Node","pid" :28504,"tid" :28504,"dur" :${dur},"ts" :1393193,"ph" : "X","name" :"${name}_kernel_time","args" : {"output_size" : "400","op_name" : "${operator}","provider" : "${provider}"}},`;
const program = (name: string, dur: number) =>
  `{"cat" : "Api","pid" :-1,"tid" :-1,"dur" :${dur},"ts" :15888900,"ph" : "X","name" :"${name}","args" : {"shapes" : "inputs[0] = {4,64} outputs[0] = {64,4} ","cache_key" : "Transpose[0-2-3-1]:16,16,1:1:0;2:"}},`;

test('where the device reports its programs, times are those on the device, run by run', async () => {
  // Handing work over takes longer in the first run, in which programs are compiled.
  const handed = (dur: number) => [
    node('shape', 'Gather', 7, 'CPUExecutionProvider'),
    node('in', 'MemcpyFromHost', 9),
    node('up#1', 'Conv', dur),
    node('flat', 'Reshape', 3),
    node('up#2', 'Conv', dur),
    RUN,
  ];
  const done = (dur: number) => [
    program('up#1&Conv&Transpose', dur),
    program('up#1&Conv&Conv2dMM', 10 * dur),
    program('up#2&Conv&MatMulNaive', 100 * dur),
  ];
  const runs = await profileOf(['[', ...handed(5000), ...handed(50), ...done(2), ...done(1), ']'], {
    onDevice: true,
  });
  const timesOf = (conv: number) => [
    { operator: 'Gather', calls: 1, seconds: 0.000007, onProcessor: true },
    { operator: 'MemcpyFromHost', calls: 1, seconds: 0.000009, copiedBytes: 400 },
    { operator: 'Conv', calls: 2, seconds: conv },
    { operator: 'Reshape', calls: 1, seconds: 0 },
  ];
  assert.deepEqual(runs.map(rounded), [timesOf(0.000222), timesOf(0.000111)]);
});

test('nodes that programs share between runs, or that have none, do not move times to another run', async () => {
  const runs = await profileOf([
    '[',
    node('a', 'Add', 1),
    node('c', 'Mul', 1),
    RUN,
    node('b', 'Add', 1),
    node('c', 'Mul', 1),
    RUN,
    program('c&Mul&Mul', 30),
    program('b&Add&Add', 40),
    program('c&Mul&Mul', 50),
    program('unknown&Mul&Mul', 1),
    ']',
  ]);
  assert.deepEqual(runs.map(rounded), [
    [
      { operator: 'Add', calls: 1, seconds: 0 },
      { operator: 'Mul', calls: 1, seconds: 0.00003 },
    ],
    [
      { operator: 'Add', calls: 1, seconds: 0.00004 },
      { operator: 'Mul', calls: 1, seconds: 0.000051 },
    ],
  ]);
});

/** To whole microseconds. */
function rounded<Time extends { seconds: number }>(times: readonly Time[]): Time[] {
  return times.map((time) => ({ ...time, seconds: Math.round(1e6 * time.seconds) / 1e6 }));
}
