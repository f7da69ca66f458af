import { fs } from '#host';
import { NetworkBuilder, weightsOf } from '../../graph/network.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import type { Backend, ConvolutionTimes } from '../backend.ts';
import { rowsSeconds } from './rows.ts';

/** Channels of the levels of U-Nets that take the time. */
const CHANNELS = [320, 640];
/** Sides of the square that is computed: the first on which a run takes long enough to be measured, or the last. */
const SIDES = [4, 16, 64];
const ENOUGH_SECONDS = 0.02;

/** Of the rectangle around a mask, the part that is masked: less than a disc's, more than that of most strokes. */
const FILL = 0.5;

/** The form in which an edit's convolution takes less time. */
export function fasterForm({ rows, rectangle }: ConvolutionTimes): 'rows' | 'rectangle' {
  return rectangle < FILL * rows ? 'rectangle' : 'rows';
}

/**
 * Times a 3×3 convolution of an edit in both forms: as gathered rows, and as a native one of a rectangle.
 * @param half in float16
 */
export async function convolutionTimes(device: Backend, half: boolean): Promise<ConvolutionTimes[]> {
  const times: ConvolutionTimes[] = [];
  for (const channels of CHANNELS)
    for (const side of SIDES) {
      const [rows, rectangle] = await fs.withTemporaryFolder(async (folder) => [
        await secondsOf(device, { channels, side, half, rectangles: [], folder }),
        await secondsOf(device, { channels, side, half, rectangles: [0], folder }),
      ]);
      if (Math.max(rows!, rectangle!) < ENOUGH_SECONDS && side !== SIDES.at(-1)) continue;
      times.push({ channels, rows: rows! / side ** 2, rectangle: rectangle! / side ** 2 });
      break;
    }
  return times;
}

interface Subject {
  channels: number;
  side: number;
  half: boolean;
  rectangles: readonly number[];
  folder: string;
}

async function secondsOf(
  device: Backend,
  { channels, side, half, rectangles, folder }: Subject,
): Promise<number> {
  const builder = new NetworkBuilder();
  const x = builder.inputMap('x', channels, 0);
  builder.output('y', builder.convolution('convolution', x, channels));
  const network = builder.build('convolution');
  const weights = new WeightTable(network, await syntheticWeights(weightsOf(network), { seed: 1, folder }));
  return rowsSeconds(device, { network, weights, channels, side, rectangles }, half);
}
