import { existsSync } from 'node:fs';
import { outputOf } from './output.ts';

/** Where NVIDIA’s driver has it: in most distributions, in NixOS. */
const PLACES = ['/usr/bin/nvidia-smi', '/run/current-system/sw/bin/nvidia-smi'];
const QUERY = ['--query-gpu=pci.bus_id,memory.total', '--format=csv,noheader,nounits'];

/** Bytes of memory of NVIDIA's cards, by the slots that the kernel names; none if `nvidia-smi` does not say it. */
export async function nvidiaMemory(
  program = PLACES.find((place) => existsSync(place)),
  patience?: number,
): Promise<ReadonlyMap<string, number>> {
  if (!program) return new Map();
  return outputOf(program, QUERY, patience).then(parseMemory, () => new Map());
}

/** Lines such as `00000000:01:00.0, 12282`, in MiB. Cards that share the machine's memory have `[N/A]`. */
export function parseMemory(csv: string): Map<string, number> {
  const lines = csv.matchAll(/^[0-9a-f]*([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]), *(\d{1,9})\r?$/gim);
  return new Map(
    [...lines].flatMap(([, slot, mebibytes]) => {
      const bytes = Number(mebibytes) * 2 ** 20;
      return bytes > 0 ? [[slot!.toLowerCase(), bytes] as const] : [];
    }),
  );
}
