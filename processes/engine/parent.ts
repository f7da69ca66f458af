import {
  createMessageConnection,
  type DataCallback,
  type Disposable,
  IPCMessageReader,
  IPCMessageWriter,
  type Message,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import * as z from 'zod';

/** JSON-RPC's own notifications; the library assumes that they are well formed. */
const cancelSchema = z.object({ params: z.object({ id: z.union([z.string(), z.number()]) }) });

/** The connection to the process that forked this one. */
export function parentConnection(): MessageConnection {
  return createMessageConnection(new CheckedReader(process), new IPCMessageWriter(process));
}

/** Drops messages that would crash this process; other malformed messages are answered with an error. */
class CheckedReader extends IPCMessageReader {
  override listen(callback: DataCallback): Disposable {
    return super.listen((message) => {
      if (isWellFormed(message)) callback(message);
    });
  }
}

export function isWellFormed(message: unknown): message is Message {
  if (typeof message !== 'object' || message === null) return false;
  const { method } = message as { method?: unknown };
  if (typeof method !== 'string' || !method.startsWith('$/')) return true;
  return method === '$/cancelRequest' && cancelSchema.safeParse(message).success;
}
