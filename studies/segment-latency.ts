// How long a click takes: loading, the first click on a picture, later ones, one on the edited picture.
// node --import tsx scripts/segment-latency.ts PICTURE [SEGMENTER]
import { randomInt } from 'node:crypto';
import sharp from 'sharp';
import { median } from '../engine/benchmark/timing.ts';
import { createEngine } from '../engine/engine.ts';
import { NodeRuntime } from '../engine/host/node/runtime.ts';

const CLICKS = 30;
const [file, model] = process.argv.slice(2);
if (!file) throw new Error('give a picture');
const engine = createEngine(new NodeRuntime());
const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
const { width, height } = info;
const encoded = () =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
const click = () => [{ x: randomInt(width), y: randomInt(height) }];
const show = (what: string, seconds: number[]) => {
  const [least, most] = [Math.min(...seconds), Math.max(...seconds)].map((s) => (1000 * s).toFixed(0));
  console.log(`${what}: ${(1000 * median(seconds)).toFixed(0)} ms (${least} to ${most})`);
};

const loaded = await engine.segment({ image: await encoded(), points: click(), model });
console.log(`${width}×${height}; loading ${(1000 * loaded.loadSeconds).toFixed(0)} ms`);
const first: number[] = [];
const later: number[] = [];
let { picture } = loaded;
for (let i = 0; i < CLICKS; i++) {
  // Another picture each time: every pixel is a little brighter.
  for (let j = 0; j < data.length; j++) data[j] = (data[j]! + 1) & 255;
  const result = await engine.segment({ image: await encoded(), points: click(), model });
  first.push(result.seconds);
  ({ picture } = result);
  later.push((await engine.segment({ image: picture, points: click(), model })).seconds);
}
show('first click', first);
show('later click', later);
const { seconds, things } = await engine.findThings({ image: picture, model });
console.log(`all things: ${(1000 * seconds).toFixed(0)} ms, ${things.length} found`);
await engine.dispose();
