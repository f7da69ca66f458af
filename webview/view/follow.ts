import { additionsOf } from '../../shared/additions.ts';
import type { PictureInfo } from '../../shared/gallery.ts';
import { type Draft, EMPTY_DRAFT } from '../../shared/viewProtocol.ts';

const FIELDS = Object.keys(EMPTY_DRAFT) as (keyof Draft)[];

export function sameDraft(a: Draft, b: Draft): boolean {
  return FIELDS.every((field) =>
    field === 'additions' ? JSON.stringify(a[field]) === JSON.stringify(b[field]) : a[field] === b[field],
  );
}

/** The form with the request of an image. A random seed and the count stay as they are. */
export function followedDraft(
  draft: Draft,
  { asked, request: whole, recipe }: Pick<PictureInfo, 'asked' | 'request' | 'recipe'>,
): Draft {
  const request = asked ?? whole;
  const { width, height } = request;
  const text = (value: unknown) => (value === undefined ? '' : String(value));
  return {
    prompt: request.prompt,
    negativePrompt: request.negativePrompt ?? '',
    seed: draft.seed === '' ? '' : String(recipe.seed),
    size: width && height ? `${width}x${height}` : '',
    steps: text(request.steps),
    guidance: text(request.guidance),
    scheduler: text(request.scheduler),
    sigmas: text(request.sigmas),
    clipSkip: text(request.clipSkip),
    model: text(request.model),
    precision: text(request.precision),
    count: draft.count,
    additions: additionsOf(request),
    budget: text(request.budget),
    style: text(request.style?.name),
  };
}
