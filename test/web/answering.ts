/** In a worker of a test: answers its one message, with an error in words. */
export function answering<Task, Result>(work: (task: Task) => Promise<Result>): void {
  self.onmessage = async ({ data }: MessageEvent<Task>) => {
    try {
      self.postMessage({ result: await work(data) });
    } catch (error) {
      self.postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
}
