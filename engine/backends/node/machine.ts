import os from 'node:os';
import { env } from 'onnxruntime-node';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Machine } from '../../../shared/benchmark/report.ts';
import { coreCount, memoryBytes } from '../../host/node/limits.ts';

export function describeMachine(): Machine {
  const processors = os.cpus();
  return {
    processor: processors[0]?.model.trim() || os.machine(),
    cores: coreCount(),
    memoryBytes: memoryBytes(),
    platform: `${os.platform()} ${os.arch()}`,
    versions: {
      patchwork: packageJson.version,
      node: process.versions.node,
      onnxruntime: env.versions.node ?? env.versions.common,
    },
  };
}
