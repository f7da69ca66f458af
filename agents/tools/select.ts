import path from 'node:path';
import * as z from 'zod';
import { InputError } from '../../engine/errors.ts';
import { findNamedObjects, type NamedObject, objectNamed } from '../../engine/pipelines/segment/objects.ts';
import type { Engine, ObjectMask } from '../../shared/api.ts';
import { derivedNames } from '../../shared/names.ts';
import { FIELDS } from '../fields.ts';
import type { Destination } from '../folders.ts';
import { type AgentTool, type Call, savingSentence } from '../tool.ts';

const { image, object, output, overwrite } = FIELDS;
const coordinate = z.number().min(-100_000).max(100_000);
const schema = z.strictObject({
  image,
  object,
  point: z
    .object({ x: coordinate, y: coordinate })
    .optional()
    .describe('A point on the object, in pixels from the upper left corner.'),
  box: z
    .object({ x0: coordinate, y0: coordinate, x1: coordinate, y1: coordinate })
    .optional()
    .describe('A rectangle around the object, in pixels from the upper left corner.'),
  output: output.describe('The mask file to write (.png). By default a free name is chosen.'),
  overwrite,
});
type Input = z.output<typeof schema>;

export const selectTool: AgentTool<typeof schema> = {
  name: 'select_object',
  title: 'Select Object',
  description:
    "Finds objects in an image with a segmentation model on the user's own machine. Without an object, point or box it lists the objects by name with their boxes; with one it saves a mask file, white where the object is, that edit_image takes. Use it to learn what can be edited, or to get a mask.",
  schema,
  writes: true,
  async question(input, folders) {
    const title = 'Select an object?';
    const about = input.object ?? input.image;
    if (!isPlace(input)) return { title, about, text: `Lists the objects in ${input.image}.` };
    const saving = await savingSentence(folders, destinationOf(input, input.object ?? 'mask'));
    return { title, about, text: `Makes a mask of an object in ${input.image}. ${saving}` };
  },
  async run(input, { engine, folders }, call) {
    if (input.output !== undefined && path.extname(input.output).toLowerCase() !== '.png')
      throw new InputError(`${input.output} must end in .png: masks are PNG files.`);
    if (input.object !== undefined && (input.point || input.box))
      throw new InputError('Give an object or a place, not both.');
    const { bytes } = await folders.read(input.image);
    if (!isPlace(input)) {
      const { objects, width, height, warnings } = await findNamedObjects(
        engine,
        { image: bytes },
        { signal: call.signal },
      );
      return { result: { objects: objects.map(listed), width, height, warnings } };
    }
    await folders.find(destinationOf(input, input.object ?? 'mask'));
    const { mask, warnings } = await selected(engine, bytes, input, call);
    const written = await folders.write(mask.png!, destinationOf(input, mask.name));
    const { name, box, area, score } = mask;
    const result = { ...written, name, box, area, score, warnings };
    return { result, image: { bytes: mask.png!, format: 'png' } };
  },
};

function isPlace({ object, point, box }: Input): boolean {
  return object !== undefined || point !== undefined || box !== undefined;
}

function listed({ name, box, area, score }: NamedObject, index: number) {
  return { number: index + 1, name, box, area, score };
}

async function selected(
  engine: Engine,
  bytes: Uint8Array,
  { image, object, point, box }: Input,
  { signal }: Call,
): Promise<{ mask: ObjectMask & { name: string }; warnings: string[] }> {
  if (object !== undefined) {
    const { objects, warnings } = await findNamedObjects(engine, { image: bytes, png: true }, { signal });
    return { mask: objectNamed(objects, object, image), warnings };
  }
  const request = { image: bytes, points: point ? [point] : [], box, png: true, most: 1 };
  const { masks, warnings } = await engine.segment(request, { signal });
  const [mask] = masks;
  if (!mask?.png) throw new Error('the segmenter gave no mask');
  return { mask: { ...mask, name: 'mask' }, warnings };
}

function destinationOf({ image, output, overwrite }: Input, name: string): Destination {
  return { output, overwrite, names: () => derivedNames(path.parse(image).name, name), beside: image };
}
