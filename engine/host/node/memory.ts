import os from 'node:os';

export function memoryBytes(): number {
  return os.totalmem();
}
