/**
 * Additions to the prompt in the forms of the view and of the image editor: LoRA files, images that steer, images that
 * are seen as prompts, and prompts for regions. Images go by the names under which the extension keeps them.
 */
import type { ControlChoice, GenerateRequest, ReferenceChoice, RegionChoice } from './api.ts';
import { LIMITS } from './limits.ts';

export interface LoraRow {
  /** A file, or a name of the hub. */
  lora: string;
  strength: number;
  on: boolean;
}

/** What a control image becomes before it steers: itself, its edges, or a scribble of it. */
type HintChoice = NonNullable<ControlChoice['hint']> | '';

export interface ControlRow {
  picture: string;
  /** A file, a folder or a name of the hub; empty until one is chosen. */
  model: string;
  hint: HintChoice;
  strength: number;
  /** Shares of the steps between which it acts. */
  start: number;
  end: number;
  on: boolean;
}

/** A control layer before anything is set: its model is the usual one. */
export const NO_CONTROL: ControlRow = {
  picture: '',
  model: '',
  hint: '',
  strength: 1,
  start: 0,
  end: 1,
  on: true,
};

export interface ReferenceRow {
  picture: string;
  strength: number;
  /** An image that is white where the result sees the reference; empty: everywhere. */
  mask: string;
  on: boolean;
}

/** A prompt for a part of the image. */
export interface RegionRow {
  /** An image that is white in the region. */
  picture: string;
  prompt: string;
  on: boolean;
}

export interface Additions {
  loras: LoraRow[];
  controls: ControlRow[];
  references: ReferenceRow[];
  /** The IP-Adapter that reads the references; empty until one is chosen. */
  referenceModel: string;
  regions: RegionRow[];
}

export const NO_ADDITIONS: Additions = {
  loras: [],
  controls: [],
  references: [],
  referenceModel: '',
  regions: [],
};

/** A new row's strength: a reference at 1 leaves little influence to the words. */
const FIRST_STRENGTH = { loras: 1, controls: 1, references: 0.6 } as const;

/** The place of a choice: a field of a row, of a new row with `at` −1, or the references' model. */
export interface AdditionPlace {
  list: 'loras' | 'controls' | 'references' | 'regions';
  field: 'lora' | 'picture' | 'model' | 'mask';
  at: number;
}

/** Facts about a LoRA file. */
export interface LoraFacts {
  lora: string;
  /** Words that bring out what it was trained on. */
  words: string[];
  /** Why it cannot be used. */
  problem?: string;
}

/** A request with the names of kept images in place of images. */
export type AskedRequest = GenerateRequest<string>;
type Added = Pick<AskedRequest, 'loras' | 'controls' | 'references' | 'referenceModel' | 'regions'>;

/** The lists as sentences name them. */
const LISTS = [
  ['loras', 'LoRA files'],
  ['controls', 'control images'],
  ['references', 'reference images'],
  ['regions', 'regions'],
] as const;

/** Why additions cannot be used, as a sentence. @param readsImages the model reads reference images itself */
export function hindranceOfAdditions(additions: Additions, readsImages = false): string | undefined {
  const { controls, references, referenceModel, regions } = additions;
  for (const [list, name] of LISTS) {
    const count = additions[list].filter(({ on }) => on).length;
    if (count > LIMITS[list]) return `There can be ${LIMITS[list]} ${name} at most, not ${count}.`;
  }
  if (controls.some(({ on, model }) => on && model === ''))
    return 'Choose the ControlNet that reads the control image.';
  if (references.some(({ on }) => on) && referenceModel === '' && !readsImages)
    return 'Choose the IP-Adapter that reads the reference image.';
  if (controls.some(({ on, start, end }) => on && start >= end))
    return 'A control image must end after it starts.';
  const unsaid = regions.findIndex(({ on, prompt }) => on && prompt.trim() === '');
  return unsaid < 0 ? undefined : `Enter the prompt of region ${unsaid + 1}.`;
}

/** The part of a request that additions make: those that are switched on. */
export function requestOfAdditions({
  loras,
  controls,
  references,
  referenceModel,
  regions,
}: Additions): Added {
  const chosen = {
    regions: regions
      .filter(({ on }) => on)
      .map(({ picture, prompt }): RegionChoice<string> => ({ prompt, mask: picture })),
    loras: loras.filter(({ on }) => on).map(({ lora, strength }) => ({ lora, strength })),
    controls: controls
      .filter(({ on }) => on)
      .map(
        ({ picture, hint, on: _, ...control }): ControlChoice<string> => ({
          image: picture,
          ...control,
          ...(hint && { hint }),
        }),
      ),
    references: references
      .filter(({ on }) => on)
      .map(
        ({ picture, strength, mask }): ReferenceChoice<string> => ({
          image: picture,
          strength,
          ...(mask && { mask }),
        }),
      ),
  };
  return {
    ...(chosen.loras.length > 0 && { loras: chosen.loras }),
    ...(chosen.controls.length > 0 && { controls: chosen.controls }),
    ...(chosen.references.length > 0 && {
      references: chosen.references,
      ...(referenceModel && { referenceModel }),
    }),
    ...(chosen.regions.length > 0 && { regions: chosen.regions }),
  };
}

/** The rows for a request. */
export function additionsOf({
  loras = [],
  controls = [],
  references = [],
  referenceModel = '',
  regions = [],
}: Added): Additions {
  return {
    loras: loras.map(({ lora, strength }) => ({ lora, strength, on: true })),
    controls: controls.map(({ image, model, hint, strength = 1, start = 0, end = 1 }) => ({
      picture: image,
      model,
      hint: hint ?? '',
      strength,
      start,
      end,
      on: true,
    })),
    references: references.map(({ image, strength = 1, mask = '' }) => ({
      picture: image,
      strength,
      mask,
      on: true,
    })),
    referenceModel,
    regions: regions.map(({ prompt, mask }) => ({ picture: mask, prompt, on: true })),
  };
}

/**
 * Additions with what was chosen for a place. A new control image gets the model of the one before it.
 * @param model that was used last for such images
 */
export function withChosen(
  additions: Additions,
  { list, field, at }: AdditionPlace,
  value: string,
  model = '',
): Additions {
  if (list === 'references' && field === 'model') return { ...additions, referenceModel: value };
  if (at >= 0) {
    const rows = additions[list].map((row, i) => (i === at ? { ...row, [field]: value } : row));
    return { ...additions, [list]: rows };
  }
  if (list === 'regions')
    return { ...additions, regions: [...additions.regions, { picture: value, prompt: '', on: true }] };
  const strength = FIRST_STRENGTH[list];
  switch (list) {
    case 'loras':
      return { ...additions, loras: [...additions.loras, { lora: value, strength, on: true }] };
    case 'controls': {
      const before = additions.controls.at(-1)?.model || model;
      const row: ControlRow = { ...NO_CONTROL, picture: value, model: before, strength };
      return { ...additions, controls: [...additions.controls, row] };
    }
    case 'references':
      return {
        ...additions,
        references: [...additions.references, { picture: value, strength, mask: '', on: true }],
        referenceModel: additions.referenceModel || model,
      };
  }
}

// Page → extension host

export type AdditionsPageMessage =
  /** Lets the user choose a file for a place. */
  | { type: 'choose'; place: AdditionPlace }
  /** An image was dropped on a place: its file's name and bytes, or its address in VS Code. */
  | { type: 'give'; place: AdditionPlace; name: string; bytes: Uint8Array<ArrayBuffer> }
  | { type: 'giveUri'; place: AdditionPlace; uri: string }
  /** Lets the user choose an embedding, a wildcard or a LoRA for the prompt to name. */
  | { type: 'pickWord' }
  /** Requests the metadata of these files. */
  | { type: 'describeLoras'; loras: string[] };

// Extension host → page

export type AdditionsHostMessage =
  /** A choice for a place; for a new row also the model that was used last. */
  | { type: 'chosen'; place: AdditionPlace; value: string; model?: string }
  | { type: 'loraFacts'; loras: LoraFacts[] }
  /** Words to add to the prompt. */
  | { type: 'words'; words: string }
  /** The address of the folder of small images: `<address>/<name>.webp`. */
  | { type: 'keptAt'; address: string };
