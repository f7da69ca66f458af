let last: Promise<unknown> = Promise.resolve();

/** ONNX Runtime for browsers refuses to be called while it is at work, which on a GPU lasts beyond the call. */
export function oneAtATime<Result>(action: () => Promise<Result>): Promise<Result> {
  const result = last.then(action);
  last = result.catch(() => {});
  return result;
}
