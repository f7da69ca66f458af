/** Tells of calls that overlap which of them is the last: the answers of others may come after its own, and are old. */
export class LastCall {
  #calls = 0;

  /** A call begins. @returns whether no other one has begun since */
  begin(): () => boolean {
    const call = ++this.#calls;
    return () => call === this.#calls;
  }
}
