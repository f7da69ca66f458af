import * as z from 'zod';
import { convertPicture, formatOf } from '../../engine/pictures/convert.ts';
import { formatSeconds } from '../../shared/format.ts';
import { pictureNames } from '../../shared/names.ts';
import { FIELDS } from '../fields.ts';
import { readRegions } from '../regions.ts';
import { type AgentTool, savingSentence } from '../tool.ts';

const { negativePrompt, seed, width, height, steps, budget, regions, output, overwrite } = FIELDS;
const schema = z.strictObject({
  prompt: FIELDS.prompt('What the image shows, in English.'),
  negativePrompt,
  seed,
  width,
  height,
  steps,
  budget,
  regions,
  output,
  overwrite,
});

export const generateTool: AgentTool<typeof schema> = {
  name: 'generate_image',
  title: 'Generate Image',
  description:
    "Generates an image from a text prompt with a diffusion model on the user's own machine and saves it. Returns the file and the recipe (seed, steps, size, model). The default model, Scenes, draws flat-style landscapes and knows only: one to three of house, tree, boat, car, windmill, lighthouse, tent, balloon, castle, cat, snowman, flower, umbrella, rocket, kite, mushroom, on the left, in the middle or on the right; red, orange, yellow, green, blue, purple, pink, white; lake, meadow, sea, desert, mountains, beach, snowfield, city; dawn, morning, noon, sunset, dusk, night; clear, cloudy, rainy, stormy, snowy, foggy, rainbow. Describe the image in these words. Use it when the user asks for a picture, an illustration or an image for a document or a page.",
  schema,
  writes: true,
  async question({ prompt, seed = 0, output, overwrite }, folders) {
    // Without a seed the name is not known yet.
    const saving =
      output === undefined
        ? 'Saves it under a free name.'
        : await savingSentence(folders, { output, overwrite, names: () => pictureNames(prompt, seed) });
    return {
      title: 'Generate an image?',
      about: prompt,
      text: `Generates an image on this machine. ${saving}`,
    };
  },
  async run({ output, overwrite, regions, ...asked }, { engine, folders, settings }, { signal, onProgress }) {
    // Refuses a place that cannot be written before computing.
    await folders.find({ output, overwrite, names: () => pictureNames(asked.prompt, asked.seed ?? 0) });
    const parts = await readRegions(folders, regions);
    const { picture, recipe, seconds, warnings } = await engine.generate(
      settings.generate({ ...asked, ...parts, previews: false }),
      { signal, onProgress: ({ stage, step, steps }) => onProgress?.(`${stage}: ${step} of ${steps}`) },
    );
    const format = formatOf(output ?? 'image.png');
    const bytes = await convertPicture(picture.png, format, recipe);
    const written = await folders.write(bytes, {
      output,
      overwrite,
      names: () => pictureNames(recipe.prompt, recipe.seed),
    });
    const result = { ...written, recipe, time: formatSeconds(seconds), warnings };
    return { result, image: { bytes, format } };
  },
};
