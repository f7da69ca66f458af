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
import { type NamedPicture, readNamedPicture } from '../editor/pictureFile.ts';
import type { Handlers } from '../handlers.ts';
import { chooseModel } from '../models/chooseFile.ts';
import type { Services } from '../services.ts';
import { PICTURE_ENDINGS } from '../sight/picked.ts';
import type { LastModels } from './lastModels.ts';
import { loraFacts } from './loraFacts.ts';
import { pickWord } from './pickWord.ts';

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

const TITLES = {
  picture: 'Image',
  mask: 'Image That Is White Where the Reference Is Seen',
  region: 'Image That Is White in the Region',
} as const;

/** The ControlNet of Scenes for Scenes, except on the web; else the model that was chosen last. */
export async function usualModel(
  lastModels: Pick<LastModels, 'of'>,
  model: string | undefined,
  list: 'controls' | 'references',
): Promise<string | undefined> {
  const isScenes = (model || EMBEDDED) === EMBEDDED;
  const isHere = () => openControlModel(EMBEDDED_CONTROL).then(Boolean, () => false);
  if (list === 'controls' && isScenes && (await isHere())) return EMBEDDED_CONTROL;
  return lastModels.of(list);
}

/** Lets the user choose an image file. */
export async function choosePicture(title: string): Promise<NamedPicture | undefined> {
  const [file] =
    (await window.showOpenDialog({ title, openLabel: 'Use', filters: { Images: PICTURE_ENDINGS } })) ?? [];
  return file && (await readNamedPicture(file));
}

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
        return await this.give(message.place, message);
      case 'giveUri':
        return await this.give(message.place, await readNamedPicture(Uri.parse(message.uri)));
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
  async give(place: AdditionPlace, { name, bytes }: NamedPicture): Promise<void> {
    if (place.list === 'loras' || place.field === 'model') return;
    const value = await this.#services.kept.keep(bytes, name);
    const model =
      place.list === 'regions'
        ? undefined
        : await usualModel(this.#services.lastModels, this.#model(), place.list);
    this.#tell({ type: 'chosen', place, value, model });
  }

  async #choose(place: AdditionPlace): Promise<void> {
    const { list, field } = place;
    if (list === 'loras' || field === 'model') return await this.#chooseModel(place);
    const picture = await choosePicture(
      TITLES[list === 'regions' ? 'region' : field === 'mask' ? 'mask' : 'picture'],
    );
    if (picture) await this.give(place, picture);
  }

  async #chooseModel(place: AdditionPlace): Promise<void> {
    if (place.list === 'regions') return;
    const value = await this.chooseModelFor(place.list);
    if (value !== undefined) this.#tell({ type: 'chosen', place, value });
  }

  /** Lets the user choose a model that reads such images. @throws InputError if what is chosen is none */
  async chooseModelFor(list: keyof typeof MODELS): Promise<string | undefined> {
    const value = await chooseModel(MODELS[list]);
    if (value === undefined) return undefined;
    // Refuses it here rather than at the next image.
    if (list === 'controls') await openControlModel(value);
    if (list === 'references') await openReferenceModel(value);
    if (list !== 'loras') await this.#services.lastModels.note(list, value);
    return value;
  }

  async #describe(lora: string): Promise<LoraFacts> {
    return await loraFacts(lora, () => loraFile(lora));
  }
}
