import path from 'node:path';
import * as z from 'zod';
import { InputError } from '../../engine/errors.ts';
import { convertPicture, formatOf } from '../../engine/pictures/convert.ts';
import { edgeOfObject, type MaskEdge, maskWithEdge, wordsForMask } from '../../engine/pictures/mask-edge.ts';
import { findNamedObjects, type NamedObject, objectNamed } from '../../engine/pipelines/segment/objects.ts';
import { formatSeconds } from '../../shared/format.ts';
import { LIMITS } from '../../shared/limits.ts';
import { derivedNames } from '../../shared/names.ts';
import { FIELDS } from '../fields.ts';
import type { Destination } from '../folders.ts';
import { readRegions } from '../regions.ts';
import { type AgentTool, savingSentence } from '../tool.ts';

const { image, object, negativePrompt, seed, steps, strength, budget, regions, output, overwrite } = FIELDS;
const schema = z.strictObject({
  image,
  prompt: FIELDS.prompt('What should be there, in English.'),
  object: object.describe(
    'Which object to repaint, by a name such as “red house” or by its number from the left. Give this or a mask.',
  ),
  mask: image.optional().describe('An image file, white where to repaint. Give this or an object.'),
  grow: z
    .number()
    .int()
    .min(0)
    .max(LIMITS.maskEdge.max)
    .optional()
    .describe(
      'Pixels to add around the object or the mask. By default an object gets 8 to 21, by the size of the image, so that nothing of its outline stays, and a mask none: give it for a mask of an object.',
    ),
  colours: image
    .optional()
    .describe(
      'An image file in the size of the image, transparent where nothing is painted: the edit begins with its colours. Without an object or a mask it repaints what they cover.',
    ),
  negativePrompt,
  seed,
  steps,
  strength,
  budget,
  regions,
  output,
  overwrite,
});
type Input = z.output<typeof schema>;

export const editTool: AgentTool<typeof schema> = {
  name: 'edit_image',
  title: 'Edit Image',
  description:
    "Repaints a part of an image with a diffusion model on the user's own machine: an object that is given by name, what a mask marks, or what painted colours cover. All other pixels stay as they are. The original file is kept; the result is a new file. Returns the file, the recipe and the cost. Use it when the user asks to change, replace or recolour something in an image.",
  schema,
  writes: true,
  async question(input, folders) {
    requirePart(input);
    const what = partOf(input);
    const saving = await savingSentence(folders, destinationOf(input));
    return {
      title: 'Edit an image?',
      about: input.prompt,
      text: `Repaints ${what} of ${input.image} on this machine. ${saving}`,
    };
  },
  async run(input, { engine, folders, settings }, { signal, onProgress }) {
    requirePart(input);
    const { image, object, mask, grow, colours, regions, output, overwrite, ...asked } = input;
    const destination = destinationOf({ ...asked, image, output, overwrite });
    await folders.find(destination);
    const original = await folders.read(image);
    const masked = mask === undefined ? undefined : (await folders.read(mask)).bytes;
    const painted = colours === undefined ? undefined : (await folders.read(colours)).bytes;
    const parts = await readRegions(folders, regions);
    let found: NamedObject | undefined;
    let maskOf: string | undefined;
    let edge: MaskEdge = { grow };
    if (object !== undefined) {
      const request = { image: original.bytes, png: true };
      onProgress?.('looking for objects');
      const { objects } = await findNamedObjects(engine, request, { signal });
      found = objectNamed(objects, object, image);
      edge = edgeOfObject(edge, found);
      maskOf = wordsForMask(objects.indexOf(found) + 1, found.name, edge);
    }
    const given = found?.png ?? masked;
    const { warnings: read = [], ...part } = given ? await maskWithEdge(given, original.bytes, edge) : {};
    const done = await engine.edit(
      settings.edit({
        ...asked,
        ...parts,
        image: original.bytes,
        ...part,
        maskOf,
        colours: painted,
        mode: 'auto',
        previews: false,
      }),
      { signal, onProgress: ({ stage, step, steps }) => onProgress?.(`${stage}: ${step} of ${steps}`) },
    );
    const { picture, recipe, seconds, activeFraction, warnings } = done;
    const format = formatOf(output ?? 'image.png');
    const bytes = await convertPicture(picture.png, format, recipe);
    const written = await folders.write(bytes, destination);
    const result = {
      ...written,
      ...(found && { object: found.name }),
      recipe,
      time: formatSeconds(seconds),
      computedShare: activeFraction[0] ?? 1,
      warnings: [...read, ...warnings],
    };
    return { result, image: { bytes, format } };
  },
};

type Part = Pick<Input, 'object' | 'mask' | 'colours'>;

function requirePart({ object, mask, colours }: Part): void {
  const parts = [object, mask].filter((part) => part !== undefined);
  if (parts.length > 1 || (parts.length === 0 && colours === undefined))
    throw new InputError('Give an object or a mask, one of them, or colours: which part is to be repainted?');
}

/** What is repainted, as a part of a sentence. */
function partOf({ object, mask }: Part): string {
  if (object !== undefined) return `“${object}”`;
  return mask === undefined ? 'what the colours cover' : 'the masked part';
}

function destinationOf({
  image,
  prompt,
  output,
  overwrite,
}: Pick<Input, 'image' | 'prompt' | 'output' | 'overwrite'>): Destination {
  const names = () => derivedNames(path.parse(image).name, prompt);
  return { output, overwrite, names, beside: image };
}
