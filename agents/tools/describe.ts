import * as z from 'zod';
import { FIELDS } from '../fields.ts';
import type { AgentTool } from '../tool.ts';

const schema = z.strictObject({ image: FIELDS.image });

export const describeTool: AgentTool<typeof schema> = {
  name: 'describe_image',
  title: 'Describe Image',
  description:
    "Puts an image into the words of a prompt, with a model on the user's own machine that knows drawings of Scenes, the built-in model. `sure` is false where the words are a guess, as for photographs. Use it to learn what an image of Scenes shows, and to generate one like it.",
  schema,
  writes: false,
  question: async ({ image }) => ({
    title: 'Describe an image?',
    about: image,
    text: `Reads ${image} and puts it into words on this machine.`,
  }),
  async run({ image }, { engine, folders }, { signal }) {
    const { file, bytes } = await folders.read(image);
    const { prompt, sure, labels, width, height, warnings } = await engine.describe(
      { image: bytes },
      { signal },
    );
    return { result: { file, prompt, sure, labels, width, height, warnings } };
  },
};
