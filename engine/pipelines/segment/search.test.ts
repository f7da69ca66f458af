import assert from 'node:assert/strict';
import test from 'node:test';
import { searchObjects } from './search.ts';
import type { Prompt, Segmenter } from './segmenter.ts';

const SIDE = 64;
const FRAME = 256;

/** Knows discs: a click on one gives it, a click beside them gives something that it does not believe in. */
function discSegmenter(
  discs: readonly { x: number; y: number; radius: number }[],
): Segmenter & { asked: number } {
  const scale = FRAME / SIDE;
  const logitsOf = ({ x, y, radius }: (typeof discs)[number]) =>
    Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
      const [px, py] = [((i % SIDE) + 0.5) * scale, (Math.floor(i / SIDE) + 0.5) * scale];
      return 3 * (radius - Math.hypot(px - x, py - y));
    });
  return {
    id: 'discs',
    name: 'discs',
    input: { size: FRAME, mean: [0, 0, 0], deviation: [1, 1, 1] },
    frame: FRAME,
    refines: false,
    asked: 0,
    encode: async () => ({ data: new Float32Array(), macs: 0 }),
    async decode(_, { coordinates: [x, y] }: Prompt) {
      this.asked++;
      const hit = discs.find((disc) => Math.hypot(x! - disc.x, y! - disc.y) < disc.radius);
      const candidate = { logits: logitsOf(hit ?? { x: x!, y: y!, radius: 40 }), score: hit ? 0.95 : 0.3 };
      return { side: SIDE, candidates: [candidate, { ...candidate, score: candidate.score - 0.1 }], macs: 1 };
    },
    release: async () => {},
  };
}

test('every object is found once, from left to right, and asked for once', async () => {
  const discs = [
    { x: 200, y: 40, radius: 30 },
    { x: 50, y: 90, radius: 40 },
    { x: 150, y: 110, radius: 25 },
  ];
  const segmenter = discSegmenter(discs);
  const seen: number[] = [];
  const { found, macs } = await searchObjects(
    segmenter,
    { data: new Float32Array(), macs: 0 },
    { width: 512, height: 288 },
    {
      grid: 16,
      onProgress: ({ tried, points }) => seen.push(tried / points),
    },
  );
  assert.deepEqual(
    found.map(({ score }) => score),
    [0.95, 0.95, 0.95],
  );
  const centres = found.map(({ logits }) => logits.indexOf(Math.max(...logits)) % SIDE);
  assert.deepEqual(
    centres.map((x) => Math.round((x * FRAME) / SIDE / 50)),
    [1, 3, 4],
  );
  assert.equal(seen.at(-1), 1);
  assert.equal(macs, segmenter.asked);
  assert.ok(segmenter.asked < seen.length - 10);
});

test('searching stops when it is cancelled', async () => {
  const controller = new AbortController();
  const searching = searchObjects(
    discSegmenter([]),
    { data: new Float32Array(), macs: 0 },
    { width: 64, height: 64 },
    {
      grid: 8,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    },
  );
  await assert.rejects(searching, { name: 'AbortError' });
});
