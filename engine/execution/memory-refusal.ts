import { InputError } from '../errors.ts';

/** Whether an error is `planMemory`'s: a device has too little memory, where another may have enough. */
export function isMemoryRefusal(error: unknown): boolean {
  return error instanceof InputError && / needs (?:about \d|a larger buffer).* would fit/.test(error.message);
}
