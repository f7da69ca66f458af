import type { Card } from './card.ts';
import { linuxCards } from './linux.ts';
import { macCards } from './macos.ts';
import { windowsCards } from './windows.ts';

/**
 * The graphics cards of this machine that are not made of software; none if the system does not report. Those with the
 * most memory are first: ONNX Runtime asks WebGPU for the fastest (microsoft/onnxruntime#26290).
 */
export async function graphicsCards(): Promise<Card[]> {
  const cards = await systemCards().catch(() => []);
  return inOrder(cards.filter(({ name }) => !isSoftware(name)));
}

export function inOrder(cards: readonly Card[]): Card[] {
  return [...cards].sort((a, b) => (b.memoryBytes ?? 0) - (a.memoryBytes ?? 0));
}

function systemCards(): Promise<Card[]> {
  if (process.platform === 'win32') return windowsCards();
  if (process.platform === 'darwin') return macCards();
  return linuxCards('/');
}

/** Whether a name is that of a processor which acts as a graphics card. */
export function isSoftware(name: string): boolean {
  return /swiftshader|llvmpipe|lavapipe|lvp_icd|basic render|basic display|software/i.test(name);
}

/** The Vulkan drivers that the environment prescribes on Linux, instead of those that are installed. */
export function prescribedDrivers(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment.VK_DRIVER_FILES || environment.VK_ICD_FILENAMES || undefined;
}
