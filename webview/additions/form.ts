/** The part of a form that adds LoRA files, control images and reference images to the prompt. */
import {
  type AdditionPlace,
  type Additions,
  type AdditionsHostMessage,
  type AdditionsPageMessage,
  type LoraFacts,
  withChosen,
} from '../../shared/additions.ts';

interface Owner {
  /** The contents of the form. */
  get(): Additions;
  set(additions: Additions): void;
  /** The model reads reference images itself. */
  readsImages(): boolean;
  /** Adds words to the prompt. */
  insert(words: string): void;
  send(message: AdditionsPageMessage): void;
  /** Renders the page again. */
  update(): void;
  /** For a page with an image: uses of its mask. */
  masks?: {
    available(): boolean;
    give(place: AdditionPlace): void;
  };
}

export class AdditionsForm {
  readonly #owner: Owner;
  readonly #facts = new Map<string, LoraFacts>();
  readonly #asked = new Set<string>();
  #address = '';
  /** Something is dragged over the rows of this list. */
  over: AdditionPlace['list'] | undefined;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  get rows(): Additions {
    return this.#owner.get();
  }

  get readsImages(): boolean {
    return this.#owner.readsImages();
  }

  get masks(): Owner['masks'] {
    return this.#owner.masks;
  }

  /** Changes a row. */
  change<List extends AdditionPlace['list']>(
    list: List,
    at: number,
    change: Partial<Additions[List][number]>,
  ): void {
    const rows = this.rows[list].map((row, i) => (i === at ? { ...row, ...change } : row));
    this.#owner.set({ ...this.rows, [list]: rows });
  }

  remove(list: AdditionPlace['list'], at: number): void {
    this.#owner.set({ ...this.rows, [list]: this.rows[list].filter((_, i) => i !== at) });
  }

  choose(place: AdditionPlace): void {
    this.#owner.send({ type: 'choose', place });
  }

  pickWord(): void {
    this.#owner.send({ type: 'pickWord' });
  }

  insert(words: string): void {
    this.#owner.insert(words);
  }

  /** Takes the image that was dropped on a place: a file of the desktop, or an address in VS Code. */
  async drop(place: AdditionPlace, { dataTransfer }: DragEvent): Promise<void> {
    this.hover(undefined);
    const dropped = await droppedIn(dataTransfer);
    if (dropped && 'bytes' in dropped) this.#owner.send({ type: 'give', place, ...dropped });
    else if (dropped) this.#owner.send({ type: 'giveUri', place, uri: dropped.uri });
  }

  hover(list: AdditionPlace['list'] | undefined): void {
    if (list === this.over) return;
    this.over = list;
    this.#owner.update();
  }

  /** The address of a kept image's thumbnail; undefined until the host has sent it. */
  thumbnail(picture: string): string | undefined {
    return this.#address && picture ? `${this.#address}/${picture}.webp` : undefined;
  }

  /** The metadata of a file, once loaded; requested when first needed. */
  factsOf(lora: string): LoraFacts | undefined {
    const facts = this.#facts.get(lora);
    if (!facts && !this.#asked.has(lora)) {
      this.#asked.add(lora);
      this.#owner.send({ type: 'describeLoras', loras: [lora] });
    }
    return facts;
  }

  receive(message: AdditionsHostMessage): void {
    switch (message.type) {
      case 'chosen':
        this.#owner.set(withChosen(this.rows, message.place, message.value, message.model));
        break;
      case 'loraFacts':
        for (const facts of message.loras) this.#facts.set(facts.lora, facts);
        this.#owner.update();
        break;
      case 'words':
        this.insert(message.words);
        break;
      case 'keptAt':
        this.#address = message.address;
        this.#owner.update();
        break;
    }
  }
}

/** A prompt with words appended. */
export function withWords(prompt: string, words: string): string {
  const before = prompt.trimEnd();
  return before === '' ? words : `${before}${before.endsWith(',') ? ' ' : ', '}${words}`;
}

/** The first image of a drop: its file and name, or its address. */
export async function droppedIn(
  data: DataTransfer | null,
): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> } | { uri: string } | undefined> {
  const [file] = data?.files ?? [];
  if (file) return { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
  const list = data?.getData('application/vnd.code.uri-list') || data?.getData('text/uri-list') || '';
  const uri = list.split(/\r?\n/).find((line) => line && !line.startsWith('#'));
  return uri ? { uri } : undefined;
}
