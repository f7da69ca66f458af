import type { BuildOptions } from 'esbuild';

export const browserOptions: BuildOptions;
export const gpuOptions: BuildOptions;
export const browserExtension: BuildOptions;
export const runtimeFiles: readonly string[];
export const LARGE_ON_THE_WEB: string;
export function resourceSizes(folder: string): Record<string, number>;
