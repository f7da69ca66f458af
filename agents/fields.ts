/** Fields that tools share. */
import * as z from 'zod';
import { COLOUR_STRENGTH, DEFAULT_STRENGTH, LIMITS } from '../shared/limits.ts';

const { budget, seed, size, steps, strength, promptCharacters } = LIMITS;
const path = z.string('A path is missing.').min(1).max(4096);
const side = (name: string) =>
  z
    .int()
    .min(size.min)
    .max(size.max)
    .multipleOf(size.multipleOf)
    .optional()
    .describe(`${name} in pixels, a multiple of ${size.multipleOf}.`);

const text = (description: string) =>
  z
    .string({ error: ({ input }) => (input === undefined ? 'It is missing.' : 'It must be text.') })
    .max(promptCharacters)
    .describe(description);

export const FIELDS = {
  prompt: (description: string) => text(description).regex(/\S/, 'The prompt is missing.'),
  negativePrompt: text('What the image must not show.').optional(),
  image: path.describe('The image file: a path relative to the folder, or an absolute path inside it.'),
  output: path
    .optional()
    .describe('The file to write (.png, .jpg or .webp). By default a free name is chosen.'),
  overwrite: z
    .boolean()
    .optional()
    .describe('Whether `output` may replace a file that exists. Set it only if the user agrees.'),
  seed: z
    .int()
    .min(-1)
    .max(seed.max)
    .transform((given) => (given === -1 ? undefined : given))
    .optional()
    .describe('The same seed and settings give the same image. Random if absent or -1.'),
  width: side('Width'),
  height: side('Height'),
  steps: z.int().min(steps.min).max(steps.max).optional().describe('Denoising steps: more take longer.'),
  budget: z
    .number()
    .min(budget.min)
    .max(budget.max)
    .optional()
    .describe(
      `Share of the computing that may be spent, from ${budget.min} (a quick draft) to ${budget.max} (everything). By default a new image is computed in full, an edit as its model recommends.`,
    ),
  strength: z
    .number()
    .min(strength.min)
    .max(strength.max)
    .optional()
    .describe(
      `How much changes, from ${LIMITS.strength.min} to ${LIMITS.strength.max}; 1 ignores the old pixels and colours. ${DEFAULT_STRENGTH} if absent, ${COLOUR_STRENGTH} with colours.`,
    ),
  object: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('An object in the image, by a name such as “red house” or by its number from the left.'),
  regions: z
    .array(
      z.strictObject({
        prompt: text('What this part shows, in English.').regex(/\S/, 'The prompt is missing.'),
        mask: path.describe('An image file, white in this part.'),
      }),
    )
    .min(1)
    .max(LIMITS.regions)
    .optional()
    .describe('Parts of the image with prompts of their own; elsewhere `prompt` counts.'),
} as const;
