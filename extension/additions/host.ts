import { Uri, window } from 'vscode';
import { openControlModel } from '../../engine/models/control-model.ts';
import { EMBEDDED, EMBEDDED_CONTROL } from '../../engine/models/embedded.ts';
import { loraFile } from '../../engine/models/open.ts';
import { openReferenceModel } from '../../engine/models/reference-model.ts';
import type {
  AdditionPlace,
  AdditionsHostMessage,
  AdditionsPageMessage,
  LoraFacts,
} from '../../shared/additions.ts';
import { readPictureUri } from '../editor/pictureFile.ts';
import type { Handlers } from '../handlers.ts';
import { chooseModel } from '../models/chooseFile.ts';
import type { Services } from '../services.ts';
import { loraFacts } from './loraFacts.ts';
import { pickWord } from './pickWord.ts';

const PICTURES = ['png', 'jpg', 'jpeg', 'webp', 'avif', 'gif', 'tiff'];

/** The choice for each place that names a model. */
const MODELS = {
  loras: {
    purpose: 'lora',
    title: 'Add LoRA',
    what: 'a LoRA',
    source: 'https://huggingface.co/models?other=lora',
  },
  controls: {
    purpose: 'control',
    title: 'ControlNet or T2I-Adapter',
    what: 'a ControlNet',
    source: 'https://huggingface.co/models?search=controlnet',
    folders: true,
  },
  references: {
    purpose: 'reference',
    title: 'IP-Adapter',
    what: 'an IP-Adapter',
    source: 'https://huggingface.co/h94/IP-Adapter',
  },
} as const;

const TITLES = { picture: 'Image', mask: 'Image That Is White Where the Reference Is Seen' } as const;

/** Handlers of a page's messages about additions. */
export function additionsHandlers(host: () => AdditionsHost): Handlers<AdditionsPageMessage> {
  const handler = (message: AdditionsPageMessage) => host().handle(message);
  return { choose: handler, give: handler, giveUri: handler, pickWord: handler, describeLoras: handler };
}

/** Handles a page's messages about additions. */
export class AdditionsHost {
  readonly #services: Pick<Services, 'kept' | 'lastModels'>;
  readonly #model: () => string | undefined;
  readonly #tell: (message: AdditionsHostMessage) => void;

  /** @param model the one that generates images now */
  constructor(
    services: Pick<Services, 'kept' | 'lastModels'>,
    model: () => string | undefined,
    tell: (message: AdditionsHostMessage) => void,
  ) {
    this.#services = services;
    this.#model = model;
    this.#tell = tell;
  }

  /** @throws InputError if a choice cannot be used */
  async handle(message: AdditionsPageMessage): Promise<void> {
    switch (message.type) {
      case 'choose':
        return await this.#choose(message.place);
      case 'give':
        return await this.give(message.place, message.bytes);
      case 'giveUri':
        return await this.give(message.place, await readPictureUri(Uri.parse(message.uri)));
      case 'pickWord': {
        const words = await pickWord(this.#model());
        if (words) this.#tell({ type: 'words', words });
        return;
      }
      case 'describeLoras':
        return this.#tell({
          type: 'loraFacts',
          loras: await Promise.all(message.loras.map((lora) => this.#describe(lora))),
        });
    }
  }

  /** Keeps an image and puts it in its place. */
  async give(place: AdditionPlace, bytes: Uint8Array): Promise<void> {
    if (place.list === 'loras' || place.field === 'model') return;
    const value = await this.#services.kept.keep(bytes, 'The image');
    this.#tell({ type: 'chosen', place, value, model: await this.#usualModel(place.list) });
  }

  /** Scenes has a ControlNet of its own, except on the web; else the one that was chosen last. */
  async #usualModel(list: 'controls' | 'references'): Promise<string | undefined> {
    const isScenes = (this.#model() || EMBEDDED) === EMBEDDED;
    const isHere = () => openControlModel(EMBEDDED_CONTROL).then(Boolean, () => false);
    if (list === 'controls' && isScenes && (await isHere())) return EMBEDDED_CONTROL;
    return this.#services.lastModels.of(list);
  }

  async #choose(place: AdditionPlace): Promise<void> {
    const { list, field } = place;
    if (list === 'loras' || field === 'model') return await this.#chooseModel(place);
    const [file] =
      (await window.showOpenDialog({
        title: TITLES[field === 'mask' ? 'mask' : 'picture'],
        openLabel: 'Use',
        filters: { Images: PICTURES },
      })) ?? [];
    if (file) await this.give(place, await readPictureUri(file));
  }

  async #chooseModel(place: AdditionPlace): Promise<void> {
    const { list } = place;
    const value = await chooseModel(MODELS[list]);
    if (value === undefined) return;
    // Refuses it here rather than at the next image.
    if (list === 'controls') await openControlModel(value);
    if (list === 'references') await openReferenceModel(value);
    if (list !== 'loras') await this.#services.lastModels.note(list, value);
    this.#tell({ type: 'chosen', place, value });
  }

  async #describe(lora: string): Promise<LoraFacts> {
    return await loraFacts(lora, () => loraFile(lora));
  }
}
