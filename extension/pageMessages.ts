/**
 * The messages that pages may send. A page shows untrusted content, so its messages are checked before they are
 * handled.
 */
import * as z from 'zod';
import { isRepositoryId } from '../engine/hub/repository-id.ts';
import { PRECISIONS } from '../shared/api.ts';
import {
  type BenchmarkDraft,
  type BenchmarkPageMessage,
  EXPORT_FORMATS,
} from '../shared/benchmark/protocol.ts';
import {
  EDIT_WAYS,
  type EditDraft,
  type EditorPageMessage,
  MOST_VARIATIONS,
} from '../shared/editorProtocol.ts';
import type { GalleryPageMessage } from '../shared/galleryProtocol.ts';
import { IMAGE_ACTIONS } from '../shared/imageActions.ts';
import { LIMITS } from '../shared/limits.ts';
import { plainText } from '../shared/plainText.ts';
import type { Draft, PageMessage } from '../shared/viewProtocol.ts';
import { additionPlace, additionsMessages, additionsSchema, controlSchema } from './additions/schema.ts';

/** Checks a page's message. Returns it with its known fields only, or undefined. */
export type CheckMessage<Message> = (message: unknown) => Message | undefined;

/** Every field, so that none is dropped because it was forgotten here. */
type Shape<Value> = { [Name in keyof Value]-?: z.ZodType<Value[Name]> };

type Fields<Message extends { type: string }> = {
  [Type in Message['type']]: z.ZodObject<Shape<Omit<Extract<Message, { type: Type }>, 'type'>>>;
};

function checked<Message extends { type: string }>(fields: Fields<Message>): CheckMessage<Message> {
  return (message) => {
    const type = (message as { type?: unknown } | null | undefined)?.type;
    if (typeof type !== 'string' || !Object.hasOwn(fields, type)) return undefined;
    const read = fields[type as Message['type']].safeParse(message);
    return read.success ? ({ ...read.data, type } as Message) : undefined;
  };
}

const nothing = z.object({});
const id = z.string().max(200);
/** Images selected at once. */
const ids = z.array(id).max(100_000);
/** Typed text, or a path. Tighter limits are checked when it is used. */
const text = z.string().max(1_000_000);
/** A text for people. */
const sentence = z.string().transform((said) => plainText(said));
const whole = z.number().int();
const side = whole.min(0).max(1 << 16);
const bytes = z.instanceof(Uint8Array) as z.ZodType<Uint8Array<ArrayBuffer>>;
const file = bytes.refine(({ length }) => length <= LIMITS.fileBytes);
/** The model checks that it fits the picture. */
const patch = z.object({ left: side, top: side, width: side, height: side, data: bytes });
const coordinate = z.number().min(-1e6).max(1e6);
const place = z.object({
  points: z
    .array(z.object({ x: coordinate, y: coordinate, include: z.boolean().optional() }))
    .max(1000)
    .optional(),
  box: z.object({ x0: coordinate, y0: coordinate, x1: coordinate, y1: coordinate }).optional(),
});

const pixels = whole.min(LIMITS.extension.min).max(LIMITS.extension.max);
const edit = z.object({
  way: z.enum(EDIT_WAYS),
  extension: z.object({ left: pixels, top: pixels, right: pixels, bottom: pixels }),
  prompt: text,
  negativePrompt: text,
  // 0: the default for the model and the kind of edit.
  strength: z.number().min(0).max(LIMITS.strength.max),
  steps: text,
  seed: text,
  seedLocked: z.boolean(),
  precision: z.enum(['', ...PRECISIONS]),
  variations: whole.min(1).max(MOST_VARIATIONS),
  additions: additionsSchema,
  control: controlSchema,
  budget: z.literal(0).or(z.number().min(LIMITS.budget.min).max(LIMITS.budget.max)),
  zoom: z.boolean(),
} satisfies Shape<EditDraft>);

export const checkEditorMessage = checked<EditorPageMessage>({
  ready: nothing,
  painted: nothing,
  broken: z.object({ reason: sentence }),
  mask: z.object({ label: sentence, patch, whole: z.boolean().optional() }),
  control: z.object({ label: sentence, patch }),
  colours: z.object({ label: sentence, patch }),
  chooseControl: z.object({ what: z.enum(['picture', 'model']) }),
  giveControl: z.object({ name: sentence, bytes: file }),
  giveControlUri: z.object({ uri: z.string().max(10_000) }),
  select: z.object({ place, how: z.enum(['replace', 'add', 'remove']) }),
  selectNext: z.object({ step: z.literal([1, -1]) }),
  hover: z.object({ place: place.optional() }),
  restore: z.object({ patch }),
  prepare: z.object({ draft: edit }),
  apply: z.object({ draft: edit }),
  live: z.object({ draft: edit.optional() }),
  stopLive: nothing,
  setLive: z.object({ on: z.boolean() }),
  cancel: nothing,
  cancelSelect: nothing,
  pick: z.object({ id }),
  discard: nothing,
  measure: nothing,
  reselect: nothing,
  showEdit: z.object({ id, shown: z.boolean() }),
  fadeEdit: z.object({ id, opacity: z.number().min(0).max(1), done: z.boolean() }),
  varyEdit: z.object({ id, variation: id }),
  moveEdit: z.object({ id, by: z.literal([1, -1]) }),
  crop: z.object({ crop: z.object({ left: side, top: side, right: side, bottom: side }) }),
  goBack: z.object({ id }),
  useEdit: z.object({ id }),
  runAgain: z.object({ id }),
  pickPrompt: nothing,
  undo: nothing,
  redo: nothing,
  insertLink: nothing,
  upscale: nothing,
  getModels: nothing,
  cutOut: nothing,
  getModel: z.object({ model: z.string().max(200).refine(isRepositoryId) }),
  loadMask: nothing,
  exportMask: nothing,
  reload: nothing,
  keep: nothing,
  copied: z.object({ what: sentence }),
  failed: z.object({ what: sentence, reason: sentence }),
  showLog: nothing,
  openSettings: nothing,
  giveMask: z.object({ place: additionPlace }),
  ...additionsMessages,
});

const draft = z.object({
  prompt: text,
  negativePrompt: text,
  seed: text,
  size: text,
  steps: text,
  guidance: text,
  scheduler: text,
  sigmas: text,
  clipSkip: text,
  model: text,
  precision: text,
  count: text,
  additions: additionsSchema,
  budget: text,
  style: text,
} satisfies Shape<Draft>);
const acting = z.object({ action: z.enum(IMAGE_ACTIONS), ids });

export const checkViewMessage = checked<PageMessage>({
  ready: nothing,
  form: z.object({ draft }),
  typing: nothing,
  setDrafting: z.object({ on: z.boolean() }),
  generate: z.object({ draft }),
  again: z.object({ id }),
  cancel: z.object({ job: id }),
  cancelAll: nothing,
  show: z.object({ id }),
  showGrid: z.object({ batch: id }),
  follow: nothing,
  fetch: z.object({ id }),
  act: acting,
  noticeAction: nothing,
  dismiss: nothing,
  restart: z.object({ run: id }),
  forget: z.object({ run: id }),
  tryAgain: nothing,
  dropped: z.object({ name: sentence, bytes: file }),
  droppedUri: z.object({ uri: z.string().max(10_000) }),
  copied: nothing,
  copyFailed: z.object({ reason: sentence }),
  openGallery: nothing,
  getModels: nothing,
  showLog: nothing,
  openSettings: nothing,
  ...additionsMessages,
});

export const checkGalleryMessage = checked<GalleryPageMessage>({
  ready: nothing,
  act: acting,
  fetch: z.object({ id }),
  noticeAction: nothing,
  copied: nothing,
  copyFailed: z.object({ reason: sentence }),
  clear: nothing,
  changeLimit: nothing,
  openFolder: nothing,
  openGallery: nothing,
  generate: nothing,
  showLog: nothing,
  openSettings: nothing,
});

const names = z.array(z.string().max(200)).max(1000);
const benchmark = z.object({
  model: text,
  folder: text,
  segmenter: text,
  scope: z.enum(['step', 'whole']),
  size: text,
  maskKind: z.enum(['share', 'drawn', 'file', 'sige']),
  share: text,
  maskFile: text,
  cases: names,
  precisions: names,
  devices: names,
  workers: text,
  repeat: text,
  threads: text,
  steps: text,
  prompt: text,
  editPrompt: text,
  profile: z.boolean(),
  isolate: z.boolean(),
} satisfies Shape<BenchmarkDraft>);

export const checkBenchmarkMessage = checked<BenchmarkPageMessage>({
  ready: nothing,
  estimate: z.object({ draft: benchmark, painted: z.boolean() }),
  run: z.object({ draft: benchmark, drawn: file.optional() }),
  cancel: nothing,
  count: nothing,
  show: z.object({ ids }),
  delete: z.object({ id }),
  fetch: z.object({ run: id, name: z.string().max(1000) }),
  export: z.object({ format: z.enum(EXPORT_FORMATS) }),
  import: nothing,
  copy: nothing,
  pickModel: nothing,
  pickMask: nothing,
  showLog: nothing,
  openSettings: nothing,
});
