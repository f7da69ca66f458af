/**
 * Handles messages one after another, though handling takes time. One that fails does not keep those after it from being
 * handled.
 */
export function inOrder<Message>(
  handle: (message: Message) => Promise<void>,
  failed: (error: unknown, message: Message) => void,
): (message: Message) => void {
  let last = Promise.resolve();
  return (message) => {
    last = last.then(() => handle(message)).catch((error: unknown) => failed(error, message));
  };
}
