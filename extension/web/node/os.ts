/** The part of node:os that the extension uses. */
import { memoryBytes } from '#host';

const availableParallelism = () => navigator.hardwareConcurrency;

export default {
  availableParallelism,
  totalmem: memoryBytes,
  freemem: memoryBytes,
  /** A browser does not report how busy the machine is. */
  loadavg: () => [0, 0, 0],
  cpus: () => Array.from({ length: availableParallelism() }, () => ({ model: 'WebAssembly' })),
  arch: () => 'wasm32',
  homedir: () => '/',
};
