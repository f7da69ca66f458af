import { messageOf } from '../../../shared/errorMessage.ts';
import { InputError } from '../../errors.ts';

/** What a page gets ends here: WebAssembly addresses 4 GB, and a browser may give less. */
const SENTENCE = 'does not fit into the memory that this browser gives a page';

/** The error for a user, if the runtime's is that it got no more memory; otherwise the runtime's. */
export function withoutMemory(name: string, error: unknown): unknown {
  if (!/bad_alloc|out of memory|OOM|failed to allocate|memory access out of bounds/i.test(messageOf(error)))
    return error;
  return new InputError(
    `${name} ${SENTENCE}. Use a smaller model, image or precision, or Patchwork in VS Code on your machine.`,
    { cause: error },
  );
}

/** Whether an error, of this or another thread, is one of `withoutMemory`: a heap never shrinks, so its worker is of no more use. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof InputError && error.message.includes(SENTENCE);
}
