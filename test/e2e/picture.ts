/** Pictures for tests, and properties that tests check. */
import { createHash } from 'node:crypto';
import sharp from 'sharp';

export interface PictureFacts {
  width: number;
  height: number;
  /** Hash of the pixels. */
  hash: string;
  /** Distinct colours, at 4 bits a channel. */
  colours: number;
  /** Mean over the channels of the standard deviation, 0 … 128. */
  contrast: number;
}

export async function pictureFacts(png: Uint8Array): Promise<PictureFacts> {
  const image = sharp(png).removeAlpha();
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const { channels } = await sharp(png).stats();
  const colours = new Set<number>();
  for (let i = 0; i < data.length; i += 3) {
    colours.add(((data[i]! >> 4) << 8) | ((data[i + 1]! >> 4) << 4) | (data[i + 2]! >> 4));
  }
  return {
    width: info.width,
    height: info.height,
    hash: createHash('sha256').update(data).digest('hex'),
    colours: colours.size,
    contrast: channels.slice(0, 3).reduce((sum, { stdev }) => sum + stdev, 0) / 3,
  };
}

/** The Latin-1 text chunks of a PNG file, by keyword. */
export function textChunks(png: Uint8Array): Record<string, string> {
  const bytes = Buffer.from(png);
  const chunks: Record<string, string> = {};
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'tEXt' || type === 'iTXt') {
      const end = content.indexOf(0);
      const text =
        type === 'iTXt' ? internationalText(content.subarray(end + 1)) : content.toString('latin1', end + 1);
      chunks[content.toString('latin1', 0, end)] = text;
    }
    at += 12 + length;
  }
  return chunks;
}

/** Uncompressed iTXt: two flags, language, translated keyword, text. */
function internationalText(content: Buffer): string {
  const language = content.indexOf(0, 2);
  const keyword = content.indexOf(0, language + 1);
  return content.toString('utf8', keyword + 1);
}

/** Colour of the meadow of `field`. */
export const GRASS = '#6cb24f';

/** A PNG of 256×256 pixels: plain sky, and a plain meadow from row 150 on. */
export async function field(): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="150" fill="#8ec7ee"/><rect y="150" width="256" height="106" fill="${GRASS}"/></svg>`;
  return await sharp(Buffer.from(svg)).removeAlpha().png().toBuffer();
}

/** A square PNG of sky over a meadow, somewhat as Scenes draws them. */
export async function landscape(side: number): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}"><defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="#4080c0"/><stop offset="1" stop-color="#c0e0f0"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/><rect y="62.5%" width="100%" height="37.5%" fill="#408030"/></svg>`;
  return await sharp(Buffer.from(svg)).removeAlpha().png().toBuffer();
}
