import { psnr } from '../../engine/pictures/psnr.ts';
import { decodePicture } from '../../engine/pictures/read.ts';

/** The PSNR of two image files, in dB. */
export async function similarity(a: Uint8Array, b: Uint8Array): Promise<number> {
  const [one, other] = [await decodePicture(a, 'a'), await decodePicture(b, 'b')];
  return psnr(one.pixels, other.pixels);
}
