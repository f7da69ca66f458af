// What decoding and encoding only a region costs and how far it is from a whole pass, for several margins.
// node --import tsx scripts/autoencoder-regions.ts VAE_FOLDER PICTURE OTHER_PICTURE [SIDE]
// The middle twentieth of the first picture is replaced by that of the second; the comparison is inside it.
import sharp from 'sharp';
import { cutPlanes } from '../engine/execution/crop-network.ts';
import { DEFAULT_MARGIN, RegionAutoencoder } from '../engine/execution/region-autoencoder.ts';
import { autoencoderComponents } from '../engine/execution/testing.ts';
import { scaleMask } from '../engine/pictures/mask.ts';
import { psnr } from '../engine/pictures/psnr.ts';
import { decodePicture } from '../engine/pictures/read.ts';
import { windowPlanes } from '../engine/pictures/window.ts';
import { boundsOf } from '../engine/regions/box.ts';
import type { Mask } from '../engine/regions/mask.ts';
import { signalToNoise } from './signal.ts';

const MARGINS = [0, 1, 2, 4, 6, 8, 12, Number.POSITIVE_INFINITY];

const [folder, first, second, size = '512'] = process.argv.slice(2);
if (!folder || !first || !second) throw new Error('give an autoencoder folder and two pictures');
const components = autoencoderComponents(folder);
const autoencoder = new RegionAutoencoder(components);
const side = Number(size);
const positions = side / autoencoder.facts.scale;

async function planesOf(file: string): Promise<Float32Array> {
  const bytes = await sharp(file).resize(side, side, { fit: 'cover' }).png().toBuffer();
  return windowPlanes(await decodePicture(bytes, file), { left: 0, top: 0, width: side, height: side });
}

/** The first's values with the second's where the mask is active. */
function mixed(a: Float32Array, b: Float32Array, mask: Mask): Float32Array {
  return a.map((value, i) => (mask.data[i % mask.data.length] ? b[i]! : value));
}

/** Signal to noise inside the mask's rectangle, in dB. */
function noiseInside(part: Float32Array, whole: Float32Array, mask: Mask): number {
  const box = boundsOf(mask)!;
  const channels = whole.length / mask.data.length;
  const inside = (planes: Float32Array) => cutPlanes(planes, channels, mask.width, box);
  return signalToNoise(inside(part), inside(whole));
}

const clamped = (planes: Float32Array) => planes.map((value) => Math.max(-1, Math.min(1, value)));

const edge = Math.round(positions * Math.sqrt(0.05));
const corner = Math.floor((positions - edge) / 2);
const mask: Mask = { width: positions, height: positions, data: new Uint8Array(positions ** 2) };
for (let y = corner; y < corner + edge; y++)
  mask.data.fill(1, y * positions + corner, y * positions + corner + edge);
const pixelMask = scaleMask(mask, side, side);

const original = await planesOf(first);
const edited = mixed(original, await planesOf(second), pixelMask);
const encodedBefore = await autoencoder.encode(original, side, side);
const encoded = await autoencoder.encode(edited, side, side);
const latent = mixed(encodedBefore.data, encoded.data, mask);
const decodedBefore = await autoencoder.decode(encodedBefore.data, side, side);
const decoded = await autoencoder.decode(latent, side, side);

console.log(
  `${folder}, ${side}×${side}, mask ${edge}×${edge} of ${positions}×${positions} latent positions,`,
);
console.log(
  `default margin ${DEFAULT_MARGIN[autoencoder.facts.kind]}; whole decode ${(decoded.macs / 1e9).toFixed(2)}, encode ${(encoded.macs / 1e9).toFixed(2)} GMACs\n`,
);
console.log('| margin | decode: PSNR inside | SNR inside | MACs | encode: SNR inside | MACs |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const margin of MARGINS) {
  const options = { margin };
  const picture = await autoencoder.decodeRegion(latent, side, side, decodedBefore, mask, options);
  const latents = await autoencoder.encodeRegion(edited, side, side, encodedBefore, mask, options);
  const decibels = (value: number) => `${value.toFixed(1)} dB`;
  const share = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
  const cells = [
    margin,
    decibels(psnr(clamped(picture.data), clamped(decoded.data), pixelMask)),
    decibels(noiseInside(picture.data, decoded.data, pixelMask)),
    share(picture.macs, decoded.macs),
    decibels(noiseInside(latents.data, encoded.data, mask)),
    share(latents.macs, encoded.macs),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
await components.release();
