import { float32, floats, int64, type Tensor } from '../runtime/runtime.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Components } from './components.ts';

export interface EncodedText {
  /** One row of states a prompt: [prompts, length, channels]. */
  states: Tensor;
  /** A sentence for each prompt that was cut. */
  warnings: string[];
}

/** Prompts → the text states that the U-Net attends to. Remembers the last prompts. */
export class TextEncoder {
  readonly #components: Components;
  readonly #tokenizer: Tokenizer;
  #last: { prompts: readonly string[]; encoded: EncodedText } | undefined;

  constructor(components: Components, tokenizer: Tokenizer) {
    this.#components = components;
    this.#tokenizer = tokenizer;
  }

  async encode(prompts: readonly string[]): Promise<EncodedText> {
    if (this.#last && same(this.#last.prompts, prompts)) return this.#last.encoded;
    const session = await this.#components.session('text-encoder');
    const tokenized = prompts.map((prompt) => this.#tokenizer.encode(prompt));
    const length = tokenized[0]!.ids.length;
    const ids = BigInt64Array.from(tokenized.flatMap(({ ids }) => Array.from(ids, BigInt)));
    const outputs = await session.run({ input_ids: int64(ids, [prompts.length, length]) });
    const states = floats(outputs, 'last_hidden_state');
    const encoded = {
      states: float32(states, [prompts.length, length, states.length / (prompts.length * length)]),
      warnings: tokenized.flatMap(({ truncated }) =>
        truncated ? [`The prompt is too long; this part was left out: ${truncated}`] : [],
      ),
    };
    this.#last = { prompts: [...prompts], encoded };
    return encoded;
  }
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
