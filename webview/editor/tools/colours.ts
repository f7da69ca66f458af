import { svg } from 'lit';
import { blankRaster, cut, paste } from '../../../shared/raster.ts';
import { layOver, wipe } from '../mask/colours.ts';
import { cover, paintSegment } from '../mask/strokes.ts';
import { strokeOf } from './brushes.ts';
import type { Tool } from './tool.ts';

/** Colours that edits begin with; Alt takes them away. */
export const colourBrush: Tool = {
  id: 'colour',
  title: 'Colour Brush',
  key: 'P',
  icon: 'paintcan',
  hint: 'Paint rough colours that the edit begins with. Alt: erase.',
  usesBrush: true,
  paints: true,
  begin({ colours, brush, paint }, at, { alt }) {
    // Painting a place twice in one stroke has no further effect: the coverage of the stroke is laid over it once.
    const coverage = blankRaster(colours.raster.width, colours.raster.height, 1);
    return strokeOf(colours, at, alt ? 'Erase Colour' : 'Paint Colour', (from, to) => {
      const area = paintSegment(coverage, from, to, brush, cover);
      const patch = colours.before(area);
      const covered = cut(coverage, area).data;
      if (alt) wipe(patch.data, covered);
      else layOver(patch.data, covered, paint);
      paste(colours.raster, patch);
      return area;
    });
  },
};

/** Takes the brush's colour from the image. */
export const eyedropper: Tool = {
  id: 'eyedropper',
  title: 'Pick Colour',
  key: 'Y',
  icon: svg`<g fill="none" stroke="currentColor" stroke-width="1.2" stroke-linejoin="round"><path d="M8.300 5.700 3.500 10.500 2.500 13.500 5.500 12.500 10.300 7.700"/><path d="m7.500 4.700 3.800 3.800"/><path fill="currentColor" d="m9.300 5.300 2.200-2.500a1.200 1.200 0 0 1 1.700 1.700l-2.500 2.200Z"/></g>`,
  hint: 'Click a colour of the image to paint with it.',
  usesBrush: false,
  begin({ pick }, from) {
    let at = from;
    return {
      move(points) {
        at = points.at(-1)!;
      },
      end: () => pick(at),
      cancel() {},
    };
  },
};
