import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { study, table, texts, withEngine } from './frame.ts';
import { percent } from './support/figures.ts';

await study(
  {
    about: 'How often Describe Image says that its words are a guess.',
    arguments: { folders: texts('folders of PNG, JPEG and WebP images') },
  },
  ({ folders }) =>
    withEngine(async (engine) => {
      const row = table('images', 'how many', 'called a guess', 'share');
      for (const folder of folders) {
        const names = (await readdir(folder)).filter((name) => /\.(png|jpe?g|webp)$/i.test(name));
        let guesses = 0;
        for (const name of names) {
          const { warnings } = await engine.describe({ image: await readFile(path.join(folder, name)) });
          if (warnings.length > 0) guesses++;
        }
        row(folder, names.length, guesses, percent(guesses / names.length));
      }
    }),
);
