/** A response's bytes as they arrive. By a reader, since not every browser can iterate over a stream. */
export async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // What has failed cannot be cancelled any more.
    await reader.cancel().catch(() => {});
  }
}
