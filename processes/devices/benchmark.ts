import type { CallOptions, Engine } from '../../shared/api.ts';
import type {
  BenchmarkProgress,
  BenchmarkReport,
  BenchmarkRequest,
  BenchmarkResult,
} from '../../shared/benchmark/report.ts';
import type { DeviceId } from '../../shared/devices.ts';

/**
 * One report of the same cases on several devices, one after the other.
 * @param open starts an engine that computes on a device, and only there
 */
export async function benchmarkOn<Device extends { id: DeviceId }>(
  devices: readonly Device[],
  request: BenchmarkRequest,
  options: CallOptions<BenchmarkProgress>,
  open: (device: Device) => Pick<Engine, 'benchmark' | 'dispose'>,
): Promise<BenchmarkResult> {
  const results: BenchmarkResult[] = [];
  for (const device of devices) {
    options.signal?.throwIfAborted();
    const engine = open(device);
    try {
      const result = await engine.benchmark({ ...request, devices: [device.id] }, options);
      results.push(results.length === 0 ? result : withOwnNames(result, device.id));
    } finally {
      await engine.dispose();
    }
  }
  return {
    report: joined(results.map(({ report }) => report)),
    pictures: Object.assign({}, ...results.map(({ pictures }) => pictures)),
  };
}

/** Images of several devices side by side have names of their own. */
function withOwnNames({ report, pictures }: BenchmarkResult, device: DeviceId): BenchmarkResult {
  const named = (name: string) => `${name}-${device}`;
  const rows = report.rows.map((row) =>
    row.picture === null ? row : { ...row, picture: named(row.picture) },
  );
  return {
    report: { ...report, rows },
    pictures: Object.fromEntries(Object.entries(pictures).map(([name, png]) => [named(name), png])),
  };
}

function joined(reports: readonly BenchmarkReport[]): BenchmarkReport {
  const first = reports[0]!;
  const all = reports.flatMap(({ rows }) => rows);
  const names = reports.flatMap(({ machine }) => machine.device ?? []);
  const rows = all.map((row) => {
    const base = all.find(({ network }) => network === row.network)!;
    return { ...row, speedup: base.medianSeconds / row.medianSeconds };
  });
  return {
    ...first,
    date: reports.at(-1)!.date,
    machine: { ...first.machine, ...(names.length > 0 && { device: names.join(', ') }) },
    rows,
  };
}
