import { readFile } from 'node:fs/promises';
import { study, table, texts, withEngine } from './frame.ts';
import { percent } from './support/figures.ts';
import { readDrawn } from './support/prompts.ts';

const SETTING = ['terrain', 'time', 'weather'] as const;

await study(
  {
    about: 'How many drawn images show what was asked for, as the embedded tagger sees them.',
    arguments: { lists: texts('pictures.json, as draw-prompts.ts and compare-precisions.ts write it') },
  },
  ({ lists }) =>
    withEngine(async (engine) => {
      const row = table('images', 'kind', 'its colour', 'terrain', 'time of day', 'weather');
      for (const list of lists) {
        const hits = {
          kind: [] as boolean[],
          colour: [] as boolean[],
          terrain: [] as boolean[],
          time: [] as boolean[],
          weather: [] as boolean[],
        };
        for (const { file, expected } of await readDrawn(list)) {
          const { labels } = await engine.describe({ image: new Uint8Array(await readFile(file)) });
          const seen = (group: string) =>
            labels.filter((label) => label.group === group).map(({ value }) => value);
          const objects = seen('object');
          for (const [kind, colour] of expected.kinds) {
            hits.kind.push(objects.some((object) => object.split(' ').at(-1) === kind));
            hits.colour.push(objects.includes(`${colour} ${kind}`));
          }
          for (const group of SETTING) hits[group].push(seen(group)[0] === expected[group]);
        }
        row(list, ...Object.values(hits).map((all) => percent(all.filter(Boolean).length / all.length)));
      }
    }),
);
