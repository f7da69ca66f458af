import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';

/** The page of the extension in the Extensions view, for its users. */
export const PAGE = path.resolve(import.meta.dirname, '../docs/marketplace.md');

/** Width of its images, in pixels. */
const WIDTH = 1000;

/**
 * The page with its images in it: VS Code shows an installed extension's page with images from the web or within the
 * page only.
 */
export async function marketplacePage(file = PAGE): Promise<string> {
  const text = await readFile(file, 'utf8');
  const links = [...text.matchAll(/!\[([^\]]*)\]\(([^)]+)\)/g)];
  const images = await Promise.all(links.map(([, , link]) => dataUrl(path.join(path.dirname(file), link!))));
  let next = 0;
  return text.replace(/!\[([^\]]*)\]\([^)]+\)/g, (_, alt: string) => `![${alt}](${images[next++]})`);
}

async function dataUrl(file: string): Promise<string> {
  const bytes = await sharp(file)
    .resize({ width: WIDTH, withoutEnlargement: true })
    .webp({ quality: 80 })
    .toBuffer();
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}
