import type {
  CallOptions,
  Engine,
  FindThingsProgress,
  FindThingsRequest,
  ThingMask,
} from '../../../shared/api.ts';
import { InputError } from '../../errors.ts';

/** An object of an image, with its name if the tagger knows one. */
export interface NamedObject extends ThingMask {
  name: string;
}

interface FoundObjects {
  /** From left to right. */
  objects: NamedObject[];
  /** Size of the image, in pixels. */
  width: number;
  height: number;
  warnings: string[];
}

/** Name of an object that the tagger does not know. */
const UNKNOWN = 'something';

/** Finds the objects of an image and names each. Masks have PNG files if the request asks for them. */
export async function findObjects(
  engine: Pick<Engine, 'findThings' | 'describe'>,
  request: FindThingsRequest,
  options: CallOptions<FindThingsProgress> = {},
): Promise<FoundObjects> {
  const { things, picture, width, height, warnings } = await engine.findThings(request, options);
  const objects: NamedObject[] = [];
  for (const thing of things) {
    options.signal?.throwIfAborted();
    const mask = { width: thing.width, height: thing.height, data: thing.data };
    const { prompt } = await engine.describe({ image: picture, mask, threads: request.threads });
    objects.push({ ...thing, name: prompt || UNKNOWN });
  }
  return { objects, width, height, warnings };
}

/**
 * The object meant by a name (“a red house”, “house”) or by its number from the left, 1 first.
 * @param image name of the image, for errors
 * @throws InputError with the names that there are, if none fits or several do
 */
export function objectNamed(objects: readonly NamedObject[], wanted: string, image: string): NamedObject {
  if (objects.length === 0)
    throw new InputError(`No objects were found in ${image}; mark the place with a point, a box or a mask.`);
  const matches = matching(objects, wanted);
  const [match, ...others] = matches;
  if (match && others.length === 0) return match;
  const listed = (matches.length > 0 ? matches : objects)
    .map((object) => `${objects.indexOf(object) + 1} ${object.name}`)
    .join(', ');
  throw new InputError(
    match
      ? `Several objects in ${image} match “${wanted}”: ${listed}. Give the number of one.`
      : `${image} has no object “${wanted}”. It has: ${listed}. Give a name or a number.`,
  );
}

function matching(objects: readonly NamedObject[], wanted: string): NamedObject[] {
  if (/^\d+$/.test(wanted.trim())) return objects.slice(Number(wanted) - 1, Number(wanted) || 0);
  const words = wordsOf(wanted);
  const same = objects.filter(({ name }) => wordsOf(name).join(' ') === words.join(' '));
  if (same.length > 0 || words.length === 0) return same;
  return objects.filter(({ name }) => words.every((word) => wordsOf(name).includes(word)));
}

/** A name's words without its article, in lower case. */
function wordsOf(name: string): string[] {
  return name
    .toLowerCase()
    .replace(/^\s*(an?|the)\s+/, '')
    .split(/\s+/)
    .filter(Boolean);
}
