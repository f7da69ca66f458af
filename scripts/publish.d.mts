export function publish(outputFiles: { path: string; contents: Uint8Array }[], begun: Date): void;
export function removeUnused(folder: string, now?: number): void;
