import type { CallOptions, Engine, GenerateProgress, GenerateRequest, GenerateResult } from './api.ts';
import { openModelFolder } from './models/open.ts';
import { Components } from './pipelines/components.ts';
import { checkRequest, recipeOf } from './pipelines/request.ts';
import { TextEncoder } from './pipelines/text-encoder.ts';
import { type TextToImage, textToImage } from './pipelines/text-to-image.ts';
import type { Runtime } from './runtime/runtime.ts';
import { schedulerNameOf } from './schedulers/create.ts';
import { loadTokenizer } from './text/tokenizer.ts';

/** The engine in this process. Calls run one after another; the caller sees to that. */
export function createEngine(runtime: Runtime): Engine {
  return new LocalEngine(runtime);
}

class LocalEngine implements Engine {
  readonly #runtime: Runtime;
  /** The model of the last call, ready for the next. */
  #loaded: (TextToImage & { threads: number }) | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  async generate(
    request: GenerateRequest,
    options: CallOptions<GenerateProgress> = {},
  ): Promise<GenerateResult> {
    const checked = checkRequest(request);
    options.signal?.throwIfAborted();
    const loaded = await this.#load(checked);
    const scheduler = schedulerNameOf(loaded.model.schedulerConfig);
    const recipe = recipeOf(checked, { name: loaded.model.name, defaults: loaded.model.defaults, scheduler });
    return textToImage(loaded, recipe, { ...options, previews: checked.previews });
  }

  async dispose(): Promise<void> {
    await this.#loaded?.components.release();
    this.#loaded = undefined;
  }

  async #load(request: GenerateRequest): Promise<TextToImage> {
    const threads = request.threads || this.#runtime.threads;
    const model = await openModelFolder(request.model);
    if (this.#loaded?.model.id === model.id && this.#loaded.threads === threads) return this.#loaded;
    await this.dispose();
    const components = new Components(model, this.#runtime, threads);
    const text = new TextEncoder(components, await loadTokenizer(model.tokenizerFolder));
    this.#loaded = { model, components, text, threads };
    return this.#loaded;
  }
}
