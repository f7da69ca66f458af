/** Values of a pickle. Nothing of them is run: calls of the few known names are looked at, not made. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Value[]
  | Dictionary
  | Name
  | Call
  | Persistent;

/** A dictionary; keys that are no texts or numbers are not kept. */
export class Dictionary extends Map<string, Value> {
  /** What `BUILD` added to it. */
  state: Value = null;
}

/** A Python name that is known here. */
export class Name {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

/** What a call of a known name would make. */
export class Call {
  readonly name: Name;
  readonly args: readonly Value[];
  state: Value = null;
  constructor(name: Name, args: readonly Value[]) {
    this.name = name;
    this.args = args;
  }
}

/** A reference to a storage beside the pickle. */
export class Persistent {
  readonly id: Value;
  constructor(id: Value) {
    this.id = id;
  }
}
