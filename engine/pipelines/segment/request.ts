import * as z from 'zod';
import {
  type DescribeRequest,
  type FindThingsRequest,
  SEGMENTER_PRECISIONS,
  type SegmentRequest,
} from '../../../shared/api.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { PICTURE_LIMITS } from '../../pictures/read.ts';
import { between, check, file, whole } from '../request.ts';

const { side } = PICTURE_LIMITS;
/** Prompts may lie a little outside the picture; where exactly is checked when its size is known. */
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
const segmentSchema = z.object({
  ...common,
  ...masks,
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
  refine: z
    .instanceof(Float32Array)
    .refine(({ length }) => length > 0 && length <= MOST_LOGITS, { error: 'The earlier mask is too large' })
    .optional(),
  most: whole('The number of masks', { min: 1, max: 3 }).optional(),
});
const findThingsSchema = z.object({
  ...common,
  ...masks,
  grid: whole('The grid', { min: 2, max: 64 }).optional(),
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

export function checkFindThings(request: FindThingsRequest): FindThingsRequest {
  return check(findThingsSchema, request);
}

export function checkDescribe(request: DescribeRequest): DescribeRequest {
  return check(describeSchema, request);
}
