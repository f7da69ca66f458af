import type {
  CallOptions,
  Engine,
  FindObjectsProgress,
  FindObjectsRequest,
  FindObjectsResult,
  ObjectMask,
} from '../../../shared/api.ts';
import { InputError } from '../../errors.ts';

/** An object of an image, with its name if the tagger knows one. */
export interface NamedObject extends ObjectMask {
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
export async function findNamedObjects(
  engine: Pick<Engine, 'findObjects' | 'describe'>,
  request: FindObjectsRequest,
  options: CallOptions<FindObjectsProgress> = {},
): Promise<FoundObjects> {
  const found = await engine.findObjects(request, options);
  const { width, height, warnings } = found;
  const { threads } = request;
  return { objects: await namedObjects(engine, found, { ...options, threads }), width, height, warnings };
}

/** The found objects with their names. */
export async function namedObjects(
  engine: Pick<Engine, 'describe'>,
  { objects, picture }: Pick<FindObjectsResult, 'objects' | 'picture'>,
  { signal, threads }: { signal?: AbortSignal | undefined; threads?: number | undefined } = {},
): Promise<NamedObject[]> {
  const named: NamedObject[] = [];
  for (const object of objects) {
    signal?.throwIfAborted();
    const { width, height, data } = object;
    const { prompt } = await engine.describe(
      { image: picture, mask: { width, height, data }, threads },
      { signal },
    );
    named.push({ ...object, name: prompt || UNKNOWN });
  }
  return named;
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
