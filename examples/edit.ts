// The engine as a library: generates an image, edits a part of it, and prints what the edit saved.
//
//   node --import tsx examples/edit.ts [FOLDER]
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { NodeBackend } from '../engine/backends/node/backend.ts';
import { createEngine } from '../engine/engine.ts';

const folder = process.argv[2] ?? '.';
const engine = createEngine(new NodeBackend());
try {
  const original = await engine.generate(
    { prompt: 'a red house by a lake at sunset', seed: 7, steps: 12, previews: false },
    { onProgress: ({ stage, step, steps }) => console.log(`${stage} ${step}/${steps}`) },
  );
  const { png, width, height } = original.picture;
  await writeFile(path.join(folder, 'house.png'), png);

  // Records what edits of this image read, so that they compute only their part.
  await engine.prepareEdit({ image: png, steps: 12 });

  // White is edited, black stays as it is: here a square in the lower right corner.
  const side = Math.round(width / 3);
  const white = { width: side, height: side, channels: 3, background: 'white' } as const;
  const mask = await sharp({ create: { ...white, width, height, background: 'black' } })
    .composite([{ input: { create: white }, left: width - side, top: height - side }])
    .png()
    .toBuffer();
  const edit = await engine.edit({
    image: png,
    mask,
    prompt: 'a blue boat on a lake at sunset',
    seed: 8,
    steps: 12,
  });
  await writeFile(path.join(folder, 'boat.png'), edit.picture.png);

  const times = edit.denseMacs / edit.macs;
  console.log(
    `The edit took ${(edit.macs / 1e9).toFixed(1)} GMACs, ${times.toFixed(1)} times fewer than in full.`,
  );
} finally {
  await engine.dispose();
}
