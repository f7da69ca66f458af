import * as z from 'zod';
import type { AskedRequest } from '../../shared/additions.ts';
import { ATTENTIONS, PRECISIONS, SCHEDULERS, SIGMA_SPACINGS } from '../../shared/api.ts';
import { workerReportSchema } from '../../shared/benchmark/schema.ts';
import type { PictureInfo } from '../../shared/gallery.ts';
import { DECODERS } from '../../shared/requestFields.ts';

/** Bytes of a picture's description; prompts are bounded by the engine. */
const MAX_BYTES = 1 << 20;

const text = z.string().max(20_000);
const figure = z.number().nonnegative();
const loras = z.array(z.object({ lora: text, strength: z.number() })).max(100);
// Later versions may add fields.
const recipe = z.looseObject({
  prompt: text,
  negativePrompt: text,
  model: text,
  seed: figure,
  steps: figure,
  guidance: figure,
  width: figure,
  height: figure,
  scheduler: z.enum(SCHEDULERS),
  sigmas: z.enum(SIGMA_SPACINGS).optional(),
  precision: z.enum(PRECISIONS),
  attention: z.enum(ATTENTIONS).optional(),
  strength: figure.optional(),
  decoder: z.enum(DECODERS).optional(),
  loras: loras.optional(),
  clipSkip: figure.optional(),
});
// The engine checks requests, wherever they come from.
const request = z.looseObject({ prompt: text });
const picture = z.object({
  id: z.uuid(),
  /** Earlier versions did not record it. */
  created: figure.optional(),
  request,
  asked: request.optional(),
  batch: text.optional(),
  upscaled: z.object({ model: text, scale: figure, width: figure, height: figure }).optional(),
  recipe,
  macs: figure,
  seconds: figure,
  loadSeconds: figure,
  stepSeconds: z.array(figure),
  workers: z.array(workerReportSchema).optional(),
  warnings: z.array(text),
  savedAs: text.optional(),
});

/**
 * The description of a picture in the extension's storage; undefined if it is not valid.
 * @param written when the file was written, for images of versions that did not record their creation
 */
export function readStoredPicture(bytes: Uint8Array, written: number): PictureInfo | undefined {
  if (bytes.length > MAX_BYTES) return undefined;
  try {
    const { request, asked, ...rest } = picture.parse(JSON.parse(new TextDecoder().decode(bytes)));
    return {
      ...rest,
      created: rest.created ?? written,
      request: keptRequest(request as AskedRequest),
      ...(asked && { asked: keptRequest(asked as AskedRequest) }),
    };
  } catch {
    return undefined;
  }
}

/** The part of a request that is kept, without the address of a bus, which may contain a password. */
export function keptRequest({ bus: _, ...request }: AskedRequest): AskedRequest {
  return request;
}
