import { KnownDevices } from '../../processes/devices/known.ts';
import { gpuCandidate } from '../../processes/web/devices.ts';

/** Lets the browser's GPU of software count as tried, which takes minutes on a busy machine; its fused attention is wrong. */
export async function rememberGpu(): Promise<void> {
  const { identity } = await gpuCandidate();
  await new KnownDevices().set(identity, { wrong: ['MultiHeadAttention'] });
}
