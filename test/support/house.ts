/** What the tests of workers generate, and how near two images of it are. */
import { psnr } from '../../engine/pictures/psnr.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import type { GenerateRequest } from '../../shared/api.ts';

export const HOUSE: GenerateRequest = {
  prompt: 'a red house by a lake at sunset',
  seed: 1,
  steps: 8,
  width: 256,
  height: 256,
  threads: 1,
};

/** Peak signal-to-noise ratio of two images, given as files. */
export async function decibels(a: Uint8Array, b: Uint8Array): Promise<number> {
  const [one, other] = [await decodePicture(a, 'a picture'), await decodePicture(b, 'a picture')];
  return psnr(one.pixels, other.pixels);
}
