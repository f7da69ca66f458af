import sharp from 'sharp';
import { cutPlanes } from '../engine/execution/crops/crop-network.ts';
import { DEFAULT_MARGIN, RegionAutoencoder } from '../engine/execution/crops/region-autoencoder.ts';
import { autoencoderComponents } from '../engine/execution/testing.ts';
import { signalToNoise } from '../engine/numbers.ts';
import { scaleMask } from '../engine/pictures/mask.ts';
import { psnr } from '../engine/pictures/psnr.ts';
import { decodePicture } from '../engine/pictures/read.ts';
import { windowPlanes } from '../engine/pictures/window.ts';
import { boundsOf } from '../engine/regions/box.ts';
import { centredMask, type Mask } from '../engine/regions/mask.ts';
import { byDefault, study, table, text, whole, wholes } from './frame.ts';
import { decibels, gigaMacs, percent } from './support/figures.ts';

/** The share of the image that changes. */
const CHANGED = 0.05;

await study(
  {
    about:
      'What decoding and encoding only a region costs, and how far it is from a whole pass, for several margins. ' +
      'The middle twentieth of the first image is replaced by the same part of the second; the comparison is inside it.',
    arguments: {
      folder: text('an autoencoder folder'),
      first: text('an image'),
      second: text('another image'),
    },
    options: {
      side: byDefault(whole('width and height the images are brought to, in pixels', 8), 512),
      margins: byDefault(
        wholes('margins, in latent positions; one with no bound is added'),
        [0, 1, 2, 4, 6, 8, 12],
      ),
    },
  },
  async ({ folder, first, second, side, margins }) => {
    const components = autoencoderComponents(folder);
    const autoencoder = new RegionAutoencoder(components);
    const positions = side / autoencoder.facts.scale;
    const mask = centredMask(positions, positions, CHANGED);
    const pixelMask = scaleMask(mask, side, side);
    const original = await planesOf(first, side);
    const edited = mixed(original, await planesOf(second, side), pixelMask);
    const encodedBefore = await autoencoder.encode(original, side, side);
    const encoded = await autoencoder.encode(edited, side, side);
    const latent = mixed(encodedBefore.data, encoded.data, mask);
    const decodedBefore = await autoencoder.decode(encodedBefore.data, side, side);
    const decoded = await autoencoder.decode(latent, side, side);
    console.log(
      `${folder}, ${side}×${side}, default margin ${DEFAULT_MARGIN[autoencoder.facts.kind]}; whole decode ${gigaMacs(decoded.macs)}, encode ${gigaMacs(encoded.macs)} MACs\n`,
    );
    const row = table('margin', 'decode: PSNR inside', 'SNR inside', 'MACs', 'encode: SNR inside', 'MACs');
    for (const margin of [...margins, Number.POSITIVE_INFINITY]) {
      const options = { margin };
      const picture = await autoencoder.decodeRegion(latent, side, side, decodedBefore, mask, options);
      const latents = await autoencoder.encodeRegion(edited, side, side, encodedBefore, mask, options);
      row(
        margin,
        decibels(psnr(clamped(picture.data), clamped(decoded.data), pixelMask)),
        decibels(noiseInside(picture.data, decoded.data, pixelMask)),
        percent(picture.macs / decoded.macs),
        decibels(noiseInside(latents.data, encoded.data, mask)),
        percent(latents.macs / encoded.macs),
      );
    }
    await components.release();
  },
);

/** [3, side, side], −1 … 1. */
async function planesOf(file: string, side: number): Promise<Float32Array> {
  const bytes = await sharp(file).resize(side, side, { fit: 'cover' }).png().toBuffer();
  return windowPlanes(await decodePicture(bytes, file), { left: 0, top: 0, width: side, height: side });
}

/** The values of `a`, and those of `b` where the mask is active. */
function mixed(a: Float32Array, b: Float32Array, mask: Mask): Float32Array {
  return a.map((value, i) => (mask.data[i % mask.data.length] ? b[i]! : value));
}

/** Signal to noise inside the mask's rectangle, in dB. */
function noiseInside(part: Float32Array, all: Float32Array, mask: Mask): number {
  const box = boundsOf(mask)!;
  const channels = all.length / mask.data.length;
  const inside = (planes: Float32Array) => cutPlanes(planes, channels, mask.width, box);
  return signalToNoise(inside(part), inside(all));
}

function clamped(planes: Float32Array): Float32Array {
  return planes.map((value) => Math.max(-1, Math.min(1, value)));
}
