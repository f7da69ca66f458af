import sharp from 'sharp';

/** Lets sharp read SVG, which this process refuses once the engine has opened it for pictures from anywhere. */
export function allowSvg(): void {
  sharp.unblock({ operation: ['VipsForeignLoadSvg'] });
}
