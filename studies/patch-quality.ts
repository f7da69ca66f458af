// How near pictures drawn by several workers come to one worker's: PSNR by mode, warm-up, and coding of the exchange.
// node --import tsx scripts/patch-quality.ts WORKERS [SIZE] [STEPS] [PICTURES]
// Draws prompts that are in no training caption. With `--pictures FOLDER` the first one's pictures are written there.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createEngine } from '../engine/engine.ts';
import { NodeRuntime } from '../engine/host/node/runtime.ts';
import { psnr } from '../engine/pictures/psnr.ts';
import { decodePicture } from '../engine/pictures/read.ts';
import { writePicture } from '../engine/pictures/write.ts';
import { LocalCrew } from '../processes/workers/crew.ts';
import type { PatchOptions } from '../shared/api.ts';

const SETTINGS: PatchOptions[] = [
  ...[1, 2, 3, 4, 5].map((warmUp) => ({ mode: 'displaced' as const, warmUp })),
  ...(['float16', 'residual'] as const).map((coding) => ({ mode: 'displaced' as const, warmUp: 2, coding })),
  ...[0, 2].map((warmUp) => ({ mode: 'naive' as const, warmUp })),
  { mode: 'synchronous' },
];

const given = process.argv.slice(2);
const flag = given.indexOf('--pictures');
const pictures = flag < 0 ? undefined : given.splice(flag, 2)[1];
const [workers = 2, size = 512, steps = 20, count = 6] = given.map(Number);
const list = path.join(import.meta.dirname, '../training/prompts/unseen.json');
const prompts: { prompt: string; seed: number }[] = JSON.parse(await readFile(list, 'utf8'));
const engine = createEngine(new NodeRuntime(), { openCrew: () => new LocalCrew() });
const common = { width: size, height: size, steps, threads: 1, previews: false };
const cases = prompts.slice(0, count).map(({ prompt, seed }) => ({ ...common, prompt, seed }));
const planes = async (png: Uint8Array) => (await decodePicture(png, 'a picture')).pixels;
const keep = async (name: string, png: Uint8Array) => {
  if (pictures) await writePicture(path.join(pictures, `${name}.png`), png);
};

try {
  const alone: Awaited<ReturnType<typeof planes>>[] = [];
  for (const [i, request] of cases.entries()) {
    const { picture } = await engine.generate(request);
    alone.push(await planes(picture.png));
    if (i === 0) await keep('one', picture.png);
  }
  console.log(`${workers} workers, ${size}×${size}, ${steps} steps, ${cases.length} pictures`);
  for (const patch of SETTINGS) {
    const decibels: number[] = [];
    let bytes = 0;
    for (const [i, request] of cases.entries()) {
      const result = await engine.generate({ ...request, workers, patch: { ...patch, split: 'bands' } });
      decibels.push(psnr(await planes(result.picture.png), alone[i]!));
      bytes = Math.max(...result.workers!.map(({ receivedBytes }) => receivedBytes));
      if (i === 0) await keep(`${workers}-${Object.values(patch).join('-')}`, result.picture.png);
    }
    const mean = decibels.reduce((a, b) => a + b) / decibels.length;
    const name = [patch.mode, patch.warmUp === undefined ? '' : `warm-up ${patch.warmUp}`, patch.coding ?? '']
      .join(' ')
      .trim();
    const range = `${Math.min(...decibels).toFixed(1)} to ${Math.max(...decibels).toFixed(1)}`;
    console.log(`${name.padEnd(32)} ${mean.toFixed(1)} dB (${range}), ${(bytes / 1e6).toFixed(2)} MB a step`);
  }
} finally {
  await engine.dispose();
}
