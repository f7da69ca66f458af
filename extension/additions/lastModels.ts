import type { Storage } from '../storedList.ts';

const KEY = 'patchwork.lastModels';

type List = 'controls' | 'references';

/** The models that were chosen last for control and reference images: chosen once, they are used from then on. */
export class LastModels {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  of(list: List): string | undefined {
    const model = (this.#storage.get(KEY) as Partial<Record<List, unknown>> | undefined)?.[list];
    return typeof model === 'string' ? model : undefined;
  }

  async note(list: List, model: string): Promise<void> {
    const before = this.#storage.get(KEY);
    await this.#storage.update(KEY, { ...(typeof before === 'object' ? before : {}), [list]: model });
  }
}
