import { type Area, cut } from '../../shared/raster.ts';
import type { Stage } from './stage.ts';

/** The picture as it is now, or its masked part, as a PNG file. */
export async function pictureBlob(stage: Stage, what: 'picture' | 'selection'): Promise<Blob> {
  const { picture, mask } = stage;
  if (!picture || !mask) throw new Error('it is not loaded yet.');
  const area = what === 'selection' ? mask.bounds : undefined;
  if (!area) return await pngOf(picture.current);
  const canvas = document.createElement('canvas');
  canvas.width = area.width;
  canvas.height = area.height;
  canvas.getContext('2d')!.putImageData(selected(stage, area), 0, 0);
  return await pngOf(canvas);
}

/** The picture's values with the mask as their alpha. */
function selected({ picture, mask }: Stage, area: Area): ImageData {
  const { left, top, width, height } = area;
  const image = picture!.values('current', left, top, width, height);
  const { data } = cut(mask!.raster, area);
  for (const [i, value] of data.entries()) image.data[4 * i + 3] = (image.data[4 * i + 3]! * value) / 255;
  return image;
}

function pngOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('it cannot be encoded.'))), 'image/png');
  });
}
