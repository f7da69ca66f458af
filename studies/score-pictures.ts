// How many drawn pictures show what was asked for, as the embedded tagger sees them:
// node --import tsx scripts/score-pictures.ts PICTURES.json…   (as draw-prompts.ts and compare-precisions.ts write them)
import { readFile } from 'node:fs/promises';
import { createEngine } from '../engine/engine.ts';
import { NodeRuntime } from '../engine/host/node/runtime.ts';

interface Drawn {
  file: string;
  expected: {
    /** Kind and colour of each thing. */
    kinds: [string, string][];
    terrain: string;
    time: string;
    weather: string;
  };
}

const lists = process.argv.slice(2);
if (lists.length === 0) throw new Error('Give the lists of drawn pictures.');
const engine = createEngine(new NodeRuntime());
const wholes = ['terrain', 'time', 'weather'] as const;
console.log('| pictures | kind | its colour | terrain | time of day | weather |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const list of lists) {
  const hits: Record<string, boolean[]> = { kind: [], colour: [], terrain: [], time: [], weather: [] };
  const pictures: Drawn[] = JSON.parse(await readFile(list, 'utf8'));
  for (const { file, expected } of pictures) {
    const { labels } = await engine.describe({ image: new Uint8Array(await readFile(file)) });
    const seen = (group: string) => labels.filter((label) => label.group === group).map(({ value }) => value);
    const objects = seen('object');
    for (const [kind, colour] of expected.kinds) {
      hits.kind!.push(objects.some((object) => object.split(' ').at(-1) === kind));
      hits.colour!.push(objects.includes(`${colour} ${kind}`));
    }
    for (const group of wholes) hits[group]!.push(seen(group)[0] === expected[group]);
  }
  const shares = Object.values(hits).map(
    (all) => `${((100 * all.filter(Boolean).length) / all.length).toFixed(1)} %`,
  );
  console.log(`| ${[list, ...shares].join(' | ')} |`);
}
await engine.dispose();
