import * as z from 'zod';
import {
  type CutOutRequest,
  type DescribeRequest,
  type FindObjectsRequest,
  SEGMENTER_PRECISIONS,
  type SegmentRequest,
} from '../../../shared/api.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { InputError } from '../../errors.ts';
import { PICTURE_LIMITS } from '../../pictures/read.ts';
import { between, check, file, image, whole } from '../check-request.ts';

const { side } = PICTURE_LIMITS;
/** Prompts may be a little outside the picture; their exact place is checked when its size is known. */
const place = { min: -4 * side, max: 4 * side };
const MOST_POINTS = 64;
/** Values of an earlier mask: the largest that a segmenter's decoder gives. */
const MOST_LOGITS = 1024 ** 2;

const common = {
  image: z.union([file('The image'), z.string().max(64)]),
  threads: whole('Threads', LIMITS.threads).optional(),
};
const masks = {
  model: z.string().max(4096).optional(),
  png: z.boolean().optional(),
  precision: z
    .enum(SEGMENTER_PRECISIONS, { error: `The precision must be one of ${SEGMENTER_PRECISIONS.join(', ')}` })
    .optional(),
  maxSide: whole('The longest side', { min: 16, max: side }).optional(),
};
const places = {
  points: z
    .array(z.object({ x: between('x', place), y: between('y', place), include: z.boolean().optional() }))
    .max(MOST_POINTS, { error: `At most ${MOST_POINTS} points can be given` })
    .optional(),
  box: z
    .object({
      x0: between('x0', place),
      y0: between('y0', place),
      x1: between('x1', place),
      y1: between('y1', place),
    })
    .optional(),
};
const segmentSchema = z.object({
  ...common,
  ...masks,
  ...places,
  refine: z
    .instanceof(Float32Array)
    .refine(({ length }) => length > 0 && length <= MOST_LOGITS, { error: 'The earlier mask is too large' })
    .optional(),
  most: whole('The number of masks', { min: 1, max: 3 }).optional(),
});
const findObjectsSchema = z.object({
  ...common,
  ...masks,
  grid: whole('The grid', { min: 2, max: 64 }).optional(),
});
const cutOutSchema = z.object({
  ...places,
  image: image('The image', 3, 4),
  mask: image('The mask', 1).optional(),
  feather: whole('The feather', LIMITS.feather).optional(),
  trim: z.boolean().optional(),
  threads: common.threads,
  model: masks.model,
  precision: masks.precision,
});
const describeSchema = z.object({
  ...common,
  mask: z
    .object({
      width: whole("The mask's width", { min: 1, max: side }),
      height: whole("The mask's height", { min: 1, max: side }),
      data: z.instanceof(Uint8Array),
    })
    .refine(({ width, height, data }) => data.length === width * height, {
      error: 'The mask must have one byte a pixel',
    })
    .optional(),
});

/** Checks a request from anywhere; throws an `InputError` that names the allowed values. */
export function checkSegment(request: SegmentRequest): SegmentRequest {
  return check(segmentSchema, request);
}

export function checkFindObjects(request: FindObjectsRequest): FindObjectsRequest {
  return check(findObjectsSchema, request);
}

/** @throws InputError, also where neither a mask nor a place is given, or both are */
export function checkCutOut(request: CutOutRequest): CutOutRequest {
  const checked = check(cutOutSchema, request);
  const isPlaced = (checked.points?.length ?? 0) > 0 || checked.box !== undefined;
  if (isPlaced === (checked.mask !== undefined))
    throw new InputError(
      isPlaced
        ? 'Give a mask of what to cut out, or a place with points and a box, not both.'
        : 'Say what to cut out: give a mask, a point or a box.',
    );
  return checked;
}

export function checkDescribe(request: DescribeRequest): DescribeRequest {
  return check(describeSchema, request);
}
