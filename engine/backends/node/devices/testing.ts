import { existsSync } from 'node:fs';
import path from 'node:path';

/** Debian's Chromium and Google's Chrome bring a Vulkan loader and SwiftShader, a GPU made of software. */
const FOLDERS = ['/usr/lib/chromium', '/opt/google/chrome'];
const driverIn = (folder: string) => path.join(folder, 'vk_swiftshader_icd.json');
const FOLDER = FOLDERS.find((folder) => existsSync(driverIn(folder))) ?? FOLDERS[0]!;
const DRIVER = driverIn(FOLDER);

/**
 * Why tests on a GPU are skipped, or false if they run: on the software GPU, in processes of their own. In CI on
 * Linux they run, and fail without it.
 */
export function skipWithoutGpu(): string | false {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the software GPU is for Linux on x64';
  return process.env.CI || existsSync(DRIVER)
    ? false
    : 'neither Chromium nor Chrome with SwiftShader is installed';
}

/** Variables of a process whose only GPU is the software one. */
export const SOFTWARE_GPU: Readonly<Record<string, string>> = {
  VK_ICD_FILENAMES: DRIVER,
  VK_DRIVER_FILES: DRIVER,
  LD_LIBRARY_PATH: [process.env.LD_LIBRARY_PATH, FOLDER].filter(Boolean).join(path.delimiter),
};
