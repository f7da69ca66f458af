import type { BuildOptions } from 'esbuild';

export const engineOptions: BuildOptions;
export const runtimes: BuildOptions;
export const browserExtension: BuildOptions;
export const runtimeFiles: readonly string[];
