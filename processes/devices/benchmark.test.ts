import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BenchmarkRequest } from '../../shared/benchmark/report.ts';
import { row, run, SPARSE } from '../../shared/benchmark/testing.ts';
import type { DeviceId } from '../../shared/devices.ts';
import { benchmarkOn } from './benchmark.ts';

test('devices side by side: rows of each, relative to the first, images and machine beside each other', async () => {
  const asked: BenchmarkRequest[] = [];
  let open = 0;
  const engineOn = ({ id, seconds }: { id: DeviceId; seconds: number }) => {
    open++;
    return {
      async benchmark(request: BenchmarkRequest) {
        asked.push(request);
        const rows = [
          row({ device: id, medianSeconds: seconds, picture: 'dense' }),
          { ...SPARSE, device: id, medianSeconds: seconds / 2 },
        ];
        const { report } = run({}, rows);
        const machine = { ...report.machine, ...(id !== 'cpu' && { device: 'GPU of a test' }) };
        return { report: { ...report, machine }, pictures: { dense: Uint8Array.of(seconds) } };
      },
      async dispose() {
        open--;
      },
    };
  };
  const devices = [
    { id: 'cpu', seconds: 3 },
    { id: 'webgpu', seconds: 0.1 },
  ] as const;
  const result = await benchmarkOn(devices, { cases: ['dense', 'sparse'] }, {}, engineOn);
  assert.equal(open, 0);
  assert.deepEqual(
    asked.map(({ devices }) => devices),
    [['cpu'], ['webgpu']],
  );
  assert.deepEqual(
    result.report.rows.map(({ device, speedup, picture }) => [device, Math.round(speedup), picture]),
    [
      ['cpu', 1, 'dense'],
      ['cpu', 2, null],
      ['webgpu', 30, 'dense-webgpu'],
      ['webgpu', 60, null],
    ],
  );
  assert.deepEqual(Object.keys(result.pictures), ['dense', 'dense-webgpu']);
  assert.equal(result.report.machine.device, 'GPU of a test');
});
