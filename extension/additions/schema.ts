import * as z from 'zod';
import {
  type AdditionPlace,
  type Additions,
  type AdditionsPageMessage,
  type ControlRow,
  NO_ADDITIONS,
} from '../../shared/additions.ts';
import { CONTROL_HINTS } from '../../shared/api.ts';
import { LIMITS } from '../../shared/limits.ts';
import { plainText } from '../../shared/plainText.ts';

/** Every field, so that none is dropped because it was forgotten here. */
type Shape<Value> = { [Name in keyof Value]-?: z.ZodType<Value[Name]> };

/** Rows of one kind in a form; the engine limits how many may be switched on. */
const MOST_ROWS = 64;

const place = z.string().max(4096);
/** Name of a kept image; empty if there is none. */
const picture = z.string().regex(/^([0-9a-f]{64})?$/);
const share = z.number().min(0).max(1);
const within = ({ min, max }: { min: number; max: number }) => z.number().min(min).max(max);

/** What a page or a file may say of an image that steers. */
export const controlSchema = z.object({
  picture,
  model: place,
  hint: z.enum(['', ...CONTROL_HINTS]),
  strength: within(LIMITS.controlStrength),
  start: share,
  end: share,
  on: z.boolean(),
} satisfies Shape<ControlRow>);

/** The additions in a message of a page or in a file. */
export const additionsSchema = z.object({
  loras: z
    .array(z.object({ lora: place, strength: within(LIMITS.loraStrength), on: z.boolean() }))
    .max(MOST_ROWS),
  controls: z.array(controlSchema).max(MOST_ROWS),
  references: z
    .array(z.object({ picture, strength: within(LIMITS.referenceStrength), mask: picture, on: z.boolean() }))
    .max(MOST_ROWS),
  referenceModel: place,
  // Additions that were kept before there were regions have none.
  regions: z
    .array(z.object({ picture, prompt: z.string().max(LIMITS.promptCharacters), on: z.boolean() }))
    .max(MOST_ROWS)
    .default([]),
} satisfies Shape<Additions>);

/** The validated stored additions. */
export function readAdditions(value: unknown): Additions {
  const read = additionsSchema.safeParse(value);
  return read.success ? read.data : NO_ADDITIONS;
}

export const additionPlace = z.object({
  list: z.enum(['loras', 'controls', 'references', 'regions']),
  field: z.enum(['lora', 'picture', 'model', 'mask']),
  at: z.number().int().min(-1).max(MOST_ROWS),
} satisfies Shape<AdditionPlace>);
const file = (z.instanceof(Uint8Array) as z.ZodType<Uint8Array<ArrayBuffer>>).refine(
  ({ length }) => length <= LIMITS.fileBytes,
);

/** The messages of pages about additions, by type. */
export const additionsMessages = {
  choose: z.object({ place: additionPlace }),
  give: z.object({
    place: additionPlace,
    name: z.string().transform((said) => plainText(said)),
    bytes: file,
  }),
  giveUri: z.object({ place: additionPlace, uri: z.string().max(10_000) }),
  pickWord: z.object({}),
  describeLoras: z.object({ loras: z.array(place).max(MOST_ROWS) }),
} satisfies {
  [Type in AdditionsPageMessage['type']]: z.ZodObject<
    Shape<Omit<Extract<AdditionsPageMessage, { type: Type }>, 'type'>>
  >;
};
