/** A handler for each kind of message. */
export type Handlers<Message extends { type: string }> = {
  [Type in Message['type']]: (message: Extract<Message, { type: Type }>) => unknown;
};

/** Calls the handler of a message. @throws what the handler throws */
export async function handle<Message extends { type: string }>(
  handlers: Handlers<Message>,
  message: Message,
): Promise<void> {
  const handler: (message: never) => unknown = handlers[message.type as Message['type']];
  await handler(message as never);
}
