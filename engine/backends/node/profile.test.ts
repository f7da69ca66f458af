import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ProfileFolder } from './profile.ts';

const kernel = (operator: string, dur: number) =>
  `{"cat" : "Node","dur" :${dur},"name" :"x_kernel_time","args" : {"op_name" : "${operator}"}},`;
const RUN = '{"cat" : "Program","dur" :99,"name" :"model_run","args" : {}},';

async function profileOf(lines: string[]) {
  const folder = await ProfileFolder.create();
  const place = path.dirname(folder.prefix);
  await writeFile(`${folder.prefix}_2026.json`, lines.join('\n'));
  const runs = await folder.read();
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
