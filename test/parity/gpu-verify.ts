/** Compares networks on the software GPU with their reference tensors; prints the largest error of each folder as JSON. */
import path from 'node:path';
import { DeviceBackend } from '../../engine/backends/node/devices/backend.ts';
import { verify } from '../../engine/verification/verify.ts';

const FOLDERS = path.join(import.meta.dirname, '..', 'fixtures', 'parity');

const backend = new DeviceBackend('webgpu', { name: 'software', wrong: ['MultiHeadAttention'] });
const errors: Record<string, number> = {};
// The cheap ones: compiling the programs of a U-Net in all its forms takes minutes there.
for (const folder of ['tiny-dc-ae/mixed', 'tiny-sight/segmenter']) {
  const { tensors } = await verify(path.join(FOLDERS, folder), backend);
  errors[folder] = Math.max(...tensors.map(({ relative }) => relative));
}
console.log(JSON.stringify(errors));
