/**
 * Records images of small transformers and edits them, with features that stay on the software GPU and on the processor
 * with features in main memory; prints the largest errors, and which share of the features is on the GPU, as JSON.
 */

import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { DeviceBackend } from '../../engine/backends/node/devices/backend.ts';
import { relativeError } from '../../engine/execution/device-check/error.ts';
import { TRANSFORMERS, transformerEdits } from '../../engine/execution/transformer/testing.ts';
import { fs } from '../../engine/host/node/index.ts';

await fs.withTemporaryFolder(async (folder) => {
  const found = [];
  const cases = [
    ...Object.keys(TRANSFORMERS).map((name) => ({ name, batch: 1, storages: ['float32', 'uint8'] as const })),
    { name: 'SANA', batch: 2, storages: ['float32', 'nibbles'] as const },
  ];
  for (const { name, batch, storages } of cases) {
    const place = { folder, storage: undefined };
    const held = await transformerEdits(name, batch, { ...place, backend: new NodeBackend(1) });
    for (const storage of storages) {
      const backend = new DeviceBackend('webgpu', { name: 'software', wrong: ['MultiHeadAttention'] });
      const { outputs, bytes, deviceBytes } = await transformerEdits(name, batch, {
        folder,
        storage,
        backend,
      });
      const errors = outputs.map((output, i) => relativeError(output, held.outputs[i]!));
      found.push({ name, storage, errors, share: deviceBytes / bytes });
    }
  }
  console.log(JSON.stringify(found));
});
