import { existsSync } from 'node:fs';
import path from 'node:path';

/** Debian's Chromium brings a Vulkan loader and SwiftShader, a GPU made of software. */
const FOLDER = '/usr/lib/chromium';
const DRIVER = path.join(FOLDER, 'vk_swiftshader_icd.json');

/**
 * Why tests on a GPU are skipped, or false if they run: on the software GPU, in processes of their own. In CI on
 * Linux they run, and fail without it.
 */
export function skipWithoutGpu(): string | false {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the software GPU is for Linux on x64';
  return process.env.CI || existsSync(DRIVER) ? false : 'Chromium with SwiftShader is not installed';
}

/** Variables of a process whose only GPU is the software one. */
export const SOFTWARE_GPU: Readonly<Record<string, string>> = {
  VK_ICD_FILENAMES: DRIVER,
  VK_DRIVER_FILES: DRIVER,
  LD_LIBRARY_PATH: [process.env.LD_LIBRARY_PATH, FOLDER].filter(Boolean).join(path.delimiter),
};
