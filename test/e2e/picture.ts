/** Properties of a picture that tests check. */
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
