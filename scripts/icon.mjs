// Draws media/icon.png, which VS Code shows in its lists, from media/icon.svg.
import path from 'node:path';
import sharp from 'sharp';

const media = path.resolve(import.meta.dirname, '../media');
await sharp(path.join(media, 'icon.svg'))
  .resize(256, 256)
  .png({ compressionLevel: 9 })
  .toFile(path.join(media, 'icon.png'));
