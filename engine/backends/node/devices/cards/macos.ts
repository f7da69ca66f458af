import os from 'node:os';
import type { Card } from './card.ts';
import { outputOf } from './output.ts';

/**
 * Share of the machine's memory that Metal recommends to use at most on Apple silicon (`recommendedMaxWorkingSetSize`):
 * 10.7 of 16 GB in logs of llama.cpp (abetlen/llama-cpp-python#687), more with more memory and on newer systems.
 */
const WORKING_SET = 2 / 3;

export async function macCards(): Promise<Card[]> {
  return parseDisplays(
    await outputOf('/usr/sbin/system_profiler', ['SPDisplaysDataType', '-json']),
    os.totalmem(),
  );
}

/** What `system_profiler` says of the displays. @param mainBytes of the machine's memory */
export function parseDisplays(json: string, mainBytes: number): Card[] {
  const { SPDisplaysDataType: displays } = JSON.parse(json) as { SPDisplaysDataType?: unknown };
  if (!Array.isArray(displays)) return [];
  return displays.flatMap((one: unknown) => {
    const said = (one ?? {}) as { sppci_model?: unknown; spdisplays_mtlgpufamilysupport?: unknown };
    const { sppci_model: name, spdisplays_mtlgpufamilysupport: driver = '' } = said;
    if (typeof name !== 'string') return [];
    const memoryBytes = /^Apple M\d/.test(name) && Math.floor(WORKING_SET * mainBytes);
    return [{ name, driver: String(driver), ...(memoryBytes && { memoryBytes }) }];
  });
}
